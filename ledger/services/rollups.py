"""Summing up days again after something was written into them, and months when they are over
(docs/adr/0008-sums-of-days.md)."""

import datetime as dt
from functools import partial
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ledger.domain import RollupKind
from ledger.selectors.rollups import ADDED, COLUMNS, figures
from malar.kernel.transactions import in_unit, step

DAYS_AT_ONCE = 31
"""In one transaction, and of one shop."""
LOCK = 7
"""One sums at a time. Nobody else waits for this lock."""
MARKS = """
    WITH shop AS (SELECT shop_id FROM ledger_dirtyday WHERE id <= %(newest)s ORDER BY id LIMIT 1),
    its_days AS (SELECT DISTINCT shop_id, business_date FROM ledger_dirtyday JOIN shop USING (shop_id)
             WHERE id <= %(newest)s ORDER BY business_date DESC LIMIT %(most)s)
    DELETE FROM ledger_dirtyday AS mark USING its_days
    WHERE (mark.shop_id, mark.business_date) = (its_days.shop_id, its_days.business_date)
    RETURNING mark.shop_id, mark.business_date
"""
SUMS = [
    f"""
    INSERT INTO ledger_dailyrollup (kind, {", ".join(COLUMNS)})
    SELECT '{kind.value}', {", ".join(COLUMNS)}
    FROM ({figures(kind, "shop_id = %(shop)s AND {day} = ANY (%(days)s::date[])")}) AS figures
    """  # noqa: S608  # put together from constants
    for kind in RollupKind
]

LATE = dt.timedelta(days=2)
"""A month is kept so long after its end: until then much of it is still corrected, or comes from tablets."""
MISSING = """
    SELECT shop.id, over.month::date
    FROM accounts_shop AS shop, LATERAL (
        SELECT min(business_date) AS day FROM ledger_dailyrollup WHERE shop_id = shop.id AND kind = 'farmer') AS first,
        generate_series(date_trunc('month', first.day::timestamp), %(last)s::timestamp, interval '1 month')
            AS over (month)
    WHERE NOT EXISTS (SELECT FROM ledger_monthlyrollup AS kept
                      WHERE kept.shop_id = shop.id AND kind = 'farmer' AND kept.month = over.month::date)
        AND EXISTS (SELECT FROM ledger_dailyrollup WHERE shop_id = shop.id AND kind = 'farmer'
                    AND business_date >= over.month AND business_date < over.month + interval '1 month')
"""
MONTH = f"""
    INSERT INTO ledger_monthlyrollup (kind, shop_id, month, subject, unit, days, {", ".join(ADDED)}, low, high)
    SELECT kind, shop_id, %(month)s, subject, unit, count(*) FILTER (WHERE lines > 0),
        {", ".join(f"sum({name})" for name in ADDED)}, min(low), max(high)
    FROM ledger_dailyrollup
    WHERE shop_id = %(shop)s AND business_date >= %(month)s AND business_date < %(month)s + interval '1 month'
    GROUP BY kind, shop_id, subject, unit
    ON CONFLICT DO NOTHING  -- somebody was faster, and kept the same
"""  # noqa: S608


def sum_up_days() -> int:
    """Sum up all days marked until now, in all shops; answers how many. 0 also where somebody is at it already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM ledger_dirtyday")
        (newest,) = cursor.fetchone()
    summed = 0
    while newest and (days := in_unit(partial(_sum_up, newest), by=None)):
        summed += days
    return summed


def _sum_up(newest: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    marked = _take_marks(newest)
    for shop in {shop for shop, _day in marked}:
        _sum([day for of, day in marked if of == shop], shop)
    return len(marked)


@step
def _take_marks(newest: int) -> set[tuple[UUID, dt.date]]:
    """Take the marks of some days of a shop away, before anything is summed: each statement sees what is committed
    when it begins, so whatever left one of these marks is in the sums. Who commits later leaves his own mark."""
    with connection.cursor() as cursor:
        cursor.execute(MARKS, {"newest": newest, "most": DAYS_AT_ONCE})
        return set(cursor.fetchall())


@step
def _sum(days: list[dt.date], shop: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_dailyrollup WHERE shop_id = %s AND business_date = ANY (%s::date[])",
            [shop, days],
        )
        cursor.execute(
            "DELETE FROM ledger_monthlyrollup WHERE shop_id = %s AND month = ANY (%s::date[])",
            [shop, [day.replace(day=1) for day in days]],
        )
        for sums in SUMS:
            cursor.execute(sums, {"shop": shop, "days": days})


def renew_months() -> None:
    """Sum up the months that are over and have no sums, and make `ledger_flowermonth` anew. Readers keep the old one
    until it is done."""
    this_month = (timezone.localdate() - LATE).replace(day=1)
    last = (this_month - dt.timedelta(days=1)).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(MISSING, {"last": last})
        missing = cursor.fetchall()
    for shop, month in missing:
        in_unit(partial(_keep_month, shop, month), by=None)
    with connection.cursor() as cursor:
        cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY ledger_flowermonth")


def _keep_month(shop: UUID, month: dt.date) -> None:
    with connection.cursor() as cursor:
        # Whoever sums one of its days meanwhile takes these sums away again; the lock says which of us is first.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK])
        cursor.execute(MONTH, {"shop": shop, "month": month})
