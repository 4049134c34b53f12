"""Decisions about messages that need no database: states, waiting times, filling in a wording."""

import datetime as dt
import re
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from malar.kernel.clock import KOLKATA


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
    OTP_LOGIN = "otp_login", _("code to sign in")
    REPLY = "reply", _("answer to what he wrote")


QUESTIONS = (Kind.SETTLEMENT_READY, Kind.SETTLEMENT_REMINDER)
"""Kinds that ask the farmer for his yes."""


class Channel(models.TextChoices):
    """The way a message takes."""

    CONSOLE = "console", _("kept here")
    WHATSAPP = "whatsapp", _("WhatsApp")
    SMS = "sms", _("SMS")


class State(models.TextChoices):
    """How far a message has come.

    queued → sending → accepted → sent → delivered → read; sending → retry → sending; sending → failed,
    dead or unknown; queued, retry → expired. What the provider tells later (`RANK`) only leads on.
    `unknown` is a send that broke off where the provider may have sent it already: it is never
    sent again by itself, because a farmer who is told twice believes he sold twice.
    """

    QUEUED = "queued", _("waiting")
    SENDING = "sending", _("being sent")
    RETRY = "retry", _("will be tried again")
    ACCEPTED = "accepted", _("handed over")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", _("read")
    FAILED = "failed", _("could not be sent")
    DEAD = "dead", _("given up")
    UNKNOWN = "unknown", _("perhaps sent")
    EXPIRED = "expired", _("too old to send")


class Failure(StrEnum):
    """Why a provider did not send, as far as it matters for what is done about it."""

    AWAY = "away"
    """No connection: surely not sent."""
    BUSY = "busy"
    """Too much at once, says the provider: surely not sent, and nobody's fault."""
    LOST = "lost"
    """The answer was lost: perhaps sent."""
    HANDSET = "handset"
    """The phone was off or out of reach; one more try half an hour later is worth it."""
    NOT_THERE = "not_there"
    """Nobody is reached at this address by this way."""
    WRONG_NUMBER = "wrong_number"
    """This is nobody's number: no way leads there."""
    OPTED_OUT = "opted_out"
    """The farmer told the provider that he wants no messages."""
    TEMPLATE = "template"
    """The wording is not approved, or its variables do not fit."""
    DECLINED = "declined"
    """WhatsApp chose not to deliver."""
    ACCOUNT = "account"
    """Our account: no money, no right, blocked. Every message would fail."""
    BUG = "bug"
    """What we sent makes no sense to the provider. Trying again would not help."""


SURELY_NOT_SENT = frozenset({Failure.AWAY, Failure.BUSY, Failure.ACCOUNT, Failure.HANDSET})
"""Failures after which trying again tells nobody twice."""
COSTS_NO_TRY = frozenset({Failure.BUSY, Failure.ACCOUNT})
"""Failures that say nothing about the message: they are not counted against it."""


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
    MONTH_MISSING = "month_missing", _("Tamil month missing")
    NOT_REACHED = "not_reached", _("farmer not reached")


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
    NoteKind.MONTH_MISSING: _(
        "No Tamil month is known that is still to begin. Write down when the next one begins: until then nobody is "
        "settled by it."
    ),
    NoteKind.NOT_REACHED: _("%(farmer)s could not be told: %(kind)s. Please call him: %(phone)s"),
}
"""What a note says. Of a message it says what the message says."""
PLACES = {
    NoteKind.RATES_PENDING: "ledger:pending_list",
    NoteKind.TABLET_LOST: "tablets:tablet_list",
    NoteKind.TABLET_SILENT: "tablets:tablet_list",
    NoteKind.BOOKS_BROKEN: "admin:index",
    NoteKind.MONTH_MISSING: "settlements:month_list",
    NoteKind.NOT_REACHED: "notifications:message_list",
}
"""The page on which something is done about it."""


class Handling(models.TextChoices):
    """What somebody of the shop did with a message by hand."""

    AGAIN = "again", _("sent again")
    TAKEN_BACK = "taken_back", _("taken back")


class Source(models.TextChoices):
    """How a farmer said whether he wants messages."""

    WORD = "word", _("by a word he sent")
    PAGE = "page", _("on the page")
    PROGRAM = "program", _("by another program")


UNASKED = frozenset({Kind.DAY_SUMMARY})
"""Kinds that come only to who asked for them; all others come until he says no."""

ASKED_FOR = frozenset({Kind.OTP_LOGIN, Kind.REPLY})
"""Kinds that are the answer to what somebody asks for at that moment: no STOP, no night and no earlier message holds
them up, nobody sends them again, and they are no news."""


class Means(models.TextChoices):
    """What somebody wanted with what he wrote or tapped."""

    APPROVE = "approve", _("it is right")
    DISPUTE = "dispute", _("it is not right")
    STOP = "stop", _("no more messages")
    START = "start", _("messages again")
    BALANCE = "balance", _("his balance")
    UNSURE = "unsure", _("he does not want something")
    UNCLEAR = "unclear", _("not clear")


class Why(models.TextChoices):
    """What came of it."""

    DONE = "done", _("It was done.")
    ALREADY = "already", _("It was so already.")
    SECOND = "second", _("He had answered before: that counts.")
    CHANGED = "changed", _("The settlement was changed after the message that he answers.")
    CALLED_OFF = "called_off", _("The settlement was called off.")
    REFUSED = "refused", _("The books did not allow it.")
    ASKED = "asked", _("He was asked what he means.")
    NOTHING = "nothing", _("He was asked nothing: it changes nothing.")
    NO_MESSAGE = "no_message", _("Nobody knows which message he answers.")
    NOT_HIS = "not_his", _("The message that it answers went to another number.")
    FORWARDED = "forwarded", _("It was forwarded, so it is not his own word.")
    BY_SMS = "by_sms", _("It came by SMS: there anybody can write in his name.")
    UNKNOWN = "unknown", _("No farmer has this number.")
    UNCLEAR = "unclear", _("It is not clear what he wants.")


FOR_PEOPLE = frozenset(
    {
        *(Why.REFUSED, Why.NO_MESSAGE, Why.NOT_HIS, Why.FORWARDED),
        *(Why.BY_SMS, Why.UNKNOWN, Why.UNCLEAR),
    }
)
"""Outcomes that somebody of the shop must see to."""

WINDOW = dt.timedelta(hours=23)
"""How long after he wrote we may answer in words that nobody approved: WhatsApp's 24 hours, less one for the way."""
MOST_REPLIES = 12
"""Answers to one number in an hour: an answering machine on the other side must not talk with ours all night."""

REASONS = {
    "no_address": _("The farmer has no phone number."),
    "bad_address": _("The phone number cannot be right."),
    "no_template": _("The wording is not approved by the provider."),
    "bad_variables": _("What is put in the wording cannot be sent."),
    "broke_off": _("Sending broke off: nobody knows whether it arrived."),
    "lost": _("The answer was lost: nobody knows whether it arrived."),
    "away": _("The provider could not be reached."),
    "daily_cap": _("The day's limit for messages is reached."),
    "opted_out": _("The farmer wants no messages."),
    "overtaken": _("What it says is no longer so."),
    "wording_stopped": _("Its wording is not approved by the provider."),
    "arrived": _("The farmer was told by another way."),
    "taken_back": _("Somebody of the shop took it back."),
}
"""What our own codes mean, in words; a provider's codes stay its own."""

WAITING = (State.QUEUED, State.RETRY)
"""States in which a message is still to be sent."""

UNFINISHED = (*WAITING, State.SENDING)
"""States in which a message holds up later ones to the same address."""

RANK = {State.ACCEPTED: 1, State.SENT: 2, State.DELIVERED: 3, State.READ: 4}
"""What a provider may tell after it took a message. Whatever order it comes in, the highest stands."""

ON_ITS_WAY = tuple(RANK)
"""States of a message that the provider has: nothing is left to do."""

HANDED_OVER = (State.ACCEPTED, State.SENT)
"""States in which the provider has it and may still say that it did not arrive."""

ARRIVED = (State.DELIVERED, State.READ)
"""States in which the farmer has it."""

NOT_TOLD = (State.FAILED, State.DEAD, State.EXPIRED)
"""States in which it is certain that the farmer was not told."""

STUCK = (State.FAILED, State.DEAD, State.UNKNOWN, State.EXPIRED)
"""States that only a person, or late news from the provider, leads out of."""

MOST_TRIES = 6
"""How often a message is given to a provider that surely did not send it."""
FIRST_WAIT = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(minutes=30)
HANDSET_WAIT = dt.timedelta(minutes=30)

LINK_NAMES = frozenset({"token", "link"})
"""Variables that answer for the farmer: nobody but he may see them, and they are forgotten when the message is over."""

VALID_FOR = dt.timedelta(days=2)
"""How long after its making a message is still news."""

HOLDS_UP_FOR = dt.timedelta(minutes=10)
"""How long after its making a message holds up later ones to the same address."""

NOBODY = "console:"
"""Prefix of the address of a farmer without a phone. No provider but the console's may see one."""

PATIENT = frozenset({"day_summary", "settlement_reminder"})
"""Kinds that nobody must be woken for: reminders and summaries. The rush is from four to nine in the morning,
so receipts, corrections and money are told at once."""
QUIET_FROM, QUIET_UNTIL = dt.time(21, 0), dt.time(3, 30)

MAY_WAIT = PATIENT | {"entry_receipt"}
"""Kinds that are held when a shop's money for the day is spent. Corrections and money are told all the same."""


MUST_REACH = frozenset(
    {
        *(Kind.ENTRY_CORRECTED, Kind.ENTRY_VOIDED, Kind.ADVANCE_GIVEN, Kind.PAYMENT_PAID),
        *(Kind.SETTLEMENT_READY, Kind.SETTLEMENT_APPROVED, Kind.SETTLEMENT_REVERSED, Kind.DISPUTE_RECEIVED),
    }
)
"""Kinds that a farmer must hear of by some way. The others stand in his inbox, where he has one, and that is all."""


class OtherWay(models.TextChoices):
    """How else a farmer is told of what did not reach him."""

    SMS = "sms"
    PEOPLE = "people"
    """Somebody of the shop calls him."""


ENDED_BY_US = frozenset({"no_address", "opted_out", "overtaken", "arrived"})
"""Our own codes after which there is nothing left to tell, or nobody to be told."""


def other_way(kind: str, channel: str, state: str, failure: Failure | None, code: str) -> str:
    """How else a farmer is told of a message that has come to `state`; empty: it is as it is.

    Of what was perhaps sent he is never told again by itself, nor by another way where he wants to hear nothing.
    """
    if kind not in MUST_REACH | ASKED_FOR or channel == Channel.CONSOLE or code in ENDED_BY_US:
        return ""
    if failure == Failure.OPTED_OUT or state not in NOT_TOLD:
        return ""
    by_sms = state == State.FAILED and channel == Channel.WHATSAPP and failure != Failure.WRONG_NUMBER
    if by_sms:
        return OtherWay.SMS
    # Nobody calls about a code: he asks for another.
    return "" if kind in ASKED_FOR else OtherWay.PEOPLE


FAILURES_THAT_STOP = 5
FAILURES_WITHIN = dt.timedelta(seconds=60)
"""So many lost answers in so much time stop a sender; a failure of its account does at once."""


def stopped_for(times: int) -> dt.timedelta:
    """How long a sender is stopped that was stopped `times` in a row: a minute, doubled, to a quarter of an hour."""
    return min(dt.timedelta(minutes=1 << min(times, 5)), dt.timedelta(minutes=15))


def longest_wait(tries: int) -> dt.timedelta:
    """The most to wait after `tries` (from 1) refused tries: half a minute, doubled each time, to half an hour."""
    return min(FIRST_WAIT * (1 << min(tries - 1, 10)), LONGEST_WAIT)


def wait_after(tries: int, share: float) -> dt.timedelta | None:
    """How long to wait after so many refused tries; None: give up.

    `share`, from 0 to 1, is drawn by the caller: messages that were refused together must not come back together.
    """
    return None if tries >= MOST_TRIES else longest_wait(tries) * share


def quiet_until(kind: str, now: dt.datetime) -> dt.datetime | None:
    """Until when a message of this kind is held, by the shop's clock; None: not at all."""
    if kind not in PATIENT:
        return None
    local = now.astimezone(KOLKATA)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return None
    day = local.date() + dt.timedelta(days=1 if local.time() >= QUIET_FROM else 0)
    return dt.datetime.combine(day, QUIET_UNTIL, tzinfo=KOLKATA)


def leads_on(state: State, told: State, *, refused: bool, latest: bool) -> bool:
    """Whether what a provider tells of one of its calls (`told`, of RANK) changes a message that is in `state`.

    `refused`: it told before that this call failed. `latest`: it is the last call made for this message.
    """
    if state in RANK:
        return latest and RANK[told] > RANK[state]
    if state == State.SENDING:
        return latest
    # Waiting to be sent again, or at its end: only certainty counts where the call was refused before.
    return not refused or told in (State.DELIVERED, State.READ)


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
OTP_LOGIN = "otp_login"
REPLY = "reply"

FREE = frozenset({REPLY})
"""Wordings that nobody approves: they go out as text, to who wrote to us in the last 24 hours."""

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
    OTP_LOGIN: frozenset({"code"}),
    REPLY: frozenset({"text"}),
}
"""The templates there are, and what each may say."""

CODE_VALID_FOR = dt.timedelta(minutes=10)
MOST_CODE_TRIES = 5
CODE_DIGITS = 6
MASKED = "*" * CODE_DIGITS
"""What stands for a code wherever a message is kept or shown."""


def code_of(row: UUID) -> str:
    """The six digits of a farmer's code to sign in, made from the id of its row and the house's secret key.

    So the code itself is in no table, no log and no backup: who sends it and who checks it make it anew.
    """
    drawn = int(salted_hmac("malar.sign_in", str(row), algorithm="sha256").hexdigest(), 16)
    return f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}}"


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
