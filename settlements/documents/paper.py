"""What is written on the papers: a statement as words and figures, in one language. Layouts only place them."""

import datetime as dt
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import override

from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.quantities import Unit
from malar.kernel.words import rupees_in_words
from settlements.documents.statement import Language, Statement, StatementCharge, StatementLine

JOINERS = "\u200c\u200d"
"""Invisible, and part of how Tamil and its neighbours are spelt."""
HASH_SHOWN = 16
"""Letters of the content's hash on paper: enough to tell two versions of a settlement apart."""


@dataclass(frozen=True)
class PaperLine:
    """`note` says why a line is not like the others: late, or of a correction; "" for most."""

    day: str
    long_day: str
    slip: str
    flower: str
    note: str
    quantity: str
    unit: str
    rate: str
    amount: str
    commission: str


@dataclass(frozen=True)
class Sum:
    """A row of the reckoning, and what it is made of: each detail is kept together on a line."""

    label: str
    amount: str
    details: Sequence[str] = ()


@dataclass(frozen=True)
class Paper:
    """A statement in one language, ready to be placed. `stamp` goes across a paper that does not count."""

    language: Language
    shop: str
    address: str
    title: str
    number: str
    period: str
    status: str
    stamp: str
    farmer_number: str
    farmer: str
    place: str
    net_label: str
    net: str
    net_in_words: str
    carried: str
    columns: dict[str, str]
    lines: Sequence[PaperLine]
    sums: Sequence[Sum]
    total: str
    advance: Sequence[Sum]
    payments: Sequence[Sum]
    made: str
    hash: str
    link: str
    link_words: str
    upi: str
    upi_words: str
    farmer_signs: str
    shop_signs: str
    page: str
    """ “page {number} of {of}”: only the layout knows which. """
    part: str
    """ “part {number} of {of}”, of a statement too long for its place. """


def paper_of(statement: Statement, language: Language) -> Paper:
    """The statement in his language, whoever prints it."""
    with override(language):
        return _paper(statement, language)


def _paper(statement: Statement, language: Language) -> Paper:
    is_tamil = language == "ta"
    village = statement.village_ta if is_tamil else statement.village_en
    return Paper(
        language=language,
        shop=_typed(statement.shop_name_ta if is_tamil else statement.shop_name_en),
        address=_dotted(_typed(statement.shop_address), _typed(statement.shop_phone)),
        title=_("Settlement"),
        number=_typed(statement.number or statement.reference),
        period=f"{formatting.day(statement.period_start)} – {formatting.day(statement.period_end)}",
        status=_status(statement.status),
        stamp=_status(statement.status) if statement.status in ("draft", "cancelled", "reversed") else "",
        farmer_number=str(statement.farmer_number),
        farmer=_typed(statement.farmer_name_ta if is_tamil else statement.farmer_name_en),
        place=_dotted(_typed(village), _typed(statement.farmer_code)),
        net_label=_("You will receive"),
        net=formatting.rupees(statement.net),
        net_in_words=rupees_in_words(statement.net, language),
        carried=_carried(statement.carried),
        columns={
            "day": _("Date"),
            "slip": _("Slip"),
            "flower": _("Flower"),
            "quantity": _("Quantity"),
            "rate": _("Rate ₹"),
            "amount": _("Amount ₹"),
            "commission": _("Commission ₹"),
        },
        lines=[_line(line, is_tamil=is_tamil) for line in statement.lines],
        sums=_sums(statement, is_tamil=is_tamil),
        total=_("Net amount"),
        advance=_advance(statement),
        payments=[
            Sum(
                _("Paid"),
                formatting.rupees(paid.amount),
                [_when(paid.at), _dotted(_mode(paid.mode), _typed(paid.reference))],
            )
            for paid in statement.payments
        ],
        made=_("As of %(day)s, %(time)s")
        % {
            "day": formatting.day(statement.made_at.astimezone(KOLKATA).date()),
            "time": formatting.clock_time(statement.made_at),
        },
        hash=statement.content_hash[:HASH_SHOWN],
        link=statement.link,
        link_words=_("Scan to see this on your phone") if statement.link else "",
        upi=statement.upi,
        upi_words=_("The shop scans this to pay") if statement.upi else "",
        farmer_signs=_("Farmer's signature"),
        shop_signs=_("Shop's signature"),
        page=_("page {number} of {of}"),
        part=_("part {number} of {of}"),
    )


def _line(line: StatementLine, *, is_tamil: bool) -> PaperLine:
    notes = {"reversal": _("reversing entry"), "replacement": _("corrected entry"), "": ""}
    return PaperLine(
        day=line.business_date.strftime("%d/%m"),
        long_day=formatting.long_day(line.business_date),
        slip=_typed(line.slip_number),
        flower=_typed(line.flower_ta if is_tamil else line.flower_en),
        note=_dotted(notes[line.correction], _("late entry") if line.is_late else ""),
        quantity=_negative(formatting.weight(line.quantity, line.unit)),
        unit=str(Unit(line.unit).label),
        rate=_bare(line.rate),
        amount=_bare(line.amount),
        commission=_bare(line.commission),
    )


def _sums(statement: Statement, *, is_tamil: bool) -> list[Sum]:
    """The reckoning as the farmer adds it up: what is nought is left out, but for sale value and commission."""
    percents = {line.commission_pct for line in statement.lines}
    commission = (
        _("Commission %(percent)s") % {"percent": formatting.percent(percents.pop())}
        if len(percents) == 1
        else _("Commission")
    )
    drawn = [
        _dotted(formatting.day(draw.business_date), _typed(draw.reference), formatting.rupees(draw.amount))
        for draw in statement.draw_lines
    ]
    rows = [
        (
            statement.charges,
            Sum(_("Charges"), _less(statement.charges), _charged(statement, is_tamil=is_tamil)),
        ),
        (statement.draws, Sum(_("Draws"), _less(statement.draws), drawn)),
        (statement.hand_loans, Sum(_("Hand loan"), _less(statement.hand_loans))),
        (statement.recovery, Sum(_("Advance recovery"), _less(statement.recovery))),
        (
            statement.brought_forward,
            Sum(_before(statement.brought_forward), _signed(statement.brought_forward)),
        ),
        (statement.rounding, Sum(_("Rounding"), _signed(statement.rounding))),
        (statement.carried, Sum(_("Goes to the next settlement"), _signed(-statement.carried))),
    ]
    return [
        Sum(_("Sale value"), _bare(statement.gross)),
        Sum(commission, _less(statement.commission)),
        *(row for amount, row in rows if amount),
    ]


def _charged(statement: Statement, *, is_tamil: bool) -> list[str]:
    """“Coolie 12 × 10.00 = 120.00”: the fees of the week by name and rate, in order of appearance."""
    return [
        _("%(fee)s %(quantity)s × %(rate)s = %(amount)s")
        % {
            "fee": _typed(charge.name_ta if is_tamil else charge.name_en),
            "quantity": formatting.weight(charge.quantity, ""),
            "rate": _bare(charge.rate),
            "amount": _bare(charge.amount),
        }
        for charge in fees_of(statement.charge_lines)
    ]


def fees_of(charges: Iterable[StatementCharge]) -> list[StatementCharge]:
    """One line a fee and rate instead of one a day; their stored quantities and amounts added, nothing recomputed."""
    order: dict[tuple[str, str, Decimal], list[StatementCharge]] = {}
    for charge in charges:
        order.setdefault((charge.name_ta, charge.name_en, charge.rate), []).append(charge)
    return [
        StatementCharge(
            same[0].business_date,
            same[0].name_ta,
            same[0].name_en,
            sum((charge.quantity for charge in same), Decimal(0)),
            same[0].rate,
            sum((charge.amount for charge in same), Decimal(0)),
        )
        for same in order.values()
    ]


def _advance(statement: Statement) -> list[Sum]:
    if not statement.advance_before and not statement.advance_after:
        return []
    return [
        Sum(_("Advance before"), formatting.rupees(statement.advance_before)),
        Sum(_("Advance outstanding"), formatting.rupees(statement.advance_after)),
    ]


def _before(brought_forward: Decimal) -> str:
    return _("Owed from before") if brought_forward < 0 else _("Left from before")


def _carried(carried: Decimal) -> str:
    """Who owes whom after this settlement, in words: a bare minus sign says it to nobody."""
    if carried < 0:
        return _("You must pay the shop %(amount)s. It is taken off the next settlement.") % {
            "amount": formatting.rupees(-carried)
        }
    if carried > 0:
        return _("The shop must pay you %(amount)s more. It comes with the next settlement.") % {
            "amount": formatting.rupees(carried)
        }
    return ""


def _status(status: str) -> str:
    return {
        "draft": _("draft"),
        "pending": _("waiting for agreement"),
        "approved": _("agreed"),
        "paid": _("paid"),
        "disputed": _("in question"),
        "cancelled": _("cancelled"),
        "reversed": _("taken back"),
    }[status]


def _mode(mode: str) -> str:
    return {"cash": _("cash"), "upi": _("UPI"), "bank": _("bank"), "cheque": _("cheque")}.get(mode, mode)


def _when(moment: dt.datetime) -> str:
    return f"{formatting.day(moment.astimezone(KOLKATA).date())} {formatting.clock_time(moment)}"


def _dotted(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _typed(text: str) -> str:
    """What somebody typed, as one line of letters: no control characters, nothing that turns the reading direction."""
    kept = (
        letter if letter in JOINERS or unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp") else " "
        for letter in text
    )
    return " ".join("".join(kept).split())


def _bare(amount: Decimal) -> str:
    """An amount in a column that says ₹ on top."""
    return formatting.rupees(amount).replace("₹", "")


def _less(amount: Decimal) -> str:
    return _bare(-amount)


def _signed(amount: Decimal) -> str:
    return f"+{_bare(amount)}" if amount > 0 else _bare(amount)


def _negative(figure: str) -> str:
    return figure.replace("-", "−")
