"""Lines as lists: filtered, of a day, of a farmer."""

import datetime as dt

from django.apps import apps
from django.db.models import OuterRef, Prefetch, Subquery, UUIDField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from ledger.domain import EntryStatus
from ledger.models import DailyEntry, DailyEntryQuerySet, Farmer
from malar.accounts.models import Membership, Shop
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


def with_strikes(entries: DailyEntryQuerySet) -> DailyEntryQuerySet:
    """Each line with its `strikes`: for a cancelled one the version that says by whom (`name`) and when.

    One query more.
    """
    member = Cast(KeyTextTransform("member", "pgh_context__metadata"), UUIDField())
    names = Membership.objects.filter(pk=OuterRef("member")).values("user__name")
    strikes = (
        apps.get_model("ledger", "DailyEntryEvent")
        .objects.filter(status=EntryStatus.VOIDED)
        .annotate(member=member)
        .annotate(name=Subquery(names))
        .only("pgh_obj", "pgh_created_at")
    )
    return entries.prefetch_related(Prefetch("versions", strikes, to_attr="strikes"))


def last_lines_on(shop: Shop, day: dt.date, limit: int = 10) -> list[DailyEntry]:
    """The lines of a day that were written last, cancelled ones too. One query."""
    entries = with_strikes(DailyEntry.objects.filter(shop=shop).on(day).with_names())
    return list(entries.order_by("-received_at", "-id")[:limit])


def last_lines_of(farmer: Farmer, limit: int = 20) -> list[DailyEntry]:
    """A farmer's newest lines, on whatever day. One query."""
    entries = with_strikes(farmer.daily_entries.with_names())
    return list(entries.order_by("-business_date", "-captured_at", "-id")[:limit])
