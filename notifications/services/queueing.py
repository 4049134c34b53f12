"""From an event to its messages."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ledger.models import Farmer
from malar.kernel.transactions import step, unit_of_work
from malar.trail.models import Event
from notifications.domain import NOBODY, VALID_FOR, Kind, filled
from notifications.models import Message, MessageTemplate
from notifications.services.sending import provider_in_use

Reaction = Callable[[Event], list[Message]]

reactions: dict[str, Reaction] = {}
"""Event name → what makes its messages. Filled from subscriptions.py when the app starts."""


@unit_of_work
def react(*, event_id: UUID) -> list[UUID]:
    """Make the messages of an event and mark it done, together; returns the ids of those made.

    An event that is done makes nothing, so it may be handed over any number of times. One that
    nobody subscribed to is simply done.
    """
    event = (
        Event.objects.undone()
        .select_related("shop")
        .select_for_update(of=("self",))
        .filter(pk=event_id)
        .first()
    )
    if event is None:
        return []
    reaction = reactions.get(event.name)
    messages = reaction(event) if reaction else []
    event.done_at = timezone.now()
    event.save(update_fields=["done_at"])
    return [message.pk for message in messages]


@step
def queue(
    *, event: Event, kind: Kind, farmer: Farmer, template: str, variables: Mapping[str, str]
) -> list[Message]:
    """Queue what an event tells a farmer, in his language; nothing where it was queued before.

    Raises ValueError for a wording that asks for more than `variables`, MessageTemplate.DoesNotExist
    where nothing is worded: the event then stays undone and is seen at /readyz.
    """
    wording = MessageTemplate.objects.get(name=template, language=farmer.language, is_active=True)
    now = timezone.now()
    message, is_new = Message.objects.get_or_create(
        dedupe_key=dedupe_key(event, kind),
        defaults={
            "shop": event.shop,
            "farmer": farmer,
            "event": event,
            "kind": kind,
            "channel": provider_in_use().channel,
            "address": address_of(farmer),
            "language": farmer.language,
            "template": wording,
            "variables": dict(variables),
            "text": filled(wording.body, variables),
            "expires_at": now + VALID_FOR,
            "handed_at": now,
        },
    )
    return [message] if is_new else []


@step
def one_by_one(subject: UUID) -> None:
    """Let nobody else make messages about the same thing before the commit: each says what the last one did not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(5, hashtext(%s))", [str(subject)])


def dedupe_key(event: Event, kind: Kind) -> str:
    """One message per event and kind."""
    return f"{event.pk}:{kind}"


def address_of(farmer: Farmer) -> str:
    """The farmer's phone, or an address that no real provider accepts."""
    return farmer.whatsapp or farmer.phone or f"{NOBODY}{farmer.code}"
