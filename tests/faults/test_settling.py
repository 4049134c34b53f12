"""The worker of long jobs is killed in the middle of a settlement run: nothing is half made, and it is made once.

Real processes. A run stands still where somebody else locks a table it needs next; then its worker is killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection

from ledger.models import Claim, ClaimedRow, DailyEntry, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from settlements.models import Settlement, SettlementRun
from settlements.services.runs import Order, begin_run
from tests.cast import recorded
from tests.stack import Processes, breakable_redis, database_of_the_test, wait_until

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def processes(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Beat and the worker that sweeps; who makes the runs, each test starts itself."""
    with breakable_redis("settling") as server:
        processes = Processes(server.url, tmp_path_factory.mktemp("processes"))
        try:
            processes.start("worker", "beat")
            wait_until(lambda: " ready." in processes.log("worker"))
            yield processes
        finally:
            processes.kill_all()


@pytest.fixture
def run(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> SettlementRun:
    """One that waits, of two farmers with three lines each."""
    lines = [
        recorded(kumar, farmer, jasmine, quantity=Decimal(n), rate=Decimal(900))
        for farmer in (raja, lakshmi)
        for n in (1, 2, 3)
    ]
    day = lines[0].business_date
    run = begin_run(by=meena, key=uuid4(), order=Order(start=day, end=day)).made
    return SettlementRun.objects.get(pk=run)


@dataclass(frozen=True)
class Left:
    """What there is of a run in the database."""

    claims: int
    rows: int
    settlements: int
    is_done: bool


NOTHING = Left(claims=0, rows=0, settlements=0, is_done=False)
ALL = Left(claims=2, rows=6, settlements=2, is_done=True)


def left(run: UUID) -> Left:
    return Left(
        claims=Claim.objects.count(),
        rows=ClaimedRow.objects.count(),
        settlements=Settlement.objects.filter(run=run).count(),
        is_done=SettlementRun.objects.get(pk=run).status == "done",
    )


@contextmanager
def standing_still(table: str) -> Iterator[None]:
    """Whoever wants to write into a table waits."""
    with psycopg.connect(database_of_the_test()) as other:
        other.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


def waits(name: str) -> bool:
    """Whether a process waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND wait_event_type = 'Lock')",
            [name],
        )
        return bool(cursor.fetchone()[0])


def is_gone(name: str) -> bool:
    """Whether the database has noticed that a process is dead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s)",
            [name],
        )
        return bool(cursor.fetchone()[0])


def killed_in_the_middle(processes: Processes, worker: str, run: SettlementRun, table: str) -> Left:
    """Let a worker come as far as the table and kill it there; what it leaves behind."""
    with standing_still(table):
        processes.start(worker)
        wait_until(lambda: waits(worker), why=f"{worker} never came to {table}")
        processes.kill(worker)
    wait_until(lambda: is_gone(worker))
    return left(run.pk)


def test_a_worker_killed_in_the_middle_of_a_run_leaves_nothing_and_it_is_made_once(
    processes: Processes, run: SettlementRun
) -> None:
    assert killed_in_the_middle(processes, "jobs", run, "settlements_settlement") == NOTHING
    run.refresh_from_db()
    assert (run.status, run.tries) == ("running", 1)
    processes.start("jobs")
    try:
        wait_until(lambda: left(run.pk).is_done, why="nobody began it again")
        assert left(run.pk) == ALL
        # It was begun again by each sweep meanwhile; two more find nothing to do.
        starts = processes.log("worker").count("sweep_runs")
        wait_until(lambda: processes.log("worker").count("sweep_runs") >= starts + 4)
        assert left(run.pk) == ALL
    finally:
        processes.kill("jobs")
    run.refresh_from_db()
    assert (run.tries, run.settled, SettlementRun.objects.count()) == (2, 2, 1)
    assert {each.gross for each in Settlement.objects.all()} == {Decimal(5400)}
    assert DailyEntry.objects.count() == 6


def test_a_worker_that_keeps_what_it_took_is_caught(processes: Processes, run: SettlementRun) -> None:
    """The control: were a run not one transaction, this is what the test above would see."""
    found = killed_in_the_middle(processes, "careless", run, "settlements_settlement")
    assert found == Left(claims=2, rows=6, settlements=0, is_done=False)
