"""What a message says about a settlement, in the active language. Until it is paid it goes by its reference."""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.domain import reason_words
from malar.accounts.models import Membership
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.transactions import step
from notifications.domain import QUESTIONS
from notifications.models import Message
from notifications.services.receipts import difference_words, in_digits, plain
from settlements.domain import Side
from settlements.models import Payment, Settlement
from settlements.selectors.settlements import outstanding_of, standing_approvals
from settlements.services.links import VALID_FOR
from settlements.services.replies import Question

MakeLink = Callable[..., str]


def link_maker() -> MakeLink | None:
    """What makes a farmer's link to his settlement; None in a house that has no such pages."""
    try:
        maker: MakeLink = import_string("settlements.services.links.make_link")
    except ImportError:
        return None
    return maker


@step
def ready_words(settlement: Settlement, by: Membership | None = None) -> dict[str, str]:
    """What is said of one that waits for the farmer: its figures add up to the net. `link` and `token` are for the
    button and the short form, and in no text that the shop's people see; `version` is asked after before it is sent."""
    s = settlement
    other = s.net - (s.gross - s.commission - s.recovery)
    said = {
        "farmer": s.farmer.name,
        "start": formatting.day(s.period_start),
        "end": formatting.day(s.period_end),
        "gross": formatting.rupees(s.gross),
        "commission": formatting.rupees(s.commission),
        "advance": formatting.rupees(s.recovery),
        "other": difference_words(other),
        "net": formatting.rupees(s.net),
        "reference": s.reference,
        "reference_plain": plain(s.reference),
        "version": str(s.version),
        **in_digits("net", s.net),
        **content_told(s),
    }
    make_link = link_maker()
    if make_link is not None:
        said["token"] = make_link(settlement, by=by)
        if settings.PUBLIC_BASE_URL:
            said["link"] = f"{settings.PUBLIC_BASE_URL}/s/{said['token']}/"
    return said


def content_told(settlement: Settlement) -> dict[str, str]:
    """Kept with a question, though no wording says it: what his answer to it is an answer to."""
    return {"content_hash": settlement.content_hash, "settlement_version": str(settlement.version)}


def question_of(message: Message) -> Question | None:
    """What a message asks him; None for one that asks nothing, or that did not keep what it told."""
    if message.kind not in QUESTIONS or "content_hash" not in message.variables:
        return None
    return Question(
        settlement_id=UUID(message.event.payload["settlement"]),
        content_hash=message.variables["content_hash"],
        version=int(message.variables["settlement_version"]),
    )


def reminder_words(settlement: Settlement, asked: dt.datetime) -> dict[str, str]:
    """What is said where he has not answered; the last whole day on which his link still answers."""
    due = (asked + VALID_FOR).astimezone(KOLKATA).date() - dt.timedelta(1)
    return {
        "farmer": settlement.farmer.name,
        "reference": settlement.reference,
        "net": formatting.rupees(settlement.net),
        "due": formatting.day(due),
        **content_told(settlement),
    }


def approved_words(settlement: Settlement) -> dict[str, str]:
    at = standing_approvals(settlement)[Side.FARMER].at
    return {
        "farmer": settlement.farmer.name,
        "reference": settlement.reference,
        "net": formatting.rupees(settlement.net),
        "at": f"{formatting.day(at.astimezone(KOLKATA).date())} {formatting.clock_time(at)}",
    }


def reversed_words(settlement: Settlement) -> dict[str, str]:
    return {
        "farmer": settlement.farmer.name,
        "reference": settlement.reference,
        "net": formatting.rupees(settlement.net),
        "reason": reason_words(settlement.reason),
    }


def paid_words(payment: Payment) -> dict[str, str]:
    """What is said of a payment, with what is still owed of its settlement now."""
    settlement = payment.settlement
    return {
        "farmer": settlement.farmer.name,
        "reference": settlement.reference,
        "amount": formatting.rupees(payment.amount),
        "mode": str(payment.get_mode_display()),
        "date": formatting.day(payment.business_date),
        "receipt": payment.reference or payment.voucher,
        "balance": formatting.rupees(outstanding_of(settlement)),
        "reference_plain": plain(settlement.reference),
        **in_digits("amount", payment.amount),
    }


def dispute_words(settlement: Settlement, at: dt.datetime) -> dict[str, str]:
    return {
        "farmer": settlement.farmer.name,
        "reference": settlement.reference,
        "date": formatting.day(at.astimezone(KOLKATA).date()),
    }
