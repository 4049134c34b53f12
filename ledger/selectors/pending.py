"""Lines that wait for their rate, and those that a pricing may touch."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q
from django.db.models.functions import TruncTime

from ledger.domain import EntryKind
from ledger.models import DailyEntry, DailyEntryQuerySet, Farmer
from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.quantities import Unit
from pricing.domain import RateSource
from pricing.models import Flower, TimeSlot

MIDNIGHT = dt.time()
"""As the end of a window: the end of the day. From midnight to midnight is the whole day."""
LOOKED_BACK = dt.timedelta(days=60)


def lines_to_price(
    shop: Shop, day: dt.date, flower_id: UUID, start: dt.time, end: dt.time, *, again: bool = False
) -> DailyEntryQuerySet:
    """The standing lines of a flower on a business day, captured in [start, end) local time, without a rate.

    With `again` also those that an earlier pricing gave theirs (source `day`); never one with a typed or
    called rate, and no reversal, which mirrors another line. A window may run over midnight.
    """
    clock = Q(clock__gte=start, clock__lt=end) if start < end else Q(clock__gte=start) | Q(clock__lt=end)
    waiting = Q(rate=None) | Q(rate_source=RateSource.DAY) if again else Q(rate=None)
    return (
        DailyEntry.objects.filter(shop=shop, flower_id=flower_id)
        .on(day)
        .standing()
        .exclude(kind=EntryKind.REVERSAL)
        .alias(clock=TruncTime("captured_at", tzinfo=KOLKATA))
        .filter(clock, waiting)
    )


def last_day_rate(flower: Flower, day: dt.date) -> Decimal | None:
    """What the flower fetched last before a business day, ₹ per unit: the rate that was called for the
    newest line of the sixty days before; None where there was none. One query."""
    return (
        DailyEntry.objects.filter(shop_id=flower.shop_id, flower=flower)
        .filter(business_date__gte=day - LOOKED_BACK, business_date__lt=day)
        .standing()
        .exclude(kind=EntryKind.REVERSAL)
        .exclude(called_rate=None)
        .order_by("-business_date", "-captured_at")
        .values_list("called_rate", flat=True)
        .first()
    )


@dataclass(frozen=True)
class Window:
    """A stretch of the day: `start` included, `end` not; `slot` where it is one of the shop's."""

    start: dt.time
    end: dt.time
    slot: TimeSlot | None = None


def window_of(clock: dt.time, slots: Sequence[TimeSlot]) -> Window:
    """The slot a time of day falls into, else its hour as far as no slot reaches into it: windows never overlap."""
    for slot in slots:
        if slot.start <= clock < slot.end:
            return Window(slot.start, slot.end, slot)
    starts = [dt.time(clock.hour), *(slot.end for slot in slots if slot.end <= clock)]
    ends = [slot.start for slot in slots if slot.start > clock]
    if clock.hour < 23:
        ends.append(dt.time(clock.hour + 1))
    return Window(max(starts), min(ends, default=MIDNIGHT))


@dataclass(frozen=True)
class Wait:
    """Lines of a flower that wait for one rate: how many, of how many farmers, and how much it is in its unit."""

    flower: Flower
    window: Window
    lines: int
    farmers: int
    quantity: Decimal


@dataclass(frozen=True)
class WaitingDay:
    """A business day with lines that wait. A closed one must be opened before they can get their rate."""

    day: dt.date
    is_closed: bool
    waits: list[Wait]


@dataclass(frozen=True)
class Pending:
    """Everything that waits for a rate, oldest day first; kilograms are of what is weighed."""

    days: list[WaitingDay]
    lines: int
    farmers: int
    kilograms: Decimal


def waiting_lines(shop: Shop) -> DailyEntryQuerySet:
    """All lines of a shop that wait for their rate."""
    return DailyEntry.objects.filter(shop=shop).unpriced().exclude(kind=EntryKind.REVERSAL)


def pending_of(shop: Shop) -> Pending:
    """What waits for a rate, by day, flower and window. Four queries, however much it is."""
    lines = list(
        waiting_lines(shop)
        .order_by("business_date", "captured_at")
        .only("business_date", "captured_at", "flower_id", "farmer_id", "quantity", "unit")
    )
    flowers = Flower.objects.in_bulk({line.flower_id for line in lines})
    slots = list(shop.time_slots.all())
    days = {line.business_date for line in lines}
    closed = set(
        shop.day_closes.filter(business_date__in=days, reopened_at=None).values_list(
            "business_date", flat=True
        )
    )
    groups: dict[dt.date, dict[tuple[UUID, Window], list[DailyEntry]]] = {}
    for line in lines:
        local = line.captured_at.astimezone(KOLKATA)
        holding = [slot for slot in slots if slot.holds_on(line.business_date, local.weekday())]
        window = window_of(local.time(), holding)
        groups.setdefault(line.business_date, {}).setdefault((line.flower_id, window), []).append(line)
    return Pending(
        days=[
            WaitingDay(
                day=day,
                is_closed=day in closed,
                waits=[
                    Wait(
                        flower=flowers[flower_id],
                        window=window,
                        lines=len(found),
                        farmers=len({line.farmer_id for line in found}),
                        quantity=sum((line.quantity for line in found), Decimal(0)),
                    )
                    for (flower_id, window), found in by_flower.items()
                ],
            )
            for day, by_flower in groups.items()
        ],
        lines=len(lines),
        farmers=len({line.farmer_id for line in lines}),
        kilograms=sum((line.quantity for line in lines if line.unit == Unit.KG), Decimal(0)),
    )


@dataclass(frozen=True)
class Waiting:
    """How many lines of a shop wait for their rate, and since which day; `since` None where none does."""

    lines: int
    since: dt.date | None


def waiting_in(shop: Shop, today: dt.date) -> Waiting:
    """What waits of the sixty days up to `today`. One query that reads three months at most: the board asks it
    all morning, and `pending_of` has what is older still."""
    lately = waiting_lines(shop).filter(business_date__range=(today - LOOKED_BACK, today))
    found = lately.aggregate(lines=Count("pk"), since=Min("business_date"))
    return Waiting(**found)


@dataclass(frozen=True)
class Affected:
    """What a pricing does for a farmer: the slips, how much, and ₹ before (0 where there was no rate) and after."""

    farmer: Farmer
    slips: list[str]
    quantity: Decimal
    before: Decimal
    amount: Decimal


def affected_by(shop: Shop, pricing: Mapping[str, Any]) -> list[Affected]:
    """Everybody whom the answer of a pricing names, by number. One query."""
    slips: dict[str, list[str]] = {}
    for entry in pricing["entries"]:
        slips.setdefault(entry["farmer"], []).append(entry["slip_number"])
    farmers = shop.farmers.in_bulk([UUID(row["farmer"]) for row in pricing["farmers"]])
    found = [
        Affected(
            farmer=farmers[UUID(row["farmer"])],
            slips=sorted(slips[row["farmer"]]),
            quantity=Decimal(row["quantity"]),
            before=Decimal(row["amount_before"]),
            amount=Decimal(row["amount"]),
        )
        for row in pricing["farmers"]
    ]
    return sorted(found, key=lambda row: row.farmer.number)
