"""What the counter needs to know before somebody stands before it: reference data as it travels.

Names go in both languages and money and quantities as strings; what a part costs is said at each.
"""

import copy
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import reason_words
from ledger.models import DailyEntry, Farmer
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import Version, correction_of, is_settled, totals_of, versions_of
from ledger.selectors.farmers import farmers_changed
from ledger.selectors.habits import Habit, habits_in, largest_in, namesakes_among
from ledger.selectors.history import Beside, side_by_side
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.errors import NotFound
from malar.kernel.money import line_amount, line_commission
from malar.kernel.wire import moment, money, quantity
from malar.sync.domain import Outcome, gaps_in
from malar.sync.merge import Choice, Facts, taken_over
from malar.sync.models import Conflict, ConflictAudit, Device, HandedIn, Stream, SyncEpoch, SyncOp
from malar.trail.domain import fingerprint
from pricing.domain import FeeBasis
from pricing.selectors.fees import fees_on
from pricing.selectors.rates import called_on, in_force
from settlements.domain import LeftOut

LAST_LINES = 30
"""Enough for a dozen different farmers among those who came last."""


def reference(member: Membership, parts: list[str], now: dt.datetime, since: str = "") -> dict[str, Any]:
    """The parts asked for (names of PARTS), with the shop and the time they are of; of the farmers only those
    changed since the cursor that an earlier answer gave."""
    shop = member.shop
    answer: dict[str, Any] = {
        "as_of": now.astimezone(KOLKATA).isoformat(timespec="milliseconds"),
        "shop": {
            "id": str(shop.pk),
            "name_ta": shop.name_ta,
            "name_en": shop.name_en,
            "number_digits": 4 if shop.farmers.filter(number__gt=999).exists() else 3,
            "turnover_hour": shop.turnover_hour,
        },
    }
    for part in parts:
        answer |= PARTS[part](member, now, since)
    return answer


# The cursor is the oldest transaction that was still writing when the farmers were read: what any later one commits,
# and whatever that one itself commits, however late, is newer. What was committed meanwhile comes twice.
OLDEST_WRITER = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, (SELECT epoch FROM sync_syncepoch WHERE id = 1)
"""
OLDEST_CURSOR = 2**30
"""Transactions after which a cursor is no longer known: their numbers begin anew after 2³²."""


def _farmers(member: Membership, now: dt.datetime, since: str) -> dict[str, Any]:
    """The farmers in order of their numbers, with their habits: all, or those changed since that cursor was given.

    A cursor holds for one life of the database, one shop and one business day, because habits change with the day;
    with any other all farmers come. Three queries, or four.
    """
    shop, day = member.shop, business_date_of(now, member.shop.turnover_hour)
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_WRITER)
        writer, life = cursor.fetchone()
    place = fingerprint({"epoch": life or epoch(), "shop": shop.pk, "day": day})[:16]
    told, _mark, earlier = since.partition("-")
    changed = None
    if told == place and earlier.isdecimal() and 0 <= writer - int(earlier) < OLDEST_CURSOR:
        changed = farmers_changed(shop, int(earlier), day)
    rows = list(
        shop.farmers.values_list(
            *("id", "number", "code", "name_ta", "name_en", "village_ta", "village_en", "phone", "is_active"),
            *("language", "version"),
        )
    )
    namesakes = namesakes_among((row[0], row[3], row[4], row[8]) for row in rows)
    if changed is not None:
        rows = [row for row in rows if changed.touches(row[0], row[3], row[4])]
    habits: dict[UUID, list[Habit]] = {}
    asked = None if changed is None else [row[0] for row in rows]
    for habit in habits_in(shop, day, farmers=asked):
        habits.setdefault(habit.farmer_id, []).append(habit)
    farmers = []
    for farmer_id, number, code, name_ta, name_en, village_ta, village_en, phone, is_active, *more in rows:
        his = habits.get(farmer_id, [])
        farmers.append(
            {
                "id": str(farmer_id),
                "number": number,
                "code": code,
                "name_ta": name_ta,
                "name_en": name_en,
                "village_ta": village_ta,
                "village_en": village_en,
                "phone_last4": phone[-4:],
                "is_active": is_active,
                "language": more[0],
                "version": more[1],
                "namesakes": farmer_id in namesakes,
                "usual": [
                    {
                        "flower": str(habit.flower_id),
                        "lines": habit.lines,
                        "low": quantity(habit.low),
                        "high": quantity(habit.high),
                    }
                    for habit in his
                ],
                "last_seen": max(habit.last_seen for habit in his).isoformat() if his else None,
            }
        )
    return {"farmers": farmers, "farmers_complete": changed is None, "cursor": f"{place}-{writer}"}


def _flowers(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """What can be written down: the flowers that are sold, in the shop's order, and the fees that can be charged by
    hand, those first that are charged with no entry. Three queries."""
    day = business_date_of(now, member.shop.turnover_hour)
    largest = largest_in(member.shop, day)
    flowers = [
        {
            "id": str(flower.pk),
            "code": flower.code,
            "name_ta": flower.name_ta,
            "name_en": flower.name_en,
            "short_ta": flower.short_name_ta or flower.name_ta,
            "short_en": flower.short_name_en or flower.name_en,
            "unit": flower.unit,
            "glyph": flower.glyph,
            "position": flower.position,
            "largest": quantity(largest.get(flower.pk)),
        }
        for flower in member.shop.flowers.active()
    ]
    by_hand = fees_on(member.shop, day).exclude(basis=FeeBasis.PER_SETTLEMENT).order_by("automatic", "code")
    fees = [
        {
            "id": str(fee.pk),
            "name_ta": fee.name_ta,
            "name_en": fee.name_en,
            "basis": fee.basis,
            "rate": money(fee.rate),
        }
        for fee in by_hand
    ]
    return {"flowers": flowers, "fees": fees}


def _rates(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """The slots of this day; today's called rates, newest first; each slot's rate in force. Three queries."""
    shop = member.shop
    today = business_date_of(now, shop.turnover_hour)
    slots = list(shop.time_slots.on(today, now.astimezone(KOLKATA).weekday()))
    called = called_on(shop, today).filter(slot=None)
    slotted = shop.market_rates.filter(in_force(now), slot__in=slots)
    return {
        "slots": [
            {
                "id": str(slot.pk),
                "name_ta": slot.name_ta,
                "name_en": slot.name_en,
                "start": f"{slot.start:%H:%M}",
                "end": f"{slot.end:%H:%M}",
            }
            for slot in slots
        ],
        "rates": [
            {
                "flower": str(rate.flower_id),
                "slot": str(rate.slot_id) if rate.slot_id else None,
                "rate": money(rate.rate),
                "from": moment(rate.effective_from),
            }
            for rate in (*called, *slotted)
            if rate.effective_from != rate.effective_to  # put right in the same moment: never in force
        ],
    }


def _day(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """The business day so far and its last lines, cancelled ones too. Two queries."""
    shop = member.shop
    today = business_date_of(now, shop.turnover_hour)
    lines = DailyEntry.objects.filter(shop=shop).on(today)
    totals = totals_of(lines)
    day = {
        "date": today.isoformat(),
        "lines": totals.lines,
        "kilograms": quantity(totals.kilograms),
        "amount": money(totals.amount),
        "last": [_line_in(line, member) for line in lines.order_by("-received_at", "-id")[:LAST_LINES]],
    }
    return {"day": day}


def _lines(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """All lines of the business day, cancelled ones too, for whoever looks at the day: as many as there are. One
    query."""
    today = business_date_of(now, member.shop.turnover_hour)
    lines = DailyEntry.objects.filter(shop=member.shop).on(today).order_by("-received_at", "-id")
    said = [_line_in(line, member) for line in lines]
    return {"lines": {"at": moment(now), "date": today.isoformat(), "all": said}}


def _line_in(line: DailyEntry, member: Membership) -> dict[str, Any]:
    return {
        "id": str(line.pk),
        "farmer": str(line.farmer_id),
        "flower": str(line.flower_id),
        "quantity": quantity(line.quantity),
        "unit": line.unit,
        "rate": money(line.rate),
        "amount": money(line.amount),
        "status": line.status,
        "version": line.version,
        "captured_at": moment(line.captured_at),
        "slip_number": line.slip_number,
        "mine": line.created_by_id == member.pk,
    }


PARTS: dict[str, Callable[[Membership, dt.datetime, str], dict[str, Any]]] = {
    "farmers": _farmers,
    "flowers": _flowers,
    "rates": _rates,
    "day": _day,
    "lines": _lines,
}


def limits_answer(shop: Shop) -> dict[str, str | None]:
    """Up to how many ₹ one farmer may owe by staff's own decision; null: there is no limit."""
    return {
        "advance": money(shop.advance_limit),
        "draw": money(shop.draw_limit),
        "hand_loan": money(shop.hand_loan_limit),
    }


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


# --- Conflicts -------------------------------------------------------------------------------------

MOST_CONFLICTS = 200


def facts_of(row: Any) -> Facts:
    """A line, or a version of it from its history, as far as it can be corrected."""
    return Facts(
        farmer=row.farmer_id,
        flower=row.flower_id,
        unit=str(row.unit),
        gross_quantity=row.gross_quantity,
        tare=row.tare,
        quantity=row.quantity,
        sacks=row.sacks,
        sack_weights=tuple(Decimal(weight) for weight in row.sack_weights or ()),
        rate=row.rate,
        rate_source=str(row.rate_source),
        rate_reason=str(row.rate_reason),
        adjustments=tuple(row.adjustments),
        commission_pct=row.commission_pct,
        commission_per_unit=row.commission_per_unit,
        note=row.note,
        status=str(row.status),
        void_reason=row.void_reason,
    )


def line_with(entry: DailyEntry, facts: Facts) -> DailyEntry:
    """The line as it would be with other facts, with amount and commission; unsaved."""
    line = copy.copy(entry)
    line.farmer_id, line.flower_id = facts.farmer, facts.flower
    line.sack_weights = [f"{weight:.3f}" for weight in facts.sack_weights] or None
    line.adjustments = [dict(each) for each in facts.adjustments]
    for name in ("unit", "gross_quantity", "tare", "quantity", "sacks", "rate", "rate_source", "rate_reason"):
        setattr(line, name, getattr(facts, name))
    for name in ("commission_pct", "commission_per_unit", "note", "status", "void_reason"):
        setattr(line, name, getattr(facts, name))
    line.amount = line.commission = None
    if line.rate is not None:
        line.amount = line_amount(line.quantity, line.rate)
        line.commission = line_commission(
            line.amount, line.quantity, line.commission_pct, line.commission_per_unit
        )
    return line


def open_conflicts(shop: Shop) -> QuerySet[Conflict]:
    """What waits for a decision, the oldest first."""
    return (
        shop.conflicts.filter(resolved_at=None)
        .select_related("op", "device", "author__user")
        .order_by("opened_at", "pk")
    )


def conflict_answers(shop: Shop) -> list[dict[str, Any]]:
    """What waits, as tablets hear of it, at most 200. `theirs` and `version` are the line's as it stands now."""
    conflicts = list(open_conflicts(shop)[:MOST_CONFLICTS])
    lines = DailyEntry.objects.filter(shop=shop).in_bulk([each.entity_id for each in conflicts])
    return [_conflict_answer(each, lines[each.entity_id]) for each in conflicts]


def _conflict_answer(conflict: Conflict, line: DailyEntry) -> dict[str, Any]:
    return {
        "id": str(conflict.pk),
        "op_id": str(conflict.op_id),
        "entity_id": str(conflict.entity_id),
        "kind": conflict.kind,
        "farmer": str(line.farmer_id),
        "flower": str(line.flower_id),
        "base": conflict.base,
        "mine": conflict.mine,
        "theirs": facts_of(line).as_json(),
        "version": line.version,
        "device": str(conflict.device),
        "author": conflict.author.user.name,
        "at": moment(conflict.opened_at),
    }


DECIDED_SHOWN = 20


@dataclass(frozen=True)
class Undecided:
    """A conflict as its page shows it: `rows` have what the tablet saw, what stands, what the tablet wanted."""

    conflict: Conflict
    line: DailyEntry
    rows: list[Beside]
    last: Version
    """Who made the line what it is."""
    stands: bool
    """It can still be corrected; a settled line by two others."""
    day_is_locked: bool

    @property
    def last_reason(self) -> str:
        """Why that was, in the reader's language."""
        return reason_words(self.last.reason)

    @property
    def cancels(self) -> bool:
        """The tablet wants it cancelled."""
        return bool(self.conflict.op.body["operation"] == "DELETE")


def undecided_of(shop: Shop, conflicts: Sequence[Conflict]) -> list[Undecided]:
    """Conflicts with the lines they are about. Some queries for each: there are few."""
    lines = _lines_of(shop, conflicts)
    groups = [
        _sides(lines[each.entity_id], each.base, facts_of(lines[each.entity_id]).as_json(), each.mine)
        for each in conflicts
    ]
    found = []
    for conflict, rows in zip(conflicts, side_by_side(shop, groups), strict=True):
        line = lines[conflict.entity_id]
        settled = is_settled(line)
        locked = not settled and is_locked(shop, line.business_date)
        found.append(
            Undecided(
                conflict=conflict,
                line=line,
                rows=rows,
                last=versions_of(line)[-1],
                stands=not (line.is_voided or locked or correction_of(line)),
                day_is_locked=locked,
            )
        )
    return found


@dataclass(frozen=True)
class Settled:
    """What became of an operation; `rows` have what the tablet saw, what stood, what it wanted, what came of it."""

    audit: ConflictAudit
    line: DailyEntry
    rows: list[Beside]

    @property
    def choice_words(self) -> str:
        """What a person chose; empty where rules did."""
        choice = self.audit.rules.get("choice")
        return str(Choice(choice).label) if choice else ""


def settled_lately(shop: Shop) -> list[Settled]:
    """The last operations that were merged or decided, the newest first. Four queries."""
    audits = list(
        shop.conflict_audits.exclude(conflict__isnull=False, decided=ConflictAudit.Decided.AUTO)
        .select_related("by__user", "device", "op__author__user")
        .order_by("-at", "-pk")[:DECIDED_SHOWN]
    )
    lines = _lines_of(shop, audits)
    groups = [
        [
            *_sides(lines[audit.entity_id], audit.base, audit.server, audit.client),
            line_with(lines[audit.entity_id], Facts.of_json(audit.result)),
        ]
        for audit in audits
    ]
    return [
        Settled(audit, lines[audit.entity_id], rows)
        for audit, rows in zip(audits, side_by_side(shop, groups), strict=True)
    ]


def _sides(
    line: DailyEntry, base: Mapping[str, Any] | None, theirs: Mapping[str, Any], mine: Mapping[str, Any]
) -> list[DailyEntry | None]:
    """A line as the tablet saw it, as others left it, and as it would be with all that the tablet changed."""
    saw, stood = base and Facts.of_json(base), Facts.of_json(theirs)
    wanted = taken_over(saw or None, Facts.of_json(mine), stood)
    return [line_with(line, saw) if saw else None, line_with(line, stood), line_with(line, wanted)]


def _lines_of(shop: Shop, about: Sequence[Conflict | ConflictAudit]) -> Mapping[UUID, DailyEntry]:
    return DailyEntry.objects.filter(shop=shop).with_names().in_bulk([each.entity_id for each in about])


# --- For the owner: what is on the tablets and not here ----------------------------------------------

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
        is_named = str(farmer_id) in {entity, _set_of(op.body).get("farmer")}
        if not is_named and not DailyEntry.objects.filter(pk=entity, farmer=farmer_id).exists():
            continue
        later = op.stream.ops.filter(body__entity_id=entity, seq__gt=op.seq)
        if not later.exclude(result__status="needs_fix").exists():
            found.append(op)
    return found


def tablet_of(member: Membership, device_id: UUID, *, lock: bool = False) -> Device:
    """One tablet of the member's shop. Raises NotFound, also for another shop's."""
    devices = member.shop.devices.all()
    device = (devices.select_for_update(no_key=True) if lock else devices).filter(pk=device_id).first()
    if device is None:
        raise NotFound(_("There is no such tablet."))
    return device


# --- What others than their authors brought ----------------------------------------------------------


@dataclass(frozen=True)
class Unclear:
    """Something that was brought by another hand and is not in the book as it stands."""

    row: HandedIn
    author: str
    """His name; empty where nobody knows him."""
    farmer: Farmer | None
    quantity: str
    """As it was typed; empty where it cannot be read."""
    reason: str


def to_look_at(shop: Shop) -> list[Unclear]:
    """What was brought and could not simply be taken, newest first. Four queries."""
    rows = list(
        HandedIn.objects.filter(shop=shop)
        .exclude(outcome=Outcome.TAKEN)
        .select_related("brought_by__user")
        .order_by("-received_at", "-seq")[:200]
    )
    ops = SyncOp.objects.filter(shop=shop).in_bulk([row.pk for row in rows])
    names = dict(
        Membership.objects.filter(shop=shop, user_id__in={row.author_id for row in rows}).values_list(
            "user_id", "user__name"
        )
    )
    said = {row.pk: _set_of(ops[row.pk].body if row.pk in ops else row.kept) for row in rows}
    named = {_farmer_in(each) for each in said.values()} - {None}
    farmers = {str(farmer.pk): farmer for farmer in shop.farmers.filter(pk__in=named)}
    return [
        Unclear(
            row=row,
            author=names.get(row.author_id, ""),
            farmer=farmers.get(str(said[row.pk].get("farmer"))),
            quantity=str(said[row.pk].get("gross_quantity") or said[row.pk].get("quantity") or ""),
            reason=_reason_of(row, ops.get(row.pk)),
        )
        for row in rows
    ]


def _set_of(body: Any) -> dict[str, Any]:
    said = body.get("set") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else {}


def _farmer_in(said: dict[str, Any]) -> UUID | None:
    try:
        return UUID(said["farmer"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _reason_of(row: HandedIn, op: SyncOp | None) -> str:
    detail = ((op.result.get("error") or {}) if op else {}).get("detail", "")
    return str(detail or row.get_outcome_display())
