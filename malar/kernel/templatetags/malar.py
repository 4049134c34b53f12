"""Template filters for money, weights and times; loaded into every template."""

import datetime as dt
from decimal import Decimal

from django import template
from django.utils import timezone

from malar.kernel import formatting
from malar.kernel.clock import KOLKATA

register = template.Library()


@register.simple_tag
def today() -> dt.date:
    """The calendar day in the shop's time."""
    return timezone.now().astimezone(KOLKATA).date()


@register.filter
def signed_rupees(change: Decimal) -> str:
    """+₹15.00 or −₹90.00: what something was changed by."""
    return f"+{formatting.rupees(change)}" if change > 0 else formatting.rupees(change)


@register.filter
def taken_off(amount: Decimal) -> str:
    """−₹90.00: what is taken off a sum, where the sum stands above it."""
    return formatting.rupees(-amount)


@register.filter
def rupees(amount: Decimal | None) -> str:
    return formatting.rupees(amount)


@register.filter
def weight(quantity: Decimal | None, unit: str) -> str:
    return formatting.weight(quantity, unit)


@register.filter
def percent(value: Decimal) -> str:
    return formatting.percent(value)


@register.filter
def day(date: dt.date) -> str:
    return formatting.day(date)


@register.filter
def long_day(date: dt.date) -> str:
    return formatting.long_day(date)


@register.filter
def clock_time(moment: dt.datetime | dt.time) -> str:
    return formatting.clock_time(moment)
