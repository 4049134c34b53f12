"""Whose turn it is: order, gaps, money, quiet hours, a sender in trouble, and sending again by hand."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from ledger.events import EntryRecorded
from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.kernel.ids import new_id
from malar.trail.models import Event
from malar.trail.services.events import record
from notifications.domain import STUCK, State
from notifications.models import Attempt, Message, Recipient, Sender, Spending
from notifications.providers.twilio import TwilioWhatsApp
from notifications.services import circuit, sending
from notifications.services.queueing import react
from notifications.services.sending import send, send_again, sweep
from pricing.models import Flower
from tests import cast
from tests.notifications.fake_twilio import (
    FakeTwilio,
    Logs,
    approve,
    fake_twilio,
    listen,
    refuses,
    says,
    set_up,
    sid_of,
)

pytestmark = pytest.mark.django_db

SECONDS = dt.timedelta(seconds=1)
Tell = Callable[..., list[Message]]


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    return listen(monkeypatch)


@pytest.fixture
def tell(kumar: Membership, jasmine: Flower, fake: FakeTwilio) -> Tell:
    """Makes messages: so many, to so many farmers in turn."""

    def told(count: int, farmers: int | None = None) -> list[Message]:
        approve()
        first = Farmer.objects.count() + 1
        everybody = [
            cast.a_farmer(kumar.shop, 100 + n, f"வி {n}", f"V {n}", phone=f"+9198765{n:05}")
            for n in range(first, first + (farmers or count))
        ]
        before = set(Event.objects.values_list("pk", flat=True))
        for n in range(count):
            cast.recorded(kumar, everybody[n % len(everybody)], jasmine)
        events = Event.objects.exclude(pk__in=before).order_by("id")
        made = [pk for event in events for pk in react(event_id=event.pk)]
        return [Message.objects.get(pk=pk) for pk in made]

    return told


def state_of(message: Message) -> State:
    message.refresh_from_db()
    return State(message.state)


def wait_of(message: Message) -> float:
    """Seconds until its next try."""
    message.refresh_from_db()
    assert message.next_attempt_at is not None
    return (message.next_attempt_at - timezone.now()).total_seconds()


def later(**by: float) -> None:
    """Let time pass for addresses and waits."""
    passed = dt.timedelta(**by)
    for row in Recipient.objects.all():
        Recipient.objects.filter(pk=row.pk).update(free_at=row.free_at - passed)
    for message in Message.objects.waiting():
        moment = message.next_attempt_at
        assert moment is not None
        Message.objects.filter(pk=message.pk).update(
            next_attempt_at=moment - passed, created_at=message.created_at - passed
        )


def test_what_was_rolled_back_is_told_to_nobody(tell: Tell, fake: FakeTwilio, kumar: Membership) -> None:
    tell(1)
    farmer, flower = Farmer.objects.get(), Flower.objects.get()
    before = Event.objects.count()
    with transaction.atomic():
        record_in(kumar, farmer, flower)
        assert Event.objects.count() == before + 1
        transaction.set_rollback(True)
    assert Event.objects.count() == before
    assert (Message.objects.count(), fake.calls) == (1, [])


def record_in(by: Membership, farmer: Farmer, flower: Flower) -> None:
    """Write an event as a sale does, in the transaction there is."""
    record(EntryRecorded(entry=new_id(), farmer=farmer.pk), shop=by.shop)


# --- Order and gap ------------------------------------------------------------------------------


def test_a_send_costs_five_queries(tell: Tell, django_assert_num_queries: Any) -> None:
    (message,) = tell(1)
    with django_assert_num_queries(5):
        send(message_id=message.pk)
    assert state_of(message) == State.ACCEPTED


def test_twelve_messages_to_one_farmer_leave_in_order_and_six_seconds_apart(
    tell: Tell, fake: FakeTwilio
) -> None:
    messages, (other,) = tell(12, farmers=1), tell(1)
    for message in reversed(messages):
        send(message_id=message.pk)
    send(message_id=other.pk)
    assert [call.message_id for call in fake.calls] == [messages[0].pk, other.pk]
    for number in range(1, 12):
        for passed in (0, 5):
            later(seconds=passed)
            for ready in sweep():
                send(message_id=ready)
            assert len(fake.calls) == number + 1, "five seconds are too few"
        later(seconds=1.1)
        (ready,) = sweep()
        assert ready == messages[number].pk
        send(message_id=ready)
    assert [call.message_id for call in fake.calls[2:]] == [message.pk for message in messages[1:]]


def test_a_message_waits_for_an_earlier_one_for_ten_minutes_and_not_longer(
    tell: Tell, fake: FakeTwilio
) -> None:
    first, second = tell(2, farmers=1)
    fake.will(refuses(429, 20429, Retry_After="3000"))
    send(message_id=first.pk)
    later(minutes=9.8)
    assert second.pk not in sweep()
    send(message_id=second.pk)
    assert state_of(second) == State.QUEUED
    later(minutes=0.4)
    assert second.pk in sweep()
    send(message_id=second.pk)
    assert (state_of(first), state_of(second)) == (State.RETRY, State.ACCEPTED)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_sends_to_an_address_at_a_time(tell: Tell, fake: FakeTwilio) -> None:
    messages = tell(6, farmers=1)
    # So old that none holds up another: only the address itself keeps them apart.
    Message.objects.update(created_at=timezone.now() - dt.timedelta(minutes=20))
    at_once([message.pk for message in messages])
    assert len(fake.calls) == 1
    # The crowd is real: where no gap is kept, more than one goes.
    Message.objects.waiting().update(next_attempt_at=Now())
    with pytest.MonkeyPatch.context() as hasty:
        hasty.setattr(TwilioWhatsApp, "gap", dt.timedelta())
        at_once([message.pk for message in messages])
    assert len(fake.calls) > 2


def at_once(ids: list[Any]) -> None:
    """Send all of them, each in a thread of its own, at the same moment."""
    gate = threading.Barrier(len(ids))

    def work(pk: Any) -> None:
        gate.wait()
        try:
            send(message_id=pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(work, ids))


# --- Quiet hours --------------------------------------------------------------------------------


def test_a_summary_is_held_in_the_night_and_goes_in_the_morning(
    tell: Tell, fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, receipt = tell(2)
    Message.objects.filter(pk=summary.pk).update(kind="day_summary")
    morning = timezone.now() + dt.timedelta(hours=3)
    with monkeypatch.context() as night:
        night.setattr(sending, "quiet_until", lambda kind, _: morning if kind == "day_summary" else None)
        send(message_id=summary.pk)
        send(message_id=receipt.pk)
    assert (state_of(summary), summary.next_attempt_at) == (State.QUEUED, morning)
    assert state_of(receipt) == State.ACCEPTED
    later(hours=3)
    with monkeypatch.context() as day:
        day.setattr(sending, "quiet_until", lambda *_: None)
        send(message_id=summary.pk)
    assert state_of(summary) == State.ACCEPTED


def test_what_is_too_old_by_the_morning_is_not_sent(tell: Tell, fake: FakeTwilio) -> None:
    (message,) = tell(1)
    Message.objects.update(kind="day_summary", expires_at=timezone.now())
    send(message_id=message.pk)
    sweep()
    assert state_of(message) == State.EXPIRED
    assert fake.calls == []


# --- Money --------------------------------------------------------------------------------------


@pytest.fixture
def money_for_three(settings: Any) -> None:
    settings.TWILIO_WHATSAPP_PAISE = 55
    settings.MESSAGE_DAILY_CAP_PAISE = 3 * 55 + 54


def test_with_the_days_money_spent_receipts_wait_and_corrections_go(
    tell: Tell, fake: FakeTwilio, money_for_three: None, logs: Logs
) -> None:
    messages, (correction,) = tell(5), tell(1)
    Message.objects.filter(pk=correction.pk).update(kind="entry_corrected")
    for message in messages:
        send(message_id=message.pk)
    send(message_id=correction.pk)
    assert [state_of(message) for message in messages] == [State.ACCEPTED] * 3 + [State.QUEUED] * 2
    assert state_of(correction) == State.ACCEPTED
    assert Spending.objects.get().paise == 4 * 55
    assert [line["paise"] for line in logs.of("daily_cap_reached")] == [165]
    held = messages[3]
    held.refresh_from_db()
    assert held.next_attempt_at is not None
    midnight = held.next_attempt_at.astimezone(KOLKATA)
    assert (midnight.time(), held.attempt, held.error_code) == (dt.time(), 0, "daily_cap")
    assert held.reason == "The day's limit for messages is reached."
    assert sweep() == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_workers_cannot_overspend_together(
    tell: Tell, fake: FakeTwilio, money_for_three: None, settings: Any
) -> None:
    at_once([message.pk for message in tell(8)])
    assert len(fake.calls) == 3
    assert Spending.objects.get().paise == 3 * 55
    settings.MESSAGE_DAILY_CAP_PAISE = 0
    at_once([message.pk for message in tell(8)])
    assert len(fake.calls) == 3 + 8, "without the limit all go"


def test_what_was_surely_not_sent_costs_nothing(tell: Tell, fake: FakeTwilio, money_for_three: None) -> None:
    (message,) = tell(1)
    fake.will(refuses(429, 20429))
    send(message_id=message.pk)
    message.refresh_from_db()
    assert (Spending.objects.get().paise, message.cost_paise) == (0, 0)


# --- A sender in trouble ------------------------------------------------------------------------


def test_a_failure_of_the_account_stops_the_sender_and_costs_no_message_a_try(
    tell: Tell, fake: FakeTwilio, logs: Logs
) -> None:
    first, second, third = tell(3)
    fake.will(refuses(401, 20003))
    send(message_id=first.pk)
    send(message_id=second.pk)
    send(message_id=third.pk)
    assert len(fake.calls) == 1
    assert [state_of(each) for each in (first, second, third)] == [State.RETRY, State.QUEUED, State.QUEUED]
    assert (first.tries, first.error_code, second.attempt) == (0, "20003", 0)
    for each in (first, second, third):
        assert 50 < wait_of(each) <= 60
    assert len(logs.of("sender_stopped")) == 1
    assert sweep() == []


def stopped_until(moment: Any) -> None:
    Sender.objects.update_or_create(
        code="twilio_whatsapp", defaults={"open_until": moment, "opened": 1, "failures": 1}
    )


def test_when_the_wait_is_over_one_is_let_through_and_the_others_follow(tell: Tell, fake: FakeTwilio) -> None:
    first, second = tell(2)
    stopped_until(Now() - SECONDS)
    send(message_id=first.pk)
    assert state_of(first) == State.ACCEPTED
    assert Sender.objects.get().open_until is None
    send(message_id=second.pk)
    assert state_of(second) == State.ACCEPTED


def test_when_it_is_still_in_trouble_it_is_stopped_for_longer(
    tell: Tell, fake: FakeTwilio, logs: Logs
) -> None:
    first, second = tell(2)
    stopped_until(Now() - SECONDS)
    fake.will(refuses(403, 20003))
    send(message_id=first.pk)
    send(message_id=second.pk)
    assert len(fake.calls) == 1
    assert 110 < wait_of(first) <= 120
    assert logs.of("sender_stopped") == [], "told once already"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_tries_a_sender_that_was_stopped(tell: Tell, fake: FakeTwilio) -> None:
    messages = tell(8)
    stopped_until(Now() - SECONDS)
    gate = threading.Event()

    def held_back(handler: Any) -> None:
        gate.wait(5)
        says(201, {"sid": sid_of(1), "status": "queued"})(handler)

    fake.will(held_back)
    threading.Timer(0.5, gate.set).start()
    at_once([message.pk for message in messages])
    assert len(fake.calls) == 1
    assert Message.objects.filter(state=State.ACCEPTED).count() == 1
    Message.objects.waiting().update(next_attempt_at=Now())
    at_once([message.pk for message in messages])
    assert len(fake.calls) == 8, "now that it goes again, all go"


def test_five_lost_answers_in_a_minute_stop_a_sender(tell: Tell, fake: FakeTwilio) -> None:
    messages = tell(7)
    fake.always = says(500, "<html>Oh no</html>")
    for message in messages:
        send(message_id=message.pk)
    assert len(fake.calls) == 5
    assert [state_of(each) for each in messages] == [State.UNKNOWN] * 5 + [State.QUEUED] * 2


def test_lost_answers_far_apart_stop_nobody(db: None) -> None:
    for _ in range(10):
        said = circuit.went_wrong("twilio_sms", at_once=False, is_probe=False, failure="lost")
        assert said is None
        Sender.objects.update(failing_since=timezone.now() - 61 * SECONDS)


# --- By hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STUCK)
def test_a_person_may_have_what_is_stuck_sent_again(tell: Tell, fake: FakeTwilio, state: State) -> None:
    (message,) = tell(1)
    Message.objects.update(state=state, next_attempt_at=None, tries=6, error_code="x", attempt=3)
    assert send_again(messages=Message.objects.all()) == 1
    assert sweep() == [message.pk]
    send(message_id=message.pk)
    assert (state_of(message), message.tries, message.error_code) == (State.ACCEPTED, 0, "")
    assert Attempt.objects.get().number == 4


@pytest.mark.parametrize("state", [State.SENDING, State.ACCEPTED, State.DELIVERED, State.READ])
def test_what_is_not_stuck_is_not_sent_again(tell: Tell, fake: FakeTwilio, state: State) -> None:
    tell(1)
    lease = timezone.now() if state == State.SENDING else None
    sent = None if state == State.SENDING else timezone.now()
    Message.objects.update(state=state, next_attempt_at=None, lease_until=lease, sent_at=sent)
    assert send_again(messages=Message.objects.all()) == 0
    assert Message.objects.get().state == state


def test_a_message_keeps_its_sender_when_the_settings_change(
    tell: Tell, fake: FakeTwilio, settings: Any
) -> None:
    """Whatsapp was at it; now the settings say SMS."""
    before, fresh = tell(2)
    fake.will(refuses(429, 20429))
    send(message_id=before.pk)
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["twilio_sms"]
    later(minutes=1)
    send(message_id=before.pk)
    send(message_id=fresh.pk)
    assert (state_of(before), before.provider) == (State.ACCEPTED, "twilio_whatsapp")
    assert (state_of(fresh), fresh.provider) == (State.ACCEPTED, "twilio_whatsapp"), (
        "it was made for WhatsApp"
    )
    assert all(call.fields["To"].startswith("whatsapp:") for call in fake.calls)


def test_a_bug_is_a_dead_letter_at_once(tell: Tell, fake: FakeTwilio, logs: Logs) -> None:
    (message,) = tell(1)
    fake.will(refuses(400, 21617))
    send(message_id=message.pk)
    assert (state_of(message), message.error_code) == (State.DEAD, "21617")
    (line,) = logs.of("message_not_sent")
    assert line["level"] == "error"
