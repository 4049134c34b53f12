"""What farmers are charged beside the commission: coolie, luggage, toll, sacks (domain.md §1.7)."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from malar.accounts.models import Membership
from malar.kernel import formatting
from malar.kernel.errors import Fault, NotFound
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step, unit_of_work
from malar.trail.services.answers import Answer, once
from pricing.domain import FeeBasis, FeeIncome
from pricing.models import FeeRule
from pricing.selectors.answers import fee_answer
from pricing.services.terms import begin, code_faults, demand_owner, lock_terms, naming_faults, refuse

HIGHEST = Decimal("99999999.99")


def set_fee(
    *,
    by: Membership,
    key: UUID,
    code: str,
    name_ta: str,
    name_en: str,
    basis: str,
    rate: Decimal,
    automatic: bool = False,
    income: str = FeeIncome.SHOP,
    valid_from: dt.date | None = None,
    id: UUID | None = None,
) -> Answer:
    """Charge a fee from a business day on, without one for all days: ₹ per sack, kg, trip, piece or settlement,
    or a percentage of the amount.

    The fee of the same code in force ends that day; where one begins later, this one ends there. Charges that
    were made keep their figures. Answers `fee_answer`. Raises NotAllowed for others than the owner, RuleBroken
    naming each refused field, `begins_already` where one of that code begins on that very day.
    """
    demand_owner(by)
    made = id or new_id()
    said: dict[str, Any] = {
        "code": code,
        "name_ta": name_ta,
        "name_en": name_en,
        "basis": basis,
        "rate": rate,
        "automatic": automatic,
        "income": income,
        "valid_from": valid_from,
        "id": id,
    }

    def write() -> dict[str, Any]:
        fee = FeeRule(
            pk=made,
            shop=by.shop,
            code=code,
            basis=basis,
            rate=rate,
            automatic=automatic,
            income=income,
            valid_from=valid_from,
        )
        fee.name_ta, fee.name_en = name_ta, name_en
        begin_fee(fee)
        return fee_answer(fee)

    return once(by=by, key=key, body={"fee": said}, made=made, effect=write)


@step
def begin_fee(fee: FeeRule) -> None:
    """Write a new fee, or a new rate of one. Raises RuleBroken as `fee_faults` says."""
    lock_terms(fee.shop)
    refuse(fee_faults(fee))
    begin(fee, _beside(fee))


def fee_faults(fee: FeeRule) -> list[Fault]:
    """What forbids a new fee. One query."""
    faults = [*naming_faults(fee), *code_faults(fee.code)]
    if fee.basis not in FeeBasis.values:
        faults.append(Fault("/basis", "unknown_basis", _("Choose what the fee is charged for.")))
    if fee.income not in FeeIncome.values:
        faults.append(Fault("/income", "unknown_income", _("Choose whose money the fee is.")))
    if not 0 <= fee.rate <= (Decimal(100) if fee.basis == FeeBasis.PERCENT else HIGHEST):
        faults.append(
            Fault("/rate", "out_of_range", _("A fee is not below zero, and a percentage not above 100."))
        )
    elif significant_decimals(fee.rate) > 2:
        faults.append(Fault("/rate", "too_precise", _("A fee has at most two decimals.")))
    faults += _automatic_faults(fee)
    if _beside(fee).filter(valid_from=fee.valid_from).exists():
        faults.append(_begins_already(fee))
    return faults


def _automatic_faults(fee: FeeRule) -> list[Fault]:
    """Nobody knows by himself with which entry a trip came."""
    if fee.automatic and fee.basis == FeeBasis.PER_TRIP:
        detail = _("A fee per trip is charged by hand: no entry says how many trips it took.")
        return [Fault("/automatic", "by_hand", detail)]
    return []


def _begins_already(fee: FeeRule) -> Fault:
    if fee.valid_from is None:
        detail = _("A fee with this code is there already. Say from which day the new rate holds.")
        return Fault("/effective_from", "begins_already", detail)
    detail = _(
        "On %(day)s a rate of this fee begins already. Choose another day, or put that one out of use."
    )
    return Fault("/effective_from", "begins_already", detail % {"day": formatting.day(fee.valid_from)})


def _beside(fee: FeeRule) -> QuerySet[FeeRule]:
    """The fees in use with the same code."""
    return FeeRule.objects.filter(shop=fee.shop, code=fee.code, is_active=True).exclude(pk=fee.pk)


@unit_of_work
def edit_fee(
    *, by: Membership, fee_id: UUID, automatic: bool | None = None, is_active: bool | None = None
) -> FeeRule:
    """Charge a fee with every entry or by hand, put it out of use or back; None leaves it. Later entries only.

    Raises NotAllowed for others than the owner, NotFound, RuleBroken `overlaps` where another fee with its
    code holds on some of its days meanwhile.
    """
    demand_owner(by)
    lock_terms(by.shop)
    fee = by.shop.fees.select_for_update().filter(pk=fee_id).first()
    if fee is None:
        raise NotFound(_("There is no such fee."))
    fee.automatic = fee.automatic if automatic is None else automatic
    fee.is_active = fee.is_active if is_active is None else is_active
    refuse(change_faults(fee))
    fee.save(update_fields=["automatic", "is_active"])
    return fee


def change_faults(fee: FeeRule) -> list[Fault]:
    """What forbids a fee as it was changed. At most one query."""
    faults = _automatic_faults(fee)
    begins = Q(valid_from=None) | Q(valid_from__lt=fee.valid_to) if fee.valid_to else Q()
    ends = Q(valid_to=None) | Q(valid_to__gt=fee.valid_from) if fee.valid_from else Q()
    if fee.is_active and _beside(fee).filter(begins, ends).exists():
        detail = _("Another fee with this code holds on some of these days.")
        faults.append(Fault("/is_active", "overlaps", detail))
    return faults
