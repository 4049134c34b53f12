"""Decisions about a line in the book that need no database."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _


class EntryStatus(models.TextChoices):
    """`settled` is not a status of the row: it is derived from settlements (architecture §5.5)."""

    CONFIRMED = "confirmed", _("recorded")
    VOIDED = "voided", _("cancelled")


class EntryKind(models.TextChoices):
    """A line as it was written, or the pair that corrects a settled one (architecture §5.6)."""

    SALE = "sale", _("sale")
    REVERSAL = "reversal", _("reversing entry")
    REPLACEMENT = "replacement", _("corrected entry")


class RateReason(models.TextChoices):
    """Why a rate was typed that the board does not say. Never required."""

    QUALITY = "quality", _("quality")
    WET = "wet", _("wet")
    AGREED = "agreed", _("agreed rate")
    WRONG_RATE = "wrong_rate", _("the rate was wrong")
    OTHER = "other", _("other")


class RollupKind(models.TextChoices):
    """What a day is summed up by."""

    FARMER = "farmer", _("farmer")
    FLOWER = "flower", _("flower")
    FEE = "fee", _("fee")


class ReviewReason(models.TextChoices):
    """Why somebody should look at a line. It is kept all the same: flowers do not wait."""

    LATE = "late", _("entered more than 36 hours later")
    RATE_FAR = "rate_far", _("rate far from the called one")
    WEIGHT_FAR = "weight_far", _("weight unusual for this farmer")
    LOOK_ALIKE = "look_alike", _("the same weight twice within ten minutes")
    SLIP_TAKEN = "slip_taken", _("slip number used before")
    # Of what was weighed already when it came to the server (architecture §6).
    DAY_LOCKED = "day_locked", _("its own day was closed already")
    CLOCK = "clock", _("the tablet’s clock was ahead")
    INACTIVE = "inactive", _("farmer or flower no longer active")
    RATE_DIFFERS = "rate_differs", _("another rate than the tablet showed")
    DUPLICATE = "duplicate", _("perhaps entered on two devices")
    TIME_UNSURE = "time_unsure", _("its time is not certain, and the rate changed then")
    AUTHOR_LEFT = "author_left", _("whoever wrote it no longer works here")


class CorrectionReason(models.TextChoices):
    """Why a line was corrected, as the page offers it. Whatever else is said stands in the history as typed."""

    WEIGHT = "weight misread", _("weight misread")
    FARMER = "wrong farmer", _("wrong farmer")
    FLOWER = "wrong flower", _("wrong flower")
    RATE = "agreed rate", _("agreed rate")


class VoidReason(models.TextChoices):
    """Why a line was cancelled, as the page offers it."""

    TWICE = "written twice", _("written twice")
    FARMER = "wrong farmer", _("wrong farmer")
    FLOWER = "wrong flower", _("wrong flower")
    TAKEN_BACK = "flowers taken back", _("flowers taken back")


REASONS = {str(reason.value): reason.label for kind in (CorrectionReason, VoidReason) for reason in kind}


def reason_words(said: str) -> str:
    """A reason in the reader's language where it is one that pages offer, else as it was typed."""
    return str(REASONS.get(said, said))


class Cadence(models.TextChoices):
    """How often a farmer's account is settled (domain.md §1.8)."""

    DAILY = "daily", _("daily")
    WEEKLY = "weekly", _("weekly")
    FORTNIGHTLY = "fortnightly", _("every two weeks")
    MONTH = "month", _("monthly")
    TAMIL_MONTH = "tamil_month", _("Tamil month")
    ON_DEMAND = "on_demand", _("when he asks")


class Recovery(models.TextChoices):
    """How an advance is recovered at a settlement (domain.md §1.8)."""

    NONE = "none", _("none")
    FIXED = "fixed", _("fixed amount, ₹")
    PERCENT = "percent", _("percent of the net")
    ALL = "all", _("all of it")


class AccountKind(models.TextChoices):
    """What an account of the book is for. The first five are one for each farmer, `buyer` one for each buyer."""

    PAYABLE = "payable", _("owed to the farmer")
    APPROVED = "approved", _("settled, to be paid")
    ADVANCE = "advance", _("advance")
    HAND_LOAN = "hand_loan", _("hand loan")
    DRAW = "draw", _("draw")
    BUYER = "buyer", _("owed by the buyer")
    CASH = "cash", _("cash")
    BANK = "bank", _("bank")
    SALES = "sales", _("sales")
    COMMISSION = "commission", _("commission income")
    FEES = "fees", _("fee income")
    PASS_THROUGH = "pass_through", _("fees passed on")
    ROUNDING = "rounding", _("rounding")
    EXPENSES = "expenses", _("expenses")
    CASH_DIFFERENCE = "cash_difference", _("difference of counted cash")
    OPENING = "opening", _("opening balance")


OF_A_FARMER = (
    AccountKind.PAYABLE,
    AccountKind.APPROVED,
    AccountKind.ADVANCE,
    AccountKind.HAND_LOAN,
    AccountKind.DRAW,
)


class Direction(models.TextChoices):
    """Who owes whom on a farmer's account: said in words, never by a minus sign (domain.md §4.4)."""

    SHOP_OWES = "shop_owes", _("We must pay the farmer")
    FARMER_OWES = "farmer_owes", _("The farmer must pay us")
    EVEN = "even", _("The account is even")


class MovementKind(models.TextChoices):
    """Money that moves between shop and farmer outside a settlement. Four that naive software merges are
    kept apart (domain.md §1.8); the openings bring over what an older book says."""

    ADVANCE = "advance", _("advance")
    ADVANCE_REPAYMENT = "advance_repayment", _("advance paid back")
    HAND_LOAN = "hand_loan", _("hand loan")
    HAND_LOAN_REPAYMENT = "hand_loan_repayment", _("hand loan paid back")
    DRAW = "draw", _("draw")
    OPENING_BALANCE = "opening_balance", _("opening balance")
    OPENING_ADVANCE = "opening_advance", _("opening advance")


OPENINGS = (MovementKind.OPENING_BALANCE, MovementKind.OPENING_ADVANCE)
PAID_BACK = (MovementKind.ADVANCE_REPAYMENT, MovementKind.HAND_LOAN_REPAYMENT)
ACCOUNT_MOVED = {
    MovementKind.ADVANCE: AccountKind.ADVANCE,
    MovementKind.ADVANCE_REPAYMENT: AccountKind.ADVANCE,
    MovementKind.OPENING_ADVANCE: AccountKind.ADVANCE,
    MovementKind.HAND_LOAN: AccountKind.HAND_LOAN,
    MovementKind.HAND_LOAN_REPAYMENT: AccountKind.HAND_LOAN,
    MovementKind.DRAW: AccountKind.DRAW,
    MovementKind.OPENING_BALANCE: AccountKind.PAYABLE,
}
"""The farmer's account that a movement of a kind is about; the other side is money, or the opening account."""


def farmer_is_debited(kind: str, amount: Decimal) -> bool:
    """Whether a movement of `amount` ₹ is debited to the farmer's account, so that he owes more for it."""
    return kind not in PAID_BACK and not (kind == MovementKind.OPENING_BALANCE and amount > 0)


class Mode(models.TextChoices):
    """How money changed hands. `none`: it did not; an opening figure was brought over."""

    CASH = "cash", _("cash")
    UPI = "upi", _("UPI")
    BANK = "bank", _("bank")
    CHEQUE = "cheque", _("cheque")
    NONE = "none", _("none")


class MovementStatus(models.TextChoices):
    """`waiting`: over the owner's limit; nothing is in the book until he says yes."""

    POSTED = "posted", _("in the book")
    WAITING = "waiting", _("waits for the owner")
    REFUSED = "refused", _("refused")


class ChargeStatus(models.TextChoices):
    """Only a standing charge counts. `replaced`: another one was made when the entry changed."""

    STANDING = "standing", _("charged")
    WAIVED = "waived", _("waived")
    VOIDED = "voided", _("cancelled")
    REPLACED = "replaced", _("replaced")


class SaleStatus(models.TextChoices):
    """Of what a buyer took."""

    STANDING = "standing", _("recorded")
    VOIDED = "voided", _("cancelled")


class ClaimState(models.TextChoices):
    """What a settlement has come to, as far as the book must know."""

    HELD = "held", _("held")
    POSTED = "posted", _("in the book")
    RELEASED = "released", _("released")


class RowKind(models.TextChoices):
    """What a settlement takes: each row once."""

    LINE = "line", _("line")
    CHARGE = "charge", _("charge")
    DRAW = "draw", _("draw")


class JournalKind(models.TextChoices):
    """What wrote a transfer; with the journal's id and the running number it is unique."""

    MOVEMENT = "movement", _("movement")
    BUYER_SALE = "buyer_sale", _("sale to a buyer")
    BUYER_RECEIPT = "buyer_receipt", _("receipt from a buyer")
    EXPENSE = "expense", _("expense")
    DAY_CLOSE = "day_close", _("day close")
    SETTLEMENT = "settlement", _("settlement")
    PAYMENT = "payment", _("payment")


class Posting(models.IntegerChoices):
    """The running number of each transfer of a settlement's journal, so that everybody finds it."""

    GROSS = 1, _("sale value")
    COMMISSION = 2, _("commission")
    FEES = 3, _("fees")
    PASS_THROUGH = 4, _("fees passed on")
    DRAWS = 5, _("draws")
    HAND_LOANS = 6, _("hand loans")
    RECOVERY = 7, _("advance recovery")
    ROUNDING = 8, _("rounding")
    NET = 9, _("net")


INTO_ACCOUNTS = (Posting.GROSS, Posting.COMMISSION, Posting.FEES, Posting.PASS_THROUGH)
"""What only brings into the accounts what the rows of the book said before: nobody owes more or less for it."""


LATE_AFTER = dt.timedelta(hours=36)
LOOK_ALIKE_WITHIN = dt.timedelta(minutes=10)
FAR_FROM_CALLED = Decimal("0.30")
BAND_NEEDS = 5
BAND_FACTOR = 3
MOST_UNSURE = dt.timedelta(hours=1)
"""How far off a tablet's clock is taken to be where nobody can say."""
CLOCK_SKEW = dt.timedelta(minutes=2)
"""How far a client's clock may run ahead before its time counts as the future."""


@dataclass(frozen=True)
class EarlierLine:
    """A line of the same farmer and flower, as far as questions about a new one need it."""

    quantity: Decimal
    captured_at: dt.datetime


def questions_about(
    *,
    quantity: Decimal,
    rate: Decimal | None,
    called_rate: Decimal | None,
    captured_at: dt.datetime,
    received_at: dt.datetime,
    earlier: Sequence[EarlierLine],
) -> list[ReviewReason]:
    """What to ask about a line that is kept (api.md, POST daily-entries). Rates in ₹, quantities in the unit.

    A rate is far at ±30 % of the called one, never by a fixed limit: jasmine goes from 150 to 7,000
    (domain.md §1.5). A weight is far at three times the largest, or a third of the smallest, of the
    farmer's last lines of that flower, from five lines on.
    """
    reasons: list[ReviewReason] = []
    if received_at - captured_at > LATE_AFTER:
        reasons.append(ReviewReason.LATE)
    if rate is not None and called_rate and abs(rate - called_rate) > FAR_FROM_CALLED * called_rate:
        reasons.append(ReviewReason.RATE_FAR)
    most = most_usual(earlier)
    if most is not None and (
        quantity > most or quantity * BAND_FACTOR < min(line.quantity for line in earlier)
    ):
        reasons.append(ReviewReason.WEIGHT_FAR)
    if any(
        line.quantity == quantity and abs(line.captured_at - captured_at) <= LOOK_ALIKE_WITHIN
        for line in earlier
    ):
        reasons.append(ReviewReason.LOOK_ALIKE)
    return reasons


def most_usual(earlier: Sequence[EarlierLine]) -> Decimal | None:
    """The largest quantity that is not far from a farmer's last lines; None while there are too few to say."""
    if len(earlier) < BAND_NEEDS:
        return None
    return max(line.quantity for line in earlier) * BAND_FACTOR


NOTES = (500, 200, 100, 50, 20, 10, 5, 2, 1)
COINS = "coins"
"""What is counted at the end of a day: notes and coins by their value in ₹, and the paise as one sum."""


def counted_of(denominations: Mapping[str, int | Decimal]) -> Decimal:
    """What counted notes come to in ₹: {"500": 12, "coins": Decimal("0.75")} is 6,000.75."""
    notes = sum((note * Decimal(denominations.get(str(note), 0)) for note in NOTES), Decimal("0.00"))
    return notes + Decimal(denominations.get(COINS, 0))


SHOP_SERIES = "S1"
"""The series of slips written without a tablet (architecture §5.9)."""


def shop_slip(day: dt.date, running: int) -> str:
    """A number of the shop's own series. A running number above 999 keeps all its digits."""
    return f"{SHOP_SERIES}-{day:%d%m}-{running:03}"
