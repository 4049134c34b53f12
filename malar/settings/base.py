"""Settings shared by every way of running Malar. Values come from the environment, typed."""

from pathlib import Path
from typing import Any

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from malar import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
MALAR_HOME = Path(env.text("MALAR_HOME", str(BASE_DIR / ".run")))

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = False
DESIGN_PAGE = False  # /design/, for who builds Malar: not where people work
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
ROOT_URLCONF = "malar.urls"
WSGI_APPLICATION = "malar.wsgi.application"

INSTALLED_APPS = [
    # modeltranslation comes first: it patches admin and the model registry of those after it.
    "modeltranslation",
    "malar.accounts.apps.AccountsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "malar.staticfiles.OurStaticFiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django_htmx",
    "pwa",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "django_structlog",
    "pgtrigger",
    "pghistory",
    "template_partials",
    "malar.kernel",
    "malar.accounts",
    "malar.trail",
    "pricing",
    "ledger",
    "settlements",
    "notifications",
    "malar.sync",
    "malar.home",
    "malar.reports",
    "malar.pwa",
    "malar.ops",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "malar.kernel.middleware.keep_nothing",
    "malar.kernel.middleware.compress_api",
    "csp.middleware.CSPMiddleware",
    "malar.pwa.middleware.forget_who_asks",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "malar.accounts.middleware.member_of_shop",
    "malar.accounts.middleware.SignInOnAPageOfItsOwn",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "malar.kernel.middleware.show_broken_rules",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["template_partials.templatetags.partials", "malar.kernel.templatetags.malar"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------

DATABASES = {
    "default": {
        **env.database("DATABASE_URL"),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        # A hung lock must not hold a clerk at the counter: fail after 3 s, retried at the door.
        "OPTIONS": {
            # Statements are prepared on the server from the fifth time on: a quarter off the time a sale
            # takes, most of it planning over all months (docs/performance.md).
            "server_side_binding": True,
            "prepare_threshold": 5,
            "connect_timeout": 5,
            "options": "-c lock_timeout=3000 -c timezone=UTC",
        },
        # PgBouncer in transaction mode cannot keep server-side cursors between statements.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.redis("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "malar.kernel.cache.PatientRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "malar",
    },
    "database": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kernel_cache",
        # At Django's 300, three hundred invented names would push out the counters of the real ones.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = False  # htmx reads it from the page, tablets from the cookie at send time

DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # a run's preview has a field for each farmer with an advance

# --- People ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
CSRF_FAILURE_VIEW = "malar.home.errors.csrf_failure"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_FORMS = {"login": "malar.accounts.forms.SignInForm"}
ACCOUNT_ADAPTER = "malar.accounts.adapter.MalarAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_SIGNUP_FIELDS = [
    "email*",
    "phone",
    "password1*",
]  # nobody signs himself up; allauth checks it all the same
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_CHANGE_EMAIL = True  # one address each: the new one takes over once it is confirmed
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # strangers get no mail from us because somebody typed their address
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # invitations use it too
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Malar · "
# The one mechanism that limits sign-in, on pages and at /api/v1/auth/ alike (see adapter.py).
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "confirm_email": "1/3m/key",
    "change_password": "5/m/user",
}
# So often a farmer's link may be asked for from one address, and any one link. Counted as sign-ins are.
LINK_RATES = {"farmer_link": "60/m/ip,20/m/key"}
HEADLESS_ONLY = False
HEADLESS_TOKEN_STRATEGY = "malar.accounts.tokens.ShopTokenStrategy"  # noqa: S105  # a class
HEADLESS_JWT_PRIVATE_KEY = env.text("JWT_PRIVATE_KEY").replace("\\n", "\n")
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 15 * 60
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 7 * 24 * 3600
# Signing out ends the access token at once, not fifteen minutes later.
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "malar@localhost")

# --- Languages ------------------------------------------------------------------------------

LANGUAGE_CODE = "ta"
LANGUAGES = [("ta", _("Tamil")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "frameworks"]
MODELTRANSLATION_DEFAULT_LANGUAGE = "ta"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("ta", "en")
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Kolkata"

# --- Pages ----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = MALAR_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "malar.staticfiles.HashedStaticFiles"},
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Django admin and Swagger UI draw small icons as data URIs
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"

# --- On the tablet (django-pwa: its manifest and its meta tags, nothing else of it; see malar/pwa) ----

PWA_SERVICE_WORKER_PATH = str(BASE_DIR / "templates" / "pwa" / "sw.js")
PWA_APP_NAME = _("Malar")
PWA_APP_DESCRIPTION = _("Flowers weighed and written down")
PWA_APP_LANG = lazy(get_language, str)()
PWA_APP_START_URL = "pwa:own_counter"
PWA_APP_THEME_COLOR = "#0b4a38"  # --leaf
PWA_APP_BACKGROUND_COLOR = "#edf3ec"  # --paper
PWA_APP_DEBUG_MODE = False
_static = lazy(static, str)
PWA_APP_ICONS = [
    {"src": _static(f"images/{name}.png"), "sizes": size, "type": "image/png", "purpose": purpose}
    for name, size, purpose in (
        ("icon-192", "192x192", "any"),
        ("icon-512", "512x512", "any"),
        ("icon-maskable-512", "512x512", "maskable"),
    )
]
PWA_APP_ICONS_APPLE = PWA_APP_ICONS[2:]
PWA_APP_SPLASH_SCREEN: list[dict[str, str]] = []
PWA_APP_SHORTCUTS = [
    {"name": _("New entry"), "url": reverse_lazy("pwa:own_counter")},
    {"name": _("Rates"), "url": reverse_lazy("pricing:rate_board")},
    {"name": _("Farmers"), "url": reverse_lazy("ledger:farmer_list")},
]
SERVICE_WORKER = env.flag("SERVICE_WORKER", default=True)
"""Off: tablets that ask for the worker get one that takes itself away (docs/operations.md)."""
SEAL_PRIVATE_KEY = env.text("SEAL_PRIVATE_KEY").replace("\\n", "\n")
"""RSA, PEM. Tablets seal with its public half what was not sent when somebody signs out; with more than one key,
the first seals and all of them open."""
APP_VERSION = "malar.pwa.views.app_version"
"""Who tells malar.sync, which does not know malar.pwa, which version tablets should have."""

# --- REST -----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "malar.accounts.authentication.TokenAuthentication",
        "malar.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["malar.kernel.drf.ExactJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "malar.kernel.rest.ContractSchema",
    "EXCEPTION_HANDLER": "malar.kernel.drf.problem_response",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DATETIME_FORMAT": "iso-8601",
}
API_RATE_LIMITS = env.flag("API_RATE_LIMITS", default=True)
# Requests a minute: of a shop, of a user, and to auth/ from one address.
API_RATES = {"shop": 1000, "user": 100, "auth": 20}
SPECTACULAR_SETTINGS = {
    "TITLE": "Malar",
    "DESCRIPTION": (
        "Farmers, flowers, rates and daily entries of a flower commission agent. Money and quantities are"
        " strings. Whatever makes or moves something takes an `Idempotency-Key`. Refusals are RFC 9457"
        " problems in the language of `Accept-Language`; `code` never changes."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "EntryStatusEnum": "ledger.domain.EntryStatus.values",
        "MovementStatusEnum": "ledger.domain.MovementStatus.values",
        "MovementKindEnum": "ledger.domain.MovementKind.values",
        "EntryKindEnum": "ledger.domain.EntryKind.values",
        "ChargeStatusEnum": "ledger.domain.ChargeStatus.values",
        "AdjustmentBasisEnum": "pricing.domain.AdjustmentBasis.values",
        "FeeBasisEnum": "pricing.domain.FeeBasis.values",
        "RoleEnum": "malar.accounts.domain.Role.values",
        "RunStatusEnum": "settlements.domain.RunStatus.values",
        "SettlementStatusEnum": "settlements.domain.Status.values",
        "LeftOutEnum": "settlements.domain.LeftOut.values",
        "MessageKindEnum": "notifications.domain.Kind.values",
        "NoteKindEnum": "notifications.domain.NoteKind.values",
    },
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,  # our PATCH demands `version`; the shapes of create and change differ anyway
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # choices are named in the reader's language, the document in one
}

# --- Work outside requests ------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: a worker that gives up after an hour helps nobody
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "global_keyprefix": "malar-celery:",
}
# Celery would close the database after every task; malar.celery does what Django does after a request.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_TASK_PUBLISH_RETRY = False  # the dispatcher tries again by itself
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 40
CELERY_TASK_SOFT_TIME_LIMIT = 30
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_DEFAULT_QUEUE = "default"
# Long jobs have a worker of their own (docs/operations.md): nothing short waits behind them.
CELERY_TASK_ROUTES = {"settlements.tasks.settle_run": {"queue": "jobs"}}
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "malar.ops.tasks.beat_heart", "schedule": 10.0},
    "sweep-messages": {
        "task": "notifications.tasks.sweep",
        "schedule": env.number("MESSAGE_SWEEP_S", 10),
        "options": {"expires": 60},  # while the worker is away they would pile up
    },
    "sweep-runs": {
        "task": "settlements.tasks.sweep_runs",
        "schedule": env.number("RUN_SWEEP_S", 5),
        "options": {"expires": 30},
    },
    # Each hour of the morning: a shop's day may begin as late as noon, and what was begun is not begun again.
    "settle-due": {
        "task": "settlements.tasks.settle_all_due",
        "schedule": crontab(hour="5-13", minute=10),
    },
    "take-callbacks": {
        "task": "notifications.tasks.take_callbacks",
        "schedule": env.number("CALLBACK_SWEEP_S", 5),
        "options": {"expires": 30},
    },
    "ask-after-messages": {
        "task": "notifications.tasks.ask_after",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "sync-wordings": {
        "task": "notifications.tasks.sync_wordings",
        "schedule": crontab(minute=25),
        "options": {"expires": 3600},
    },
    "forget-callbacks": {
        "task": "notifications.tasks.forget_callbacks",
        "schedule": crontab(hour=2, minute=10),
    },
    "make-partitions": {"task": "malar.ops.tasks.make_partitions", "schedule": 6 * 3600.0},
    # What reports add up. Days not summed yet are read from their entries, so this is about speed alone.
    "sum-up-days": {"task": "ledger.tasks.sum_up_days", "schedule": 30.0, "options": {"expires": 60}},
    "renew-months": {"task": "ledger.tasks.renew_months", "schedule": 3600.0, "options": {"expires": 3600}},
    # Before the first flowers. Beat makes up for a night in which it was away.
    "check-books": {"task": "malar.ops.tasks.check_books", "schedule": crontab(hour=1, minute=30)},
    # After the day, and before the farmer sleeps.
    "look-for-rates": {"task": "malar.ops.tasks.look_for_rates", "schedule": crontab(hour=18, minute=0)},
    "look-for-tablets": {"task": "malar.sync.tasks.look_for_tablets", "schedule": crontab(minute=15)},
}

# --- Messages to farmers --------------------------------------------------------------------

# Every way there is. A message keeps the one it was claimed with when the choice below changes.
MESSAGE_PROVIDERS = {
    "console": "notifications.providers.console.ConsoleProvider",
    "twilio_whatsapp": "notifications.providers.twilio.TwilioWhatsApp",
    "twilio_sms": "notifications.providers.twilio.TwilioSms",
    "interakt": "notifications.providers.interakt.Interakt",
    "msg91": "notifications.providers.msg91.Msg91",
    "meta": "notifications.providers.meta.Meta",
}
MESSAGE_PROVIDER = MESSAGE_PROVIDERS[env.one_of("MESSAGE_PROVIDER", "console", tuple(MESSAGE_PROVIDERS))]
# By SMS, what a farmer must hear and did not get by WhatsApp; empty: the shop's people are asked to call him.
MESSAGE_FALLBACK_PROVIDER = MESSAGE_PROVIDERS.get(
    env.one_of("MESSAGE_FALLBACK_PROVIDER", "", ("", "twilio_sms", "msg91")), ""
)
# Of each shop and day, for receipts, reminders and summaries; 0: no limit.
MESSAGE_DAILY_CAP_PAISE = env.number("MESSAGE_DAILY_CAP_PAISE", 0)
# The address people and providers reach us at: what Twilio calls back, and what it signs.
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL", "").rstrip("/")
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN", "")
TWILIO_AUTH_TOKEN_OLD = env.text("TWILIO_AUTH_TOKEN_OLD", "")  # still signs callbacks while it is changed
TWILIO_WHATSAPP_FROM = env.text("TWILIO_WHATSAPP_FROM", "")
TWILIO_SMS_FROM = env.text("TWILIO_SMS_FROM", "")
TWILIO_MESSAGING_SERVICE_SID = env.text("TWILIO_MESSAGING_SERVICE_SID", "")
TWILIO_BASE_URL = env.text("TWILIO_BASE_URL", "https://api.twilio.com").rstrip("/")
TWILIO_CONTENT_BASE_URL = env.text("TWILIO_CONTENT_BASE_URL", "https://content.twilio.com").rstrip("/")
TWILIO_WHATSAPP_PAISE = env.number("TWILIO_WHATSAPP_PAISE", 55)  # a message
TWILIO_SMS_PAISE = env.number("TWILIO_SMS_PAISE", 700)  # a segment
INTERAKT_API_KEY = env.text("INTERAKT_API_KEY", "")
INTERAKT_WEBHOOK_SECRET = env.text("INTERAKT_WEBHOOK_SECRET", "")
INTERAKT_WEBHOOK_SECRET_OLD = env.text("INTERAKT_WEBHOOK_SECRET_OLD", "")
INTERAKT_BASE_URL = env.text("INTERAKT_BASE_URL", "https://api.interakt.ai/v1/public").rstrip("/")
INTERAKT_WHATSAPP_PAISE = env.number("INTERAKT_WHATSAPP_PAISE", 35)
MSG91_AUTH_KEY = env.text("MSG91_AUTH_KEY", "")
MSG91_SENDER_ID = env.text("MSG91_SENDER_ID", "")
MSG91_WEBHOOK_SECRET = env.text("MSG91_WEBHOOK_SECRET", "")
MSG91_WEBHOOK_SECRET_OLD = env.text("MSG91_WEBHOOK_SECRET_OLD", "")
MSG91_BASE_URL = env.text("MSG91_BASE_URL", "https://control.msg91.com").rstrip("/")
MSG91_SMS_PAISE = env.number("MSG91_SMS_PAISE", 25)  # a part
META_GRAPH_VERSION = env.text("META_GRAPH_VERSION", "v23.0")
META_PHONE_NUMBER_ID = env.text("META_PHONE_NUMBER_ID", "")
META_WABA_ID = env.text("META_WABA_ID", "")
META_ACCESS_TOKEN = env.text("META_ACCESS_TOKEN", "")
META_APP_SECRET = env.text("META_APP_SECRET", "")
META_APP_SECRET_OLD = env.text("META_APP_SECRET_OLD", "")
META_WEBHOOK_VERIFY_TOKEN = env.text("META_WEBHOOK_VERIFY_TOKEN", "")
META_BASE_URL = env.text("META_BASE_URL", "https://graph.facebook.com").rstrip("/")
META_WHATSAPP_PAISE = env.number("META_WHATSAPP_PAISE", 13)
# Without these the provider in use does nothing, so nothing starts.
_DEMANDED = {
    "twilio": ("PUBLIC_BASE_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    "interakt": ("PUBLIC_BASE_URL", "INTERAKT_API_KEY", "INTERAKT_WEBHOOK_SECRET"),
    "msg91": ("PUBLIC_BASE_URL", "MSG91_AUTH_KEY", "MSG91_WEBHOOK_SECRET"),
    "meta": (
        *("PUBLIC_BASE_URL", "META_PHONE_NUMBER_ID", "META_WABA_ID", "META_ACCESS_TOKEN"),
        *("META_APP_SECRET", "META_WEBHOOK_VERIFY_TOKEN"),
    ),
}
for _provider, _names in _DEMANDED.items():
    for _name in _names if f".{_provider}." in MESSAGE_PROVIDER + MESSAGE_FALLBACK_PROVIDER else ():
        env.text(_name)
# Hours after which a line without a rate is told to its farmer and the owner, and a tablet that has lines to send
# counts as silent.
RATE_PENDING_HOURS = env.number("RATE_PENDING_HOURS", 8)
TABLET_SILENT_HOURS = env.number("TABLET_SILENT_HOURS", 6)
# Seconds; the tests of faults make them small.
EVENT_SWEEP_S = env.number("EVENT_SWEEP_S", 5)  # the dispatcher looks so often without being woken
EVENT_AGAIN_S = env.number("EVENT_AGAIN_S", 30)  # an event handed over and not done is handed over again
MESSAGE_AGAIN_S = env.number("MESSAGE_AGAIN_S", 30)  # so is a message
MESSAGE_LEASE_S = env.number("MESSAGE_LEASE_S", 45)  # longer than any task may run

LOGGING_CONFIG = None  # malar.kernel.logs sets logging up, once, for every process
SILENCED_SYSTEM_CHECKS: list[str] = []
LOG_FORMAT = env.text("LOG_FORMAT", "json")
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
