"""What the API says about farmers and lines: the wire shape, fixed by the contract."""

from typing import Any

from ledger.models import Charge, CommissionRule, DailyEntry, Farmer
from ledger.selectors.charges import charges_with
from malar.kernel.wire import moment, money, quantity
from pricing.domain import FeeBasis


def entry_answer(entry: DailyEntry) -> dict[str, Any]:
    """A line as every door answers it. Money in ₹ and quantities in the unit, as strings.

    One query, for its charges, where they were not asked for before (`with_charges`).
    """
    return {
        "id": str(entry.pk),
        "slip_number": entry.slip_number,
        "business_date": entry.business_date.isoformat(),
        "slot": str(entry.slot_id) if entry.slot_id else None,
        "farmer": str(entry.farmer_id),
        "flower": str(entry.flower_id),
        "gross_quantity": quantity(entry.gross_quantity),
        "tare": quantity(entry.tare),
        "quantity": quantity(entry.quantity),
        "unit": entry.unit,
        "sacks": entry.sacks,
        "sack_weights": entry.sack_weights,
        "called_rate": money(entry.called_rate),
        "rate": money(entry.rate),
        "rate_pending": entry.rate_pending,
        "rate_source": entry.rate_source or None,
        "rate_reason": entry.rate_reason or None,
        "amount": money(entry.amount),
        "commission_pct": money(entry.commission_pct),
        "commission": money(entry.commission),
        "commission_per_unit": money(entry.commission_per_unit),
        "adjustments": entry.adjustments,
        "charges": [charge_with_line(charge) for charge in charges_with(entry)],
        "kind": entry.kind,
        "corrects": str(entry.corrects) if entry.corrects else None,
        "note": entry.note,
        "status": entry.status,
        "void_reason": entry.void_reason,
        "needs_review": entry.needs_review,
        "review_reasons": list(entry.review_reasons),
        "version": entry.version,
        "captured_at": moment(entry.captured_at),
        "received_at": moment(entry.received_at),
        "created_by": str(entry.created_by_id),
    }


def charge_with_line(charge: Charge) -> dict[str, Any]:
    """A charge as it stands in its line; ask for `fee` with it."""
    return {
        "id": str(charge.pk),
        "fee": str(charge.fee_id),
        "code": charge.fee.code,
        "quantity": _counted(charge),
        "rate": money(charge.rate),
        "amount": money(charge.amount),
    }


def _counted(charge: Charge) -> str | None:
    """Sacks, trips and pieces without decimals, kg with three, the ₹ of a percentage with two."""
    if charge.basis == FeeBasis.PERCENT:
        return money(charge.quantity)
    return quantity(charge.quantity) if charge.basis == FeeBasis.PER_KG else f"{charge.quantity:.0f}"


def charge_answer(charge: Charge) -> dict[str, Any]:
    """A charge by itself. `entry` null: charged by hand. `quantity` of a percentage is the ₹ it is taken of."""
    return charge_with_line(charge) | {
        "farmer": str(charge.farmer_id),
        "entry": str(charge.entry_id) if charge.entry_id else None,
        "business_date": charge.business_date.isoformat(),
        "basis": charge.basis,
        "income": charge.income,
        "automatic": charge.automatic,
        "status": charge.status,
        "reason": charge.reason,
        "note": charge.note,
        "version": charge.version,
        "created_by": str(charge.created_by_id),
        "created_at": moment(charge.created_at),
    }


def commission_answer(rule: CommissionRule) -> dict[str, Any]:
    """A commission rule; farmer and flower null where it names none, `valid_to` null while nothing ends it."""
    return {
        "id": str(rule.pk),
        "farmer": str(rule.farmer_id) if rule.farmer_id else None,
        "flower": str(rule.flower_id) if rule.flower_id else None,
        "pct": money(rule.pct),
        "per_unit": money(rule.per_unit),
        "valid_from": rule.valid_from.isoformat(),
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
    }


def farmer_answer(farmer: Farmer) -> dict[str, Any]:
    """A farmer. `recovery` tells how an advance is recovered: policy, and ₹ or percent where it needs one."""
    return {
        "id": str(farmer.pk),
        "code": farmer.code,
        "number": farmer.number,
        "name_ta": farmer.name_ta,
        "name_en": farmer.name_en,
        "village_ta": farmer.village_ta,
        "village_en": farmer.village_en,
        "phone": farmer.phone,
        "whatsapp": farmer.whatsapp,
        "language": farmer.language,
        "commission_pct": money(farmer.commission_pct),
        "cadence": farmer.cadence,
        "recovery": farmer.recovery,
        "recovery_value": money(farmer.recovery_value),
        "is_active": farmer.is_active,
        "version": farmer.version,
    }
