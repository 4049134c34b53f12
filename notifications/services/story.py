"""What happened to a message, one thing after the other, for the page about it."""

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.domain import State
from notifications.models import Attempt, ByHand, Callback, Message
from notifications.services.statuses import READERS

OUTCOMES = {
    "accepted": State.ACCEPTED,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.READ,
    "retry": State.RETRY,
    "failed": State.FAILED,
    "unknown": State.UNKNOWN,
}
"""What became of a call, in the words for a message."""


@dataclass(frozen=True)
class Happened:
    """One thing: when, in words, and what a machine calls it (a code, a name), which no language changes."""

    at: dt.datetime
    words: str
    code: str = ""
    is_wrong: bool = False


def story_of(message: Message) -> list[Happened]:
    """Its making, every call, what the provider told, and what was done by hand. Three queries.

    What a provider told is deleted after a month; what came of it stands with the call.
    """
    found = [
        Happened(message.created_at, _("It was made.")),
        *(_call(each) for each in message.attempts.all()),
        *(_told(each) for each in Callback.objects.filter(message_id=message.pk, about="status")),
        *(_by_hand(each) for each in message.by_hand.select_related("member__user")),
    ]
    return sorted(found, key=lambda each: each.at)


def _call(attempt: Attempt) -> Happened:
    code = " ".join(filter(None, (attempt.provider, attempt.code, attempt.provider_id)))
    if not attempt.outcome:
        # A call runs for seconds; one that has no end by now broke off.
        runs = attempt.ended_at is None and timezone.now() - attempt.started_at < dt.timedelta(minutes=1)
        words = _("Call %(number)s: it is being made.") if runs else _("Call %(number)s: it broke off.")
        return Happened(attempt.started_at, words % {"number": attempt.number}, code, is_wrong=not runs)
    state = OUTCOMES.get(attempt.outcome)
    return Happened(
        attempt.started_at,
        _("Call %(number)s: %(outcome)s.")
        % {"number": attempt.number, "outcome": state.label if state else attempt.outcome},
        code,
        is_wrong=attempt.outcome in ("failed", "unknown"),
    )


def _told(callback: Callback) -> Happened:
    try:
        told = READERS[callback.provider](callback.body)
    except (KeyError, AttributeError):
        told = None
    if told is None:
        return Happened(callback.received_at, _("The provider told us something."), callback.provider)
    return Happened(
        callback.received_at,
        _("The provider says: %(state)s.") % {"state": told.state.label},
        " ".join(filter(None, (callback.provider, told.code))),
        is_wrong=told.state == State.FAILED,
    )


def _by_hand(act: ByHand) -> Happened:
    words = {
        "again": _("%(name)s sent it again."),
        "taken_back": _("%(name)s took it back."),
    }
    return Happened(act.at, words[act.what] % {"name": act.member.user.name})


PAGES = {
    "entry": "ledger:entry_detail",
    "movement": "ledger:movement_detail",
    "settlement": "settlements:settlement_detail",
    "farmer": "ledger:farmer_detail",
}
"""Where what a message is about has its page, by what its event names."""


def about_of(message: Message) -> str:
    """The address of what it is about; empty where that has no page."""
    payload = message.event.payload
    for name, page in PAGES.items():
        if name in payload and (name != "farmer" or set(payload) == {"farmer"}):
            return reverse(page, args=[payload[name]])
    return ""
