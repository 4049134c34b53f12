"""The outbox: events are recorded with what made them and handed over until they are done."""

import datetime as dt
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from ledger.events import EntryRecorded
from malar.accounts.models import Shop
from malar.kernel.ids import new_id
from malar.kernel.jobs import BrokerAway
from malar.trail.models import Event
from malar.trail.services import events
from malar.trail.services.events import hand_over, hand_over_again, record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Celery was given: ids of events, in order."""
    given: list[str] = []
    monkeypatch.setattr(events, "start", lambda task, event_id: given.append(event_id))
    return given


def happened(shop: Shop, **fields: Any) -> Event:
    return Event.objects.create(shop=shop, name=EntryRecorded.name, payload={}, **fields)


def ids(*recorded: Event) -> list[str]:
    """In the order in which they are handed over: of their ids, which two in a millisecond may swap."""
    return sorted(str(event.pk) for event in recorded)


LONG_AGO = timezone.now() - dt.timedelta(minutes=5)


def test_an_event_names_what_it_is_about(shop: Shop) -> None:
    entry, farmer = new_id(), new_id()
    record(EntryRecorded(entry=entry, farmer=farmer), shop=shop)
    event = Event.objects.get()
    assert (event.name, event.shop) == ("EntryRecorded", shop)
    assert event.payload == {"entry": str(entry), "farmer": str(farmer)}
    assert event.handed_at is event.done_at is None


def test_an_event_is_part_of_what_made_it(shop: Shop) -> None:
    with transaction.atomic():
        record(EntryRecorded(entry=new_id(), farmer=new_id()), shop=shop)
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def test_an_event_without_a_transaction_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(transaction.TransactionManagementError):
        record(EntryRecorded(entry=new_id(), farmer=new_id()), shop=shop)


def test_new_events_are_handed_over_once_and_in_order(shop: Shop, broker: list[str]) -> None:
    first, second = happened(shop), happened(shop)
    assert hand_over() == 2
    assert hand_over() == 0
    assert broker == ids(first, second)


def test_a_heap_is_handed_over_in_portions(shop: Shop, broker: list[str]) -> None:
    recorded = [happened(shop) for _ in range(5)]
    assert [hand_over(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert broker == ids(*recorded)


def test_with_the_broker_away_what_it_did_not_get_waits_on(
    shop: Shop, broker: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = [happened(shop) for _ in range(3)]

    def breaks_off(task: str, event_id: str) -> None:
        if broker:
            raise BrokerAway
        broker.append(event_id)

    monkeypatch.setattr(events, "start", breaks_off)
    with pytest.raises(BrokerAway):
        hand_over()
    monkeypatch.setattr(events, "start", lambda task, event_id: broker.append(event_id))
    assert hand_over() == 2
    assert broker == ids(*recorded)


def test_the_broker_is_not_spoken_to_while_rows_are_locked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hung broker would hold the lock, and whoever reacts to the event would wait for it."""
    happened(shop)
    depth = len(transaction.get_connection().savepoint_ids)
    seen: list[int] = []
    monkeypatch.setattr(
        events,
        "start",
        lambda task, event_id: seen.append(len(transaction.get_connection().savepoint_ids)),
    )
    hand_over()
    assert seen == [depth]


def test_what_was_handed_over_and_not_done_is_handed_over_again(shop: Shop, broker: list[str]) -> None:
    lost = happened(shop, handed_at=LONG_AGO)
    happened(shop, handed_at=timezone.now())
    happened(shop, handed_at=LONG_AGO, done_at=LONG_AGO)
    assert hand_over() == 0
    assert hand_over_again() == 1
    assert hand_over_again() == 0
    assert broker == ids(lost)


def test_while_tasks_wait_nothing_is_handed_over_again(
    shop: Shop, broker: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the worker away for an hour the same event would be queued a hundred times."""
    happened(shop, handed_at=LONG_AGO)
    monkeypatch.setattr(events, "nothing_waits", lambda: False)
    assert hand_over_again() == 0
    assert broker == []
