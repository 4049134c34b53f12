"""The months of the book: daily entries lie in one partition a month (architecture §5.13)."""

import datetime as dt
from collections.abc import Collection
from functools import partial

from django.db import connection, transaction

from malar.kernel.transactions import in_unit, step

_known: set[tuple[int, int]] = set()
"""Months this process has seen to exist. A partition is never dropped while Malar runs."""


def ensure_month(day: dt.date) -> None:
    """Make the partition of that month where it is missing: at most one look a month and process.

    A unit of work of its own, before that of whoever is going to write: attaching a partition wants
    the default one for itself alone, and two writers who already read it would wait for each other.
    """
    month = (day.year, day.month)
    if month not in _known:
        in_unit(partial(_make, day, month), by=None)


@step
def know_months(days: Collection[dt.date]) -> None:
    """Let the planner know the months of some days as they are now, in the middle of writing much into them.

    Of a month it knows nothing of it would look for a farmer's lines by reading whole days.
    """
    with connection.cursor() as cursor:
        for month in sorted({f"{day:%Y_%m}" for day in days}):
            cursor.execute(f"ANALYZE ledger_dailyentry_{month} (farmer_id, flower_id, entry_date)")


def forget_months() -> None:
    """For a process that goes over to another database."""
    _known.clear()


def _make(day: dt.date, month: tuple[int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_ensure_month(%s)", [day])
    transaction.on_commit(partial(_known.add, month))


def ensure_window(today: dt.date, *, back: int = 24, ahead: int = 3) -> int:
    """Make every month from `back` months ago to `ahead` months from now; returns how many there are."""
    first = today.year * 12 + today.month - 1 - back
    months = [dt.date(n // 12, n % 12 + 1, 1) for n in range(first, first + back + ahead + 1)]
    for month in months:
        ensure_month(month)
    return len(months)
