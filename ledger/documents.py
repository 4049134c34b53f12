"""Papers: where a long slip goes on and what fits on a sheet; an account as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from django.utils.translation import gettext as _

from ledger.models import DailyEntry
from ledger.selectors.accounts import Row, Statement
from ledger.selectors.buyers import BuyerRow, BuyerStatement, owed_by_buyer_words
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


def account_table(statement: Statement) -> list[list[str]]:
    """A running account as rows of a spreadsheet, headings first, ₹ without grouping; the loans below it."""
    headings = [
        *(_("Date"), _("What"), _("Entries"), _("Weight, kg"), _("Sale value"), _("Commission")),
        *(_("Voucher number"), _("How it was paid"), _("Credit"), _("Debit"), _("Balance"), _("Who owes")),
    ]
    running = [[*_account_row(row), str(row.direction.label)] for row in statement.rows]
    first, last = statement.opens, statement.closes
    table = [
        [statement.farmer.code, statement.farmer.name],
        headings,
        [*_edge(_("Opening balance"), first), str(first.direction.label)],
        *running,
        [*_edge(_("Closing balance"), last), str(last.direction.label)],
    ]
    for name, loan in ((_("Advance"), statement.advance), (_("Hand loan"), statement.hand_loan)):
        if not loan.is_empty:
            opened = Row(statement.start, "opening", loan.opening, balance=loan.opening)
            closed = Row(statement.end, "closing", loan.closing, balance=loan.closing)
            table += [
                [],
                [name],
                _edge(_("Opening balance"), opened),
                *(_account_row(row, is_loan=True) for row in loan.rows),
                _edge(_("Closing balance"), closed),
            ]
    return table


def _account_row(row: Row, *, is_loan: bool = False) -> list[str]:
    # Of a loan the balance is what he owes: what makes it larger is his debit.
    credit, debit = (row.down, row.up) if is_loan else (row.up, row.down)
    has_lines = row.kind == "lines"
    return [
        row.day.isoformat(),
        row.what,
        str(row.lines) if has_lines else "",
        f"{row.kilograms:f}" if has_lines else "",
        f"{row.gross:f}" if has_lines else "",
        f"{row.commission:f}" if has_lines else "",
        row.movement.voucher if row.movement else "",
        str(row.movement.get_mode_display()) if row.movement else "",
        "" if credit is None else f"{credit:f}",
        "" if debit is None else f"{debit:f}",
        f"{row.net:f}",
    ]


def _edge(what: str, row: Row) -> list[str]:
    return [row.day.isoformat(), what, *[""] * 8, f"{row.net:f}"]


def buyer_table(statement: BuyerStatement) -> list[list[str]]:
    """A buyer's account as rows of a spreadsheet, headings first, ₹ without grouping; who owes in words."""
    edge = [
        (statement.start, _("Previous balance"), statement.opening),
        (statement.end, _("Closing balance"), statement.closing),
    ]
    first, last = (
        [day.isoformat(), what, "", "", "", "", f"{abs(owed):.2f}", owed_by_buyer_words(owed)]
        for day, what, owed in edge
    )
    headings = [
        *(_("Date"), _("What"), _("Quantity"), _("Voucher number")),
        *(_("Sale value"), _("Paid"), _("Balance"), _("Who owes")),
    ]
    return [
        [str(statement.buyer.number), statement.buyer.name],
        headings,
        first,
        *(_buyer_row(row) for row in statement.rows),
        last,
    ]


def _buyer_row(row: BuyerRow) -> list[str]:
    what = row.sale.flower.name if row.sale else _("Receipt")
    return [
        row.day.isoformat(),
        _("Taken back: %(what)s") % {"what": what} if row.is_back else what,
        f"{row.sale.quantity.normalize():f} {row.sale.get_unit_display()}" if row.sale else "",
        row.receipt.voucher if row.receipt else "",
        f"{row.up:.2f}",
        f"{row.down:.2f}",
        f"{abs(row.owed):.2f}",
        row.words,
    ]
