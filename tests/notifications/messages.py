"""A message as the tests of all providers have it: whom it goes to, what it says, and that it was sent."""

from typing import Any
from uuid import UUID

from notifications.models import Message
from notifications.providers import Outgoing
from notifications.services.sending import send

PHONE = "+919876500000"
ID = UUID("0190a0a0-0000-7000-8000-000000000001")
BUTTONS = (
    {"kind": "QUICK_REPLY", "text": "சரி, ஒப்புதல்", "means": "approve"},
    {"kind": "QUICK_REPLY", "text": "தவறு உள்ளது", "means": "dispute"},
    {"kind": "URL", "text": "கணக்கைப் பார்க்க", "means": "link"},
)


def sent(message: Message) -> Message:
    """Sent, as a worker sends it; with what has become of it."""
    send(message_id=message.pk)
    message.refresh_from_db()
    return message


def a_call(**other: Any) -> Outgoing:
    """The second call for a message to Raja, in Tamil; `other` says what is otherwise."""
    usual: dict[str, Any] = {
        "message_id": ID,
        "attempt": 2,
        "address": PHONE,
        "language": "ta",
        "template": "settlement_ready",
        "version": 1,
        "variables": {},
        "values": (),
        "text": "",
        "valid_s": 90_000,
        "ref": "settlement_ready_1/ta",
    }
    return Outgoing(**usual | other)
