"""Decisions about messages that need no database: states, waiting times, filling in a wording."""

import datetime as dt
import re
from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What a message is about. One event makes at most one message of a kind."""

    ENTRY_RECEIPT = "entry_receipt", _("receipt")
    ENTRY_CORRECTED = "entry_corrected", _("correction")
    ENTRY_PRICED = "entry_priced", _("rate")
    ENTRY_VOIDED = "entry_voided", _("cancellation")
    ADVANCE_GIVEN = "advance_given", _("advance")
    DAY_SUMMARY = "day_summary", _("summary of the day")
    RATE_PENDING = "rate_pending", _("rate still to come")
    SETTLEMENT_READY = "settlement_ready", _("settlement to approve")
    SETTLEMENT_REMINDER = "settlement_reminder", _("reminder to approve")
    SETTLEMENT_APPROVED = "settlement_approved", _("settlement approved")
    SETTLEMENT_REVERSED = "settlement_reversed", _("settlement taken back")
    PAYMENT_PAID = "payment_paid", _("payment")
    DISPUTE_RECEIVED = "dispute_received", _("complaint")
    CONSENT_WELCOME = "consent_welcome", _("welcome")


class Channel(models.TextChoices):
    """The way a message takes. Ways that reach a phone come with their providers."""

    CONSOLE = "console", _("kept here")


class State(models.TextChoices):
    """How far a message has come.

    queued → sending → sent | failed | unknown; sending → retry → sending; queued, retry → expired.
    `unknown` is a send that broke off where the provider may have sent it already: it is never
    sent again by itself, because a farmer who is told twice believes he sold twice.
    """

    QUEUED = "queued", _("waiting")
    SENDING = "sending", _("being sent")
    RETRY = "retry", _("will be tried again")
    SENT = "sent", _("sent")
    FAILED = "failed", _("could not be sent")
    UNKNOWN = "unknown", _("perhaps sent")
    EXPIRED = "expired", _("too old to send")


class Approval(models.TextChoices):
    """How far a provider is with a wording: draft → submitted → approved | rejected | paused | disabled."""

    DRAFT = "draft", _("not sent in")
    SUBMITTED = "submitted", _("sent in")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    PAUSED = "paused", _("paused")
    DISABLED = "disabled", _("switched off")


class Category(models.TextChoices):
    """What a provider charges a message as. A receipt that it takes for an advertisement costs six times as much."""

    UTILITY = "utility", _("service")
    AUTHENTICATION = "authentication", _("code to sign in")
    MARKETING = "marketing", _("advertisement")


class NoteKind(models.TextChoices):
    """What a note in somebody's inbox is about."""

    MESSAGE = "message", _("message")
    RATES_PENDING = "rates_pending", _("rates still to come")
    DISPUTED = "disputed", _("a farmer does not agree")
    TABLET_LOST = "tablet_lost", _("tablet lost")
    TABLET_SILENT = "tablet_silent", _("tablet silent")
    BOOKS_BROKEN = "books_broken", _("books")
    WORDING_STOPPED = "wording_stopped", _("wording stopped")


NOTES = {
    NoteKind.RATES_PENDING: _("%(lines)s lines of %(day)s still have no rate."),
    NoteKind.DISPUTED: _("%(farmer)s does not agree with the settlement %(reference)s: %(reason)s"),
    NoteKind.TABLET_LOST: _("The tablet %(tablet)s was marked as lost. Nothing is taken from it any more."),
    NoteKind.TABLET_SILENT: _(
        "The tablet %(tablet)s has not been heard of since %(since)s, and %(waiting)s lines are still on it."
    ),
    NoteKind.BOOKS_BROKEN: _(
        "Something in the books is not as it must be. Do not settle or pay before somebody has looked."
    ),
    NoteKind.WORDING_STOPPED: _(
        "%(provider)s does not send the wording %(wording)s any more: %(state)s. %(reason)s"
    ),
}
"""What a note says. Of a message it says what the message says."""
PLACES = {
    NoteKind.RATES_PENDING: "ledger:pending_list",
    NoteKind.TABLET_LOST: "tablets:tablet_list",
    NoteKind.TABLET_SILENT: "tablets:tablet_list",
    NoteKind.BOOKS_BROKEN: "admin:index",
}
"""The page on which something is done about it."""


class Source(models.TextChoices):
    """How a farmer said whether he wants messages."""

    WORD = "word", _("by a word he sent")
    PAGE = "page", _("on the page")
    PROGRAM = "program", _("by another program")


UNASKED = frozenset({Kind.DAY_SUMMARY})
"""Kinds that come only to who asked for them; all others come until he says no."""

REASONS = {
    "no_address": _("The farmer has no phone number."),
    "broke_off": _("Sending broke off: nobody knows whether it arrived."),
    "opted_out": _("The farmer wants no messages."),
    "overtaken": _("What it says is no longer so."),
    "wording_stopped": _("Its wording is not approved by the provider."),
}
"""What our own codes mean, in words; a provider's codes stay its own."""

WAITING = (State.QUEUED, State.RETRY)
"""States in which a message is still to be sent."""

BACKOFF = (
    dt.timedelta(seconds=10),
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
)
"""How long to wait after the first, second … refused attempt; after the last one it has failed."""

VALID_FOR = dt.timedelta(days=2)
"""How long after its making a message is still news."""

NOBODY = "console:"
"""Prefix of the address of a farmer without a phone. No provider but the console's may see one."""


def wait_after(attempt: int) -> dt.timedelta | None:
    """How long to wait after attempt number `attempt` (from 1) was refused; None: give up."""
    return BACKOFF[attempt - 1] if attempt <= len(BACKOFF) else None


RECEIPT = "entry_receipt"
RECEIPT_RATE_PENDING = "entry_receipt_rate_pending"
ENTRY_CORRECTED = "entry_corrected"
ENTRY_CORRECTED_RATE_PENDING = "entry_corrected_rate_pending"
ENTRY_PRICED = "entry_priced"
ENTRY_VOIDED = "entry_voided"
ADVANCE_GIVEN = "advance_given"
DAY_SUMMARY = "day_summary"
RATE_PENDING = "rate_pending"
SETTLEMENT_READY = "settlement_ready"
SETTLEMENT_REMINDER = "settlement_reminder"
SETTLEMENT_APPROVED = "settlement_approved"
SETTLEMENT_REVERSED = "settlement_reversed"
PAYMENT_PAID = "payment_paid"
DISPUTE_RECEIVED = "dispute_received"
CONSENT_WELCOME = "consent_welcome"

VARIABLES: Mapping[str, frozenset[str]] = {
    RECEIPT: frozenset(
        {"farmer", "date", "time", "flower", "quantity", "rate", "amount", "commission", "slip"}
    ),
    RECEIPT_RATE_PENDING: frozenset({"farmer", "date", "time", "flower", "quantity", "slip"}),
    ENTRY_CORRECTED: frozenset({"farmer", "date", "slip", "was", "now", "difference"}),
    ENTRY_CORRECTED_RATE_PENDING: frozenset({"farmer", "date", "slip", "was", "now"}),
    ENTRY_PRICED: frozenset(
        {"farmer", "date", "time", "flower", "quantity", "rate", "amount", "commission", "slip"}
    ),
    ENTRY_VOIDED: frozenset({"farmer", "date", "slip", "was", "reason"}),
    ADVANCE_GIVEN: frozenset({"farmer", "amount", "date", "mode", "balance", "voucher"}),
    DAY_SUMMARY: frozenset({"farmer", "date", "quantity", "gross", "deductions", "net"}),
    RATE_PENDING: frozenset({"farmer", "date", "flowers", "slips"}),
    SETTLEMENT_READY: frozenset(
        {"farmer", "start", "end", "gross", "commission", "advance", "other", "net", "reference"}
    ),
    SETTLEMENT_REMINDER: frozenset({"farmer", "reference", "net", "due"}),
    SETTLEMENT_APPROVED: frozenset({"farmer", "reference", "net", "at"}),
    SETTLEMENT_REVERSED: frozenset({"farmer", "reference", "net", "reason"}),
    PAYMENT_PAID: frozenset({"farmer", "reference", "amount", "mode", "date", "receipt", "balance"}),
    DISPUTE_RECEIVED: frozenset({"farmer", "reference", "date"}),
    CONSENT_WELCOME: frozenset({"farmer", "shop"}),
}
"""The templates there are, and what each may say."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def names_in(body: str) -> list[str]:
    """The variables a wording names, in order: `{farmer}` → farmer."""
    return PLACEHOLDER.findall(body)


def filled(body: str, variables: Mapping[str, str]) -> str:
    """The wording with its variables. Raises ValueError for one that is missing or empty.

    A value is put in as one line and as it is: braces in somebody's name name no variable.
    """

    def value_of(found: re.Match[str]) -> str:
        value = " ".join(variables.get(found[1], "").split())
        if not value:
            raise ValueError(f"nothing to put in for {found[0]}")
        return value

    return PLACEHOLDER.sub(value_of, body)
