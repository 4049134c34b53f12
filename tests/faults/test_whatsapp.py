"""Real dispatcher, worker and beat, and a Twilio on loopback, with each of them made to fail."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.movements import record_movement
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.kernel.jobs import start
from malar.trail.models import Event
from notifications.domain import State
from notifications.models import Attempt, Callback, Message, Sender
from notifications.tasks import SEND
from pricing.models import Flower
from tests import cast
from tests.notifications.fake_twilio import (
    FakeTwilio,
    approve,
    drops,
    environment,
    fake_twilio,
    hangs,
    refuses,
    says,
    set_up,
    sid_of,
    status_of,
    tells,
)
from tests.stack import (
    BreakableRedis,
    Processes,
    breakable_redis,
    celery_at,
    database_of_the_test,
    wait_until,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

N = 8
Tell = Callable[[int], None]


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("whatsapp") as redis:
        yield redis


@pytest.fixture(scope="module")
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


@pytest.fixture(scope="module")
def processes(
    server: BreakableRedis,
    twilio: FakeTwilio,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processes]:
    processes = Processes(server.url, tmp_path_factory.mktemp("whatsapp"))
    processes.environment |= environment(twilio) | {
        "CALLBACK_SWEEP_S": "1",
        "MESSAGE_FALLBACK_PROVIDER": "twilio_sms",
    }
    try:
        processes.start("worker", "dispatcher", "beat")
        wait_until(lambda: " ready." in processes.log("worker"))
        yield processes
    finally:
        processes.kill_all()


@pytest.fixture
def fake(twilio: FakeTwilio, processes: Processes, settings: Any) -> FakeTwilio:
    """That Twilio, with nothing to remember; this process knows it, too."""
    twilio.calls.clear()
    twilio.planned.clear()
    twilio.always = None
    twilio.released.clear()
    set_up(settings, twilio)
    return twilio


@pytest.fixture
def tell(kumar: Membership, jasmine: Flower) -> Tell:
    """Write down flowers of so many farmers, each with a phone of his own."""

    def tell(count: int) -> None:
        approve()
        for _ in range(count):
            number = Event.objects.count() + 1
            farmer = cast.a_farmer(
                kumar.shop, number, f"வி {number}", f"V {number}", phone=f"+9198760{number:05}"
            )
            cast.recorded(kumar, farmer, jasmine)

    return tell


def in_state(state: State) -> int:
    return Message.objects.filter(state=state).count()


def check_each_was_called_once(fake: FakeTwilio, count: int) -> None:
    wait_until(lambda: in_state(State.ACCEPTED) == count, why=f"{in_state(State.ACCEPTED)} of {count}")
    called = Counter(call.message_id for call in fake.calls)
    assert set(called.values()) == {1}
    assert set(called) == set(Message.objects.values_list("pk", flat=True))


def test_each_farmer_is_told_once_and_what_became_of_it_is_known(fake: FakeTwilio, tell: Tell) -> None:
    tell(N)
    check_each_was_called_once(fake, N)
    # Twilio tells each thing three times, in any order, several at a time.
    said = [
        (call.status_path, status_of(sid_of(number), status))
        for number, call in enumerate(fake.calls, start=1)
        for status in ("sent", "delivered", "read")
        for _ in range(3)
    ]
    random.Random(5).shuffle(said)

    def call_back(what: tuple[str, dict[str, str]]) -> int:
        try:
            return tells(*what)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(call_back, said)) == {200}
    wait_until(lambda: in_state(State.READ) == N, why=str(Counter(Message.objects.values_list("state"))))
    wait_until(lambda: Callback.objects.filter(state="done").count() == 3 * N)
    assert Callback.objects.count() == 3 * N
    assert not Message.objects.filter(delivered_at=None).exists()


def test_one_id_given_out_forty_times_is_one_call(
    fake: FakeTwilio, tell: Tell, processes: Processes, server: BreakableRedis
) -> None:
    processes.pause("worker")
    tell(1)
    wait_until(lambda: server.waiting() >= 1)
    processes.go_on("worker")
    wait_until(lambda: Message.objects.exists())
    message = str(Message.objects.get().pk)
    with celery_at(server.url):
        for _ in range(40):
            start(SEND, message_id=message)
    wait_until(lambda: server.waiting() == 0)
    check_each_was_called_once(fake, 1)
    assert Attempt.objects.count() == 1


def test_a_worker_killed_before_its_call_has_told_nobody_and_it_is_told(
    fake: FakeTwilio, tell: Tell, processes: Processes
) -> None:
    with psycopg.connect(database_of_the_test()) as other:
        # Whoever sends stands still before it writes down that it calls, with the message claimed.
        other.execute("LOCK TABLE notifications_attempt IN SHARE MODE")
        tell(1)
        wait_until(lambda: in_state(State.SENDING) == 1)
        processes.kill("worker")
        with psycopg.connect(database_of_the_test(), autocommit=True) as third:
            # Else PostgreSQL would still write the row of the dead worker when the lock goes.
            third.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'"
                " AND datname = current_database()"
            )
    assert fake.calls == []
    processes.start("worker")
    check_each_was_called_once(fake, 1)
    assert Message.objects.get().attempt == 2
    assert [each.number for each in Attempt.objects.all()] == [2]


def test_a_worker_killed_in_its_call_may_have_told_and_does_not_tell_again(
    fake: FakeTwilio, tell: Tell, processes: Processes, server: BreakableRedis
) -> None:
    fake.will(hangs(60))
    tell(1)
    wait_until(lambda: len(fake.calls) == 1)
    processes.kill("worker")
    processes.start("worker")
    wait_until(lambda: in_state(State.UNKNOWN) == 1)
    message = Message.objects.get()
    with celery_at(server.url):
        for _ in range(3):
            start(SEND, message_id=str(message.pk))
    wait_until(lambda: server.waiting() == 0)
    assert (message.error_code, Attempt.objects.get().outcome) == ("broke_off", "")
    # It had arrived: Twilio says so, to the address that names the call.
    assert tells(fake.calls[0].status_path, status_of("SM-of-the-dead", "delivered")) == 200
    wait_until(lambda: in_state(State.DELIVERED) == 1)
    assert Message.objects.get().provider_id == "SM-of-the-dead"
    assert len(fake.calls) == 1


def test_redis_emptied_while_messages_wait(
    fake: FakeTwilio, tell: Tell, processes: Processes, server: BreakableRedis
) -> None:
    processes.pause("worker")
    tell(N)
    wait_until(lambda: server.waiting() >= N)
    server.flush()
    processes.go_on("worker")
    check_each_was_called_once(fake, N)


def test_twilio_away_and_back(fake: FakeTwilio, tell: Tell) -> None:
    fake.stop_listening()
    try:
        tell(2)
        wait_until(lambda: in_state(State.RETRY) == 2)
    finally:
        fake.listen_again()
    assert fake.calls == []
    assert set(Message.objects.values_list("error_code", "tries")) == {("away", 1)}
    Message.objects.update(next_attempt_at=timezone.now())
    check_each_was_called_once(fake, 2)


def test_whatever_twilio_answers_each_is_called_once(fake: FakeTwilio, tell: Tell) -> None:
    fake.will(
        refuses(429, 20429, Retry_After="70"),
        says(500, "<html>Oh no</html>"),
        drops,
        refuses(400, 21211),
        refuses(400, 21617),
        says(200, "<html>Welcome to our hotel</html>"),
    )
    began = timezone.now()
    tell(7)
    wait_until(
        lambda: len(fake.calls) == 7 and not Message.objects.filter(lease_until__isnull=False).exists()
    )
    came = Counter(Message.objects.values_list("state", "error_code"))
    assert came == {
        ("retry", "20429"): 1,
        ("unknown", "500"): 1,
        ("unknown", "lost"): 1,
        ("failed", "21211"): 1,
        ("dead", "21617"): 1,
        ("unknown", "no_sid"): 1,
        ("accepted", ""): 1,
    }
    assert set(Counter(call.message_id for call in fake.calls).values()) == {1}
    asked_to_wait = Message.objects.get(state=State.RETRY)
    assert asked_to_wait.tries == 0
    assert asked_to_wait.next_attempt_at is not None
    assert (asked_to_wait.next_attempt_at - began).total_seconds() >= 70


def test_what_does_not_arrive_goes_by_sms_once_though_the_worker_dies_in_between(
    fake: FakeTwilio, meena: Membership, raja: Farmer, processes: Processes
) -> None:
    approve()
    raja.phone = "+919876000001"
    raja.save()
    gate = threading.Event()

    def held_back(handler: Any) -> None:
        gate.wait(30)
        refuses(400, 63024)(handler)

    fake.will(held_back)
    with psycopg.connect(database_of_the_test()) as other:
        record_movement(
            by=meena,
            key=uuid4(),
            farmer_id=raja.pk,
            kind="advance",
            amount=Decimal(500),
            business_date=timezone.now().astimezone(KOLKATA).date(),
            mode="cash",
        )
        wait_until(lambda: len(fake.calls) == 1)
        # Whoever sees to it stands still before he makes the SMS.
        other.execute("SELECT pg_advisory_lock(5, hashtext(%s))", [str(raja.pk)])
        gate.set()
        wait_until(lambda: in_state(State.FAILED) == 1)
        assert Message.objects.count() == 1
        processes.kill("worker")
    processes.start("worker")
    wait_until(lambda: in_state(State.ACCEPTED) == 1)
    first, sms = Message.objects.order_by("created_at")
    assert (sms.fallback_of, sms.channel, first.other_way) == (first, "sms", "")
    assert [call.fields["To"] for call in fake.calls] == [f"whatsapp:{raja.phone}", raja.phone]
    # WhatsApp says late that it arrived after all.
    assert tells(fake.calls[0].status_path, status_of("SM-late", "delivered")) == 200
    wait_until(lambda: in_state(State.DELIVERED) == 1)
    assert (Message.objects.count(), len(fake.calls)) == (2, 2)


def test_an_account_in_trouble_holds_all_and_lets_them_go_when_it_is_well(
    fake: FakeTwilio, tell: Tell
) -> None:
    fake.always = refuses(401, 20003)
    tell(1)
    wait_until(lambda: Sender.objects.filter(open_until__isnull=False).exists())
    tell(N - 1)
    wait_until(lambda: Message.objects.filter(next_attempt_at__gt=timezone.now()).count() == N)
    assert len(fake.calls) == 1, "the others were not tried"
    assert Message.objects.filter(tries=0).count() == N
    fake.always = None
    fake.calls.clear()
    Sender.objects.update(open_until=timezone.now())
    Message.objects.update(next_attempt_at=timezone.now())
    check_each_was_called_once(fake, N)
    assert Sender.objects.get().open_until is None
