"""The tablets of a shop and their queues: what came, what is on them and not here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from malar.sync.domain import gaps_in
from malar.sync.models import Device, Stream, SyncEpoch, SyncOp


def device_of(shop: Shop, sent: str) -> Device | None:
    """The shop's tablet with this id; None for one that is not known here, or no id at all."""
    id = id_of(sent)
    return Device.objects.filter(shop=shop, pk=id).first() if id else None


def id_of(sent: str) -> UUID | None:
    """An id as tablets send it; None for what is none."""
    try:
        return UUID(sent)
    except ValueError:
        return None


def device_answer(device: Device) -> dict[str, Any]:
    """A tablet as it hears of itself."""
    return {
        "id": str(device.pk),
        "name": device.name,
        "series": device.series,
        "is_blocked": device.is_blocked,
    }


def stream_answer(device: Device, sent: str) -> dict[str, Any] | None:
    """How much of a queue has come here, and which of its numbers never did; None for one that is new."""
    id = id_of(sent)
    stream = device.streams.filter(pk=id).first() if id else None
    if stream is None:
        return None
    received = received_of(stream)
    return {
        "last_seq": max(received, default=0),
        "received": len(received),
        "gaps": gaps_in(received, stream.announced_seq),
    }


def received_of(stream: Stream) -> set[int]:
    """The numbers of a queue that came here, also of what could not be taken. One query."""
    taken, strayed = stream.ops.values_list("seq"), stream.strays.exclude(seq=None).values_list("seq")
    return {seq for (seq,) in taken.union(strayed)}


def epoch() -> UUID:
    """Which life of the database this is."""
    found, _is_new = SyncEpoch.objects.get_or_create(pk=1)
    return found.epoch


def tablet_of(member: Membership, device_id: UUID, *, lock: bool = False) -> Device:
    """One tablet of the member's shop. Raises NotFound, also for another shop's."""
    devices = member.shop.devices.all()
    device = (devices.select_for_update(no_key=True) if lock else devices).filter(pk=device_id).first()
    if device is None:
        raise NotFound(_("There is no such tablet."))
    return device


REMEMBERED = dt.timedelta(days=60)
"""How long after a queue was heard of last its missing numbers are told."""
GAPS = """
    SELECT stream, before + 1, seq - 1 FROM (
        SELECT stream, seq, lag(seq, 1, 0) OVER (PARTITION BY stream ORDER BY seq) AS before FROM (
            SELECT stream_id AS stream, seq FROM sync_syncop WHERE stream_id = ANY(%(streams)s)
            UNION SELECT stream_id, seq FROM sync_strayop WHERE stream_id = ANY(%(streams)s) AND seq IS NOT NULL
            UNION SELECT stream_id, seq FROM sync_handedin WHERE stream_id = ANY(%(streams)s)
            UNION SELECT id, announced_seq + 1 FROM sync_stream WHERE id = ANY(%(streams)s)) AS received
        ) AS pairs
    WHERE seq - before > 1 ORDER BY stream, seq
"""


@dataclass(frozen=True)
class Missing:
    """Numbers of somebody's queue that were announced and never came, both ends included."""

    first: int
    last: int
    name: str


@dataclass(frozen=True)
class KnownTablet:
    """A tablet as the owner sees it. `waiting`, `stalled`: operations that are still on it, as it said, and never
    more than are not here; `conflicts`: those that somebody must decide about; `oldest_at`: the oldest that waits."""

    device: Device
    last_seen_at: dt.datetime | None = None
    waiting: int = 0
    stalled: int = 0
    conflicts: int = 0
    oldest_at: dt.datetime | None = None
    missing: Sequence[Missing] = ()

    def __str__(self) -> str:
        return self.device.label

    @property
    def is_clear(self) -> bool:
        """Whether all that was typed on it is in the book."""
        return not (self.waiting or self.stalled or self.conflicts or self.missing)


def tablets_of(shop: Shop, now: dt.datetime) -> list[KnownTablet]:
    """The shop's tablets in order of their series. Three queries at most.

    A number that was announced and is not here waits on its tablet while the tablet says that it has so many to
    send. It is missing where the tablet has fewer, or where its author has another queue on it since.
    """
    devices = shop.devices.annotate(last_seen_at=Max("streams__last_seen_at")).order_by("series")
    counted = (
        Stream.objects.filter(shop=shop)
        .filter(Q(last_seen_at__gte=now - REMEMBERED) | Q(left_at=None))
        .select_related("author__user")
        .annotate(taken=_count_of(SyncOp))
    )
    streams = list(counted.filter(Q(announced_seq__gt=F("taken")) | Q(left_at=None, conflicts__gt=0)))
    gaps: dict[UUID, list[tuple[int, int]]] = {}
    if streams:
        with connection.cursor() as cursor:
            cursor.execute(GAPS, {"streams": [stream.pk for stream in streams]})
            for stream_id, first, last in cursor:
                gaps.setdefault(stream_id, []).append((first, last))
    of_device: dict[UUID, list[Stream]] = {}
    for stream in streams:
        of_device.setdefault(stream.device_id, []).append(stream)
    return [_known(device, of_device.get(device.pk, []), gaps) for device in devices]


def _count_of(model: type[SyncOp]) -> Coalesce:
    mine = model.objects.filter(stream=OuterRef("pk")).order_by().values("stream")
    return Coalesce(Subquery(mine.annotate(count=Count("pk")).values("count")), 0)


def _known(device: Any, streams: Sequence[Stream], gaps: Mapping[UUID, list[tuple[int, int]]]) -> KnownTablet:
    waiting = stalled = conflicts = 0
    oldest: list[dt.datetime] = []
    missing: list[Missing] = []
    for stream in streams:
        his = gaps.get(stream.pk, [])
        absent = sum(last - first + 1 for first, last in his)
        if stream.left_at or absent > stream.pending:
            missing += [Missing(first, last, stream.author.user.name) for first, last in his]
        else:
            stalled_now = min(stream.stalled, absent)
            stalled, waiting = stalled + stalled_now, waiting + absent - stalled_now
            if absent and stream.oldest_at:
                oldest.append(stream.oldest_at)
        if not stream.left_at:
            conflicts += stream.conflicts
    return KnownTablet(
        device=device,
        last_seen_at=device.last_seen_at,
        waiting=waiting,
        stalled=stalled,
        conflicts=conflicts,
        oldest_at=min(oldest, default=None),
        missing=missing,
    )


def unfinished_tablets(shop: Shop, now: dt.datetime) -> list[KnownTablet]:
    """Those from which not everything has come. One that was declared lost is waited for no longer."""
    return [tablet for tablet in tablets_of(shop, now) if not (tablet.is_clear or tablet.device.is_blocked)]
