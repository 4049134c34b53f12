"""What a shop's farmers usually bring: which flowers, how much of them, and when last."""

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from malar.accounts.models import Shop

HABIT_DAYS = 60
USUAL_LINES = 30
USUAL_NEEDS = 5

# Per farmer and flower. The days choose the partitions; percentile_disc and not _cont, because it
# answers with a weight he did bring, a numeric, where _cont answers with a float.
HABITS = """
    SELECT farmer_id, flower_id, count(*), max(entry_date),
           percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY quantity) FILTER (WHERE nth <= %(usual)s)
    FROM (SELECT farmer_id, flower_id, quantity, entry_date,
                 row_number() OVER (
                     PARTITION BY farmer_id, flower_id ORDER BY entry_date DESC, captured_at DESC) AS nth
          FROM ledger_dailyentry
          WHERE shop_id = %(shop)s AND (%(farmers)s::uuid[] IS NULL OR farmer_id = ANY(%(farmers)s))
            AND entry_date BETWEEN %(since)s AND %(day)s AND status <> 'voided'
            AND kind <> 'reversal') AS line
    GROUP BY farmer_id, flower_id
    ORDER BY farmer_id, count(*) DESC, max(entry_date) DESC, flower_id
"""


@dataclass(frozen=True, slots=True)
class Habit:
    """A farmer's lines of one flower in sixty days; weights in the flower's unit.

    `low` and `high` are the 10th and 90th percentile of his last thirty lines of it, None under five lines.
    """

    farmer_id: UUID
    flower_id: UUID
    lines: int
    low: Decimal | None
    high: Decimal | None
    last_seen: dt.date


def habits_in(shop: Shop, day: dt.date, *, farmers: Collection[UUID] | None = None) -> list[Habit]:
    """The habits of all farmers, or of some, in the sixty days up to `day`: together, most lines first.

    Cancelled lines do not count. One query.
    """
    since = day - dt.timedelta(days=HABIT_DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            HABITS,
            {
                "shop": shop.pk,
                "farmers": None if farmers is None else list(farmers),
                "since": since,
                "day": day,
                "usual": USUAL_LINES,
            },
        )
        return [
            Habit(
                farmer_id=farmer_id,
                flower_id=flower_id,
                lines=lines,
                low=usual[0] if lines >= USUAL_NEEDS else None,
                high=usual[1] if lines >= USUAL_NEEDS else None,
                last_seen=last_seen,
            )
            for farmer_id, flower_id, lines, last_seen, usual in cursor
        ]


def largest_in(shop: Shop, day: dt.date) -> dict[UUID, Decimal]:
    """The largest line of each flower in the sixty days up to `day`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT flower_id, max(quantity) FROM ledger_dailyentry"
            " WHERE shop_id = %s AND entry_date BETWEEN %s AND %s AND status <> 'voided' AND kind <> 'reversal'"
            " GROUP BY flower_id",
            [shop.pk, day - dt.timedelta(days=HABIT_DAYS - 1), day],
        )
        return dict(cursor.fetchall())


def bare_name(name: str) -> str:
    """A name without initials, as one would call it across the yard: `மு. முருகேசன்`, `Murugesan P`.

    An initial is what a dot follows, or a single letter (with its vowel sign, which is no letter).
    """
    parts = re.findall(r"([^\s.]+)(\.?)", unicodedata.normalize("NFC", name).casefold())
    kept = [part for part, dot in parts if not dot and _letters(part) > 1]
    return " ".join(kept or [part for part, _ in parts])


def _letters(part: str) -> int:
    return sum(unicodedata.category(sign).startswith("L") for sign in part)


def namesakes_among(names: Iterable[tuple[UUID, str, str, bool]]) -> set[UUID]:
    """Whose name, initials left aside and in either script, another active farmer has too.

    Takes id, Tamil name, English name, and whether he is active.
    """
    called = [
        (farmer_id, {bare for bare in (bare_name(tamil), bare_name(english)) if bare}, is_active)
        for farmer_id, tamil, english, is_active in names
    ]
    active = Counter(bare for _, bares, is_active in called if is_active for bare in bares)
    return {
        farmer_id for farmer_id, bares, is_active in called if any(active[bare] > is_active for bare in bares)
    }
