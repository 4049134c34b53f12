"""What came by another hand than its author's: boxes that a tablet sealed, and files that were taken from one.

Each operation is its author's, applied once by the same `apply` as if he had sent it himself; who brought it is
written beside it. What cannot be taken is kept, and the owner sees it (offline.md, d 37 and 57–60).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.kernel.rest import read
from malar.kernel.transactions import unit_of_work
from malar.sync.domain import Outcome, Way
from malar.sync.forms import Operation
from malar.sync.models import Device, HandedIn, Stream
from malar.sync.seal import CannotOpen, bound, opened
from malar.sync.selectors.tablets import device_of
from malar.sync.services import apply, held_stream, register_device

OUTCOMES = {
    "applied": Outcome.TAKEN,
    "merged": Outcome.TAKEN,
    "conflict": Outcome.CONFLICT,
    "needs_fix": Outcome.NEEDS_FIX,
}
"""What an answer of `apply` means here. `blocked` and `retry` leave nothing behind: it is brought again."""


@dataclass(frozen=True)
class Brought:
    """An operation of somebody's on its way: whose, of which queue, with which number."""

    op_id: UUID
    seq: int
    stream_id: UUID
    author_id: UUID


def open_box(*, by: Membership, device: Device, brought: Brought, box: Mapping[str, Any]) -> dict[str, str]:
    """Take in one box of a tablet, whoever of the shop brings it.

    Answers `op_id` and `status`: those of `apply` (with `of` of a duplicate), or `parked` for what is kept and is not
    in the book. Nothing of its content is in the answer: it is another person's.
    """
    try:
        content = opened(box, bound(**vars(brought)))
    except CannotOpen:
        return _keep(by=by, brought=brought, way=Way.SEALED, outcome=Outcome.CLOSED, kept=dict(box))
    try:
        sent = json.loads(content)
    except ValueError:
        return _keep(by=by, brought=brought, way=Way.SEALED, outcome=Outcome.UNREADABLE, kept=dict(box))
    return _take(by, device, brought, sent, Way.SEALED)


def _take(by: Membership, device: Device, brought: Brought, sent: Any, way: Way) -> dict[str, str]:
    """Apply it as its author's, and note who brought it."""

    def keep(outcome: Outcome) -> dict[str, str]:
        return _keep(by=by, brought=brought, way=way, outcome=outcome, kept=sent)

    try:
        said = read(Operation, sent)
    except ValidationError:
        return keep(Outcome.UNREADABLE)
    if (said["op_id"], said["seq"]) != (brought.op_id, brought.seq):
        return keep(Outcome.UNREADABLE)
    author = (
        Membership.objects.filter(shop_id=by.shop_id, user_id=brought.author_id)
        .select_related("shop", "user")
        .first()
    )
    if author is None:
        return keep(Outcome.NOBODY)
    if author.role not in ALLOWED[Role.STAFF]:
        # He wrote it as staff, and as that it is taken; that he no longer is makes somebody look. Never saved.
        author.role, author.is_active = Role.STAFF, False
    try:
        stream = _stream(by=author, device=device, brought=brought)
    except Conflict as refused:
        if refused.code == "busy":
            return {"op_id": str(brought.op_id), "status": "retry"}
        return keep(Outcome.ASTRAY)
    result = apply(by=author, stream=stream, said=said, sent=sent)
    outcome = OUTCOMES.get(str(result.get("of", result["status"])))
    if outcome is not None:
        # Under an id or a number that another operation has, this one is nowhere else.
        is_other = (result["error"] or {}).get("code") in {"op_reused", "seq_reused"}
        _keep(by=by, brought=brought, way=way, outcome=outcome, kept=sent if is_other else None)
    told: dict[str, str] = {name: result[name] for name in ("op_id", "status", "of") if name in result}
    if outcome is not None and result["status"] != "duplicate":
        _came(by=author, stream=stream)
    return told


@unit_of_work
def _stream(*, by: Membership, device: Device, brought: Brought) -> Stream:
    """The author's queue on that tablet. Raises Conflict `stream_taken` where it is somebody else's."""
    stream = held_stream(by, device, brought.stream_id)
    if stream.announced_seq < brought.seq:
        stream.announced_seq = brought.seq
        stream.save(update_fields=["announced_seq"])
    return stream


@unit_of_work
def _came(*, by: Membership, stream: Stream) -> None:
    """One fewer waits on the tablet than it had said; its author is not there to say so."""
    Stream.objects.filter(pk=stream.pk).update(pending=Greatest(F("pending") - 1, Value(0)))
    Stream.objects.filter(pk=stream.pk, pending=0).update(stalled=0, oldest_at=None)


@unit_of_work
def _keep(
    *, by: Membership, brought: Brought, way: Way, outcome: Outcome, kept: Any | None
) -> dict[str, str]:
    """Note who brought it, the first time; later only what has become of it. What is in the book stays so."""
    row, is_new = HandedIn.objects.select_for_update().get_or_create(
        pk=brought.op_id,
        defaults={
            "shop": by.shop,
            "stream_id": brought.stream_id,
            "seq": brought.seq,
            "author_id": brought.author_id,
            "brought_by": by,
            "way": way,
            "outcome": outcome,
            "kept": kept,
            "received_at": timezone.now(),
        },
    )
    is_ours = row.shop_id == by.shop_id
    if not is_new and is_ours and row.kept is not None and (kept is None or row.kept != kept):
        row.outcome, row.kept = outcome, kept
        row.save(update_fields=["outcome", "kept"])
    return {"op_id": str(brought.op_id), "status": "parked"}


@dataclass
class Summary:
    """What became of a file: how many operations each."""

    taken: int = 0
    known: int = 0
    to_look_at: int = 0
    later: int = 0
    """Not now: what they are about has not come yet, or is locked. The file is brought again."""

    def count(self, result: Mapping[str, str]) -> None:
        match result["status"]:
            case "applied" | "merged":
                self.taken += 1
            case "duplicate" if result.get("of") in {"applied", "merged"}:
                self.known += 1
            case "blocked" | "retry":
                self.later += 1
            case _:
                self.to_look_at += 1


@dataclass(frozen=True)
class TabletFile:
    """What a tablet gave away as a file: the operations of one person, and boxes of others that lay there."""

    shop_id: UUID
    device_id: UUID
    stream_id: UUID
    author_id: UUID
    ops: list[dict[str, Any]]
    boxes: list[tuple[Brought, dict[str, Any]]] = field(default_factory=list)


def take_in(*, by: Membership, file: TabletFile) -> Summary:
    """Take a file into the book, each operation once however often it comes, under its author.

    Raises NotAllowed unless `by` is the owner, RuleBroken `other_shop` for another shop's file or tablet.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner takes files of tablets into the book."))
    if file.shop_id != by.shop_id:
        raise RuleBroken(_("This file is of another shop."), code="other_shop", pointer="/file")
    ops = sorted(((*_id_of(sent), sent) for sent in file.ops), key=lambda each: each[1])
    # One that is known is asked no more: it may be blocked by now.
    device = device_of(by.shop, str(file.device_id)) or register_device(by=by, id=file.device_id)
    summary = Summary()
    for op_id, seq, sent in ops:
        brought = Brought(op_id=op_id, seq=seq, stream_id=file.stream_id, author_id=file.author_id)
        summary.count(_take(by, device, brought, sent, Way.FILE))
    for brought, box in file.boxes:
        summary.count(open_box(by=by, device=device, brought=brought, box=box))
    return summary


def _id_of(sent: Mapping[str, Any]) -> tuple[UUID, int]:
    """Id and number of an operation. Raises RuleBroken for what has none: then it is no file of ours."""
    try:
        seq = sent["seq"]
        if not isinstance(seq, int) or not 0 < seq <= 2_000_000_000:
            raise ValueError(seq)
        return UUID(sent["op_id"]), seq
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RuleBroken(
            _("This is not a file that Malar saved on a tablet."), code="not_ours", pointer="/file"
        ) from error
