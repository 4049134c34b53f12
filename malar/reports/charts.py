"""Where the bars of a chart stand. The server draws it; the table below it says the same."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from malar.reports.domain import Bar, Chart

HEIGHT, TOP, BOTTOM = 240, 16, 204
"""Pixels: of a chart of days, and of its highest and lowest bar's ends."""
NAME, STEP = 26, 52
"""Pixels: where a name stands in its row, and from row to row."""
LABELS = 5
"""Days that are named below: what fits on a phone."""


@dataclass(frozen=True)
class Drawn:
    """A bar in its place: percent of the width, pixels of the height."""

    bar: Bar
    x: str
    width: str
    y: str
    height: str
    named: bool = False
    middle: str = ""


def drawn(chart: Chart) -> dict[str, Any]:
    """What templates/reports/chart.html needs."""
    most = max((bar.value for bar in chart.bars), default=Decimal(0)) or Decimal(1)
    place = _along if chart.along else _below
    return {
        "chart": chart,
        "bars": place(chart, most),
        "height": HEIGHT if chart.along else STEP * len(chart.bars),
        "bottom": BOTTOM,
        "says": _says(chart),
    }


def _along(chart: Chart, most: Decimal) -> list[Drawn]:
    one = Decimal(100) / len(chart.bars)
    every = -(-len(chart.bars) // LABELS)
    found = []
    for n, bar in enumerate(chart.bars):
        height = bar.value / most * (BOTTOM - TOP)
        found.append(
            Drawn(
                bar,
                x=f"{(n + Decimal('0.12')) * one:.3f}",
                width=f"{one * Decimal('0.76'):.3f}",
                y=f"{BOTTOM - height:.1f}",
                height=f"{height:.1f}",
                named=n % every == every // 2,
                middle=f"{(n + Decimal('0.5')) * one:.3f}",
            )
        )
    return found


def _below(chart: Chart, most: Decimal) -> list[Drawn]:
    return [
        Drawn(
            bar,
            x="0",
            width=f"{bar.value / most * 100:.2f}",
            y=str(n * STEP + NAME + 6),
            height="12",
            middle=str(n * STEP + NAME - 4),
        )
        for n, bar in enumerate(chart.bars)
    ]


def _says(chart: Chart) -> str:
    """The chart in a sentence, for who cannot see it."""
    highest = max(chart.bars, key=lambda bar: bar.value)
    lowest = min(chart.bars, key=lambda bar: bar.value)
    return _("Most: %(most)s, %(amount)s. Least: %(least)s, %(little)s.") % {
        "most": highest.label,
        "amount": highest.words,
        "least": lowest.label,
        "little": lowest.words,
    }
