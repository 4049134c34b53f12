"""The daily slip as it lies on paper: where a long one goes on, and what fits on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from ledger.models import DailyEntry
from ledger.selectors.entries import Slip

LINES_ON_A_SIXTH = 5
SLIPS_ON_A_SHEET = 6
ROLL_STEP_MM = 20
ROLL_HEAD_MM = 128
ROLL_LINE_MM = 21.7
ROLL_WEIGHTS_MM = 5
WEIGHTS_ON_A_ROW = 4
ROLL_ITEM_MM = 5.5
ROLL_CHARGED_MM = 14
ROLL_LONGEST_MM = 600


@dataclass(frozen=True)
class Part:
    """A slip, or a piece of one that is too long for its place; the last piece carries the totals."""

    slip: Slip
    entries: Sequence[DailyEntry]
    number: int
    of: int

    @property
    def is_last(self) -> bool:
        return self.number == self.of


def parts_of(slip: Slip, lines: int) -> list[Part]:
    """The slip in pieces of at most `lines` lines; the charges, two to a line's height, are below the last."""
    pieces = [slip.entries[start : start + lines] for start in range(0, len(slip.entries), lines)]
    if pieces and slip.charges and len(pieces[-1]) + ceil(len(slip.items) / 2) > lines:
        pieces.append([])
    return [Part(slip, piece, number, len(pieces)) for number, piece in enumerate(pieces, start=1)]


def sheets_of(slips: Sequence[Slip]) -> list[list[Part]]:
    """A4 sheets of six slips each, in the order of the slips."""
    parts = iter([part for slip in slips for part in parts_of(slip, LINES_ON_A_SIXTH)])
    return list(iter(lambda: list(islice(parts, SLIPS_ON_A_SHEET)), []))


def roll_length(slip: Slip) -> int:
    """How long a piece of 80 mm roll the slip needs, in mm, rounded up to a step the stylesheet knows.

    CSS has no "as long as it takes": a page has a height, and thermal printers feed all of it.
    """
    rows = sum(ceil(len(entry.sack_weights or []) / WEIGHTS_ON_A_ROW) for entry in slip.entries)
    needed = ROLL_HEAD_MM + ROLL_LINE_MM * len(slip.entries) + ROLL_WEIGHTS_MM * rows
    needed += ROLL_ITEM_MM * sum(
        len(entry.adjustments) and len(entry.adjustments) + 1 for entry in slip.entries
    )
    if slip.charges:
        needed += ROLL_CHARGED_MM + ROLL_ITEM_MM * len(slip.items)
    return min(ROLL_LONGEST_MM, ceil(needed / ROLL_STEP_MM) * ROLL_STEP_MM)
