"""Recording events and handing them over."""

import datetime as dt
import json
from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from malar.accounts.models import Shop
from malar.kernel.ids import new_id
from malar.kernel.jobs import nothing_waits, start
from malar.kernel.transactions import step
from malar.trail.domain import Happening
from malar.trail.models import Event

REACT = "notifications.tasks.react"
"""The task that reacts to an event, by name: nothing down here imports it."""


@step
def record(happening: Happening, *, shop: Shop) -> None:
    """Write an event in the present transaction; its commit wakes the dispatcher.

    In SQL: this and the answer (answers.py) are written with every sale, and the ORM's share of
    such a small row is four fifths.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trail_event (id, shop_id, name, payload, at) VALUES (%s, %s, %s, %s, %s)",
            [new_id(), shop.pk, happening.name, json.dumps(happening.payload()), timezone.now()],
        )


@step
def record_all(happenings: Sequence[Happening], *, shop: Shop) -> None:
    """Write many events in the present transaction with one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trail_event (id, shop_id, name, payload, at)"
            " SELECT new.id, %s, new.name, new.payload::jsonb, %s"
            " FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (id, name, payload)",
            [
                shop.pk,
                timezone.now(),
                [new_id() for _each in happenings],
                [happening.name for happening in happenings],
                [json.dumps(happening.payload()) for happening in happenings],
            ],
        )


def hand_over(limit: int = 200) -> int:
    """Give Celery the ids of events that are new; returns how many. Raises BrokerAway."""
    return _hand(Q(handed_at=None), limit)


def hand_over_again(limit: int = 200) -> int:
    """Give Celery once more what it got long ago, has not done and cannot have waiting; returns how many.

    So a flushed broker and a killed worker lose nothing. Raises BrokerAway.
    """
    long_ago = Q(handed_at__lt=timezone.now() - dt.timedelta(seconds=settings.EVENT_AGAIN_S))
    if Event.objects.undone().filter(long_ago).exists() and nothing_waits():
        return _hand(long_ago, limit)
    return 0


def _hand(which: Q, limit: int) -> int:
    """Stamp first and give afterwards, so that no row is locked while the broker takes its time.

    What could not be given loses its stamp. A crash in between costs those events the time until
    they are handed over again, and handing one over twice does no harm: `react` does it once.
    """
    with transaction.atomic():
        events = list(
            Event.objects.undone()
            .filter(which)
            .order_by("id")
            .values_list("id", flat=True)
            .select_for_update(skip_locked=True)[:limit]
        )
        Event.objects.filter(pk__in=events).update(handed_at=timezone.now())
    given = 0
    try:
        for event_id in events:
            start(REACT, event_id=str(event_id))
            given += 1
    finally:
        if given < len(events):
            Event.objects.undone().filter(pk__in=events[given:]).update(handed_at=None)
    return given
