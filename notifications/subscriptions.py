"""The one list of which event tells whom what. An event that is not here tells nobody anything."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ledger.domain import EntryKind, MovementKind, reason_words
from ledger.events import (
    DayClosed,
    EntryCorrected,
    EntryPriced,
    EntryRecorded,
    EntryVoided,
    FarmerReachable,
    MovementPosted,
)
from ledger.models import DailyEntry, Farmer, Movement
from ledger.selectors.entries import correction_of as reversal_of_line
from ledger.selectors.entries import version_of, versions_of
from ledger.selectors.movements import reversal_of
from malar.kernel import formatting
from malar.trail.events import BooksBroken, RatePending, RatesPending, TabletLost, TabletSilent
from malar.trail.models import Event
from notifications.domain import (
    ADVANCE_GIVEN,
    CONSENT_WELCOME,
    DAY_SUMMARY,
    DISPUTE_RECEIVED,
    ENTRY_PRICED,
    ENTRY_VOIDED,
    MASKED,
    OTP_LOGIN,
    PAYMENT_PAID,
    QUESTIONS,
    RATE_PENDING,
    SETTLEMENT_APPROVED,
    SETTLEMENT_READY,
    SETTLEMENT_REMINDER,
    SETTLEMENT_REVERSED,
    Kind,
    NoteKind,
)
from notifications.events import FarmerAnswered, SignInCodeAsked, WordingStopped
from notifications.models import Answer, Message, SignInCode
from notifications.selectors import last_told, wants
from notifications.services.inbound import queue_reply
from notifications.services.notes import tell_owners
from notifications.services.queueing import Reaction, one_by_one, overtake, queue
from notifications.services.receipts import (
    MATTERS,
    advance_words,
    cancellation_of,
    correction_of,
    day_words,
    rate_pending_words,
    receipt_of,
    receipt_template,
)
from notifications.services.settlement_words import (
    approved_words,
    dispute_words,
    paid_words,
    ready_words,
    reminder_words,
    reversed_words,
)
from settlements.domain import Side, Status
from settlements.events import (
    NextMonthMissing,
    SettlementApproved,
    SettlementCancelled,
    SettlementChanged,
    SettlementDisputed,
    SettlementPaid,
    SettlementReady,
    SettlementReversed,
    SettlementUnanswered,
)
from settlements.models import Payment, Settlement
from settlements.selectors.settlements import is_asked, waits_for


def welcome(event: Event) -> list[Message]:
    """A farmer hears once that his account is kept here, and how to stop messages."""
    farmer = Farmer.objects.get(shop_id=event.shop_id, pk=event.payload["farmer"])
    one_by_one(farmer.pk)
    if not farmer.is_reachable or farmer.messages.filter(kind=Kind.CONSENT_WELCOME).exists():
        return []
    with translation.override(farmer.language):
        variables = {"farmer": farmer.name, "shop": event.shop.name}
    return queue(
        event=event,
        kind=Kind.CONSENT_WELCOME,
        farmer=farmer,
        template=CONSENT_WELCOME,
        variables=variables,
    )


def receipt(event: Event) -> list[Message]:
    """The farmer hears what was written down for him, as it stands now; of a cancelled line, nothing."""
    entry = _line(event)
    if entry.is_voided:
        return []
    return _receipt(event, entry)


def correction(event: Event) -> list[Message]:
    """The farmer hears how a line differs from what he was last told of it, with the rate it got meanwhile.

    Nothing where he was told nothing yet (its receipt will tell it as it stands), where a later correction
    was told already, and where only what he is not told has changed. A line that went over to another
    farmer is cancelled for the one and written down for the other.
    """
    entry = _line(event)
    before = _as_told(entry)
    if entry.is_voided or before is None:
        return []
    if before.farmer_id != entry.farmer_id:
        return [
            *_cancellation(event, before, lambda: _("It belongs to another farmer.")),
            *_receipt(event, entry),
        ]
    if all(getattr(before, name) == getattr(entry, name) for name in MATTERS):
        return []
    template, _words = correction_of(before, entry)
    return queue(
        event=event,
        kind=Kind.ENTRY_PRICED if template == ENTRY_PRICED else Kind.ENTRY_CORRECTED,
        farmer=entry.farmer,
        template=template,
        variables=lambda: correction_of(before, entry)[1],
    )


def cancellation(event: Event) -> list[Message]:
    """The farmer hears that a line counts for nothing, and why; of one he never heard of, nothing."""
    entry = _line(event)
    before = _as_told(entry)
    if before is None:
        return []
    reason = entry.void_reason
    if not entry.is_voided and (reversal := reversal_of_line(entry)):
        reason = versions_of(reversal)[0].reason
    return _cancellation(event, before, lambda: reason_words(reason))


def _line(event: Event) -> DailyEntry:
    return DailyEntry.objects.select_related("farmer", "flower").get(
        shop_id=event.shop_id, pk=event.payload["entry"]
    )


def _as_told(entry: DailyEntry) -> Any:
    """The line as its farmer last heard of it, a row of its history; None where he heard nothing.

    Two corrections of one line that are told at the same time wait for each other here.
    """
    one_by_one(entry.pk)
    told = last_told(entry)
    if told is not None:
        return version_of(entry, told)
    if entry.kind == EntryKind.REPLACEMENT and entry.corrects:
        return DailyEntry.objects.get(shop_id=entry.shop_id, pk=entry.corrects)
    return None


def _receipt(event: Event, entry: DailyEntry) -> list[Message]:
    return queue(
        event=event,
        kind=Kind.ENTRY_RECEIPT,
        farmer=entry.farmer,
        template=receipt_template(entry),
        variables=lambda: receipt_of(entry),
    )


def _cancellation(event: Event, before: Any, reason: Callable[[], str]) -> list[Message]:
    farmer = Farmer.objects.get(pk=before.farmer_id)
    return queue(
        event=event,
        kind=Kind.ENTRY_VOIDED,
        farmer=farmer,
        template=ENTRY_VOIDED,
        variables=lambda: cancellation_of(before, farmer.name, reason()),
    )


def advance(event: Event) -> list[Message]:
    """The farmer hears of an advance given to him; of other money, and of one taken back since, nothing."""
    movement = Movement.objects.select_related("farmer", "reversal").get(
        shop_id=event.shop_id, pk=event.payload["movement"]
    )
    if movement.kind != MovementKind.ADVANCE or reversal_of(movement):
        return []
    return queue(
        event=event,
        kind=Kind.ADVANCE_GIVEN,
        farmer=movement.farmer,
        template=ADVANCE_GIVEN,
        variables=lambda: advance_words(movement),
    )


# --- Settlements ------------------------------------------------------------------------------------


def ready(event: Event) -> list[Message]:
    """The farmer is asked for his yes, with a link of his own; not where nobody waits for it any more."""
    settlement = _settlement(event, hold=True)
    if settlement.status != Status.PENDING or Side.FARMER not in waits_for(settlement):
        return []
    if not wants(settlement.farmer, Kind.SETTLEMENT_READY):
        return []  # a link that nobody gets is not made
    return _of_settlement(event, Kind.SETTLEMENT_READY, SETTLEMENT_READY, settlement, ready_words)


def is_still_asked(message: Message) -> bool:
    """Whether the farmer's yes to a settlement, as the message has it, is still waited for."""
    version = message.variables.get("version") or message.variables.get("settlement_version")
    return is_asked(UUID(message.event.payload["settlement"]), version=int(version) if version else None)


def reminder(event: Event) -> list[Message]:
    """Who was asked and has not answered is asked again; not who wanted no question, and not where nobody waits for
    him any more."""
    settlement = _settlement(event, hold=True)
    if settlement.status != Status.PENDING or Side.FARMER not in waits_for(settlement):
        return []
    if not wants(settlement.farmer, Kind.SETTLEMENT_READY):
        return []
    asked = dt.datetime.fromisoformat(event.payload["asked"])

    def words(settlement: Settlement) -> dict[str, str]:
        return reminder_words(settlement, asked)

    return _of_settlement(event, Kind.SETTLEMENT_REMINDER, SETTLEMENT_REMINDER, settlement, words)


def overtaken(event: Event) -> list[Message]:
    """It was changed or called off: the question that still waits is not asked."""
    overtake(event, QUESTIONS, settlement=event.payload["settlement"])
    return []


def approved(event: Event) -> list[Message]:
    """The farmer hears that his yes was written down, whoever wrote it."""
    overtake(event, QUESTIONS, settlement=event.payload["settlement"])
    settlement = _settlement(event)
    return _of_settlement(event, Kind.SETTLEMENT_APPROVED, SETTLEMENT_APPROVED, settlement, approved_words)


def disputed(event: Event) -> list[Message]:
    """The farmer hears that his no was written down, and the owner that there is one."""
    overtake(event, QUESTIONS, settlement=event.payload["settlement"])
    settlement = _settlement(event)
    about = {
        "farmer_ta": settlement.farmer.name_ta,
        "farmer_en": settlement.farmer.name_en,
        "reference": settlement.reference,
        "reason": settlement.reason,
    }
    tell_owners(event, NoteKind.DISPUTED, about)

    def words(settlement: Settlement) -> dict[str, str]:
        return dispute_words(settlement, event.at)

    return _of_settlement(event, Kind.DISPUTE_RECEIVED, DISPUTE_RECEIVED, settlement, words)


def taken_back(event: Event) -> list[Message]:
    settlement = _settlement(event)
    return _of_settlement(event, Kind.SETTLEMENT_REVERSED, SETTLEMENT_REVERSED, settlement, reversed_words)


def paid(event: Event) -> list[Message]:
    """The farmer hears of a payment; of one that bounced since, nothing."""
    payment = Payment.objects.select_related("settlement__farmer", "reversal").get(
        shop_id=event.shop_id, pk=event.payload["payment"]
    )
    if hasattr(payment, "reversal"):
        return []

    def words(_settlement: Settlement) -> dict[str, str]:
        return paid_words(payment)

    return _of_settlement(event, Kind.PAYMENT_PAID, PAYMENT_PAID, payment.settlement, words)


def _settlement(event: Event, *, hold: bool = False) -> Settlement:
    settlements = Settlement.objects.select_related("farmer", "shop", "run")
    if hold:
        settlements = settlements.select_for_update(of=("self",), no_key=True)
    return settlements.get(shop_id=event.shop_id, pk=event.payload["settlement"])


def _of_settlement(
    event: Event,
    kind: Kind,
    template: str,
    settlement: Settlement,
    words: Callable[[Settlement], dict[str, str]],
) -> list[Message]:
    return queue(
        event=event,
        kind=kind,
        farmer=settlement.farmer,
        template=template,
        variables=lambda: words(settlement),
    )


# --- Days and rates ---------------------------------------------------------------------------------


def summary(event: Event) -> list[Message]:
    """Who asked for it hears what his day came to; of a day that was opened and closed again, what is new."""
    day = dt.date.fromisoformat(event.payload["day"])
    made: list[Message] = []
    for farmer in event.shop.farmers.filter(
        preferences__kind=Kind.DAY_SUMMARY, preferences__is_wanted=True
    ).order_by("pk"):
        with translation.override(farmer.language):
            variables = day_words(farmer, day)
        if variables is None:
            continue
        last = farmer.messages.filter(kind=Kind.DAY_SUMMARY, event__payload__day=day.isoformat()).first()
        if last is not None and last.variables == variables:
            continue
        made += queue(
            event=event,
            kind=Kind.DAY_SUMMARY,
            farmer=farmer,
            template=DAY_SUMMARY,
            variables=variables,
            among_many=True,
        )
    return made


def rate_pending(event: Event) -> list[Message]:
    """The farmer hears that his flowers still have no rate, where they have none."""
    farmer = Farmer.objects.get(shop_id=event.shop_id, pk=event.payload["farmer"])
    with translation.override(farmer.language):
        variables = rate_pending_words(farmer, dt.date.fromisoformat(event.payload["day"]))
    if variables is None:
        return []
    return queue(
        event=event, kind=Kind.RATE_PENDING, farmer=farmer, template=RATE_PENDING, variables=variables
    )


# --- Signing in -------------------------------------------------------------------------------------


def is_last_asked(code: SignInCode) -> bool:
    """Whether this is the code that counts for its number."""
    (newest,) = SignInCode.objects.newest_of(code.phone)
    return newest == code and code.is_open(timezone.now())


def is_code_open(message: Message) -> bool:
    """Whether the code that a message brings still counts; one that does not would cost him a try."""
    code = SignInCode.objects.filter(pk=message.event.payload["code"]).first()
    return code is not None and is_last_asked(code)


def code_asked(event: Event) -> list[Message]:
    """The code goes to the number that asked, not to the farmer's other one; none where another was asked for since.

    What is kept of it says no digit.
    """
    code = SignInCode.objects.get(pk=event.payload["code"])
    if not is_last_asked(code):
        return []
    return queue(
        event=event,
        kind=Kind.OTP_LOGIN,
        farmer=Farmer.objects.get(shop_id=event.shop_id, pk=event.payload["farmer"]),
        template=OTP_LOGIN,
        variables={"code": MASKED},
        address=code.phone,
        until=code.valid_until,
    )


# --- What he wrote ----------------------------------------------------------------------------------


def answered(event: Event) -> list[Message]:
    """He is answered, as it was decided when what he wrote was read."""
    return queue_reply(event, Answer.objects.select_related("farmer").get(pk=event.payload["answer"]))


# --- What the owner must see ------------------------------------------------------------------------


def rates_pending(event: Event) -> list[Message]:
    day = dt.date.fromisoformat(event.payload["day"])
    tell_owners(event, NoteKind.RATES_PENDING, {"day": formatting.day(day), "lines": event.payload["lines"]})
    return []


def noted(kind: NoteKind) -> Reaction:
    """The owner hears of it in the event's own words."""

    def reaction(event: Event) -> list[Message]:
        tell_owners(event, kind, event.payload)
        return []

    return reaction


SUBSCRIPTIONS: dict[str, Reaction] = {
    FarmerReachable.name: welcome,
    EntryRecorded.name: receipt,
    EntryCorrected.name: correction,
    EntryPriced.name: correction,
    EntryVoided.name: cancellation,
    MovementPosted.name: advance,
    DayClosed.name: summary,
    SettlementReady.name: ready,
    SettlementUnanswered.name: reminder,
    SettlementChanged.name: overtaken,
    SettlementCancelled.name: overtaken,
    SettlementDisputed.name: disputed,
    SettlementApproved.name: approved,
    SettlementReversed.name: taken_back,
    SettlementPaid.name: paid,
    RatePending.name: rate_pending,
    SignInCodeAsked.name: code_asked,
    FarmerAnswered.name: answered,
    RatesPending.name: rates_pending,
    TabletLost.name: noted(NoteKind.TABLET_LOST),
    TabletSilent.name: noted(NoteKind.TABLET_SILENT),
    BooksBroken.name: noted(NoteKind.BOOKS_BROKEN),
    WordingStopped.name: noted(NoteKind.WORDING_STOPPED),
    NextMonthMissing.name: noted(NoteKind.MONTH_MISSING),
}

STILL_SO: dict[str, Callable[[Message], bool]] = {
    **dict.fromkeys(QUESTIONS, is_still_asked),
    Kind.OTP_LOGIN: is_code_open,
}
