"""What a message says about a line or about money given, in the active language."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.models import DailyEntry, Movement
from ledger.selectors.accounts import balance_of
from malar.kernel import formatting
from malar.kernel.quantities import Unit
from notifications.domain import RECEIPT, RECEIPT_RATE_PENDING


def receipt_of(entry: DailyEntry) -> tuple[str, dict[str, str]]:
    """The template that fits the line as it stands, and its variables: one without a rate names none."""
    variables = {
        "farmer": entry.farmer.name,
        "date": formatting.day(entry.business_date),
        "time": formatting.clock_time(entry.captured_at),
        "flower": entry.flower.name,
        "quantity": quantity_with_unit(entry.quantity, Unit(entry.unit)),
        "slip": entry.slip_number,
    }
    if entry.rate is None:
        return RECEIPT_RATE_PENDING, variables
    return RECEIPT, variables | {
        "rate": rate_per_unit(entry.rate, Unit(entry.unit)),
        "amount": formatting.rupees(entry.amount),
        "commission": formatting.rupees(entry.commission),
    }


def advance_words(movement: Movement) -> dict[str, str]:
    """What is said about an advance, with all that is outstanding of advances now."""
    return {
        "farmer": movement.farmer.name,
        "amount": formatting.rupees(movement.amount),
        "date": formatting.day(movement.business_date),
        "mode": str(movement.get_mode_display()),
        "balance": formatting.rupees(balance_of(movement.farmer).advance),
        "voucher": movement.voucher,
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
