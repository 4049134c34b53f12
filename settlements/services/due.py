"""Runs that begin by themselves, because a farmer is settled every week or month."""

import datetime as dt
from uuid import UUID, uuid5

import structlog
from django.utils import timezone

from ledger.domain import Cadence
from malar.accounts.domain import Role
from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA, business_date_of
from settlements.models import SettlementRun
from settlements.selectors.settlements import holds, period_due
from settlements.services.runs import Order, begin_run

log = structlog.get_logger(__name__)

DUE = UUID("5c1f6a0e-1c57-4f0e-9a54-8d1f2f0b7a61")
"""The namespace of the ids of such runs."""
LAST_HOUR = 13
"""Until then a run waits for tablets that still have something to send; it would leave everybody out."""


def settle_due(shop: Shop) -> list[UUID]:
    """Begin a run for each cadence whose last period has ended and was not run yet, of the farmers who are settled
    so; the runs' ids. In the name of the shop's owner, the one who has been it longest. Any number of times: while a
    tablet still has something to send it is put off until the last hour of the morning."""
    now = timezone.now()
    today, is_last = business_date_of(now, shop.turnover_hour), now.astimezone(KOLKATA).hour >= LAST_HOUR
    owner = shop.memberships.active().filter(role=Role.ADMIN).order_by("created_at", "pk").first()
    if owner is None:
        log.warning("nobody_to_settle", shop=str(shop.pk))
        return []
    begun = []
    for cadence in Cadence.values:
        farmers = tuple(shop.farmers.filter(cadence=cadence).order_by("number").values_list("pk", flat=True))
        period = period_due(shop, cadence, today) if farmers else None
        if period is None:
            continue
        run = due_id(shop, cadence, period[1])
        if SettlementRun.objects.filter(pk=run).exists():
            continue
        if not is_last and any(None in hold(shop, period[1]) for hold in holds):
            log.info("run_put_off", shop=str(shop.pk), cadence=cadence)
            continue
        order = Order(start=period[0], end=period[1], farmers=farmers)
        begun.append(begin_run(by=owner, key=run, order=order, id=run).made)
    return begun


def due_id(shop: Shop, cadence: str, end: dt.date) -> UUID:
    """The id of the run of a shop for a cadence's period that ends on a day; its key, too."""
    return uuid5(DUE, f"{shop.pk} {cadence} {end.isoformat()}")
