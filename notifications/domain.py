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


REASONS = {
    "no_address": _("The farmer has no phone number."),
    "broke_off": _("Sending broke off: nobody knows whether it arrived."),
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
