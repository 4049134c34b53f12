"""What the shop keeps of a sale, from a day on."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Min, Q
from django.utils.translation import gettext as _

from ledger.models import CommissionRule, Farmer
from ledger.selectors.answers import commission_answer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel import formatting
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from pricing.models import Flower

HIGHEST = Decimal("99999999.99")


def set_commission(
    *,
    by: Membership,
    key: UUID,
    pct: Decimal,
    per_unit: Decimal,
    farmer: Farmer | None = None,
    flower: Flower | None = None,
    valid_from: dt.date,
    id: UUID | None = None,
) -> Answer:
    """Keep percent of the amount and ₹ per unit from a business day on: of a farmer's sales of a flower, of all
    a farmer's, of all of a flower, or (neither named) of everybody's.

    The rule of the same farmer and flower that is in force ends that day; where one begins later this one
    ends there. Lines keep what they were charged. Answers `commission_answer`. Raises NotAllowed for others
    than the owner, RuleBroken naming each refused field, `begins_already` where one begins on that very day.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner sets the commission."))
    made = id or new_id()
    rule = CommissionRule(
        id=made,
        shop=by.shop,
        farmer=farmer,
        flower=flower,
        pct=pct,
        per_unit=per_unit,
        valid_from=valid_from,
        made_by=by,
    )
    said = {
        "farmer": farmer and farmer.pk,
        "flower": flower and flower.pk,
        "pct": pct,
        "per_unit": per_unit,
        "valid_from": valid_from,
        "id": id,
    }

    def write() -> dict[str, Any]:
        if faults := faults_of(rule):
            raise RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)
        begin_commission(rule)
        return commission_answer(rule)

    return once(by=by, key=key, body=said, made=made, effect=write)


def faults_of(rule: CommissionRule) -> list[Fault]:
    """What forbids a new rule. One query."""
    faults = []
    for pointer, value, most in (("/pct", rule.pct, Decimal(100)), ("/per_unit", rule.per_unit, HIGHEST)):
        if not 0 <= value <= most:
            faults.append(Fault(pointer, "out_of_range", _("This commission is not possible.")))
        elif significant_decimals(value) > 2:
            faults.append(Fault(pointer, "too_precise", _("A commission has at most two decimals.")))
    if rule.farmer is not None and rule.farmer.shop_id != rule.shop_id:
        faults.append(Fault("/farmer", "unknown_farmer", _("This farmer is not in your shop's list.")))
    if rule.flower is not None and rule.flower.shop_id != rule.shop_id:
        faults.append(Fault("/flower", "unknown_flower", _("This flower is not in your shop's list.")))
    if _beside(rule).filter(valid_from=rule.valid_from).exists():
        faults.append(_begins_already(rule))
    return faults


@step
def begin_commission(rule: CommissionRule) -> None:
    """Write a rule without faults: the one in force ends where it begins, it ends where the next one begins.

    Raises RuleBroken `begins_already` where another owner was faster.
    """
    beside = _beside(rule)
    later = beside.filter(valid_from__gt=rule.valid_from)
    rule.valid_to = later.aggregate(next=Min("valid_from"))["next"]
    still = Q(valid_to=None) | Q(valid_to__gt=rule.valid_from)
    try:
        for standing in beside.filter(still, valid_from__lt=rule.valid_from).select_for_update():
            standing.valid_to = rule.valid_from
            standing.save(update_fields=["valid_to"])
        rule.save(force_insert=True)
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        if diagnosis is None or diagnosis.constraint_name != "one_commission_at_a_time":
            raise
        fault = _begins_already(rule)
        raise RuleBroken(fault.detail, code=fault.code, faults=[fault]) from error


def _beside(rule: CommissionRule) -> Any:
    """The rules of the same farmer and flower."""
    return CommissionRule.objects.filter(shop=rule.shop, farmer=rule.farmer, flower=rule.flower)


def _begins_already(rule: CommissionRule) -> Fault:
    detail = _("On %(day)s another commission begins already. Choose another day.")
    return Fault("/valid_from", "begins_already", detail % {"day": formatting.day(rule.valid_from)})
