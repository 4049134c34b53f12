"""Work that the house does for itself."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from ledger.services.partitions import ensure_window
from ledger.services.waiting import say_rates_pending
from malar.kernel.transactions import through
from malar.ops.books import check_and_keep
from malar.trail.services.pulse import beat


@shared_task(name="malar.ops.tasks.beat_heart")
def beat_heart() -> None:
    """Note that a worker takes tasks; /readyz looks at it."""
    beat("worker", at=timezone.now())


@worker_ready.connect
def beat_at_once(sender: Any = None, **_: Any) -> None:
    """A worker that has just come up need not wait for the first beat to be seen. Not the one of long jobs: it
    says nothing of whether messages go out."""
    if not str(getattr(sender, "hostname", sender)).startswith("jobs@"):
        beat_heart()


@shared_task(name="malar.ops.tasks.make_partitions")
def make_partitions() -> int:
    """Make the months around today; returns how many there are."""
    return ensure_window(timezone.localdate())


@shared_task(name="malar.ops.tasks.check_books", soft_time_limit=1500, time_limit=1560)
def check_books() -> int:
    """Look for what must never be so, and keep what was found; returns how many invariants are broken."""
    return len(check_and_keep().findings)


@shared_task(name="malar.ops.tasks.look_for_rates")
def look_for_rates() -> int:
    """Say which flowers have been without a rate for too long; returns how many times it was said."""
    with through("task"):
        return say_rates_pending(now=timezone.now())
