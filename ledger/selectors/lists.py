"""Lines as lists: filtered, of a day, of a farmer; and who brought most on a day."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from ledger.models import DailyEntry, DailyEntryQuerySet, Farmer
from malar.accounts.models import Shop
from pricing.models import Flower


def entries_matching(
    shop: Shop,
    *,
    start: dt.date,
    end: dt.date,
    farmer: Farmer | None = None,
    flower: Flower | None = None,
    status: str = "",
    unpriced: bool = False,
    to_look_at: bool = False,
) -> DailyEntryQuerySet:
    """Lines from `start` to `end`, both included, newest first. The days choose the partitions."""
    entries = DailyEntry.objects.filter(shop=shop, business_date__range=(start, end))
    if farmer is not None:
        entries = entries.filter(farmer=farmer)
    if flower is not None:
        entries = entries.filter(flower=flower)
    if status:
        entries = entries.filter(status=status)
    if unpriced:
        entries = entries.unpriced()
    if to_look_at:
        entries = entries.standing().exclude(review_reasons=[])
    return entries.order_by("-business_date", "-captured_at", "-id")


def last_lines_on(shop: Shop, day: dt.date, limit: int = 10) -> list[DailyEntry]:
    """The lines of a day that were written last, cancelled ones too. One query."""
    entries = DailyEntry.objects.filter(shop=shop).on(day).with_names()
    return list(entries.order_by("-received_at", "-id")[:limit])


def last_lines_of(farmer: Farmer, limit: int = 20) -> list[DailyEntry]:
    """A farmer's newest lines, on whatever day. One query."""
    entries = farmer.daily_entries.with_names()
    return list(entries.order_by("-business_date", "-captured_at", "-id")[:limit])


@dataclass(frozen=True)
class FarmerOfDay:
    """What a farmer brought on a day: kilograms of what is weighed, and ₹."""

    farmer: Farmer
    lines: int
    kilograms: Decimal
    amount: Decimal


def by_farmer(shop: Shop, day: dt.date, limit: int = 10) -> list[FarmerOfDay]:
    """The farmers who brought most on a day, most money first. Two queries."""
    rows = list(
        DailyEntry.objects.filter(shop=shop)
        .on(day)
        .standing()
        .order_by()
        .values("farmer_id")
        .annotate(
            lines=Count("pk"),
            kilograms=Sum("quantity", filter=Q(unit="kg"), default=Decimal(0)),
            money=Sum("amount", default=Decimal(0)),
        )
        .order_by("-money", "-kilograms", "farmer__number")[:limit]
    )
    farmers = shop.farmers.in_bulk([row["farmer_id"] for row in rows])
    return [
        FarmerOfDay(farmers[row["farmer_id"]], row["lines"], row["kilograms"], row["money"]) for row in rows
    ]
