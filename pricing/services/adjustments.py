"""Named, disclosed changes of a rate: quality, wet (domain.md §0.12: no hidden multipliers)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from malar.accounts.models import Membership
from malar.kernel.errors import Fault, NotFound
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step, unit_of_work
from malar.trail.services.answers import Answer, once
from pricing.domain import AdjustmentBasis
from pricing.models import RateAdjustment
from pricing.selectors.answers import adjustment_answer
from pricing.services.terms import code_faults, demand_owner, lock_terms, naming_faults, refuse

HIGHEST = Decimal("999999.99")


def add_adjustment(
    *,
    by: Membership,
    key: UUID,
    code: str,
    name_ta: str,
    name_en: str,
    basis: str,
    value: Decimal,
    id: UUID | None = None,
) -> Answer:
    """Let rates be changed by `value`: a percentage of the called rate, or ₹ per unit; below zero takes off.

    Another value is another adjustment: the one before is retired, and lines keep what was applied to them.
    Answers `adjustment_answer`. Raises NotAllowed for others than the owner, RuleBroken naming each refused
    field, `code_taken` for a code that one in use has.
    """
    demand_owner(by)
    made = id or new_id()
    said = {"code": code, "name_ta": name_ta, "name_en": name_en, "basis": basis, "value": value, "id": id}

    def write() -> dict[str, Any]:
        adjustment = RateAdjustment(pk=made, shop=by.shop, code=code, basis=basis, value=value)
        adjustment.name_ta, adjustment.name_en = name_ta, name_en
        begin_adjustment(adjustment)
        return adjustment_answer(adjustment)

    return once(by=by, key=key, body={"adjustment": said}, made=made, effect=write)


@step
def begin_adjustment(adjustment: RateAdjustment) -> None:
    """Write a new adjustment. Raises RuleBroken as `adjustment_faults` says."""
    lock_terms(adjustment.shop)
    refuse(adjustment_faults(adjustment))
    adjustment.save(force_insert=True)


def adjustment_faults(adjustment: RateAdjustment) -> list[Fault]:
    """What forbids an adjustment, a new one or one that is put to use again. At most one query."""
    value, faults = adjustment.value, [*naming_faults(adjustment), *code_faults(adjustment.code)]
    others = adjustment.shop.rate_adjustments.filter(code=adjustment.code, is_active=True)
    if adjustment.is_active and others.exclude(pk=adjustment.pk).exists():
        faults.append(Fault("/code", "code_taken", _("Another adjustment has this code.")))
    if adjustment.basis not in AdjustmentBasis.values:
        faults.append(Fault("/basis", "unknown_basis", _("Choose percent or ₹ per unit.")))
    if value == 0 or (adjustment.basis == AdjustmentBasis.PERCENT and value <= -100) or abs(value) > HIGHEST:
        faults.append(
            Fault("/value", "out_of_range", _("An adjustment is not 0 and takes off less than 100 percent."))
        )
    elif significant_decimals(value) > 2:
        faults.append(Fault("/value", "too_precise", _("A value has at most two decimals.")))
    return faults


@unit_of_work
def retire_adjustment(*, by: Membership, adjustment_id: UUID) -> RateAdjustment:
    """Apply it to no line any more; twice is once. Raises NotAllowed for others than the owner, NotFound."""
    demand_owner(by)
    adjustment = by.shop.rate_adjustments.select_for_update().filter(pk=adjustment_id).first()
    if adjustment is None:
        raise NotFound(_("There is no such adjustment."))
    if adjustment.is_active:
        adjustment.is_active = False
        adjustment.save(update_fields=["is_active"])
    return adjustment
