"""How old what farmers owe of advances and hand loans is."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from ledger.domain import AccountKind
from ledger.models import Farmer, Transfer
from malar.accounts.models import Shop
from malar.kernel.money import ZERO

STEPS = (30, 60, 90)
"""Days: up to the first, up to the second, up to the third, and older."""


@dataclass(frozen=True)
class Aged:
    """What a farmer owes of a loan on a day, in ₹. `parts` are by age (STEPS), the newest first; `oldest` is the day on
    which the oldest part was given."""

    farmer: Farmer
    outstanding: Decimal
    parts: tuple[Decimal, ...]
    oldest: dt.date


def loans_by_age(
    shop: Shop, kind: AccountKind, on: dt.date, *, farmers: Iterable[UUID] | None = None
) -> list[Aged]:
    """Who owes of advances or of hand loans at the end of a day, the largest first. What was paid back covers the
    oldest first; what was taken back was never given. Two queries, one more for the farmers."""
    account = Q(kind=kind) if farmers is None else Q(kind=kind, farmer__in=farmers)
    given: dict[UUID, dict[dt.date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    repaid: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for side, sign in (("debit", 1), ("credit", -1)):
        named = Q(**{f"{side}__{name}": value for name, value in account.children})  # type: ignore[misc]
        sums = (
            Transfer.objects.filter(named, shop=shop, value_date__lte=on)
            .annotate(day=Coalesce("reverses__value_date", "value_date"), back=Q(reverses__isnull=False))
            .order_by()
            .values_list(f"{side}__farmer", "day", "back")
            .annotate(moved=Sum(F("amount")))
        )
        for farmer, day, back, moved in sums:
            # A debit was given, a credit repaid; the mirror of either undoes it on its day.
            if (sign > 0) != back:
                given[farmer][day] += sign * moved
            else:
                repaid[farmer] -= sign * moved
    found = []
    known = Farmer.objects.in_bulk(given)
    for pk, days in given.items():
        left, covered = {}, repaid[pk]
        for day, amount in sorted(days.items()):
            taken = min(covered, amount)
            covered -= taken
            left[day] = amount - taken
        owed = sum(left.values(), ZERO)
        if owed > 0:
            parts = [ZERO] * (len(STEPS) + 1)
            for day, amount in left.items():
                parts[sum((on - day).days > step for step in STEPS)] += amount
            oldest = min(day for day, amount in left.items() if amount > 0)
            found.append(Aged(known[pk], owed, tuple(parts), oldest))
    return sorted(found, key=lambda one: (-one.outstanding, one.farmer.number))
