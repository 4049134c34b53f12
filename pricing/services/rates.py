"""Publishing rates."""

import datetime as dt
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_day_ends
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.trail.services.answers import Answer, once
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.answers import rate_answer
from pricing.selectors.rates import forget_board, in_force

HIGHEST = Decimal("9999999999.99")


def publish_rate(
    *,
    by: Membership,
    key: UUID,
    flower: Flower,
    rate: Decimal,
    slot: TimeSlot | None = None,
    effective_from: dt.datetime | None = None,
    id: UUID | None = None,
) -> Answer:
    """Call a rate (₹ per unit) from a moment on, now if none is given; it ends the one before it.

    With a slot it is the rate of that slot until the next one, without it a called rate until the
    end of the business day. Lines already priced keep their rate. Raises NotAllowed for others
    than the owner, RuleBroken for a rate below zero or with more than two decimals.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may publish rates."))
    if rate < 0:
        raise RuleBroken(_("A rate cannot be below zero."), code="negative", pointer="/rate")
    if significant_decimals(rate) > 2 or rate > HIGHEST:
        raise RuleBroken(_("A rate has at most two decimals."), code="too_precise", pointer="/rate")

    made = id or new_id()

    def publish() -> dict[str, object]:
        # One publishing of a flower at a time; two would both end the same rate.
        Flower.objects.select_for_update().get(pk=flower.pk)
        published = _insert(by, made, flower, slot, rate, effective_from or timezone.now())
        transaction.on_commit(partial(forget_board, by.shop))
        return rate_answer(published)

    body = {"flower": flower.pk, "slot": slot and slot.pk, "rate": rate, "from": effective_from, "id": id}
    return once(by=by, key=key, body=body, made=made, effect=publish)


def _insert(
    by: Membership, made: UUID, flower: Flower, slot: TimeSlot | None, rate: Decimal, start: dt.datetime
) -> MarketRate:
    same_board = MarketRate.objects.filter(flower=flower, slot=slot)
    next_start = same_board.filter(effective_from__gt=start).aggregate(Min("effective_from"))[
        "effective_from__min"
    ]
    ends = [next_start] if next_start else []
    if slot is None:
        ends.append(business_day_ends(start, by.shop.turnover_hour))
    same_board.filter(in_force(start)).update(effective_to=start)
    return MarketRate.objects.create(
        id=made,
        shop=by.shop,
        flower=flower,
        slot=slot,
        rate=rate,
        effective_from=start,
        effective_to=min(ends, default=None),
        published_by=by,
    )
