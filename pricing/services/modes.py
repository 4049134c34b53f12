"""How flowers are priced, from a day on."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from malar.accounts.models import Membership, Shop
from malar.kernel.errors import Fault
from malar.kernel.ids import new_id
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from pricing.domain import PricingMode
from pricing.models import Flower, PricingRule
from pricing.services.terms import begin, demand_owner, end_on, lock_terms, past_faults, refuse


def set_pricing_mode(
    *,
    by: Membership,
    key: UUID,
    mode: PricingMode | None,
    valid_from: dt.date,
    flower: Flower | None = None,
    id: UUID | None = None,
) -> Answer:
    """Price a flower, or without one all that have no way of their own, so from a business day on.

    The rule in force ends that day; where one begins later, this one ends there. Without a mode the flower is
    priced as the shop from that day on. One that was to begin on the very day makes way: it had no day, and
    its history stays. Lines keep their rates. The answer is `{"flower", "mode", "valid_from", "valid_to"}`,
    without an id, because a rule may make way.

    Raises NotAllowed for others than the owner, RuleBroken naming each refused field: `past`, `required`,
    `as_the_shop`, `unknown_flower`, `unknown_mode`.
    """
    demand_owner(by)
    made = id or new_id()

    def write() -> dict[str, Any]:
        ends = None
        if mode is None:
            end_mode(by, flower, valid_from)
        else:
            rule = PricingRule(
                pk=made, shop=by.shop, flower=flower, mode=mode, valid_from=valid_from, made_by=by
            )
            begin_mode(rule)
            ends = rule.valid_to
        return {
            "flower": str(flower.pk) if flower else None,
            "mode": mode and str(mode),
            "valid_from": valid_from.isoformat(),
            "valid_to": ends and ends.isoformat(),
        }

    said = {"flower": flower and flower.pk, "mode": mode, "valid_from": valid_from, "id": id}
    return once(by=by, key=key, body={"pricing": said}, made=made, effect=write)


def mode_faults(shop: Shop, flower: Flower | None, mode: str, valid_from: dt.date) -> list[Fault]:
    """What forbids a new rule."""
    faults = past_faults(shop, valid_from)
    if mode not in PricingMode.values:
        faults.append(Fault("/mode", "unknown_mode", _("Choose how it is priced.")))
    if flower is not None and flower.shop_id != shop.pk:
        faults.append(Fault("/flower", "unknown_flower", _("This flower is not in your shop's list.")))
    return faults


@step
def begin_mode(rule: PricingRule) -> None:
    """Write a new rule. Raises RuleBroken as `mode_faults` says."""
    lock_terms(rule.shop)
    refuse(mode_faults(rule.shop, rule.flower, rule.mode, rule.valid_from))
    beside = PricingRule.objects.filter(shop=rule.shop, flower=rule.flower)
    beside.filter(valid_from=rule.valid_from).delete()
    begin(rule, beside)


def as_shop_faults(shop: Shop, flower: Flower | None, day: dt.date) -> list[Fault]:
    """What forbids that a flower is priced as the shop from a day on."""
    faults = past_faults(shop, day)
    if flower is None:
        faults.append(Fault("/mode", "required", _("Choose how it is priced.")))
    elif not _in_force(shop, flower, day).exists():
        faults.append(
            Fault("/flower", "as_the_shop", _("This flower is priced as the shop on that day already."))
        )
    return faults


@step
def end_mode(by: Membership, flower: Flower | None, day: dt.date) -> None:
    """Price a flower as the shop from a day on. Raises RuleBroken as `as_shop_faults` says."""
    lock_terms(by.shop)
    refuse(as_shop_faults(by.shop, flower, day))
    _in_force(by.shop, flower, day).filter(valid_from=day).delete()
    end_on(day, _in_force(by.shop, flower, day))


def _in_force(shop: Shop, flower: Flower | None, day: dt.date) -> Any:
    """The flower's own rule on a day."""
    still = Q(valid_to=None) | Q(valid_to__gt=day)
    return PricingRule.objects.filter(still, shop=shop, flower=flower, valid_from__lte=day)
