"""The picture of a rate history: steps over days, drawn by the server."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django import template

from malar.kernel import formatting
from pricing.selectors.rate_history import RateHistory, Step

register = template.Library()

HEIGHT, TOP, BOTTOM = 280, 16, 244
"""Pixels: of the picture, and of the highest and the lowest figure of its scale."""
MOST_DAYS = 5
"""Days that are named below: what fits on a phone."""
EDGE = Decimal("0.06")
"""The part of a day's width that is left free on each side."""


ROUND = [Decimal(figure) * 10**zeros for zeros in range(12) for figure in (1, 2, 5)]


@dataclass(frozen=True)
class Mark:
    """A line of the picture: percent of the width, pixels of the height."""

    x1: str
    x2: str
    y1: str
    y2: str
    kind: str


@dataclass(frozen=True)
class Label:
    """Words at a place: `at` is percent of the width or pixels of the height."""

    at: str
    words: str


@register.inclusion_tag("pricing/rate_chart.html")
def rate_chart(history: RateHistory) -> dict[str, Any]:
    """Steps as lines, and for several days a band from each day's lowest to its highest rate."""
    days = history.days
    low, high, step = scale(history.low or Decimal(0), history.high or Decimal(0))
    first, last = hours(history.steps)

    def x(day: dt.date, moment: dt.datetime) -> Decimal:
        at = (
            Decimal((moment.replace(tzinfo=None) - dt.datetime.combine(day, dt.time())).total_seconds())
            / 3600
        )
        share = min(max((at - first) / (last - first), Decimal(0)), Decimal(1))
        return (days.index(day) + EDGE + share * (1 - 2 * EDGE)) * 100 / len(days)

    def y(rate: Decimal) -> Decimal:
        return BOTTOM - (rate - low) / (high - low) * (BOTTOM - TOP)

    marks, before = [], dict[object, Step]()
    for each in history.steps:
        kind = "called" if each.is_called else "slot"
        left, right, height = x(each.day, each.start), x(each.day, each.end), y(each.rate)
        if right > left:
            marks.append(mark(left, right, height, height, kind))
        previous = before.get((each.day, each.of))
        if previous and previous.end == each.start and previous.rate != each.rate:
            marks.append(mark(left, left, y(previous.rate), height, kind))
        before[each.day, each.of] = each
    if len(days) == 1:
        below = [
            Label(
                f"{(EDGE + Decimal(hour - first) / (last - first) * (1 - 2 * EDGE)) * 100:.2f}", clock(hour)
            )
            for hour in range(first, last + 1, max(1, -(-(last - first) // (MOST_DAYS - 1))))
        ]
    else:
        nth = -(-len(days) // MOST_DAYS)
        below = [
            Label(f"{(Decimal(n) + Decimal('0.5')) * 100 / len(days):.2f}", f"{day:%d/%m}")
            for n, day in enumerate(days)
            if n % nth == 0
        ]
    return {
        "history": history,
        "height": HEIGHT,
        "bottom": BOTTOM,
        "marks": marks,
        "bands": bands(history, y) if len(days) > 1 else [],
        "beside": [
            Label(f"{y(low + step * n):.1f}", formatting.rupees(low + step * n).removesuffix(".00"))
            for n in range(int((high - low) / step) + 1)
        ],
        "below": below,
        "has_called": any(each.is_called for each in history.steps),
        "has_slots": any(not each.is_called for each in history.steps),
    }


def mark(x1: Decimal, x2: Decimal, y1: Decimal, y2: Decimal, kind: str) -> Mark:
    return Mark(f"{x1:.2f}", f"{x2:.2f}", f"{y1:.1f}", f"{y2:.1f}", kind)


def bands(history: RateHistory, y: Callable[[Decimal], Decimal]) -> list[dict[str, str]]:
    """From the lowest to the highest rate of each day."""
    found = []
    width = Decimal(100) / len(history.days)
    for n, day in enumerate(history.days):
        rates = [step.rate for step in history.steps if step.day == day]
        if rates:
            top = y(max(rates))
            found.append(
                {
                    "x": f"{(n + EDGE) * width:.2f}",
                    "width": f"{(1 - 2 * EDGE) * width:.2f}",
                    "y": f"{top:.1f}",
                    "height": f"{max(y(min(rates)) - top, Decimal(2)):.1f}",
                }
            )
    return found


def scale(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Round ends of a scale that holds both figures, and the step between its lines: three to six lines."""
    span = (high - low) or max(high / 5, Decimal(5))
    step = next(step for step in ROUND if step * 5 >= span)
    bottom = (low / step).to_integral_value(ROUND_FLOOR) * step
    top = (high / step).to_integral_value(ROUND_CEILING) * step
    return bottom, top if top > bottom else bottom + step, step


def hours(steps: list[Step]) -> tuple[int, int]:
    """The hours of a day that the picture shows: from before the first step until an hour after the last began."""
    if not steps:
        return 4, 10
    first = min(step.start.hour for step in steps)
    ends = max(
        (
            step.start
            + dt.timedelta(hours=1)
            - dt.datetime.combine(step.day, dt.time(), tzinfo=step.start.tzinfo)
        )
        for step in steps
    )
    return first, max(first + 1, -(-int(ends.total_seconds()) // 3600))


def clock(hour: int) -> str:
    return formatting.clock_time(dt.time(hour % 24))
