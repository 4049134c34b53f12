"""What farmers answer, with real processes: told many times, at once, forged, and read by who dies."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import connection
from django.db.models.functions import Now

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.models import Answer, Callback, Message
from notifications.services.queueing import react
from settlements.models import Approval, Settlement
from settlements.services.approvals import submit
from tests.cast import a_farmer, at
from tests.ledger.worked import settlement_a
from tests.notifications.fake_twilio import FakeTwilio, environment, fake_twilio, set_up, tells
from tests.notifications.farmers_phone import INBOUND, OTHER, PHONE, delivered, fields_of, has, pressed
from tests.settlements.acts import settled, settlement_for
from tests.stack import BreakableRedis, Processes, breakable_redis, database_of_the_test, wait_until

__all__ = ["settlement_a"]

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

TAPS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("answers") as redis:
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
    processes = Processes(server.url, tmp_path_factory.mktemp("answers"))
    processes.environment |= environment(twilio) | {"CALLBACK_SWEEP_S": "1"}
    try:
        processes.start("worker", "dispatcher", "beat")
        wait_until(lambda: " ready." in processes.log("worker"))
        yield processes
    finally:
        processes.kill_all()


@pytest.fixture
def fake(twilio: FakeTwilio, processes: Processes, settings: Any) -> Iterator[FakeTwilio]:
    """That Twilio, with nothing to remember; this process knows it, too. At the end nobody is at anything: the tables
    are emptied then."""
    twilio.calls.clear()
    set_up(settings, twilio)
    yield twilio
    Event.objects.undone().update(done_at=Now())
    Message.objects.waiting().update(state="failed", next_attempt_at=None)
    wait_until(lambda: not Message.objects.filter(state="sending").exists())


@pytest.fixture
def question(fake: FakeTwilio, settlement_a: Farmer, meena: Membership) -> Message:
    """A settlement that its farmer was asked about. The wording has no content with this Twilio, so it is put on his
    phone by hand."""
    has(settlement_a, PHONE)
    with time_machine.travel(at("2026-03-08", "18:00"), tick=True):
        settlement = settlement_for(settlement_a, settled(meena))
        submit(by=meena, settlement_id=settlement.pk)
    react(event_id=Event.objects.get(name="SettlementReady").pk)  # or the worker did
    Event.objects.undone().update(done_at=Now())  # the receipts of a week are nothing to wait for
    return delivered(Message.objects.get(kind="settlement_ready"), "SMquestion")


def tell_all(said: list[dict[str, str]], times: int, *, order: int) -> None:
    """Twilio tells each so many times, in any order, several at a time."""
    all_of_it = [fields for fields in said for _ in range(times)]
    random.Random(order).shuffle(all_of_it)

    def tell(fields: dict[str, str]) -> int:
        try:
            return tells(INBOUND, fields)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(tell, all_of_it)) == {200}


def all_are_read(count: int) -> None:
    wait_until(lambda: Callback.objects.filter(about="inbound", state="done").count() == count)
    assert Callback.objects.filter(about="inbound").count() == count


def answered(fake: FakeTwilio) -> list[str]:
    """What was said in our own words."""
    return [call.fields["Body"] for call in fake.calls if call.fields["To"] == f"whatsapp:{PHONE}"]


def test_of_many_taps_the_first_counts_and_each_is_kept(fake: FakeTwilio, question: Message) -> None:
    taps = [
        pressed("approve" if number % 2 else "dispute", f"SM{number}", answers="SMquestion")
        for number in range(TAPS)
    ]
    tell_all(taps, 3, order=5)
    all_are_read(TAPS)
    answers = list(Answer.objects.order_by("received_at", "pk"))
    assert len(answers) == TAPS
    first = Answer.objects.get(is_applied=True)
    assert first.received_at == min(each.received_at for each in answers)
    assert {each.why for each in answers if each != first} == {"second"}
    settlement = Settlement.objects.get()
    counted = (settlement.status, Approval.objects.count())
    assert counted == (("pending", 1) if first.means == "approve" else ("disputed", 0))
    # A farmer who taps for an hour is told it once for each tap at most, and no more than twelve times.
    told = Answer.objects.exclude(reply="").count()
    assert 0 < told <= 12
    assert Message.objects.filter(kind="reply").count() <= told


def test_forged_answers_beside_the_true_one_change_nothing(
    fake: FakeTwilio, question: Message, meena: Membership
) -> None:
    a_farmer(meena.shop, 77, "வேறு", "Other", phone=OTHER)
    forged = [
        pressed("dispute", "SMa", OTHER, "SMquestion"),
        pressed("dispute", "SMb", "+919800000000", "SMquestion"),
        fields_of("தவறு", "SMd", answers="SMquestion", Forwarded="true"),
        fields_of("தவறு", "SMe", answers="SMquestion") | {"From": PHONE},
        fields_of("தவறு உள்ளது", "SMf"),
    ]
    tell_all(forged, 3, order=7)
    assert tells(INBOUND, pressed("dispute", "SMg", answers="SMquestion"), token="guessed") == 403
    all_are_read(len(forged))
    assert not Answer.objects.filter(is_applied=True).exists()
    assert Settlement.objects.get().status == "pending"
    assert not Approval.objects.exists()
    # The true one, signed and from his own phone, counts.
    tell_all([pressed("dispute", "SMtrue", answers="SMquestion")], 3, order=8)
    wait_until(lambda: Settlement.objects.get().status == "disputed")
    assert Answer.objects.get(is_applied=True).provider_id == "SMtrue"


def test_who_dies_while_he_reads_an_answer_leaves_it_to_the_next(
    fake: FakeTwilio, question: Message, processes: Processes
) -> None:
    with psycopg.connect(database_of_the_test()) as other:
        # Whoever reads stands still before it writes down the yes.
        other.execute("LOCK TABLE settlements_approval IN SHARE MODE")
        assert tells(INBOUND, pressed("approve", "SMa", answers="SMquestion")) == 200
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'settlements_approval'::regclass"
        )

        def is_reading() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(waiting)
                return bool(cursor.fetchone() != (0,))

        wait_until(is_reading)
        processes.kill("worker")
        with psycopg.connect(database_of_the_test(), autocommit=True) as third:
            third.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'"
                " AND datname = current_database()"
            )
    assert not Approval.objects.exists()
    assert not Answer.objects.exists()
    processes.start("worker")
    all_are_read(1)
    assert Approval.objects.get().method == "whatsapp"
    assert Answer.objects.get().is_applied
    wait_until(lambda: len(answered(fake)) == 1, why=str(answered(fake)))
    assert "ஒப்புதல்" in answered(fake)[0]
