"""Sending once: claims, outcomes, leases that run out, waits in a column."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.domain import MOST_TRIES, Failure, State, longest_wait
from notifications.models import Attempt, ConsoleText, Message
from notifications.providers import Outcome, Outgoing, SendResult
from notifications.services import sending
from notifications.services.queueing import react
from notifications.services.sending import send, sweep
from pricing.models import Flower
from tests.cast import recorded

pytestmark = pytest.mark.django_db

AN_HOUR = dt.timedelta(hours=1)


class Telegraph:
    """A provider that reaches people; says what the test wants and keeps what it was given."""

    name = "telegraph"
    channel = "console"
    repeats_safely = False
    gap = dt.timedelta()
    given: ClassVar[list[Outgoing]] = []
    answer: ClassVar[Callable[[], SendResult]]

    def cost_of(self, text: str) -> int:
        return 0

    def send(self, outgoing: Outgoing) -> SendResult:
        self.given.append(outgoing)
        return type(self).answer()


@pytest.fixture
def telegraph(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[Telegraph]:
    settings.MESSAGE_PROVIDER = f"{__name__}.Telegraph"
    monkeypatch.setattr(Telegraph, "given", [])
    answers(SendResult(Outcome.SENT, provider_id="T-1"))
    return Telegraph


def answers(result: SendResult) -> None:
    Telegraph.answer = staticmethod(lambda: result)


@pytest.fixture
def message(kumar: Membership, raja: Farmer, jasmine: Flower) -> Message:
    """To Raja, who has a phone; queued."""
    raja.phone = "+919876500000"
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    return Message.objects.get(pk=made)


def sent_to(message: Message) -> Message:
    send(message_id=message.pk)
    message.refresh_from_db()
    return message


def leased(message: Message, until: dt.timedelta, **fields: object) -> Message:
    """As a worker leaves it that died while it was sending."""
    Attempt.objects.get_or_create(
        shop=message.shop, message=message, number=fields.get("attempt", 1), provider="console"
    )
    Message.objects.filter(pk=message.pk).update(
        **{
            "state": State.SENDING,
            "attempt": 1,
            "next_attempt_at": None,
            "lease_until": timezone.now() + until,
            "provider": "console",
            **fields,
        }
    )
    return message


def swept(message: Message) -> Message:
    sweep()
    message.refresh_from_db()
    return message


# --- The console --------------------------------------------------------------------------------


def test_the_console_keeps_what_it_is_given(message: Message) -> None:
    sent = sent_to(message)
    assert (sent.state, sent.attempt, sent.provider, sent.error_code) == (State.SENT, 1, "console", "")
    assert sent.sent_at is not None
    text = ConsoleText.objects.get()
    assert (text.message, text.address, text.body) == (message, "+919876500000", message.text)


def test_sending_again_sends_nothing_again(message: Message) -> None:
    first = sent_to(message).sent_at
    assert sent_to(message).sent_at == first
    assert message.attempt == 1


def test_the_console_keeps_a_message_once_however_often_it_is_given(message: Message) -> None:
    sent_to(message)
    Message.objects.update(state=State.QUEUED, sent_at=None, next_attempt_at=Now())
    assert sent_to(message).state == State.SENT
    assert ConsoleText.objects.count() == 1


def test_a_send_costs_six_queries(message: Message, django_assert_num_queries: Any) -> None:
    # One of them is the console's own.
    with django_assert_num_queries(6):
        send(message_id=message.pk)


# --- Claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"next_attempt_at": timezone.now() + AN_HOUR},
        {"expires_at": timezone.now() - AN_HOUR},
        {"state": State.FAILED, "next_attempt_at": None},
        {"state": State.UNKNOWN, "next_attempt_at": None},
        {"state": State.EXPIRED, "next_attempt_at": None},
        {"state": State.SENDING, "next_attempt_at": None, "lease_until": timezone.now() + AN_HOUR},
    ],
)
def test_what_is_not_due_is_not_sent(
    message: Message, telegraph: type[Telegraph], fields: dict[str, object]
) -> None:
    Message.objects.update(**fields)
    send(message_id=message.pk)
    assert telegraph.given == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_forty_workers_with_one_id_send_once(message: Message, telegraph: type[Telegraph]) -> None:
    gate = threading.Barrier(8)

    def work() -> None:
        gate.wait()
        for _ in range(5):
            send(message_id=message.pk)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(telegraph.given) == 1


# --- Outcomes -----------------------------------------------------------------------------------


def test_a_refusal_for_good_is_final(message: Message, telegraph: type[Telegraph]) -> None:
    answers(SendResult(Outcome.FAILED, code="21211"))
    assert (sent_to(message).state, message.error_code) == (State.FAILED, "21211")
    assert sweep() == []


def test_what_was_surely_not_sent_is_tried_again_later_and_later(
    message: Message, telegraph: type[Telegraph]
) -> None:
    answers(SendResult(Outcome.RETRY, code="away", failure=Failure.AWAY))
    for tries in range(1, MOST_TRIES):
        before = timezone.now()
        assert (sent_to(message).state, message.tries) == (State.RETRY, tries)
        assert message.next_attempt_at is not None
        most = longest_wait(tries) + dt.timedelta(seconds=5)
        assert before <= message.next_attempt_at <= before + most
        Message.objects.update(next_attempt_at=timezone.now() + AN_HOUR)
        assert sweep() == []
        Message.objects.update(next_attempt_at=Now())
        assert sweep() == [message.pk]
    assert (sent_to(message).state, message.error_code) == (State.DEAD, "away")
    assert len(telegraph.given) == MOST_TRIES


def test_those_who_were_refused_together_do_not_come_back_together(
    message: Message, telegraph: type[Telegraph]
) -> None:
    answers(SendResult(Outcome.RETRY, code="away", failure=Failure.AWAY))
    waits = set()
    for _ in range(8):
        Message.objects.update(state=State.QUEUED, next_attempt_at=Now(), tries=MOST_TRIES - 2)
        now = timezone.now()
        moment = sent_to(message).next_attempt_at
        assert moment is not None
        waits.add(round((moment - now).total_seconds()))
    assert max(waits) - min(waits) > 30
    assert max(waits) <= longest_wait(MOST_TRIES - 1).total_seconds() + 1


def test_what_was_perhaps_sent_is_never_sent_again_by_itself(
    message: Message, telegraph: type[Telegraph]
) -> None:
    answers(SendResult(Outcome.UNKNOWN, code="timeout"))
    assert sent_to(message).state == State.UNKNOWN
    assert sweep() == []
    assert sent_to(message).state == State.UNKNOWN
    assert len(telegraph.given) == 1


def test_a_real_provider_never_sees_a_farmer_without_a_phone(
    message: Message, telegraph: type[Telegraph]
) -> None:
    Message.objects.update(address="console:F014")
    assert (sent_to(message).state, message.error_code) == (State.FAILED, "no_address")
    assert telegraph.given == []


def test_a_real_provider_sees_address_language_template_and_text(
    message: Message, telegraph: type[Telegraph]
) -> None:
    sent_to(message)
    (given,) = telegraph.given
    assert (given.message_id, given.address, given.language) == (message.pk, "+919876500000", "ta")
    assert given.template == "entry_receipt_rate_pending"
    assert given.text == message.text
    assert message.provider_id == "T-1"


# --- Whoever dies on the way --------------------------------------------------------------------


def test_a_provider_that_crashes_leaves_the_message_to_the_sweep(
    message: Message, telegraph: type[Telegraph]
) -> None:
    def crash() -> SendResult:
        raise ZeroDivisionError

    Telegraph.answer = staticmethod(crash)
    with pytest.raises(ZeroDivisionError):
        send(message_id=message.pk)
    message.refresh_from_db()
    assert message.state == State.SENDING
    Message.objects.update(lease_until=timezone.now() - AN_HOUR)
    assert (swept(message).state, message.error_code) == (State.UNKNOWN, "broke_off")


def test_a_lease_that_runs_is_left_alone(message: Message) -> None:
    assert swept(leased(message, AN_HOUR)).state == State.SENDING


def test_a_broken_off_send_is_repeated_where_that_is_safe(message: Message) -> None:
    leased(message, -AN_HOUR)
    assert sweep() == [message.pk]
    assert (sent_to(message).state, message.attempt) == (State.SENT, 2)
    assert ConsoleText.objects.count() == 1


def test_a_broken_off_send_is_left_to_people_where_it_is_not(
    message: Message, telegraph: type[Telegraph]
) -> None:
    assert swept(leased(message, -AN_HOUR, provider="telegraph")).state == State.UNKNOWN
    assert sent_to(message).state == State.UNKNOWN
    assert telegraph.given == []


def test_a_send_of_another_provider_is_not_repeated_by_this_one(message: Message) -> None:
    """The settings changed while it was under way: whether that provider repeats safely, this one cannot know."""
    assert swept(leased(message, -AN_HOUR, provider="telegraph")).state == State.UNKNOWN


def test_a_message_that_breaks_off_every_time_is_given_up(message: Message) -> None:
    leased(message, -AN_HOUR, tries=MOST_TRIES)
    assert (swept(message).state, message.error_code) == (State.DEAD, "broke_off")


@pytest.mark.parametrize("state", [State.UNKNOWN, State.QUEUED])
def test_an_answer_that_comes_after_the_lease_still_counts(
    message: Message, telegraph: type[Telegraph], state: State
) -> None:
    def late() -> SendResult:
        waits = Now() if state == State.QUEUED else None
        Message.objects.update(state=state, lease_until=None, next_attempt_at=waits)
        return SendResult(Outcome.SENT, provider_id="T-1")

    Telegraph.answer = staticmethod(late)
    assert sent_to(message).state == State.SENT
    assert sent_to(message).state == State.SENT
    assert len(telegraph.given) == 1


def test_an_answer_to_an_earlier_attempt_changes_nothing(
    message: Message, telegraph: type[Telegraph]
) -> None:
    def much_too_late() -> SendResult:
        leased(message, AN_HOUR, attempt=2)
        return SendResult(Outcome.FAILED, code="late")

    Telegraph.answer = staticmethod(much_too_late)
    assert (sent_to(message).state, message.attempt) == (State.SENDING, 2)


# --- The sweep ----------------------------------------------------------------------------------


def test_a_message_just_handed_over_is_not_handed_over_again(message: Message) -> None:
    assert sweep() == []


def test_a_message_celery_did_not_get_is_handed_over_at_the_next_sweep(message: Message) -> None:
    sending.not_handed([message.pk])
    assert sweep() == [message.pk]
    assert sweep() == []


def test_a_message_lost_on_the_way_is_handed_over_again(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    Message.objects.update(handed_at=timezone.now() - AN_HOUR)
    with monkeypatch.context() as behind:
        behind.setattr(sending, "nothing_waits", lambda: False)
        assert sweep() == []
    assert sweep() == [message.pk]


def test_a_message_too_old_is_not_sent_any_more(message: Message) -> None:
    Message.objects.update(expires_at=timezone.now(), handed_at=None)
    assert sweep() == []
    message.refresh_from_db()
    assert message.state == State.EXPIRED


def test_a_message_is_news_for_two_days(message: Message) -> None:
    assert message.expires_at - message.created_at == pytest.approx(
        dt.timedelta(days=2), abs=dt.timedelta(seconds=5)
    )


# --- The database -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "lost"}, "message_state_is_known"),
        ({"next_attempt_at": None}, "message_waits_for_a_moment"),
        ({"state": "failed"}, "message_waits_for_a_moment"),
        ({"state": "sending", "next_attempt_at": None}, "message_is_leased_while_sending"),
        ({"lease_until": timezone.now()}, "message_is_leased_while_sending"),
        ({"state": "sent", "next_attempt_at": None}, "message_sent_says_when"),
        ({"sent_at": timezone.now()}, "message_sent_says_when"),
    ],
)
def test_a_message_in_no_sensible_state_cannot_be_written(
    message: Message, fields: dict[str, object], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Message.objects.update(**fields)
