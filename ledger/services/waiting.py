"""Saying that rates do not come."""

import datetime as dt
from uuid import UUID

from django.conf import settings

from ledger.models import DailyEntry
from malar.accounts.models import Shop
from malar.kernel.transactions import step, unit_of_work
from malar.trail.events import RatePending, RatesPending
from malar.trail.models import Event
from malar.trail.services.events import record_all

NEWS = dt.timedelta(days=7)
"""What is older is no news any more: an old book may have been taken over without its rates."""


@unit_of_work
def say_rates_pending(*, now: dt.datetime) -> int:
    """Write down for each shop which days have lines that have been without a rate for too long, and for whom; of a
    day and of a farmer's day once. Returns how many events that were."""
    return sum(_say(shop, now) for shop in Shop.objects.order_by("pk"))


@step
def _say(shop: Shop, now: dt.datetime) -> int:
    late = now - dt.timedelta(hours=settings.RATE_PENDING_HOURS)
    lines = (
        DailyEntry.objects.filter(
            shop=shop,
            business_date__gte=(now - NEWS).date(),
            captured_at__lte=late,
            captured_at__gte=now - NEWS,
        )
        .unpriced()
        .order_by("business_date", "farmer_id")
        .values_list("business_date", "farmer_id")
    )
    of_day: dict[dt.date, list[UUID]] = {}
    for day, farmer in lines:
        of_day.setdefault(day, []).append(farmer)
    if not of_day:
        return 0
    said = Event.objects.filter(
        shop=shop, name__in=(RatePending.name, RatesPending.name), at__gte=now - 2 * NEWS
    )
    known = {(payload["day"], payload.get("farmer")) for payload in said.values_list("payload", flat=True)}
    news: list[RatePending | RatesPending] = []
    for day, farmers in of_day.items():
        if (day.isoformat(), None) not in known:
            news.append(RatesPending(day=day.isoformat(), lines=len(farmers)))
        news += [
            RatePending(farmer=farmer, day=day.isoformat())
            for farmer in dict.fromkeys(farmers)
            if (day.isoformat(), str(farmer)) not in known
        ]
    record_all(news, shop=shop)
    return len(news)
