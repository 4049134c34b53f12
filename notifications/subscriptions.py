"""The one list of which event tells whom what. An event that is not here tells nobody anything."""

from django.utils import translation

from ledger.domain import MovementKind
from ledger.events import EntryRecorded, MovementPosted
from ledger.models import DailyEntry, Movement
from ledger.selectors.movements import reversal_of
from malar.trail.models import Event
from notifications.domain import ADVANCE_GIVEN, Kind
from notifications.models import Message
from notifications.services.queueing import Reaction, queue
from notifications.services.receipts import advance_words, receipt_of


def receipt(event: Event) -> list[Message]:
    """The farmer hears what was written down for him, as it stands now; of a cancelled line, nothing."""
    entry = DailyEntry.objects.select_related("farmer", "flower").get(
        shop_id=event.shop_id, pk=event.payload["entry"]
    )
    if entry.is_voided:
        return []
    with translation.override(entry.farmer.language):
        template, variables = receipt_of(entry)
    return queue(
        event=event,
        kind=Kind.ENTRY_RECEIPT,
        farmer=entry.farmer,
        template=template,
        variables=variables,
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
    MovementPosted.name: advance,
}
