"""What stands between a farmer and the shop: the one derivation of every balance (architecture §5.4).

A balance is the union of the transfers on his accounts and the rows of the book that no settlement has
taken yet. Everybody who needs one asks here.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from ledger.domain import AccountKind, ChargeStatus, Direction
from ledger.models import Charge, DailyEntry, DailyEntryQuerySet, Farmer, Transfer
from malar.kernel import formatting
from malar.kernel.money import ZERO

FOR_FLOWERS = (AccountKind.PAYABLE, AccountKind.APPROVED)
"""What is owed for flowers: settled or brought over, until it is paid."""


@dataclass(frozen=True)
class Unsettled:
    """What no settlement has taken yet, in ₹, each as the papers say it. `unpriced`: lines without a rate,
    which are in none of the sums."""

    gross: Decimal = ZERO
    commission: Decimal = ZERO
    charges: Decimal = ZERO
    draws: Decimal = ZERO
    unpriced: int = 0

    @property
    def value(self) -> Decimal:
        """What it comes to: above zero the shop owes it."""
        return self.gross - self.commission - self.charges - self.draws


@dataclass(frozen=True)
class Balance:
    """A farmer's account in ₹. `payable`, above zero, is owed to him for what is settled or was brought over.
    `advance` and `hand_loan` are what he owes of each; they stand beside the net and are not in it."""

    payable: Decimal = ZERO
    advance: Decimal = ZERO
    hand_loan: Decimal = ZERO
    unsettled: Unsettled = field(default_factory=Unsettled)
    as_of: dt.date | None = None

    @property
    def signed(self) -> Decimal:
        """The net as a number to reckon with: above zero the shop owes, below the farmer. Never to be shown."""
        return self.payable + self.unsettled.value

    @property
    def net(self) -> Decimal:
        """How much is owed, without a sign; `direction` says by whom."""
        return abs(self.signed)

    @property
    def direction(self) -> Direction:
        return direction_of(self.signed)

    def __str__(self) -> str:
        return owed_words(self.signed)


def direction_of(signed: Decimal) -> Direction:
    """Who owes: above zero the shop."""
    if signed > 0:
        return Direction.SHOP_OWES
    return Direction.FARMER_OWES if signed < 0 else Direction.EVEN


def owed_words(signed: Decimal) -> str:
    """Who owes whom how much, as people say it: `The farmer must pay us ₹27.00`."""
    words = str(direction_of(signed).label)
    return f"{words} {formatting.rupees(abs(signed))}" if signed else words


def balance_of(farmer: Farmer, on: dt.date | None = None) -> Balance:
    """A farmer's balance at the end of the day `on`, or with all that is written. Four queries."""
    return balances_of([farmer], on)[farmer.pk]


def balances_of(farmers: Collection[Farmer], on: dt.date | None = None) -> dict[UUID, Balance]:
    """The balances of farmers by their ids; who has no row yet is even. Four queries, however many they are."""
    ids = [farmer.pk for farmer in farmers]
    owed = _owed_to(ids, on)
    lines = {
        row["farmer_id"]: row
        for row in unsettled_lines(ids)
        .filter(**_until("business_date", on))
        .order_by()
        .values("farmer_id")
        .annotate(
            gross=Sum("amount", default=ZERO),
            earned=Sum("commission", default=ZERO),
            unpriced=Count("pk", filter=Q(rate=None)),
        )
    }
    charges = dict(
        unsettled_charges(ids)
        .filter(**_until("business_date", on))
        .order_by()
        .values_list("farmer_id")
        .annotate(charged=Sum("amount", default=ZERO))
    )
    return {
        pk: Balance(
            payable=sum((owed[pk, kind] for kind in FOR_FLOWERS), ZERO),
            advance=-owed[pk, AccountKind.ADVANCE],
            hand_loan=-owed[pk, AccountKind.HAND_LOAN],
            unsettled=Unsettled(
                gross=lines[pk]["gross"] if pk in lines else ZERO,
                commission=lines[pk]["earned"] if pk in lines else ZERO,
                charges=charges.get(pk, ZERO),
                draws=-owed[pk, AccountKind.DRAW],
                unpriced=lines[pk]["unpriced"] if pk in lines else 0,
            ),
            as_of=on,
        )
        for pk in ids
    }


def unsettled_lines(farmers: Collection[UUID]) -> DailyEntryQuerySet:
    """The farmers' lines that stand and that no settlement has taken."""
    return DailyEntry.objects.filter(farmer__in=farmers).standing()


def unsettled_charges(farmers: Collection[UUID]) -> QuerySet[Charge]:
    """The farmers' charges that stand and that no settlement has taken."""
    return Charge.objects.filter(farmer__in=farmers, status=ChargeStatus.STANDING)


def _until(column: str, day: dt.date | None) -> dict[str, dt.date]:
    return {} if day is None else {f"{column}__lte": day}


def _owed_to(farmers: Collection[UUID], on: dt.date | None) -> dict[tuple[UUID, str], Decimal]:
    """Credits less debits on each account of the farmers, in ₹: above zero he is owed it. Two queries."""
    owed: dict[tuple[UUID, str], Decimal] = defaultdict(lambda: ZERO)
    for side, sign in (("credit", 1), ("debit", -1)):
        sums = (
            Transfer.objects.filter(**{f"{side}__farmer__in": farmers}, **_until("value_date", on))
            .order_by()
            .values_list(f"{side}__farmer", f"{side}__kind")
            .annotate(moved=Sum("amount"))
        )
        for farmer, kind, moved in sums:
            owed[farmer, kind] += sign * moved
    return owed
