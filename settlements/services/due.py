"""Runs that begin by themselves, because a farmer is settled every week or month."""

import datetime as dt
from functools import partial
from uuid import UUID

import structlog
from django.utils import timezone

from ledger.domain import Cadence
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.transactions import in_unit, step
from settlements.models import SettlementRun
from settlements.selectors.settlements import due_id, holds, period_due
from settlements.services.months import say_next_missing
from settlements.services.runs import Order, hold_runs, new_run

log = structlog.get_logger(__name__)

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
        if in_unit(partial(_begin, owner, cadence, order, today), by=owner):
            begun.append(run)
    if say_next_missing(by=owner, today=today):
        log.warning("next_month_missing", shop=str(shop.pk))
    return begun


@step
def _begin(owner: Membership, cadence: str, order: Order, today: dt.date) -> bool:
    """Ask for the run, unless somebody has meanwhile, or has changed the table of months: the next hour looks again."""
    shop = owner.shop
    hold_runs(shop)
    run = due_id(shop, cadence, order.end)
    is_as_seen = period_due(shop, cadence, today) == (order.start, order.end)
    if not is_as_seen or SettlementRun.objects.filter(pk=run).exists():
        return False
    new_run(owner, order, run)
    return True
