"""What the API says about farmers and lines: the wire shape, fixed by the contract."""

import datetime as dt
from decimal import Decimal
from typing import Any

from ledger.models import Charge, CommissionRule, DailyEntry, Farmer, Movement
from ledger.selectors.accounts import Balance, Row, Section, Statement, direction_of
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
        "quoted_rate": money(entry.quoted_rate),
        "other_rate": money(entry.other_rate),
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


def movement_answer(movement: Movement) -> dict[str, Any]:
    """A movement. `amount` is in ₹ as it was said; `voucher` is empty while it is in no book."""
    reversal = getattr(movement, "reversal", None)
    return {
        "id": str(movement.pk),
        "kind": movement.kind,
        "farmer": str(movement.farmer_id),
        "amount": money(movement.amount),
        "business_date": movement.business_date.isoformat(),
        "mode": movement.mode,
        "reference": movement.reference,
        "note": movement.note,
        "status": movement.status,
        "voucher": movement.voucher,
        "reverses": str(movement.reverses_id) if movement.reverses_id else None,
        "reversed_by": str(reversal.pk) if reversal else None,
        "decided_by": str(movement.decided_by_id) if movement.decided_by_id else None,
        "decided_at": moment(movement.decided_at),
        "decision_note": movement.decision_note,
        "created_by": str(movement.created_by_id),
        "created_at": moment(movement.created_at),
    }


def balance_answer(balance: Balance, as_of: dt.date) -> dict[str, Any]:
    """A farmer's balance on a day. `net` has no sign, `direction` says who owes; `payable` alone is signed."""
    unsettled = balance.unsettled
    return {
        "payable": money(balance.payable),
        "advance": money(balance.advance),
        "hand_loan": money(balance.hand_loan),
        "unsettled": {
            "gross": money(unsettled.gross),
            "commission": money(unsettled.commission),
            "charges": money(unsettled.charges),
            "draws": money(unsettled.draws),
            "unpriced": unsettled.unpriced,
        },
        "net": money(balance.net),
        "direction": balance.direction,
        "as_of": as_of.isoformat(),
    }


def statement_answer(statement: Statement) -> dict[str, Any]:
    """A farmer's running account. Every balance is a `net` without a sign and a `direction`."""
    return {
        "farmer": str(statement.farmer.pk),
        "from": statement.start.isoformat(),
        "to": statement.end.isoformat(),
        "opening": _net(statement.opening),
        "rows": [_row(row) | {"balance": _net(row.balance)} for row in statement.rows],
        "closing": _net(statement.closing),
        "unpriced": statement.unpriced,
        "advance": _loan(statement.advance),
        "hand_loan": _loan(statement.hand_loan),
    }


def _net(signed: Decimal) -> dict[str, Any]:
    return {"net": money(abs(signed)), "direction": direction_of(signed)}


def _loan(section: Section) -> dict[str, Any]:
    """What he owes of a loan: `outstanding` before and after, in ₹."""
    return {
        "opening": money(section.opening),
        "rows": [_row(row) | {"outstanding": money(row.balance)} for row in section.rows],
        "closing": money(section.closing),
    }


def _row(row: Row) -> dict[str, Any]:
    """A dated row. `up` makes the balance larger, `down` smaller; one of them is null."""
    movement = row.movement
    return {
        "date": row.day.isoformat(),
        "kind": row.kind,
        "up": money(row.up),
        "down": money(row.down),
        "lines": row.lines,
        "unpriced": row.unpriced,
        "kilograms": quantity(row.kilograms),
        "gross": money(row.gross),
        "commission": money(row.commission),
        "fee": row.fee.code if row.fee else None,
        "quantity": quantity(row.quantity),
        "movement": str(movement.pk) if movement else None,
        "movement_kind": movement.kind if movement else None,
        "reverses": str(movement.reverses_id) if movement and movement.reverses_id else None,
        "voucher": movement.voucher if movement else "",
        "mode": movement.mode if movement else None,
    }


def charge_with_line(charge: Charge) -> dict[str, Any]:
    """A charge as it stands in its line; ask for `fee` with it."""
    return {
        "id": str(charge.pk),
        "fee": str(charge.fee_id),
        "code": charge.fee.code,
        "quantity": charge_quantity(charge),
        "rate": money(charge.rate),
        "amount": money(charge.amount),
    }


def charge_quantity(charge: Charge) -> str | None:
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
        "upi": farmer.upi,
        "is_active": farmer.is_active,
        "version": farmer.version,
    }
