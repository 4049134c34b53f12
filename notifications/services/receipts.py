"""What a message says about a line or about money given, in the active language."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.domain import ChargeStatus
from ledger.models import Charge, DailyEntry, Farmer, Movement
from ledger.selectors.accounts import balance_of
from malar.kernel import formatting
from malar.kernel.money import ZERO
from malar.kernel.quantities import Unit
from notifications.domain import (
    ENTRY_CORRECTED,
    ENTRY_CORRECTED_RATE_PENDING,
    ENTRY_PRICED,
    RECEIPT,
    RECEIPT_RATE_PENDING,
)
from pricing.models import Flower

AT_MOST = 10
"""Slips that one message names."""
MATTERS = ("flower_id", "quantity", "unit", "rate", "amount", "commission")
"""What a farmer is told of a line. Where nothing of it changed, there is nothing to tell."""


def receipt_template(entry: DailyEntry) -> str:
    """The template that fits the line as it stands: one without a rate names none."""
    return RECEIPT_RATE_PENDING if entry.rate is None or entry.amount is None else RECEIPT


def receipt_of(entry: DailyEntry) -> dict[str, str]:
    """What its template says of the line."""
    variables = {
        "farmer": entry.farmer.name,
        "date": formatting.day(entry.business_date),
        "time": formatting.clock_time(entry.captured_at),
        "flower": entry.flower.name,
        "quantity": quantity_with_unit(entry.quantity, Unit(entry.unit)),
        "slip": entry.slip_label,
    } | version_told(entry)
    if entry.rate is None or entry.amount is None:
        return variables
    return (
        variables
        | {
            "rate": rate_per_unit(entry.rate, Unit(entry.unit)),
            "amount": formatting.rupees(entry.amount),
            "commission": formatting.rupees(entry.commission),
        }
        | _short_receipt(entry, entry.amount)
    )


def _short_receipt(entry: DailyEntry, amount: Decimal) -> dict[str, str]:
    """For the short form, which knows kilograms only: of what is counted it says nothing, and is not sent."""
    if entry.unit != Unit.KG:
        return {}
    whole, part = f"{entry.quantity:.3f}".split(".")
    short = {"slip_plain": plain(entry.slip_label), "quantity_whole": whole, "quantity_part": part}
    return short | in_digits("amount", amount)


def in_digits(name: str, amount: Decimal) -> dict[str, str]:
    """₹ as a registered SMS takes them: digits alone, the paise apart. Nothing of what is below zero."""
    if amount < 0:
        return {}
    rupees, paise = f"{amount:.2f}".split(".")
    return {f"{name}_rupees": rupees, f"{name}_paise": paise}


def plain(number: str) -> str:
    """A number of ours as a registered SMS takes it, letters and digits alone: R12-F014 → R12F014."""
    return "".join(char for char in number if char.isascii() and char.isalnum())


def correction_of(before: Any, entry: DailyEntry) -> tuple[str, dict[str, str]]:
    """The template that fits what became of a line since the farmer heard of it, and its variables.

    `before` is the line as he knows it: a version of it, or the line that it replaces.
    """
    if before.rate is None and entry.rate is not None:
        return ENTRY_PRICED, receipt_of(entry)
    variables = {
        "farmer": entry.farmer.name,
        "date": formatting.day(entry.business_date),
        "slip": entry.slip_label,
        "was": line_words(before),
        "now": line_words(entry),
    } | version_told(entry)
    if before.amount is None or entry.amount is None:
        return ENTRY_CORRECTED_RATE_PENDING, variables
    return ENTRY_CORRECTED, variables | {"difference": difference_words(entry.amount - before.amount)}


def cancellation_of(before: Any, farmer: str, reason: str) -> dict[str, str]:
    """What is said of a line that no longer counts for the farmer; `before` is the line as he knows it."""
    return {
        "farmer": farmer,
        "date": formatting.day(before.business_date),
        "slip": slip_label(before),
        "was": line_words(before),
        "reason": reason,
    } | version_told(before)


def slip_label(line: Any) -> str:
    """The number as papers print it, of a line or of a version of one."""
    return DailyEntry(slip_number=line.slip_number, version=line.version).slip_label


def version_told(entry: Any) -> dict[str, str]:
    """Kept with the message, though no wording says it: what the next correction is compared with."""
    return {"version": str(entry.version)}


def line_words(line: Any) -> str:
    """Jasmine, 5.900 kg, ₹1,450.00 per kg: ₹8,555.00, commission ₹855.50."""
    words = {
        "flower": Flower.objects.get(pk=line.flower_id).name,
        "quantity": quantity_with_unit(line.quantity, Unit(line.unit)),
    }
    if line.rate is None:
        return _("%(flower)s, %(quantity)s, rate to follow") % words
    return _("%(flower)s, %(quantity)s, %(rate)s: %(amount)s, commission %(commission)s") % (
        words
        | {
            "rate": rate_per_unit(line.rate, Unit(line.unit)),
            "amount": formatting.rupees(line.amount),
            "commission": formatting.rupees(line.commission),
        }
    )


def difference_words(difference: Decimal) -> str:
    """₹290.00 less: never a bare minus."""
    if not difference:
        return _("no change")
    words = _("%(amount)s less") if difference < 0 else _("%(amount)s more")
    return words % {"amount": formatting.rupees(abs(difference))}


def advance_words(movement: Movement) -> dict[str, str]:
    """What is said about an advance, with all that is outstanding of advances now."""
    outstanding = balance_of(movement.farmer).advance
    return {
        "farmer": movement.farmer.name,
        "amount": formatting.rupees(movement.amount),
        "date": formatting.day(movement.business_date),
        "mode": str(movement.get_mode_display()),
        "balance": formatting.rupees(outstanding),
        "voucher": movement.voucher,
        **in_digits("amount", movement.amount),
        **in_digits("balance", outstanding),
    }


def day_words(farmer: Farmer, day: dt.date) -> dict[str, str] | None:
    """What a farmer's day comes to; None for a day on which he brought nothing that stands."""
    lines = list(farmer.daily_entries.on(day).standing().order_by("captured_at", "pk"))
    if not lines:
        return None
    quantities: dict[Unit, Decimal] = {}
    for line in lines:
        unit = Unit(line.unit)
        quantities[unit] = quantities.get(unit, Decimal(0)) + line.quantity
    gross = sum((line.amount or ZERO for line in lines), ZERO)
    commission = sum((line.commission or ZERO for line in lines), ZERO)
    charges = Charge.objects.filter(farmer=farmer, business_date=day, status=ChargeStatus.STANDING)
    deductions = commission + (charges.aggregate(sum=Sum("amount"))["sum"] or ZERO)
    unpriced = sum(line.rate is None for line in lines)
    sale = formatting.rupees(gross)
    if unpriced:
        sale = f"{sale} ({unpriced_words(unpriced)})"
    return {
        "farmer": farmer.name,
        "date": formatting.day(day),
        "quantity": ", ".join(quantity_with_unit(sum_, unit) for unit, sum_ in quantities.items()),
        "gross": sale,
        "deductions": formatting.rupees(deductions),
        "net": formatting.rupees(gross - deductions),
    }


def unpriced_words(count: int) -> str:
    """2 entries have no rate yet and are not counted here."""
    words = ngettext(
        "%(count)s entry has no rate yet and is not counted here.",
        "%(count)s entries have no rate yet and are not counted here.",
        count,
    )
    return words % {"count": count}


def rate_pending_words(farmer: Farmer, day: dt.date) -> dict[str, str] | None:
    """Which of a farmer's lines of a day have no rate yet; None where all have."""
    lines = list(
        farmer.daily_entries.on(day)
        .unpriced()
        .select_related("flower")
        .order_by("captured_at", "pk")[: AT_MOST + 1]
    )
    if not lines:
        return None
    slips = [line.slip_label for line in lines[:AT_MOST]] + ["…"] * (len(lines) > AT_MOST)
    return {
        "farmer": farmer.name,
        "date": formatting.day(day),
        "flowers": ", ".join(dict.fromkeys(line.flower.name for line in lines)),
        "slips": ", ".join(slips),
    }


def quantity_with_unit(quantity: Decimal, unit: Unit) -> str:
    """5.900 kg, 60 pieces."""
    count = int(quantity)
    words = {
        Unit.KG: _("%(quantity)s kg"),
        Unit.BUNDLE: ngettext("%(quantity)s bundle", "%(quantity)s bundles", count),
        Unit.PIECE: ngettext("%(quantity)s piece", "%(quantity)s pieces", count),
        Unit.BAG: ngettext("%(quantity)s bag", "%(quantity)s bags", count),
    }
    return words[unit] % {"quantity": formatting.weight(quantity, unit)}


def rate_per_unit(rate: Decimal, unit: Unit) -> str:
    """₹1,450.00 per kg."""
    words = {
        Unit.KG: _("%(rate)s per kg"),
        Unit.BUNDLE: _("%(rate)s per bundle"),
        Unit.PIECE: _("%(rate)s per piece"),
        Unit.BAG: _("%(rate)s per bag"),
    }
    return words[unit] % {"rate": formatting.rupees(rate)}
