"""`make run`: the demo, development, and a single shop on one machine."""

from malar import env
from malar.settings.base import *  # noqa: F403
from malar.settings.base import MALAR_HOME

DEBUG = env.flag("DEBUG", default=False)
DESIGN_PAGE = True
# Mails land in files a developer can open; nothing leaves the machine.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = MALAR_HOME / "mail"
