"""Celery's door: sums that beat asks for."""

from celery import shared_task

from ledger.services import rollups
from malar.kernel.transactions import through


@shared_task(name="ledger.tasks.sum_up_days")
def sum_up_days() -> int:
    """Sum up the days that were written into; answers how many."""
    with through("task"):
        return rollups.sum_up_days()


@shared_task(name="ledger.tasks.renew_months")
def renew_months() -> None:
    """Sum up the months that are over, and make those of the flowers anew."""
    with through("task"):
        rollups.renew_months()
