"""What the tests do with settlements, through the services."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.ops.books import Row, broken
from malar.ops.invariants import invariants
from settlements.domain import Method
from settlements.models import Settlement, SettlementRun
from settlements.services.approvals import approve, submit
from settlements.services.payments import record_payment
from settlements.services.runs import Order, begin_run, make_run

WEEK = Order(start=dt.date(2026, 3, 2), end=dt.date(2026, 3, 8))


def settled(by: Membership, order: Order = WEEK) -> SettlementRun:
    """A run that was made."""
    run = begin_run(by=by, key=uuid4(), order=order).made
    make_run(run)
    return SettlementRun.objects.get(pk=run)


def settlement_for(farmer: Farmer, run: SettlementRun | None = None) -> Settlement:
    """The farmer's settlement of a run, else his newest."""
    found = Settlement.objects.filter(farmer=farmer)
    if run:
        found = found.filter(run=run)
    return found.order_by("created_at").last() or found.get()


def agreed(settlement: Settlement, owner: Membership, clerk: Membership) -> Settlement:
    """Sent for approval by the owner, who made it and wrote down the farmer's yes; approved by the clerk."""
    submit(by=owner, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    content = settlement.content_hash
    approve(by=owner, settlement_id=settlement.pk, content_hash=content, for_farmer=True, method=Method.PAPER)
    approve(by=clerk, settlement_id=settlement.pk, content_hash=content)
    settlement.refresh_from_db()
    return settlement


def paid(settlement: Settlement, by: Membership, amount: str = "", mode: str = "cash") -> Settlement:
    record_payment(
        by=by,
        key=uuid4(),
        settlement_id=settlement.pk,
        amount=Decimal(amount) if amount else settlement.net,
        mode=mode,
    )
    settlement.refresh_from_db()
    return settlement


OF_THE_CLOCK = {"months_ahead", "events_done"}
"""What is judged by the database's clock, which does not travel with ours."""


def unsound() -> dict[str, list[Row]]:
    """Which invariants do not hold, and where."""
    which = tuple(each for each in invariants() if each.name not in OF_THE_CLOCK)
    return {each.invariant.name: each.rows for each in broken(only=which)}
