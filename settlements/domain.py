"""Decisions about a settlement that need no database."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.domain import Cadence, Recovery
from malar.kernel.money import PAISA, ZERO


class Status(models.TextChoices):
    """draft → pending → approved → paid; disputed, cancelled, reversed (api.md)."""

    DRAFT = "draft", _("draft")
    PENDING = "pending", _("waits for approval")
    APPROVED = "approved", _("approved")
    PAID = "paid", _("paid")
    DISPUTED = "disputed", _("disputed")
    CANCELLED = "cancelled", _("cancelled")
    REVERSED = "reversed", _("taken back")


OPEN = (Status.DRAFT, Status.PENDING, Status.DISPUTED)
"""Of these a farmer has one at most."""
OVER = (Status.CANCELLED, Status.REVERSED)
"""Called off or taken back: nothing is owed for it, and nothing of it is printed or summed."""
NUMBERED = (Status.APPROVED, Status.PAID, Status.REVERSED)


class RunStatus(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being made")
    DONE = "done", _("done")
    FAILED = "failed", _("not made")


class Side(models.TextChoices):
    """Whose approval it is."""

    SHOP = "shop", _("the shop")
    FARMER = "farmer", _("the farmer")


class Method(models.TextChoices):
    """How somebody approved."""

    PAGE = "page", _("on the page")
    LINK = "link", _("by link")
    WHATSAPP = "whatsapp", _("by WhatsApp")
    PAPER = "paper", _("on paper")


class LinkState(models.TextChoices):
    """What a farmer's link finds; told to the farmer."""

    OPEN = "open", _("Please look at your account and answer.")
    AGREED = "agreed", _("You have said that it is right. Thank you.")
    DISAGREED = (
        "disagreed",
        _("You have said that it is not right. The shop will look at it and talk to you."),
    )
    EXPIRED = "expired", _("This link is too old. Ask the shop for a new one.")
    CHANGED = "changed", _("The shop has changed this account since. Ask for a new link.")
    SETTLED = "settled", _("This account is agreed already. There is nothing more to do.")
    DISPUTED = "disputed", _("The shop is looking at this account again. It will talk to you.")
    CALLED_OFF = "called_off", _("The shop has called this account off. It will make a new one.")


class LeftOut(models.TextChoices):
    """Why a farmer is not in a run."""

    UNPRICED = "unpriced", _("Lines still have no rate.")
    UNSYNCED = "unsynced", _("A tablet still has lines to send.")
    UNDECIDED = "undecided", _("A correction waits for a decision.")
    DISPUTED = "disputed", _("His last settlement is disputed.")
    OPEN = "open", _("He has an open settlement.")
    NOTHING = "nothing", _("There is nothing to settle.")


@dataclass(frozen=True)
class Sums:
    """What was taken and what stands on a farmer's accounts when he is settled, in ₹. `brought_forward` above
    zero is owed to him, below by him; `hand_loan` and `advance` are what he owes of each."""

    gross: Decimal
    commission: Decimal
    charges: Decimal
    draws: Decimal
    brought_forward: Decimal
    hand_loan: Decimal
    advance: Decimal


@dataclass(frozen=True)
class Policy:
    """How his advance is recovered: `value` is ₹ of a fixed amount, percent of the net of a percentage."""

    kind: str = Recovery.NONE
    value: Decimal | None = None

    def wants(self, net: Decimal, advance: Decimal) -> Decimal:
        """How many ₹ it would take of a net, before anything limits it. A percentage is cut off to paise, so
        that it is never more than he agreed to (ledger.md, d.8)."""
        match self.kind:
            case Recovery.FIXED:
                return self.value or ZERO
            case Recovery.PERCENT:
                return ((self.value or ZERO) * net / 100).quantize(PAISA, rounding=ROUND_DOWN)
            case Recovery.ALL:
                return advance
        return ZERO


@dataclass(frozen=True)
class Reckoning:
    """A settlement's figures in ₹ as the paper says them: positive, but `brought_forward`, `rounding` and
    `carried`, which are below zero where the farmer owes (api.md, A settlement)."""

    gross: Decimal
    commission: Decimal
    charges: Decimal
    draws: Decimal
    hand_loans: Decimal
    recovery: Decimal
    brought_forward: Decimal
    rounding: Decimal
    net: Decimal
    carried: Decimal
    advance_before: Decimal
    advance_after: Decimal


def reckon(sums: Sums, policy: Policy, step: int) -> Reckoning:
    """What comes of it, rounded to `step` ₹, halves up.

    When money is short the order is commission, charges, draws, brought forward, hand loan, advance; the last
    two never make the net negative. What is below zero then is carried, never clamped (architecture §5.7), and
    only a positive net is rounded.
    """
    left = sums.gross - sums.commission - sums.charges - sums.draws + sums.brought_forward
    carried = min(left, ZERO)
    left = max(left, ZERO)
    hand_loans = min(max(sums.hand_loan, ZERO), left)
    left -= hand_loans
    advance = max(sums.advance, ZERO)
    recovery = max(min(policy.wants(left, advance), advance, left), ZERO)
    left -= recovery
    net = to_step(left, step)
    return Reckoning(
        gross=sums.gross,
        commission=sums.commission,
        charges=sums.charges,
        draws=sums.draws,
        hand_loans=hand_loans,
        recovery=recovery,
        brought_forward=sums.brought_forward,
        rounding=net - left,
        net=net,
        carried=carried,
        advance_before=advance,
        advance_after=advance - recovery,
    )


def to_step(rupees: Decimal, step: int) -> Decimal:
    """₹ to the nearest multiple of `step`, halves up: 33,124.57 → 33,125.00 for 1."""
    return ((rupees / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step).quantize(PAISA)


def reference_of(run: int, farmer_code: str) -> str:
    """What a settlement is called from its draft on: R12-F014."""
    return f"R{run}-{farmer_code}"


def financial_year(day: dt.date) -> int:
    """The year in which the financial year (April to March) of a day begins."""
    return day.year if day.month >= 4 else day.year - 1


def number_of(year: int, running: int) -> str:
    """The number on the paper, gapless in a shop's financial year: 2526-0001."""
    return f"{year % 100:02}{(year + 1) % 100:02}-{running:04}"


CONTENT_VERSION = "1"
"""Which way the content was written down before it was hashed; kept with it, so that old ones can be checked."""


def content_hash(facts: dict[str, object]) -> str:
    """The fingerprint both sides approve: SHA-256 over names and values, one a line, in the order of the names."""
    lines = [f"{name}={facts[name]}" for name in sorted(facts)]
    return hashlib.sha256("\n".join([f"malar settlement {CONTENT_VERSION}", *lines]).encode()).hexdigest()


def chained(before: str, number: str, content: str) -> str:
    """The link of an approved settlement in its shop's chain, from the one before it ("" before the first)."""
    return hashlib.sha256(f"{before}\n{number}\n{content}".encode()).hexdigest()


WEEK, FORTNIGHT = dt.timedelta(days=7), dt.timedelta(days=14)
A_MONDAY = dt.date(2024, 1, 1)
"""From which fortnights are counted."""


def period_until(cadence: str, today: dt.date) -> tuple[dt.date, dt.date] | None:
    """The last whole period of a cadence that ended before `today`: its first and last day.

    None for those that no calendar tells: on demand, and the Tamil month, which the shop's own table knows.
    """
    yesterday = today - dt.timedelta(days=1)
    match cadence:
        case Cadence.DAILY:
            return yesterday, yesterday
        case Cadence.WEEKLY:
            end = today - dt.timedelta(days=today.weekday() + 1)
            return end - WEEK + dt.timedelta(days=1), end
        case Cadence.FORTNIGHTLY:
            end = today - dt.timedelta(days=(today - A_MONDAY).days % 14 + 1)
            return end - FORTNIGHT + dt.timedelta(days=1), end
        case Cadence.MONTH:
            end = today.replace(day=1) - dt.timedelta(days=1)
            return end.replace(day=1), end
    return None


MONTHS: Mapping[str, str] = {
    "சித்திரை": "Chithirai",
    "வைகாசி": "Vaikasi",
    "ஆனி": "Aani",
    "ஆடி": "Aadi",
    "ஆவணி": "Avani",
    "புரட்டாசி": "Purattasi",
    "ஐப்பசி": "Aippasi",
    "கார்த்திகை": "Karthigai",
    "மார்கழி": "Margazhi",
    "தை": "Thai",
    "மாசி": "Maasi",
    "பங்குனி": "Panguni",
}
"""The Tamil months in their order, each in both languages (domain.md §4.4). When one begins, no rule here knows."""
USUAL_DAYS = range(28, 34)
"""So many days a Tamil month has; one of others was perhaps written down wrong, or another is missing after it."""


def month_after(name_ta: str) -> str:
    """The month that follows another, in Tamil; empty where that is none of the twelve."""
    names = list(MONTHS)
    return names[(names.index(name_ta) + 1) % len(names)] if name_ta in MONTHS else ""
