"""How numbers, money, dates and times are written (docs/translation.md): Latin digits, lakh grouping."""

import datetime as dt
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal
from django.utils.translation import get_language, pgettext

from malar.kernel.clock import KOLKATA
from malar.kernel.quantities import Unit


def _locale() -> str:
    return "ta_IN" if get_language() == "ta" else "en_IN"


def rupees(amount: Decimal | None) -> str:
    """₹12,34,567.50; an amount that is not known yet is a dash, not zero."""
    if amount is None:
        return "–"
    text = format_decimal(abs(amount), format="#,##,##0.00", locale=_locale())
    return f"−₹{text}" if amount < 0 else f"₹{text}"


def weight(quantity: Decimal | None, unit: str) -> str:
    """A bare quantity: 5.900 for kilograms, 60 for pieces."""
    if quantity is None:
        return "–"
    pattern = "#,##,##0.000" if unit == Unit.KG else "#,##,##0.###"
    return format_decimal(quantity, format=pattern, locale=_locale())


def percent(value: Decimal) -> str:
    """10 % as 10%, 7.5 % as 7.5%."""
    return f"{format_decimal(value, format='0.##', locale=_locale())}%"


def day(date: dt.date) -> str:
    """06/03/2026."""
    return date.strftime("%d/%m/%Y")


def long_day(date: dt.date) -> str:
    """வெள்ளி, 6 மார்ச் 2026 · Friday, 6 March 2026."""
    return format_date(date, format="EEEE, d MMMM y", locale=_locale())


def clock_time(moment: dt.datetime | dt.time) -> str:
    """காலை 5:30 in Tamil, 5:30 am in English."""
    local = moment.astimezone(KOLKATA).time() if isinstance(moment, dt.datetime) else moment
    part = _part_of_day(local.hour)
    hour = local.hour % 12 or 12
    return part % {"time": f"{hour}:{local.minute:02}"}


def _part_of_day(hour: int) -> str:
    if hour < 4:
        return pgettext("time of day 0–4", "%(time)s am")
    if hour < 12:
        return pgettext("time of day 4–12", "%(time)s am")
    if hour < 16:
        return pgettext("time of day 12–16", "%(time)s pm")
    if hour < 20:
        return pgettext("time of day 16–20", "%(time)s pm")
    return pgettext("time of day 20–24", "%(time)s pm")
