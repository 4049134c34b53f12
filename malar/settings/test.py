"""The tests: fast hashing, plain static files, tasks run where they are called."""

from malar.settings.base import *  # noqa: F403
from malar.settings.base import STORAGES, TEMPLATES

ALLOWED_HOSTS = ["*"]
DESIGN_PAGE = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "database": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kernel_cache"},
}
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
ACCOUNT_RATE_LIMITS = False
API_RATE_LIMITS = False
TEMPLATES[0]["OPTIONS"]["debug"] = True
LOG_LEVEL = "ERROR"
# Static files come straight from their sources: nothing is collected for a test.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
