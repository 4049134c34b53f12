"""Saying that a farmer has not answered: asked again after some days, twice at most."""

import datetime as dt

from django.conf import settings
from django.db.models import F

from malar.accounts.models import Shop
from malar.kernel.transactions import unit_of_work
from malar.trail.models import Event
from malar.trail.services.events import record_all
from settlements.domain import Side, Status
from settlements.events import SettlementReady, SettlementUnanswered
from settlements.models import Settlement
from settlements.services.links import VALID_FOR

AT_MOST = 2
"""How often a farmer is asked again about one content of a settlement."""


def say_unanswered(*, now: dt.datetime) -> int:
    """Write down which settlements their farmers have not answered for `SETTLEMENT_REMINDER_DAYS`, and for twice as
    long; how many. Any number of times a day: each is written down once. Each shop in a transaction of its own."""
    return sum(_say_of(shop=shop, now=now) for shop in Shop.objects.order_by("pk"))


@unit_of_work
def _say_of(*, shop: Shop, now: dt.datetime) -> int:
    days = settings.SETTLEMENT_REMINDER_DAYS
    if not days:
        return 0
    # Held: of two that look at once, the second one sees what the first has written.
    pending = list(
        Settlement.objects.filter(shop=shop, status=Status.PENDING)
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    asked, said = _of_each(shop, pending, now)
    answered = _answered(pending)
    late = [
        each
        for each in pending
        if each.pk not in answered
        and (since := asked.get(str(each.pk)))
        and since + VALID_FOR > now
        and (times := len([at for at in said.get(str(each.pk), []) if at > since])) < AT_MOST
        and since + dt.timedelta(days=days * (times + 1)) <= now
    ]
    record_all(
        [
            SettlementUnanswered(
                settlement=each.pk, farmer=each.farmer_id, asked=asked[str(each.pk)].isoformat()
            )
            for each in late
        ],
        shop=shop,
    )
    return len(late)


def _of_each(
    shop: Shop, pending: list[Settlement], now: dt.datetime
) -> tuple[dict[str, dt.datetime], dict[str, list[dt.datetime]]]:
    """When each was sent for approval last, and when it was said that nobody has answered."""
    names = (SettlementReady.name, SettlementUnanswered.name)
    events = Event.objects.filter(
        shop=shop,
        name__in=names,
        at__gte=now - 2 * VALID_FOR,
        payload__settlement__in=[str(each.pk) for each in pending],
    ).order_by("at", "id")
    asked: dict[str, dt.datetime] = {}
    said: dict[str, list[dt.datetime]] = {}
    for name, settlement, at in events.values_list("name", "payload__settlement", "at"):
        if name == SettlementReady.name:
            asked[settlement] = at
        else:
            said.setdefault(settlement, []).append(at)
    return asked, said


def _answered(pending: list[Settlement]) -> set[object]:
    """Those to which the farmer has said yes as they are: now the shop is to say its own."""
    agreed = Settlement.objects.filter(
        pk__in=[each.pk for each in pending],
        approvals__side=Side.FARMER,
        approvals__content_hash=F("content_hash"),
    )
    return set(agreed.values_list("pk", flat=True))
