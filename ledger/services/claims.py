"""Taking rows of the book for settlements, putting what came of it into the accounts, and letting go. Steps."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from ledger.domain import ClaimState
from ledger.models import Claim, ClaimedRow
from malar.accounts.models import Shop
from malar.kernel.transactions import step

HOLD = """
    SELECT pg_advisory_xact_lock(1, bucket) FROM (
        SELECT DISTINCT hashtext(farmer::text) & 1023 AS bucket FROM unnest(%s::uuid[]) AS farmer
        ORDER BY bucket) AS buckets
"""
TAKE = """
    INSERT INTO ledger_claimedrow (claim_id, kind, row, released)
    SELECT who.claim, %(kind)s, it.id, false
    FROM unnest(%(farmers)s::uuid[], %(claims)s::uuid[]) AS who (farmer, claim)
    JOIN {rows} AS it ON it.farmer_id = who.farmer AND it.shop_id = %(shop)s AND {which}
    WHERE NOT EXISTS (SELECT FROM ledger_claimedrow AS taken WHERE taken.row = it.id AND NOT taken.released)
    ORDER BY who.claim
"""
TAKEN = (
    (
        "line",
        "ledger_dailyentry",
        "it.entry_date <= %(until)s AND it.status <> 'voided' AND it.rate IS NOT NULL",
    ),
    ("charge", "ledger_charge", "it.business_date <= %(until)s AND it.status = 'standing'"),
    (
        "draw",
        "ledger_movement",
        # What takes a draw back goes with it, however late that was: else it would be recovered and he has it not.
        """it.status = 'posted' AND it.kind = 'draw' AND (it.business_date <= %(until)s OR EXISTS (
            SELECT FROM ledger_movement AS first
            WHERE first.id = it.reverses_id AND first.business_date <= %(until)s))""",
    ),
)


@step
def hold_book(farmers: Sequence[UUID]) -> None:
    """Wait for all who write about these farmers and keep others waiting until the commit (architecture §5.11)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [list(farmers)])


@step
def take_rows(shop: Shop, claims: Mapping[UUID, UUID], until: dt.date) -> None:
    """For each farmer (key) take into his claim (value) every line with a rate, charge and draw up to the day
    `until` that nobody has taken, and what takes such a draw back. Three statements, however many rows."""
    said: dict[str, Any] = {
        "shop": shop.pk,
        "until": until,
        "farmers": list(claims),
        "claims": list(claims.values()),
    }
    with connection.cursor() as cursor:
        for kind, rows, which in TAKEN:
            cursor.execute(TAKE.format(rows=rows, which=which), said | {"kind": kind})


@step
def post_claim(claim: Claim, day: dt.date) -> None:
    """Say that the claim's sums are in the accounts since `day`: its rows count no more from themselves."""
    claim.state, claim.posted_on = ClaimState.POSTED, day
    claim.save(update_fields=["state", "posted_on"])


@step
def release_claim(claim: Claim, day: dt.date) -> None:
    """Let the claim's rows go: from `day` on they count from themselves again, and the next may take them."""
    claim.state, claim.released_on = ClaimState.RELEASED, day
    claim.save(update_fields=["state", "released_on"])
    ClaimedRow.objects.filter(claim=claim).update(released=True)
