"""What tablets have to say before a farmer is settled."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from ledger.models import DailyEntry
from malar.accounts.models import Shop
from malar.sync.domain import gaps_in
from malar.sync.models import Device, Stream, SyncOp
from malar.sync.selectors.brought import set_in
from malar.sync.selectors.conflicts import open_conflicts
from malar.sync.selectors.tablets import KnownTablet, Missing, received_of, unfinished_tablets
from settlements.domain import LeftOut

HEARD_OF = dt.timedelta(days=7)
"""A tablet that has not been heard of for longer holds up no settlement."""


def settlement_holds(shop: Shop, until: dt.date) -> dict[UUID | None, LeftOut]:
    """Why farmers are not settled up to a day: a correction of one of their lines waits for a decision; of nobody
    (None) while a tablet still has something to send, for whose it is only the tablet knows. Four queries."""
    about = open_conflicts(shop).order_by().values("entity_id")
    lines = DailyEntry.objects.filter(shop=shop, business_date__lte=until, pk__in=about).order_by()
    farmers: Sequence[UUID | None] = list(lines.values_list("farmer_id", flat=True))
    found = dict.fromkeys(farmers, LeftOut.UNDECIDED)
    if tablets_with_lines(shop):
        found[None] = LeftOut.UNSYNCED
    return found


def tablets_with_lines(shop: Shop) -> list[KnownTablet]:
    """The tablets that said lately that they still have something to send."""
    now = timezone.now()
    return [
        tablet
        for tablet in unfinished_tablets(shop, now)
        if (tablet.waiting or tablet.stalled)
        and tablet.last_seen_at is not None
        and tablet.last_seen_at >= now - HEARD_OF
    ]


def unsent_from(stream: Stream, before: int) -> list[Missing]:
    """Numbers that still lie on the tablet of a queue: of this one those before a number, of others' all.

    What the tablet has no more is missing for good and is told on its page; nobody waits for it here.
    """
    queues = stream.device.streams.filter(left_at=None).select_related("author__user").order_by("pk")
    found: list[Missing] = []
    for queue in queues:
        gaps = gaps_in(received_of(queue), before - 1 if queue.pk == stream.pk else queue.announced_seq)
        if sum(last - first + 1 for first, last in gaps) <= queue.pending:
            found += [Missing(first, last, queue.author.user.name) for first, last in gaps]
    return found


def to_mend_about(device: Device, farmer_id: UUID) -> list[SyncOp]:
    """What a tablet sent about a farmer that the book cannot use and nobody has mended or taken back since."""
    refused = SyncOp.objects.filter(
        stream__device=device,
        result__status="needs_fix",
        body__entity__in=["daily_entry", "farmer", "charge", "movement"],
    )
    found = []
    for op in refused.order_by("received_at"):
        entity = str(op.body["entity_id"])
        is_named = str(farmer_id) in {entity, set_in(op.body).get("farmer")}
        if not is_named and not DailyEntry.objects.filter(pk=entity, farmer=farmer_id).exists():
            continue
        later = op.stream.ops.filter(body__entity_id=entity, seq__gt=op.seq)
        if not later.exclude(result__status="needs_fix").exists():
            found.append(op)
    return found
