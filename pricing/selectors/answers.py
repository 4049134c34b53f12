"""What the API says about slots, rates and fees: the wire shape, fixed by the contract."""

import datetime as dt

from malar.kernel.wire import moment, money
from pricing.domain import days_of
from pricing.models import FeeRule, MarketRate, RateAdjustment, TimeSlot


def rate_answer(rate: MarketRate) -> dict[str, object]:
    """A published rate: ₹ per unit as a string."""
    return {
        "id": str(rate.pk),
        "flower": str(rate.flower_id),
        "slot": str(rate.slot_id) if rate.slot_id else None,
        "rate": money(rate.rate),
        "effective_from": moment(rate.effective_from),
        "effective_to": moment(rate.effective_to),
        "published_at": moment(rate.published_at),
    }


def slot_answer(slot: TimeSlot) -> dict[str, object]:
    """A time slot: local times, ISO weekdays, and the business days from and until before which it holds."""
    return {
        "id": str(slot.pk),
        "name_ta": slot.name_ta,
        "name_en": slot.name_en,
        "start": f"{slot.start:%H:%M}",
        "end": f"{slot.end:%H:%M}",
        "days": days_of(slot.weekdays),
        "valid_from": _day(slot.valid_from),
        "valid_to": _day(slot.valid_to),
        "is_active": slot.is_active,
    }


def fee_answer(fee: FeeRule) -> dict[str, object]:
    """A fee: ₹ for one of what `basis` says, or a percentage."""
    return {
        "id": str(fee.pk),
        "code": fee.code,
        "name_ta": fee.name_ta,
        "name_en": fee.name_en,
        "basis": fee.basis,
        "rate": money(fee.rate),
        "automatic": fee.automatic,
        "income": fee.income,
        "effective_from": _day(fee.valid_from),
        "effective_to": _day(fee.valid_to),
        "is_active": fee.is_active,
    }


def adjustment_answer(adjustment: RateAdjustment) -> dict[str, object]:
    """An adjustment of rates: `value` is signed, percent or ₹ per unit."""
    return {
        "id": str(adjustment.pk),
        "code": adjustment.code,
        "name_ta": adjustment.name_ta,
        "name_en": adjustment.name_en,
        "basis": adjustment.basis,
        "value": money(adjustment.value),
        "is_active": adjustment.is_active,
    }


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()
