"""Where the bars of the log's chart stand: for each day what arrived, what is on its way and what did not arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from malar.kernel import formatting
from notifications.selectors import DayTally

HEIGHT, TOP, BOTTOM = 160, 8, 124
"""Pixels: of the chart, and of its highest and lowest bar's ends."""
LABELS = 5
"""Days that are named below: what fits on a phone."""


@dataclass(frozen=True)
class Part:
    """A piece of a day's bar, in percent of the width and pixels of the height."""

    look: str
    words: str
    x: str
    width: str
    y: str
    height: str


def days_drawn(days: Sequence[DayTally]) -> dict[str, Any] | None:
    """What templates/notifications/days.html needs; None where no day has a message."""
    most = max((day.all for day in days), default=0)
    if not most:
        return None
    one = 100 / len(days)
    every = -(-len(days) // LABELS)
    parts: list[Part] = []
    for n, day in enumerate(days):
        foot: float = BOTTOM  # of the picture's own measure, no money
        for look, count, words in _parts(day):
            height = count / most * (BOTTOM - TOP)
            foot -= height
            x, width = f"{(n + 0.12) * one:.3f}", f"{one * 0.76:.3f}"
            parts.append(Part(look, words, x, width, f"{foot:.1f}", f"{height:.1f}"))
    return {
        "parts": parts,
        "names": [
            {"x": f"{(n + 0.5) * one:.3f}", "words": f"{day.day:%d/%m}"}
            for n, day in enumerate(days)
            if n % every == every // 2
        ],
        "height": HEIGHT,
        "bottom": BOTTOM,
        "says": " ".join(_says(day) for day in days if day.all),
    }


def _parts(day: DayTally) -> list[tuple[str, int, str]]:
    date = formatting.day(day.day)
    pieces = [
        ("ok", day.sent, _("%(day)s: sent %(count)s") % {"day": date, "count": day.sent}),
        ("wait", day.under_way, _("%(day)s: on the way %(count)s") % {"day": date, "count": day.under_way}),
        ("error", day.failed, _("%(day)s: not sent %(count)s") % {"day": date, "count": day.failed}),
    ]
    return [piece for piece in pieces if piece[1]]


def _says(day: DayTally) -> str:
    """A day in a sentence, for who cannot see it."""
    return _("%(day)s: sent %(sent)s, on the way %(way)s, not sent %(failed)s.") % {
        "day": formatting.day(day.day),
        "sent": day.sent,
        "way": day.under_way,
        "failed": day.failed,
    }
