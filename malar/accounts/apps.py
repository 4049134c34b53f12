from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who is who: users, shops, and what a user is in a shop."""

    name = "malar.accounts"
    label = "accounts"
    verbose_name = _("Shop and people")
    default = True

    def ready(self) -> None:
        """Hear of every sign-in."""
        from malar.accounts.services import forgive_wrong_pins

        user_logged_in.connect(forgive_wrong_pins, dispatch_uid="forgive_wrong_pins")


class AccountsAdminConfig(admin_apps.AdminConfig):
    """Django's admin, opened by a membership's role instead of by `is_staff`."""

    default = False
    default_site = "malar.ops.office.Office"
