"""What a farmer's phone does: it has our messages, writes, and presses buttons; Twilio tells us of it."""

import datetime as dt

from django.db.models.functions import Now

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.models import Answer, Attempt, Message
from notifications.services.inbound import take_inbound
from notifications.services.queueing import react
from settlements.models import Settlement
from settlements.services.approvals import submit
from tests.notifications.fake_twilio import ACCOUNT, FROM, tells

INBOUND = "/webhooks/twilio/inbound/"
PHONE, OTHER = "+919876500000", "+919876511111"


def has(farmer: Farmer, phone: str) -> Farmer:
    farmer.phone = phone
    farmer.save()
    return farmer


def asked(settlement: Settlement, owner: Membership, sid: str = "SMquestion") -> Message:
    """The farmer's question about a settlement, on his phone."""
    submit(by=owner, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return delivered(told("SettlementReady"), sid)


def told(event: str) -> Message:
    """What the newest event of this name tells, not sent yet."""
    (made,) = react(event_id=Event.objects.filter(name=event).latest("id").pk)
    return Message.objects.get(pk=made)


def delivered(message: Message, sid: str) -> Message:
    """It has come, and this is Twilio's name of it."""
    Attempt.objects.create(
        shop=message.shop,
        message=message,
        number=90,  # beside those that somebody may really make meanwhile
        provider="twilio_whatsapp",
        outcome="delivered",
        provider_id=sid,
        ended_at=Now(),
    )
    Message.objects.filter(pk=message.pk).update(
        state="delivered",
        provider="twilio_whatsapp",
        provider_id=sid,
        channel="whatsapp",
        next_attempt_at=None,
        error_code="",
        sent_at=Now() - dt.timedelta(minutes=2),
        delivered_at=Now() - dt.timedelta(minutes=1),
    )
    message.refresh_from_db()
    return message


def fields_of(text: str, sid: str, phone: str = PHONE, answers: str = "", **more: str) -> dict[str, str]:
    """The fields of what somebody wrote, as Twilio sends them."""
    quoted = {"OriginalRepliedMessageSid": answers, "OriginalRepliedMessageSender": f"whatsapp:{FROM}"}
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": text,
        "From": f"whatsapp:{phone}",
        "MessageSid": sid,
        "MessageType": "text",
        "NumMedia": "0",
        "ProfileName": "பெ. ராஜா",
        "SmsSid": sid,
        "To": f"whatsapp:{FROM}",
        "WaId": phone.removeprefix("+"),
        **(quoted if answers else {}),
        **more,
    }


def pressed(button: str, sid: str, phone: str = PHONE, answers: str = "", **more: str) -> dict[str, str]:
    """The fields of a button that was pressed."""
    words = {"approve": "சரி, ஒப்புதல்", "dispute": "தவறு உள்ளது"}[button]
    tapped = {"MessageType": "button", "ButtonText": words, "ButtonPayload": button}
    return fields_of(words, sid, phone, answers, **tapped, **more)


def comes(fields: dict[str, str]) -> Answer:
    """Twilio tells it, signed, and a worker reads it: what became of it."""
    assert tells(INBOUND, fields) == 200
    take_inbound()
    return Answer.objects.get(provider_id=fields["MessageSid"])


def replies() -> list[Message]:
    """What we answer, to what was not answered yet."""
    waiting = Event.objects.undone().filter(name="FarmerAnswered").order_by("id")
    made = [message for event in list(waiting) for message in react(event_id=event.pk)]
    return list(Message.objects.filter(pk__in=made).order_by("pk"))
