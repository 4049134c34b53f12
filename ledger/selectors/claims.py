"""Questions about what settlements have taken of the book."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from ledger.domain import ClaimState, EntryStatus
from ledger.models import ClaimedRow, DailyEntry, Farmer
from malar.accounts.models import Shop
from malar.kernel.money import ZERO


def live_rows(rows: Collection[UUID]) -> QuerySet[ClaimedRow]:
    """Those of these rows that a settlement has taken and not let go."""
    return ClaimedRow.objects.filter(row__in=rows, released=False)


def in_accounts(on: dt.date | None = None) -> Exists:
    """Whether a row's sum was in the accounts at the end of the day `on`, or is with all that is written."""
    if on is None:
        # By the index that holds every live row once.
        taken = ClaimedRow.objects.filter(released=False, claim__state=ClaimState.POSTED)
    else:
        taken = ClaimedRow.objects.filter(
            Q(claim__released_on=None) | Q(claim__released_on__gt=on), claim__posted_on__lte=on
        )
    return Exists(taken.filter(row=OuterRef("pk")))


@dataclass(frozen=True)
class Promised:
    """What an open settlement will take of what a farmer owes, in ₹."""

    draws: Decimal = ZERO
    hand_loans: Decimal = ZERO
    recovery: Decimal = ZERO


def promised_of(farmer: Farmer) -> Promised:
    """What his open settlement, if there is one, will take of what he owes."""
    held = farmer.claims.filter(state=ClaimState.HELD).values("draws", "hand_loans", "recovery").first()
    return Promised(**held) if held else Promised()


@dataclass(frozen=True)
class Taken:
    """What a claim took, summed from the rows themselves, in ₹. `late` are lines of days before the period;
    `digest` is a fingerprint of every row with its figures."""

    rows: int
    lines: int
    late: int
    gross: Decimal
    commission: Decimal
    fees: Decimal
    passed_on: Decimal
    draws: Decimal
    digest: str


# Each part: (claim, count, late, first sum, second sum, digest). Ordered by id within a claim, so that whoever
# reckons the digest again gets the same one.
SUM_LINES = """
    SELECT taken.claim_id, count(*), count(*) FILTER (WHERE line.entry_date < %(start)s),
        sum(line.amount), sum(line.commission),
        encode(sha256(string_agg(
            uuid_send(line.id) || numeric_send(line.quantity) || numeric_send(line.amount)
            || numeric_send(line.commission), ''::bytea ORDER BY line.id)), 'hex')
    FROM ledger_claimedrow AS taken
    JOIN ledger_dailyentry AS line ON line.id = taken.row AND line.entry_date <= %(until)s
    WHERE taken.claim_id = ANY(%(claims)s) AND taken.kind = 'line'
    GROUP BY taken.claim_id
"""
SUM_CHARGES = """
    SELECT taken.claim_id, count(*), 0,
        coalesce(sum(charge.amount) FILTER (WHERE charge.income = 'shop'), 0),
        coalesce(sum(charge.amount) FILTER (WHERE charge.income <> 'shop'), 0),
        encode(sha256(string_agg(
            uuid_send(charge.id) || numeric_send(charge.amount), ''::bytea ORDER BY charge.id)), 'hex')
    FROM ledger_claimedrow AS taken JOIN ledger_charge AS charge ON charge.id = taken.row
    WHERE taken.claim_id = ANY(%(claims)s) AND taken.kind = 'charge'
    GROUP BY taken.claim_id
"""
SUM_DRAWS = """
    SELECT taken.claim_id, count(*), 0,
        sum(CASE WHEN draw.reverses_id IS NULL THEN draw.amount ELSE -draw.amount END), 0,
        encode(sha256(string_agg(
            uuid_send(draw.id) || numeric_send(draw.amount), ''::bytea ORDER BY draw.id)), 'hex')
    FROM ledger_claimedrow AS taken JOIN ledger_movement AS draw ON draw.id = taken.row
    WHERE taken.claim_id = ANY(%(claims)s) AND taken.kind = 'draw'
    GROUP BY taken.claim_id
"""


def sums_of(claims: Sequence[UUID], start: dt.date, until: dt.date) -> dict[UUID, Taken]:
    """What claims took, by their ids. Lines before `start` are late; none is after `until`. Three queries."""
    found: list[dict[UUID, tuple[int, int, Decimal, Decimal, str]]] = []
    with connection.cursor() as cursor:
        for question in (SUM_LINES, SUM_CHARGES, SUM_DRAWS):
            cursor.execute(question, {"claims": list(claims), "start": start, "until": until})
            found.append({row[0]: row[1:] for row in cursor.fetchall()})
    lines, charges, draws = found
    nothing = (0, 0, ZERO, ZERO, "")

    def taken(claim: UUID) -> Taken:
        line, charge, draw = (part.get(claim, nothing) for part in (lines, charges, draws))
        return Taken(
            rows=line[0] + charge[0] + draw[0],
            lines=line[0],
            late=line[1],
            gross=line[2],
            commission=line[3],
            fees=charge[2],
            passed_on=charge[3],
            draws=draw[2],
            digest=":".join((line[4], charge[4], draw[4])),
        )

    return {claim: taken(claim) for claim in claims}


def unpriced_until(shop: Shop, until: dt.date) -> dict[UUID, int]:
    """Farmers with lines without a rate up to a day, and how many."""
    waiting = DailyEntry.objects.filter(shop=shop, business_date__lte=until).unpriced()
    return dict(waiting.order_by().values_list("farmer_id").annotate(n=Count("pk")))


def unsettled_lines(shop: Shop, until: dt.date, farmers: Collection[UUID] | None, most: int) -> int:
    """How many lines nobody has taken up to a day, of these farmers (None: of all). Counts no further than `most`."""
    taken = ClaimedRow.objects.filter(row=OuterRef("pk"), released=False)
    lines = DailyEntry.objects.filter(shop=shop, business_date__lte=until).exclude(status=EntryStatus.VOIDED)
    if farmers is not None:
        lines = lines.filter(farmer__in=farmers)
    return lines.filter(~Exists(taken)).order_by()[:most].count()


def owed_on(shop: Shop, kinds: Sequence[str]) -> dict[tuple[UUID, str], Decimal]:
    """Credits less debits of the farmers' accounts of these kinds, in ₹, by farmer and kind: above zero he is
    owed it. One query for all farmers of a shop."""
    with connection.cursor() as cursor:
        cursor.execute(OWED, {"shop": shop.pk, "kinds": list(kinds)})
        return {(farmer, kind): owed for farmer, kind, owed in cursor.fetchall()}


OWED = """
    SELECT account.farmer_id, account.kind, sum(moved.amount)
    FROM ledger_account AS account
    JOIN (SELECT credit_id AS account, amount FROM ledger_transfer WHERE shop_id = %(shop)s
          UNION ALL
          SELECT debit_id, -amount FROM ledger_transfer WHERE shop_id = %(shop)s) AS moved
        ON moved.account = account.id
    WHERE account.shop_id = %(shop)s AND account.kind = ANY(%(kinds)s) AND account.farmer_id IS NOT NULL
    GROUP BY account.farmer_id, account.kind
"""
