from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Telling farmers, once, in their language."""

    name = "notifications"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from notifications.providers import interakt, meta, twilio_content
        from notifications.services.approvals import doors
        from notifications.services.queueing import reactions, still_so
        from notifications.subscriptions import STILL_SO, SUBSCRIPTIONS

        reactions.update(SUBSCRIPTIONS)
        still_so.update(STILL_SO)
        there_are = {
            "twilio_whatsapp": twilio_content.door(),
            "interakt": interakt.door(),
            "meta": meta.door(),
        }
        doors.update({name: door for name, door in there_are.items() if door})
