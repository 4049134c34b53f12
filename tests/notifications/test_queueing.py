"""One event, one message."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.domain import State
from notifications.models import Message, MessageTemplate
from notifications.services import queueing
from notifications.services.queueing import address_of, react
from pricing.models import Flower
from tests.cast import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(kumar: Membership, raja: Farmer, jasmine: Flower) -> Event:
    """A line was recorded, nobody was told."""
    recorded(kumar, raja, jasmine)
    return Event.objects.get()


def test_an_event_becomes_one_message_and_is_done(event: Event, raja: Farmer) -> None:
    (made,) = react(event_id=event.pk)
    message = Message.objects.get()
    assert message.pk == made
    assert (message.event, message.farmer, message.shop) == (event, raja, event.shop)
    assert (message.kind, message.state, message.attempt) == ("entry_receipt", State.QUEUED, 0)
    event.refresh_from_db()
    assert event.done_at is not None


def test_an_event_handed_over_twice_makes_nothing_more(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    react(event_id=event.pk)

    def not_again(event: Event) -> list[Message]:
        raise AssertionError("it is done")

    monkeypatch.setitem(queueing.reactions, event.name, not_again)
    assert react(event_id=event.pk) == []
    assert Message.objects.count() == 1


def test_an_event_that_forgot_it_was_done_makes_nothing_more(event: Event) -> None:
    """Not the mark but the key keeps a farmer from being told twice."""
    react(event_id=event.pk)
    Event.objects.update(done_at=None)
    assert react(event_id=event.pk) == []
    assert Message.objects.count() == 1


def test_without_the_key_it_would_tell_him_twice(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "dedupe_key", lambda *_: str(uuid4()))
    react(event_id=event.pk)
    Event.objects.update(done_at=None)
    assert len(react(event_id=event.pk)) == 1
    assert Message.objects.count() == 2


def test_the_database_refuses_a_second_message_of_an_event_and_kind(event: Event) -> None:
    react(event_id=event.pk)
    message = Message.objects.get()
    with pytest.raises(IntegrityError, match="dedupe_key"), transaction.atomic():
        Message.objects.bulk_create([Message(**vars_of(message))])


def vars_of(message: Message) -> dict[str, object]:
    names = {field.attname for field in Message._meta.concrete_fields} - {"id", "created_at"}
    return {name: getattr(message, name) for name in names}


def test_an_event_whose_message_cannot_be_made_stays_undone(event: Event) -> None:
    MessageTemplate.objects.all().delete()
    with pytest.raises(MessageTemplate.DoesNotExist):
        react(event_id=event.pk)
    event.refresh_from_db()
    assert event.done_at is None
    assert not Message.objects.exists()


def test_an_event_nobody_knows_is_simply_done(event: Event) -> None:
    Event.objects.update(name="SomethingNew")
    assert react(event_id=event.pk) == []
    assert not Event.objects.undone().exists()


def test_an_id_of_no_event_is_nothing() -> None:
    assert react(event_id=uuid4()) == []


@pytest.mark.parametrize(
    ("phone", "whatsapp", "address"),
    [
        ("", "", "console:F014"),
        ("+919876500000", "", "+919876500000"),
        ("+919876500000", "+919876500001", "+919876500001"),
    ],
)
def test_a_farmer_is_addressed_by_his_phone_or_else_by_his_code(
    phone: str, whatsapp: str, address: str
) -> None:
    assert address_of(Farmer(code="F014", phone=phone, whatsapp=whatsapp)) == address
