"""The tasks of runs: into a queue of their own, any number of times."""

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.celery import app
from malar.kernel.errors import Conflict
from malar.kernel.jobs import BrokerAway
from settlements import tasks
from settlements.models import Settlement, SettlementRun
from settlements.services import runs
from settlements.services.runs import TRIES, begin_run
from tests.settlements.acts import WEEK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sunday")]


@pytest.fixture
def run(settlement_b: Farmer, meena: Membership) -> SettlementRun:
    return SettlementRun.objects.get(pk=begin_run(by=meena, key=uuid4(), order=WEEK).made)


def test_a_run_goes_into_the_queue_of_long_jobs_and_nothing_else_does() -> None:
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if "." in name}
    assert {name for name, queue in queues.items() if queue == "jobs"} == {tasks.SETTLE}
    assert app.tasks[tasks.SETTLE].expires == 60


def test_looking_for_runs_when_none_waits_is_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        tasks.sweep_runs()


def test_a_run_given_out_again_and_again_is_made_once(run: SettlementRun) -> None:
    for _ in range(3):
        tasks.settle_run(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.tries, Settlement.objects.count()) == ("done", 1, 1)


def test_a_run_that_nobody_knows_is_nothing() -> None:
    tasks.settle_run(str(uuid4()))
    assert not SettlementRun.objects.exists()


def test_a_run_that_meets_somebody_waits_for_the_next_try(
    run: SettlementRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Conflict("busy", code="busy")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "settle", busy)
        tasks.sweep_runs()
        run.refresh_from_db()
        assert (run.status, run.tries, run.fault) == ("running", 1, "")
    tasks.sweep_runs()
    run.refresh_from_db()
    assert (run.status, run.tries) == ("done", 2)


def test_a_run_that_always_meets_somebody_is_given_up_in_words(
    run: SettlementRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Conflict("busy", code="busy")

    monkeypatch.setattr(runs, "settle", busy)
    for _ in range(TRIES + 1):
        tasks.sweep_runs()
    run.refresh_from_db()
    assert (run.status, run.tries) == ("failed", TRIES)
    assert run.fault.startswith("It could not be made.")


def test_while_the_broker_is_away_it_waits(run: SettlementRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise BrokerAway("gone")

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "start", away)
        tasks.sweep_runs()
    run.refresh_from_db()
    assert (run.status, run.tries) == ("queued", 0)
