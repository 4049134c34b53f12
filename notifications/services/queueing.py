"""From an event to its messages."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from ledger.models import Farmer
from malar.kernel.transactions import step, unit_of_work
from malar.trail.models import Event
from notifications.domain import (
    ASKED_FOR,
    NOBODY,
    VALID_FOR,
    Failure,
    Kind,
    NoteKind,
    State,
    filled,
    other_way,
)
from notifications.models import Message, MessageTemplate, Note
from notifications.providers import Provider, provider_in_use
from notifications.selectors import takes_either, wants
from notifications.services.approvals import may_be_sent

Reaction = Callable[[Event], list[Message]]

reactions: dict[str, Reaction] = {}
"""Event name → what makes its messages. Filled from subscriptions.py when the app starts."""

still_so: dict[str, Callable[[Message], bool]] = {}
"""Kind of message → whether what one says is still so. Filled likewise; of kinds that are not here it always is."""


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
    *,
    event: Event,
    kind: Kind,
    farmer: Farmer,
    template: str,
    variables: Mapping[str, str] | Callable[[], Mapping[str, str]],
    among_many: bool = False,
    address: str = "",
    until: dt.datetime | None = None,
) -> list[Message]:
    """Queue what an event tells a farmer, in his language; nothing where it was queued before, or he does not want it.

    `variables` that are called can be said in either language: in the other one where the provider takes the wording
    in that one only, and he allows it. Where it may be sent in neither he is told by another way.
    `among_many`: the event tells several farmers the same kind of thing. `address`: where it goes, if not to his own
    number; `until`: how long it is of use, if not two days. Who has an account has it in his inbox too, but for what
    he has asked for.
    Raises ValueError for a wording that asks for more than `variables`, MessageTemplate.DoesNotExist
    where nothing is worded: the event then stays undone and is seen at /readyz.
    """
    one_by_one(farmer.pk)  # so that a STOP which comes now is before this or after it
    if not wants(farmer, kind):
        return []
    now = timezone.now()
    provider = provider_in_use()
    wording, is_stopped = _wording_for(
        farmer, template, provider, either=lambda: callable(variables) and takes_either(farmer, kind)
    )
    if callable(variables):
        with translation.override(wording.language):
            variables = variables()
    message = Message(
        dedupe_key=dedupe_key(event, kind, farmer if among_many else None),
        shop_id=event.shop_id,
        farmer=farmer,
        event=event,
        kind=kind,
        channel=provider.channel,
        address=address or address_of(farmer),
        language=wording.language,
        template=wording,
        variables=dict(variables),
        text=filled(wording.body, variables),
        expires_at=until or now + VALID_FOR,
        handed_at=now,
    )
    if is_stopped:
        message.state, message.next_attempt_at = State.FAILED, None
        message.error_code = "wording_stopped"
        message.other_way = other_way(kind, provider.channel, State.FAILED, Failure.TEMPLATE, "")
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError:
        # It is not asked first whether it was queued before: that is rare, and this is every message.
        if Message.objects.filter(dedupe_key=message.dedupe_key).exists():
            return []
        raise
    if farmer.member_id and kind not in ASKED_FOR:
        Note.objects.create(
            shop=event.shop, member_id=farmer.member_id, event=event, kind=NoteKind.MESSAGE, message=message
        )
    return [] if is_stopped else [message]


def _wording_for(
    farmer: Farmer, name: str, provider: Provider, *, either: Callable[[], bool]
) -> tuple[MessageTemplate, bool]:
    """The wording in use in his language, or else (`either`) in the other; and whether it may not be sent."""
    in_use = MessageTemplate.objects.filter(name=name, is_active=True)
    own = in_use.get(language=farmer.language)
    if may_be_sent(own, provider.name):
        return own, False
    for other in in_use.exclude(pk=own.pk) if either() else ():
        if may_be_sent(other, provider.name):
            return other, False
    return own, True


def is_still_so(message: Message) -> bool:
    """Whether what a message says is still so. Asked right before it is sent, by whatever way and for whatever
    reason: the event that it was overtaken by may not have been heard of yet. At most one query with the event."""
    ask = still_so.get(message.kind)
    return ask is None or ask(message)


@step
def overtake(event: Event, kinds: Collection[Kind], **about: str) -> None:
    """Do not send what still waits of these kinds about the same thing: it is no longer so."""
    same = {f"event__payload__{name}": value for name, value in about.items()}
    Message.objects.waiting().filter(shop=event.shop, kind__in=kinds, **same).update(
        state=State.FAILED, next_attempt_at=None, error_code="overtaken"
    )


@step
def one_by_one(subject: UUID) -> None:
    """Let nobody else make messages about the same thing, or to the same farmer, before the commit: each says what
    the last one did not, and what he wants is asked and changed one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(5, hashtext(%s))", [str(subject)])


def dedupe_key(event: Event, kind: Kind, farmer: Farmer | None = None) -> str:
    """One message per event and kind; and farmer, where the event is about several."""
    return f"{event.pk}:{kind}:{farmer.pk}" if farmer else f"{event.pk}:{kind}"


def address_of(farmer: Farmer) -> str:
    """The farmer's phone, or an address that no real provider accepts."""
    return farmer.whatsapp or farmer.phone or f"{NOBODY}{farmer.code}"
