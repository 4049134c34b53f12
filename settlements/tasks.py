"""Celery's door. A task carries an id and may run any number of times."""

from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from malar.accounts.models import Shop
from malar.kernel.jobs import BrokerAway, start
from malar.kernel.transactions import through
from settlements.services import due, reminders, runs

log = structlog.get_logger(__name__)

SETTLE, SETTLE_DUE = "settlements.tasks.settle_run", "settlements.tasks.settle_due"


# Into a queue of its own (settings): a long run never holds up a message. What lies there longer than a minute was
# started again meanwhile; while one long run is made, the sweeps would pile up else.
@shared_task(name=SETTLE, expires=60, soft_time_limit=1500, time_limit=1560)
def settle_run(run_id: str) -> None:
    """Make one run."""
    with through("task"):
        runs.make_run(UUID(run_id))


@shared_task(name="settlements.tasks.sweep_runs")
def sweep_runs() -> None:
    """Every few seconds: start the runs that wait, also those whose worker was killed. One query when none does."""
    _hand_over(SETTLE, "run_id", runs.waiting_runs())


@shared_task(name=SETTLE_DUE)
def settle_due(shop_id: str) -> None:
    """Begin the runs of one shop whose period has ended."""
    with through("task"):
        due.settle_due(Shop.objects.get(pk=shop_id))


@shared_task(name="settlements.tasks.settle_all_due")
def settle_all_due() -> None:
    """In the morning: each shop for itself, so that none waits for another."""
    _hand_over(SETTLE_DUE, "shop_id", list(Shop.objects.order_by("pk").values_list("pk", flat=True)))


@shared_task(name="settlements.tasks.look_for_answers")
def look_for_answers() -> int:
    """In the daytime: say which settlements their farmers have not answered; returns how many."""
    with through("task"):
        return reminders.say_unanswered(now=timezone.now())


def _hand_over(task: str, name: str, ids: list[UUID]) -> None:
    """Start a task for each. With the broker away the next sweep, or the next hour, does it."""
    try:
        for each in ids:
            start(task, **{name: str(each)})
    except BrokerAway as error:
        log.warning("broker_away", error=str(error), task=task)
