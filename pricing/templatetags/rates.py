"""How rates are written and drawn on the board."""

import datetime as dt
from decimal import Decimal
from uuid import UUID, uuid4

from django import template

from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from pricing.selectors.rates import Place

register = template.Library()

EDGE = Decimal(6)
"""Percent of the picture left free on both sides, so that a mark at its end is whole."""


@register.filter
def rate(amount: Decimal | None) -> str:
    """₹640, and ₹12.50 where there are paise; a rate that is not known is a dash."""
    return formatting.rupees(amount).removesuffix(".00")


@register.filter
def figure(amount: Decimal) -> str:
    """640 or 12.50, as it is typed and sent."""
    return f"{amount:f}".removesuffix(".00")


@register.filter
def bare_clock(moment: dt.datetime) -> str:
    """9:44, where the part of the day stands beside it."""
    local = moment.astimezone(KOLKATA)
    return f"{local.hour % 12 or 12}:{local.minute:02}"


@register.filter
def paise(amount: Decimal | None) -> str:
    """Whole paise for scripts, nothing for no rate."""
    return "" if amount is None else str(int(amount * 100))


@register.simple_tag
def fresh_key() -> UUID:
    """A key for one form more."""
    return uuid4()


@register.inclusion_tag("pricing/range.html")
def range_of(place: Place) -> dict[str, str]:
    """The picture of a place: a band for seven days, a tick for yesterday, a dot for now.

    Positions are percent of the width; missing figures have none. `low` and `high` are the ends of
    the scale in paise, for the script that moves the dot.
    """
    figures = [each for each in (place.low, place.high, place.yesterday, place.rate) if each is not None]
    if not figures:
        return {}
    low, high = min(figures), max(figures)

    def at(figure: Decimal | None) -> Decimal | None:
        if figure is None:
            return None
        share = (figure - low) / (high - low) if high > low else Decimal("0.5")
        return (EDGE + share * (100 - 2 * EDGE)).quantize(Decimal("0.1"))

    start, end = at(place.low), at(place.high)
    marks = {"start": start, "yesterday": at(place.yesterday), "now": at(place.rate)}
    if start is not None and end is not None:
        marks["width"] = max(end - start, Decimal(3))
    drawn = {name: str(mark) for name, mark in marks.items() if mark is not None}
    return drawn | {"low": paise(low), "high": paise(high)}
