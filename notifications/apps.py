from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Telling farmers, once, in their language."""

    name = "notifications"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from notifications.services.queueing import reactions, still_so
        from notifications.subscriptions import STILL_SO, SUBSCRIPTIONS

        reactions.update(SUBSCRIPTIONS)
        still_so.update(STILL_SO)
