"""The one list of which event tells whom what. An event that is not here tells nobody anything."""

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from ledger.domain import EntryKind, MovementKind, reason_words
from ledger.events import EntryCorrected, EntryPriced, EntryRecorded, EntryVoided, MovementPosted
from ledger.models import DailyEntry, Farmer, Movement
from ledger.selectors.entries import correction_of as reversal_of_line
from ledger.selectors.entries import version_of, versions_of
from ledger.selectors.movements import reversal_of
from malar.trail.models import Event
from notifications.domain import ADVANCE_GIVEN, ENTRY_PRICED, ENTRY_VOIDED, Kind
from notifications.models import Message
from notifications.selectors import last_told
from notifications.services.queueing import Reaction, one_by_one, queue
from notifications.services.receipts import (
    MATTERS,
    advance_words,
    cancellation_of,
    correction_of,
    receipt_of,
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
        with translation.override(Farmer.objects.get(pk=before.farmer_id).language):
            reason = _("It belongs to another farmer.")
        return [*_cancellation(event, before, reason), *_receipt(event, entry)]
    if all(getattr(before, name) == getattr(entry, name) for name in MATTERS):
        return []
    with translation.override(entry.farmer.language):
        template, variables = correction_of(before, entry)
    return queue(
        event=event,
        kind=Kind.ENTRY_PRICED if template == ENTRY_PRICED else Kind.ENTRY_CORRECTED,
        farmer=entry.farmer,
        template=template,
        variables=variables,
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
    return _cancellation(event, before, reason)


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
    with translation.override(entry.farmer.language):
        template, variables = receipt_of(entry)
    return queue(
        event=event,
        kind=Kind.ENTRY_RECEIPT,
        farmer=entry.farmer,
        template=template,
        variables=variables,
    )


def _cancellation(event: Event, before: Any, reason: str) -> list[Message]:
    farmer = Farmer.objects.get(pk=before.farmer_id)
    with translation.override(farmer.language):
        variables = cancellation_of(before, farmer.name, reason_words(reason))
    return queue(
        event=event, kind=Kind.ENTRY_VOIDED, farmer=farmer, template=ENTRY_VOIDED, variables=variables
    )


def advance(event: Event) -> list[Message]:
    """The farmer hears of an advance given to him; of other money, and of one taken back since, nothing."""
    movement = Movement.objects.select_related("farmer", "reversal").get(
        shop_id=event.shop_id, pk=event.payload["movement"]
    )
    if movement.kind != MovementKind.ADVANCE or reversal_of(movement):
        return []
    with translation.override(movement.farmer.language):
        variables = advance_words(movement)
    return queue(
        event=event,
        kind=Kind.ADVANCE_GIVEN,
        farmer=movement.farmer,
        template=ADVANCE_GIVEN,
        variables=variables,
    )


SUBSCRIPTIONS: dict[str, Reaction] = {
    EntryRecorded.name: receipt,
    EntryCorrected.name: correction,
    EntryPriced.name: correction,
    EntryVoided.name: cancellation,
    MovementPosted.name: advance,
}
