"""The provider that reaches nobody: it keeps what it was given, for the demo and for tests."""

import datetime as dt

import structlog

from notifications.domain import Channel
from notifications.models import ConsoleText
from notifications.providers import Outcome, Outgoing, SendResult

log = structlog.get_logger(__name__)


class ConsoleProvider:
    """Writes each message into a row, once. Nothing leaves the machine."""

    name = "console"
    channel = Channel.CONSOLE
    repeats_safely = True
    gap = dt.timedelta()

    def cost_of(self, text: str) -> int:
        return 0

    def send(self, outgoing: Outgoing) -> SendResult:
        text = ConsoleText(message_id=outgoing.message_id, address=outgoing.address, body=outgoing.text)
        ConsoleText.objects.bulk_create([text], ignore_conflicts=True)
        log.info("message_on_console", message=str(outgoing.message_id), language=outgoing.language)
        return SendResult(Outcome.SENT, provider_id=str(outgoing.message_id))
