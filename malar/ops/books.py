"""Checking the books: asking the database for rows that break what must always be true."""

import datetime as dt
import time
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from ledger.selectors.invariants import Invariant
from malar.accounts.models import Shop
from malar.kernel.transactions import in_unit, step
from malar.ops.invariants import invariants
from malar.trail.events import BooksBroken
from malar.trail.models import BooksCheck
from malar.trail.services.events import record

AT_MOST = 20
"""Rows of one invariant and shop that are told; the count says how many more there are."""
OK, BROKEN, LATE, NEVER = "ok", "broken", "late", "never"
LATE_AFTER = dt.timedelta(hours=36)


@dataclass(frozen=True)
class Row:
    """A row that breaks an invariant: whose it is (None: nobody's in particular), its id, and what was found."""

    shop: UUID | None
    id: str
    found: str


@dataclass(frozen=True)
class Finding:
    """An invariant that does not hold, and the first rows that break it."""

    invariant: Invariant
    rows: list[Row]
    count: int


def broken(shop: UUID | None = None, only: tuple[Invariant, ...] | None = None) -> list[Finding]:
    """Every invariant that does not hold, for all shops or for one (and what is nobody's). One query each."""
    return [finding for each in only or invariants() if (finding := ask(each, shop))]


def ask(invariant: Invariant, shop: UUID | None = None) -> Finding | None:
    """Ask one invariant; None where it holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH broken (shop, row, found) AS ({invariant.sql}),
            told AS (SELECT *, row_number() OVER (PARTITION BY shop ORDER BY row, found) AS n,
                            count(*) OVER () AS count
                     FROM broken WHERE %(shop)s::uuid IS NULL OR shop IS NULL OR shop = %(shop)s::uuid)
            SELECT shop, row, found, count FROM told WHERE n <= %(at_most)s ORDER BY shop, n LIMIT 1000
            """,  # noqa: S608
            {"shop": shop, "at_most": AT_MOST},
        )
        found = cursor.fetchall()
    if not found:
        return None
    return Finding(invariant, [Row(*row[:3]) for row in found], found[0][3])


def check_and_keep() -> BooksCheck:
    """Ask all of them for all shops and keep the result for /readyz and the office."""
    began = time.monotonic()
    findings = broken()
    took = round((time.monotonic() - began) * 1000)
    return in_unit(lambda: keep(findings, took), by=None)


@step
def keep(findings: list[Finding], milliseconds: int) -> BooksCheck:
    """Keep what was found, and have each shop's owner told of what is his, or nobody's in particular."""
    check = BooksCheck.objects.create(
        milliseconds=milliseconds,
        checked=len(invariants()),
        findings=[
            {
                "invariant": each.invariant.name,
                "number": each.invariant.number,
                "count": each.count,
                "rows": [
                    {"shop": str(row.shop) if row.shop else None, "id": row.id, "found": row.found}
                    for row in each.rows
                ],
            }
            for each in findings
        ],
    )
    whose = {row.shop for each in findings for row in each.rows}
    shops = Shop.objects.all() if None in whose else Shop.objects.filter(pk__in=whose)
    for shop in shops:
        record(BooksBroken(check=check.pk), shop=shop)
    return check


def state_of_books(now: dt.datetime) -> str:
    """OK, BROKEN, LATE (the last check is older than a day and a half), or NEVER: a new house is not unsound."""
    last = BooksCheck.objects.first()
    if last is None:
        return NEVER
    if not last.is_sound:
        return BROKEN
    return LATE if now - last.at > LATE_AFTER else OK
