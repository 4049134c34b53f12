"""What days came to: from their sums, or their months', where these hold, from the lines and charges themselves
where they do not.

Figures are always those of the book at the moment of the question. Only `months_of_flowers` may be older, and says so.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from ledger.domain import RollupKind
from ledger.models import Farmer
from malar.accounts.models import Shop
from malar.kernel.money import ZERO

KEY = ("shop_id", "business_date", "subject", "unit")
ADDED = ("lines", "unpriced", "quantity", "priced", "amount", "commission", "charges")
COUNTED = ("lines", "unpriced")
COLUMNS = (*KEY, *ADDED, "low", "high")

LINES = """
    SELECT shop_id, entry_date AS business_date, {subject} AS subject, {unit} AS unit,
        count(*) AS lines, count(*) FILTER (WHERE rate IS NULL) AS unpriced,
        coalesce(sum(quantity){counted}, 0) AS quantity,
        coalesce(sum(CASE WHEN rate IS NOT NULL THEN quantity END){counted}, 0) AS priced,
        coalesce(sum(amount), 0) AS amount, coalesce(sum(commission), 0) AS commission, 0::numeric AS charges,
        min(rate) FILTER (WHERE kind <> 'reversal') AS low, max(rate) FILTER (WHERE kind <> 'reversal') AS high
    FROM ledger_dailyentry WHERE status <> 'voided' AND {which}
    GROUP BY 1, 2, 3, 4
"""
CHARGES = """
    SELECT shop_id, business_date, {subject} AS subject, '' AS unit,
        0 AS lines, 0 AS unpriced, 0 AS quantity, 0 AS priced, 0 AS amount, 0 AS commission,
        sum(amount) AS charges, NULL::numeric AS low, NULL::numeric AS high
    FROM ledger_charge WHERE status = 'standing' AND amount <> 0 AND {which}
    GROUP BY 1, 2, 3, 4
"""


def figures(kind: RollupKind, which: str) -> str:
    """SQL for the sums of days (COLUMNS) by farmer, flower or fee, of the lines and charges `which` (SQL, `{day}` for
    the column of the day)."""
    lines, charges = which.format(day="entry_date"), which.format(day="business_date")
    if kind == RollupKind.FLOWER:
        return LINES.format(subject="flower_id", unit="unit", counted="", which=lines)
    if kind == RollupKind.FEE:
        return CHARGES.format(subject="fee_id", which=charges)
    # Kilograms of one flower and bundles of another do not add up.
    kilograms = LINES.format(
        subject="farmer_id", unit="''", counted=" FILTER (WHERE unit = 'kg')", which=lines
    )
    sums = ", ".join(f"sum({name}) AS {name}" for name in ADDED)
    return f"""
        SELECT {", ".join(KEY)}, {sums}, min(low) AS low, max(high) AS high
        FROM ({kilograms} UNION ALL {CHARGES.format(subject="farmer_id", which=charges)}) AS both_of_them
        GROUP BY {", ".join(KEY)}
    """  # noqa: S608  # put together from constants


DAYS = "shop_id = %(shop)s AND {day} BETWEEN %(start)s AND %(end)s"
FIGURES = ", ".join(("subject", "unit", *ADDED, "low", "high"))
OF_DAYS = f"SELECT business_date, (lines > 0)::int AS days, {FIGURES} FROM"
QUESTION = """
    WITH dirty AS MATERIALIZED (
        SELECT DISTINCT business_date FROM ledger_dirtyday
        WHERE shop_id = %(shop)s AND business_date BETWEEN %(start)s AND %(end)s),
    months AS MATERIALIZED (
        SELECT whole.month::date
        FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 month') AS whole (month)
        WHERE EXISTS (SELECT FROM ledger_monthlyrollup AS kept
                      WHERE shop_id = %(shop)s AND kind = %(kind)s AND kept.month = whole.month::date)
            AND NOT EXISTS (SELECT FROM dirty WHERE date_trunc('month', business_date::timestamp) = whole.month)),
    clean AS MATERIALIZED (
        SELECT day::date FROM generate_series(%(start)s::timestamp, %(end)s::timestamp, interval '1 day') AS day
        WHERE day NOT IN (SELECT business_date FROM dirty)
            AND date_trunc('month', day) NOT IN (SELECT month FROM months))
    SELECT {kept}, sum(days)::int, {sums}, min(low), max(high)
    FROM ({source}) AS added GROUP BY {keys} ORDER BY {order}
"""


def _kept_and_fresh(kind: RollupKind) -> str:
    """SQL for the sums of months and days: kept ones where they hold, fresh ones of the days that are marked.

    One statement, so one moment: a mark that is not seen was taken away by somebody whose sums are seen.
    """
    marked = "{day} = ANY (ARRAY(SELECT business_date FROM dirty))"
    fresh = figures(kind, f"{DAYS} AND {marked}")
    # Days as an array: an index takes them one by one, and reads nothing of the months between.
    return f"""
        SELECT NULL::date AS business_date, days, {FIGURES} FROM ledger_monthlyrollup
        WHERE shop_id = %(shop)s AND kind = %(kind)s AND month = ANY (ARRAY(SELECT month FROM months))
        UNION ALL {OF_DAYS} ledger_dailyrollup
        WHERE shop_id = %(shop)s AND kind = %(kind)s AND business_date = ANY (ARRAY(SELECT day FROM clean))
        UNION ALL ({OF_DAYS} ({fresh}) AS fresh)
    """  # noqa: S608


def _whole_months(start: dt.date, end: dt.date) -> tuple[dt.date, dt.date]:
    """The first days of the first and of the last month that lie between two days, both included; the last before
    the first where none does."""
    first = start if start.day == 1 else (start.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    after = (end + dt.timedelta(days=1)).replace(day=1)
    return first, (after - dt.timedelta(days=1)).replace(day=1)


class Sums(NamedTuple):
    """What some days came to, in ₹ and kg (of a flower, its `unit`). `day` and `subject` are None where they are summed
    over. `times` counts days that had lines, of one day the farmers, flowers or fees that did."""

    day: dt.date | None = None
    subject: UUID | None = None
    unit: str = ""
    times: int = 0
    lines: int = 0
    unpriced: int = 0
    quantity: Decimal = ZERO
    priced: Decimal = ZERO
    amount: Decimal = ZERO
    commission: Decimal = ZERO
    charges: Decimal = ZERO
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def left(self) -> Decimal:
        """₹ that are left for the farmers after commission and charges; below zero they owe it."""
        return self.amount - self.commission - self.charges

    @property
    def average(self) -> Decimal | None:
        """₹ per unit over what has a rate, not rounded; None where nothing has."""
        return self.amount / self.priced if self.priced else None


def sums_of(
    shop: Shop,
    kind: RollupKind,
    start: dt.date,
    end: dt.date,
    *,
    by_day: bool = False,
    by_subject: bool = False,
    farmer: Farmer | None = None,
) -> list[Sums]:
    """What the days from `start` to `end`, both included, came to: summed over farmers, flowers or fees, each day or
    each subject by itself where asked. Of one `farmer` from his own lines and charges: they are few. One query."""
    keys = [
        name if wanted else None
        for name, wanted in (
            ("business_date", by_day),
            ("subject", by_subject),
            # Of flowers together the units would be added up.
            ("unit", by_subject and kind == RollupKind.FLOWER),
        )
    ]
    absent = ("NULL::date", "NULL::uuid", "''")
    kept = [name or nothing for name, nothing in zip(keys, absent, strict=True)]
    own = f"{OF_DAYS} ({figures(kind, f'{DAYS} AND farmer_id = %(farmer)s')}) AS his"
    question = QUESTION.format(
        kept=", ".join(kept),
        sums=", ".join(f"sum({name}){'::int' if name in COUNTED else ''}" for name in ADDED),
        source=own if farmer else _kept_and_fresh(kind),
        keys=", ".join(name for name in keys if name) or "()",
        order=", ".join(name for name in keys if name) or "1",
    )
    first, last = (None, None) if by_day else _whole_months(start, end)
    asked: dict[str, Any] = {
        "shop": shop.pk,
        "kind": kind.value,
        "start": start,
        "end": end,
        "first": first,
        "last": last,
        "farmer": farmer and farmer.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(question, asked)
        return [Sums(*row) for row in cursor.fetchall() if row[4] is not None]


@dataclass(frozen=True)
class FlowerMonth:
    """A flower in a month, as of a moment: quantity in `unit`, ₹, and the rates paid in ₹ per unit."""

    month: dt.date
    flower: UUID
    unit: str
    lines: int
    quantity: Decimal
    priced: Decimal
    amount: Decimal
    low: Decimal | None
    high: Decimal | None
    as_of: dt.datetime

    @property
    def average(self) -> Decimal | None:
        """₹ per unit over what has a rate, not rounded; None where nothing has."""
        return self.amount / self.priced if self.priced else None


def months_of_flowers(
    shop: Shop, first: dt.date, last: dt.date, flowers: Sequence[UUID] = ()
) -> list[FlowerMonth]:
    """Flowers month by month, newest first, from `first` to `last` (any days of them), of some flowers or of all;
    as old as the last `renew_months`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT month, flower_id, unit, lines, quantity, priced, amount, low, high, as_of FROM ledger_flowermonth"
            " WHERE shop_id = %(shop)s AND month BETWEEN %(first)s AND %(last)s"
            " AND (%(all)s OR flower_id = ANY (%(flowers)s::uuid[])) ORDER BY month DESC, flower_id, unit",
            {
                "shop": shop.pk,
                "first": first.replace(day=1),
                "last": last,
                "all": not flowers,
                "flowers": list(flowers),
            },
        )
        return [FlowerMonth(*row) for row in cursor.fetchall()]
