"""What needs no database: the series of slip numbers, and what a tablet's clock is worth."""

import datetime as dt
from collections.abc import Collection, Iterator

from django.db import models
from django.utils.translation import gettext_lazy as _

LETTERS = "ABCDEFGHIJKLMNOPQRTUVWXYZ"
"""Without S: S1 is the shop's own series."""
LONGEST_NAME = 40
HIGHEST_SEQ = 2_000_000_000
MOST_OPS = 50
YEAR_S = 366 * 24 * 3600
YEAR_MS = YEAR_S * 1000
LARGEST_BATCH = 65_536


class Way(models.TextChoices):
    """How an operation came that its author did not send himself."""

    SEALED = "sealed", _("sealed on a tablet")
    FILE = "file", _("in a file")


class Outcome(models.TextChoices):
    """What became of it."""

    TAKEN = "taken", _("in the book")
    CONFLICT = "conflict", _("somebody else has changed the line meanwhile")
    NEEDS_FIX = "needs_fix", _("the book cannot use it")
    CLOSED = "closed", _("the seal does not open")
    UNREADABLE = "unreadable", _("it cannot be read")
    NOBODY = "nobody", _("whoever wrote it never belonged to this shop")
    ASTRAY = "astray", _("its tablet or its queue belongs to somebody else")


def series_names() -> Iterator[str]:
    """A1, A2, … A9, B1, …"""
    return (f"{letter}{digit}" for letter in LETTERS for digit in range(1, 10))


def free_series(used: Collection[str]) -> str | None:
    """The next series that no tablet of the shop has; None where all 225 are taken."""
    return next((name for name in series_names() if name not in used), None)


def captured_at(device_ms: int, offset_ms: int | None) -> dt.datetime:
    """When something was typed, by the server's clock: the tablet's time put right by what it knew to be off.

    Without an offset (it never reached us since it was started) the tablet's own time is all there is.
    """
    return dt.datetime.fromtimestamp((device_ms + (offset_ms or 0)) / 1000, tz=dt.UTC)


def unsure_by(unc_ms: int | None, offset_ms: int | None, age_s: int | None) -> dt.timedelta:
    """How far off a corrected time may be: what was measured, and 2 s for each hour since (offline.md, d 47)."""
    if unc_ms is None or offset_ms is None:
        return dt.timedelta.max
    # A clock's drift of a year says as much as none at all.
    return dt.timedelta(milliseconds=min(unc_ms, YEAR_MS) + min(max(age_s or 0, 0), YEAR_S) * 2 / 3.6)


def gaps_in(received: Collection[int], announced: int) -> list[list[int]]:
    """Numbers up to `announced` that never came, as [first, last] pairs."""
    gaps: list[list[int]] = []
    have = set(received)
    for number in range(1, announced + 1):
        if number in have:
            continue
        if gaps and gaps[-1][1] == number - 1:
            gaps[-1][1] = number
        else:
            gaps.append([number, number])
    return gaps
