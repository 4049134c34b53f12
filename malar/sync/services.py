"""What a tablet sends becomes the book's: each operation once, whatever the line between did with it.

The rules of lines are the ledger's (`enter`, `correct_line`, `strike`); here is decided only that an operation and
its effect are one transaction, and what the tablet is told of it (offline.md, d 30–36).
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ledger.api.charges import charge_said
from ledger.api.entries import line_said
from ledger.api.movements import movement_said
from ledger.api.serializers import NewCharge, NewEntry, NewFarmer, NewMovement
from ledger.models import DailyEntry
from ledger.selectors.answers import entry_answer
from ledger.selectors.entries import lines_like
from ledger.services.charges import charge_request, write_charge
from ledger.services.entries import NewLine, enter, flag_duplicates, weighed_already
from ledger.services.farmers import Particulars, enrol
from ledger.services.faults import length_faults, refusal, time_faults
from ledger.services.movements import move_money, movement_request
from ledger.services.partitions import ensure_month
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.drf import Body, Exact, Id, problem_of
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.kernel.rest import read
from malar.kernel.transactions import in_unit, step, unit_of_work
from malar.sync.conflicts import (
    AlreadyResolved,
    Outcome,
    Sent,
    begin_resolving,
    corrected,
    decision_said,
    resolved,
    struck,
)
from malar.sync.domain import HIGHEST_SEQ, LONGEST_NAME, captured_at, free_series, unsure_by
from malar.sync.merge import ConflictKind
from malar.sync.models import Device, StrayOp, Stream, SyncOp
from malar.sync.selectors.settling import tablets_with_lines, to_mend_about, unsent_from
from malar.sync.selectors.tablets import tablet_of, unfinished_tablets
from malar.trail.domain import fingerprint
from malar.trail.events import TabletLost, TabletSilent
from malar.trail.models import AnsweredRequest, Event
from malar.trail.services.answers import answered, keep
from malar.trail.services.events import record, record_all
from settlements.domain import LeftOut
from settlements.selectors.settlements import summary_answer
from settlements.services.runs import Order, run_at_once

Result = dict[str, Any]
LATER = frozenset({"busy", "day_locked"})
"""Refusals that another try may not meet: nothing is kept, the tablet sends it again."""


class OtherShop(Conflict):
    """A tablet's id that another shop knows."""

    def __init__(self) -> None:
        super().__init__(_("This tablet belongs to another shop."), code="other_shop")


class DeviceBlocked(RuleBroken):
    """A tablet that the owner declared lost."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("This tablet is blocked. The owner can let it in again."), code="device_blocked")


@unit_of_work
def register_device(*, by: Membership, id: UUID, name: str | None = None) -> Device:
    """Know a tablet, and give it the next free series of slip numbers; known already, it keeps its own.

    Raises OtherShop, DeviceBlocked, RuleBroken `no_series_left`.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=by.shop_id)
    device = Device.objects.filter(pk=id).first()
    if device is not None:
        if device.shop_id != by.shop_id:
            raise OtherShop
        if device.is_blocked:
            raise DeviceBlocked
        if name is not None and name != device.name:
            device.name = name
            device.save(update_fields=["name"])
        return device
    series = free_series(set(Device.objects.filter(shop=by.shop).values_list("series", flat=True)))
    if series is None:
        raise RuleBroken(_("All series of slip numbers are taken."), code="no_series_left")
    return Device.objects.create(id=id, shop=by.shop, name=name or "", series=series, registered_by=by)


@unit_of_work
def name_tablet(*, by: Membership, device_id: UUID, name: str) -> Device:
    """Call a tablet something people know it by; nothing: by its series again. Raises NotAllowed unless `by` is the
    owner, NotFound, RuleBroken `too_long`."""
    _demand_owner(by)
    name = " ".join(name.split())
    if faults := length_faults("/name", name, LONGEST_NAME):
        raise refusal(faults)
    device = tablet_of(by, device_id, lock=True)
    if device.name != name:
        device.name = name
        device.save(update_fields=["name"])
    return device


@unit_of_work
def block_tablet(*, by: Membership, device_id: UUID, is_lost: bool) -> Device:
    """Take nothing from a tablet any more, because it is lost, or let it in again; twice is once.

    Raises NotAllowed unless `by` is the owner, NotFound.
    """
    _demand_owner(by)
    device = tablet_of(by, device_id, lock=True)
    if device.is_blocked != is_lost:
        device.blocked_at = timezone.now() if is_lost else None
        device.save(update_fields=["blocked_at"])
        if is_lost:
            record(TabletLost(tablet=_called(device), device=device.pk), shop=by.shop)
    return device


@unit_of_work
def say_silent_tablets(*, now: dt.datetime) -> int:
    """Write down which tablets have something to send and were not heard of for too long; of one silence once.
    Returns how many events that were."""
    quiet = now - dt.timedelta(hours=settings.TABLET_SILENT_HOURS)
    return sum(_say_silent(shop, now, quiet) for shop in Shop.objects.order_by("pk"))


@step
def _say_silent(shop: Shop, now: dt.datetime, quiet: dt.datetime) -> int:
    silent = [
        TabletSilent(
            tablet=_called(tablet.device),
            device=tablet.device.pk,
            since=_moment(tablet.last_seen_at),
            waiting=tablet.waiting + tablet.stalled,
        )
        for tablet in unfinished_tablets(shop, now)
        if tablet.waiting + tablet.stalled and tablet.last_seen_at and tablet.last_seen_at < quiet
    ]
    news = [
        each
        for each in silent
        if not Event.objects.filter(
            shop=shop, name=each.name, payload__device=str(each.device), payload__since=each.since
        ).exists()
    ]
    record_all(news, shop=shop)
    return len(news)


def _called(device: Device) -> str:
    """Its name, or its series: what is the same in both languages."""
    return device.name or device.series


def _moment(at: dt.datetime) -> str:
    local = at.astimezone(KOLKATA)
    return f"{formatting.day(local.date())} {local:%H:%M}"


def _demand_owner(by: Membership) -> None:
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner names tablets and blocks them."))


@dataclass(frozen=True)
class Said:
    """What a tablet says about itself with each batch."""

    stream_id: UUID
    pending: int
    stalled: int
    conflicts: int
    oldest_at: dt.datetime | None
    last_seq: int


@step
def held_stream(author: Membership, device: Device, id: UUID) -> Stream:
    """A queue, locked; made where it is new. Raises Conflict `stream_taken`, see `note_stream`."""
    stream, _is_new = Stream.objects.select_for_update().get_or_create(
        pk=id,
        defaults={"shop": author.shop, "device": device, "author": author, "last_seen_at": timezone.now()},
    )
    if (stream.device_id, stream.author_id) != (device.pk, author.pk):
        raise Conflict(_("This queue belongs to somebody else."), code="stream_taken")
    return stream


@unit_of_work
def note_stream(*, by: Membership, device: Device, said: Said) -> Stream:
    """Keep what the tablet says of its queue; a number once announced is never taken back.

    Raises Conflict `stream_taken` for a stream of somebody else's or of another tablet.
    """
    stream = held_stream(by, device, said.stream_id)
    stream.announced_seq = max(stream.announced_seq, said.last_seq)
    stream.pending, stream.stalled, stream.conflicts = said.pending, said.stalled, said.conflicts
    stream.oldest_at, stream.last_seen_at, stream.left_at = said.oldest_at, timezone.now(), None
    stream.save()
    return stream


@unit_of_work
def begin_stream(*, by: Membership, device: Device, id: UUID) -> None:
    """A tablet tells of a queue. A new one means that the author's earlier ones there are gone, sealed or wiped:
    what they announced and never sent is lost unless it comes after all (offline.md, 25 and d 69)."""
    if not Stream.objects.filter(pk=id).exists():
        device.streams.filter(author=by, left_at=None).update(left_at=timezone.now())


@unit_of_work
def leave_device(*, by: Membership, device: Device) -> None:
    """A tablet begins anew under another id: its storage was emptied, with the queues of everybody on it."""
    device.streams.filter(left_at=None).update(left_at=timezone.now())


def apply(
    *,
    by: Membership,
    stream: Stream,
    said: Mapping[str, Any],
    sent: Mapping[str, Any],
    clock_age_s: int | None = None,
) -> Result:
    """Apply one operation, or give the answer it had: `applied`, `merged`, `duplicate` with `of`, `conflict`,
    `needs_fix`, `blocked` or `retry` (offline.md, 25). `said` is what was `sent`, read; `clock_age_s` how long ago
    the tablet compared its clock with ours. Never raises for what it says."""
    received_at = timezone.now()
    at = captured_at(said["captured"]["device_ms"], said["captured"]["offset_ms"])
    try:
        act = _act(by, stream, said, at, received_at, clock_age_s)
        return in_unit(lambda: _once(by, stream, said, sent, act, received_at), by=by)
    except _NotKept as later:
        return later.result
    except RuleBroken as refused:
        if refused.code not in LATER:
            raise
        return _result(said["op_id"], "retry", error=_error(problem_of(refused) or {}))


@step
def _once(
    by: Membership,
    stream: Stream,
    said: Mapping[str, Any],
    sent: Mapping[str, Any],
    act: Callable[[], Result],
    received_at: dt.datetime,
) -> Result:
    """The operation's row first: whoever sends it a second time waits here, and finds the first one's answer."""
    digest = fingerprint(sent)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sync_syncop (id, shop_id, stream_id, seq, author_id, sha256, body, result, received_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, '{}', %s) ON CONFLICT DO NOTHING",
            [
                said["op_id"],
                by.shop_id,
                stream.pk,
                said["seq"],
                by.pk,
                digest,
                json.dumps(sent),
                received_at,
            ],
        )
        is_new = cursor.rowcount == 1
    if not is_new:
        return _known(by, stream, said, sent, digest)
    try:
        with transaction.atomic():
            result = act()
            made = said["operation"] == "CREATE" and said["entity"] not in MAKING
            if result["status"] == "applied" and (made or said["operation"] == "SETTLEMENT"):
                # The other doors know it, too: one id makes one thing, and one key.
                keep(
                    by=by,
                    key=said["op_id"],
                    body_hash=digest,
                    made=said["entity_id"],
                    answer=result["entity"],
                )
    except IntegrityError as error:
        if not _is_used_id(error):
            raise
        used = {
            "code": "id_exists",
            "pointer": "/entity_id",
            "detail": _("Something with this id was made before."),
        }
        result = _result(said["op_id"], "needs_fix", error=used)
    except NotFound as refused:
        # Its beginning may still be on the way; the tablet asks again, and nothing is kept of this try.
        if not _was_given_up(stream, said):
            raise _NotKept(_refused(said, "blocked", refused, code="not_arrived")) from refused
        result = _result(said["op_id"], "merged")
    except RuleBroken as refused:
        if refused.code in LATER:
            raise
        if _waits_for_its_farmer(stream, said, refused):
            raise _NotKept(_refused(said, "blocked", refused, code="not_arrived")) from refused
        result = _refused(said, "needs_fix", refused)
    except ValidationError as refused:
        result = _refused(said, "needs_fix", refused)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sync_syncop SET result = %s WHERE id = %s", [json.dumps(result), said["op_id"]]
        )
    return result


def _was_given_up(stream: Stream, said: Mapping[str, Any]) -> bool:
    """Whether this is about a line that was refused, and taken back where it was written: nothing is left to do."""
    his = stream.ops.filter(body__entity_id=str(said["entity_id"]))
    is_refused = his.filter(body__operation="CREATE", result__status="needs_fix").exists()
    return is_refused and his.filter(body__operation="DELETE").exists()


def _is_used_id(error: IntegrityError) -> bool:
    """Whether the database refused a second thing with an id: in its month's table, or whatever the day."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return False
    table, name = diagnosis.table_name or "", diagnosis.constraint_name or ""
    # Nothing else has a key that a tablet minted; a movement's posting has its id, too, and is written before it.
    is_made = name.endswith("_pkey") or name == "one_posting_of_a_journal"
    return is_made or table == AnsweredRequest._meta.db_table


def _waits_for_its_farmer(stream: Stream, said: Mapping[str, Any], refused: RuleBroken) -> bool:
    """Whether an unknown farmer may still come, because the same tablet made him: with a number of its queue
    that has not arrived, or he did and must be mended first (his mending has the same id)."""
    if all(fault.code != "unknown_farmer" for fault in refused.faults):
        return False
    before = stream.ops.filter(seq__lt=said["seq"])
    if before.count() < said["seq"] - 1:
        return True
    made = {"operation": "CREATE", "entity": "farmer", "entity_id": said["set"].get("farmer")}
    return before.filter(body__contains=made, result__status="needs_fix").exists()


class _NotKept(Exception):
    """An answer that leaves nothing behind."""

    def __init__(self, result: Result) -> None:
        super().__init__(result["status"])
        self.result = result


def _known(
    by: Membership, stream: Stream, said: Mapping[str, Any], sent: Mapping[str, Any], digest: str
) -> Result:
    """What an operation that came before is told: its own answer, or that its number or id was another one's.
    The other body is kept, too."""
    earlier = SyncOp.objects.filter(pk=said["op_id"]).first()
    if earlier is None or earlier.shop_id != by.shop_id or earlier.sha256 != digest:
        code = "op_reused" if earlier else "seq_reused"
        error = {
            "code": code,
            "pointer": "/op_id",
            "detail": _("This number was used for another operation."),
        }
        _keep_stray(by, stream, code, sent)
        return _result(said["op_id"], "needs_fix", error=error)
    stored: Result = earlier.result
    return stored | {"status": "duplicate", "of": stored["status"]}


@step
def _keep_stray(by: Membership, stream: Stream, code: str, sent: Mapping[str, Any]) -> None:
    """Keep what cannot be taken as it came, once; its number, where it has one, is not missing."""
    seq = sent.get("seq")
    is_number = isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq <= HIGHEST_SEQ
    stray = StrayOp(
        shop_id=by.shop_id,
        stream=stream,
        author=by,
        seq=seq if is_number else None,
        code=code,
        sha256=fingerprint(sent),
        # In ASCII: half a surrogate pair and a NUL are no text to the database.
        body=json.dumps(sent),
        received_at=timezone.now(),
    )
    StrayOp.objects.bulk_create([stray], ignore_conflicts=True)


def _act(
    by: Membership,
    stream: Stream,
    said: Mapping[str, Any],
    at: dt.datetime,
    received_at: dt.datetime,
    clock_age_s: int | None,
) -> Callable[[], Result]:
    """What the operation does, as a step of its unit."""
    match said["operation"], said["entity"]:
        case "CREATE", "daily_entry":
            return _created(by, stream, said, at, received_at, clock_age_s)
        case "CREATE", "farmer" | "charge" | "movement":
            return lambda: _made(by, said)
        case "UPDATE", "daily_entry":
            return lambda: _told(said, corrected(Sent(by, stream, said, at, received_at)))
        case "DELETE", "daily_entry":
            return lambda: _told(said, struck(Sent(by, stream, said, at, received_at)))
        case "RESOLVE", "conflict":
            begin_resolving(by)
            return lambda: _resolved(by, stream, said)
        case "SETTLEMENT", "settlement":
            return lambda: _settled(by, stream, said)
    refused = NotFound(_("The server does not know this yet. Update it."))
    return lambda: _not_yet(said, refused, "not_known_here")


def _not_yet(said: Mapping[str, Any], refused: RuleBroken, code: str) -> Result:
    raise _NotKept(_refused(said, "blocked", refused, code=code))


def _created(
    by: Membership,
    stream: Stream,
    said: Mapping[str, Any],
    at: dt.datetime,
    received_at: dt.datetime,
    clock_age_s: int | None,
) -> Callable[[], Result]:
    try:
        facts = read(NewEntry, {**said["set"], "captured_at": at.isoformat(), "id": str(said["entity_id"])})
        quoted, clock = said["quoted"] or {}, said["captured"]
        line = NewLine(
            **line_said(facts),
            quoted_rate=quoted.get("rate"),
            unsure_by=unsure_by(clock["unc_ms"], clock["offset_ms"], clock_age_s),
        )
        line, day = weighed_already(by.shop, line, received_at)
        if not time_faults(line.captured_at, received_at):
            # In a unit of its own: inside the sale's it would wait for the other clerk's, and he for it.
            ensure_month(day)
    except ValidationError as error:
        unreadable = error

        def refuse() -> Result:
            raise unreadable

        return refuse

    def act() -> Result:
        _hold_twins(line)
        entry = enter(by, line, id=said["entity_id"], day=day, received_at=received_at)
        if others := _from_other_devices(stream, lines_like(entry)):
            flag_duplicates(entry, others)
        return _result(said["op_id"], "applied", entity=entry_answer(entry))

    return act


def _told(said: Mapping[str, Any], outcome: Outcome) -> Result:
    """What became of a correction or a cancellation."""
    result = _result(said["op_id"], outcome.status, entity=outcome.entity)
    result["flags"] += [flag for flag in outcome.flags if flag not in result["flags"]]
    if outcome.conflict is not None:
        kind = ConflictKind(outcome.conflict.kind)
        error = {"code": kind.value, "pointer": "", "detail": str(kind.label), "errors": []}
        return result | {"conflict": str(outcome.conflict.pk), "error": error}
    return result


@step
def _hold_twins(line: NewLine) -> None:
    """Let tablets enter what may be the same delivery one after the other: two at once would not see each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(6, hashtext(%s))", [f"{line.farmer_id} {line.flower_id}"]
        )


def _from_other_devices(stream: Stream, lines: Sequence[DailyEntry]) -> list[DailyEntry]:
    """Those that did not come from the tablet of this queue. Two queries, where there are any."""
    if not lines:
        return []
    made = dict(
        AnsweredRequest.objects.filter(made__in=[line.pk for line in lines]).values_list("key", "made")
    )
    own = SyncOp.objects.filter(pk__in=made, stream__device_id=stream.device_id).values_list("pk", flat=True)
    here = {made[op_id] for op_id in own}
    return [line for line in lines if line.pk not in here]


@step
def _made(by: Membership, said: Mapping[str, Any]) -> Result:
    """A farmer, a fee or money, by the rules of every other door; only who may not is told so in the tablet's word.

    What was typed in a form of the office has the form's key: where the form had arrived after all, and only its
    answer was lost, this is the same request.
    """
    shape, make, compared = MAKING[said["entity"]]
    facts = read(shape, {**said["set"], "id": str(said["entity_id"])})
    id = facts.pop("id")
    body_hash = fingerprint(compared(facts, id))
    try:
        with transaction.atomic():
            entity = make(by, facts, id)
            # The other doors know it, too: one id makes one thing, and one key.
            keep(by=by, key=said["op_id"], body_hash=body_hash, made=id, answer=entity)
    except (IntegrityError, RuleBroken) as refused:
        try:
            earlier = answered(by=by, key=said["op_id"], body_hash=body_hash)
        except RuleBroken:
            return _refused(said, "needs_fix", _other_words())
        if earlier is not None:
            return _result(said["op_id"], "applied", entity=earlier.body)
        if isinstance(refused, NotAllowed):
            return _refused(said, "needs_fix", refused, code="not_allowed")
        # A line finds the next open day by itself; of which day money is, a person says.
        if isinstance(refused, RuleBroken) and refused.code in {"day_locked", "id_exists"}:
            return _refused(said, "needs_fix", refused)
        raise
    return _result(said["op_id"], "applied", entity=entity)


def _other_words() -> RuleBroken:
    """A form came twice, and not with the same words."""
    return RuleBroken(
        _("This form had arrived before, with other words. Look in the book, then take this one back."),
        code="idempotency_key_reused",
    )


MAKING: dict[
    str,
    tuple[
        type[Body],
        Callable[[Membership, dict[str, Any], UUID], dict[str, Any]],
        Callable[[dict[str, Any], UUID], Mapping[str, Any]],
    ],
] = {
    "farmer": (
        NewFarmer,
        lambda by, facts, id: enrol(by, cast(Particulars, facts), id),
        lambda facts, id: {**facts, "id": id},
    ),
    "charge": (
        NewCharge,
        lambda by, facts, id: write_charge(by, **charge_said(facts), id=id),
        lambda facts, id: charge_request(**charge_said(facts), id=id),
    ),
    "movement": (
        NewMovement,
        lambda by, facts, id: move_money(by, **movement_said(facts), id=id),
        lambda facts, id: movement_request(**movement_said(facts), id=id),
    ),
}
"""By entity: how it is read, what makes it, and by what two requests for it are compared."""


@step
def _resolved(by: Membership, stream: Stream, said: Mapping[str, Any]) -> Result:
    """A decision made on a tablet. No other try meets another answer: whatever refuses it is told, and kept."""
    conflict_id, decision = decision_said(said["set"])
    try:
        with transaction.atomic():
            entry = resolved(by, conflict_id, decision, device=stream.device)
    except AlreadyResolved as earlier:
        result = _refused(said, "needs_fix", earlier)
        result["error"]["params"] = {"by": earlier.by, "choice": earlier.choice}
        return result | {"conflict": str(conflict_id)}
    except RuleBroken as refused:
        if refused.code == "busy":
            raise
        return _refused(said, "needs_fix", refused)
    return _result(said["op_id"], "applied", entity=entry_answer(entry)) | {"conflict": str(conflict_id)}


class FarmerSettlement(Body):
    """A farmer whom the owner wants settled, asked for at the counter; ₹ of his advance to recover."""

    farmer = Id()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    recovery = Exact(required=False, allow_null=True)


@step
def _settled(by: Membership, stream: Stream, said: Mapping[str, Any]) -> Result:
    """A farmer whom the owner wants settled (scenario 51). While this tablet has something about him that is not in
    the book, it is `blocked` with the list; where others may have, it is made, and says so."""
    facts = read(FarmerSettlement, said["set"])
    farmer, recovery = facts["farmer"], facts.get("recovery")
    missing, to_mend = unsent_from(stream, said["seq"]), to_mend_about(stream.device, farmer)
    if missing or to_mend:
        refused = Conflict(_("First send or mend what is still on this tablet."), code="unsent")
        result = _refused(said, "blocked", refused)
        result["error"]["params"] = {
            "missing": [{"first": each.first, "last": each.last, "name": each.name} for each in missing],
            "to_mend": [{"op_id": str(op.pk), "seq": op.seq, "set": op.body["set"]} for op in to_mend],
        }
        raise _NotKept(result)
    order = Order(
        start=facts["period_start"],
        end=facts["period_end"],
        farmers=(farmer,),
        recovery=None if recovery is None else {farmer: recovery},
        despite_tablets=True,
    )
    try:
        with transaction.atomic():
            run = run_at_once(by, order, said["entity_id"])
    except NotAllowed as refused:
        return _refused(said, "needs_fix", refused, code="not_allowed")
    settlement = run.settlements.first()
    if settlement is None:
        why = LeftOut(run.left_out[0]["reason"])
        raise RuleBroken(str(why.label), code=why.value, pointer="/farmer")
    result = _result(said["op_id"], "applied", entity=summary_answer(settlement))
    if others := [
        tablet.device.label for tablet in tablets_with_lines(by.shop) if tablet.device.pk != stream.device_id
    ]:
        result["flags"].append("other_tablets")
        result["tablets"] = others
    return result


def not_readable(
    *, by: Membership, stream: Stream, sent: Mapping[str, Any], error: ValidationError
) -> Result:
    """What is told of an operation of which not even the frame can be read: it is kept as it came, on both sides."""
    in_unit(lambda: _keep_stray(by, stream, "malformed", sent), by=by)
    told = {**_error(problem_of(error) or {}), "code": "malformed"}
    op_id = str(sent.get("op_id")).encode(errors="replace").decode()
    return _result(op_id, "needs_fix", error=told)


def _result(
    op_id: object, status: str, *, entity: Any = None, error: Mapping[str, Any] | None = None
) -> Result:
    return {
        "op_id": str(op_id),
        "status": status,
        "version": entity.get("version") if entity else None,
        "entity": entity,
        "error": error,
        "conflict": None,
        "flags": list(entity.get("review_reasons", [])) if entity else [],
    }


def _refused(said: Mapping[str, Any], status: str, refused: Exception, *, code: str = "") -> Result:
    problem = problem_of(refused) or {}
    error = _error(problem)
    return _result(
        said["op_id"], status, entity=problem.get("current"), error={**error, "code": code or error["code"]}
    )


def _error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Code, place and sentence of a refusal. Every refused field is in `errors`."""
    errors = problem.get("errors") or []
    first = errors[0] if errors else {}
    return {
        "code": problem.get("code", ""),
        "pointer": first.get("pointer", ""),
        "detail": problem.get("detail", ""),
        "errors": errors,
    }
