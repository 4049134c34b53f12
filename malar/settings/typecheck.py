"""For mypy only: modeltranslation swaps managers at run time, which the Django plugin cannot follow."""

from malar.settings.test import *  # noqa: F403
from malar.settings.test import INSTALLED_APPS

# Without it the office cannot be built either, so admin modules are read but not registered.
_OTHERWISE = {"malar.accounts.apps.AccountsAdminConfig": "django.contrib.admin.apps.SimpleAdminConfig"}
INSTALLED_APPS = [_OTHERWISE.get(app, app) for app in INSTALLED_APPS if app != "modeltranslation"]
