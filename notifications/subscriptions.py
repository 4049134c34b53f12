"""The one list of which event tells whom what. An event that is not here tells nobody anything."""

from django.utils import translation

from ledger.events import EntryRecorded
from ledger.models import DailyEntry
from malar.trail.models import Event
from notifications.domain import Kind
from notifications.models import Message
from notifications.services.queueing import Reaction, queue
from notifications.services.receipts import receipt_of


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


SUBSCRIPTIONS: dict[str, Reaction] = {
    EntryRecorded.name: receipt,
}
