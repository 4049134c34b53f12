"""Celery's door to the tablets."""

from celery import shared_task
from django.utils import timezone

from malar.kernel.transactions import through
from malar.sync.services import say_silent_tablets


@shared_task(name="malar.sync.tasks.look_for_tablets")
def look_for_tablets() -> int:
    """Say which tablets are silent with something left to send; returns how many."""
    with through("task"):
        return say_silent_tablets(now=timezone.now())
