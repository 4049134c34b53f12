"""Corrections that met another one: put over what stands, or kept for a person, who decides once.

The ledger's own steps write what comes of it (`correct_line`, `strike`, `put_right`). Whatever was not simply the
next version leaves a `ConflictAudit` behind (offline.md, d 37–43).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from ledger.api.entries import changes_said
from ledger.api.serializers import EntryChanges, Voiding
from ledger.domain import EntryKind, EntryStatus, ReviewReason, most_usual
from ledger.models import DailyEntry
from ledger.selectors.answers import entry_answer
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import lines_beside, version_of
from ledger.services import entries as book
from ledger.services.corrections import put_right
from ledger.services.entries import Changes, check_stands, check_version, correct_line, held, put_in, strike
from ledger.services.faults import reason_said
from ledger.services.partitions import ensure_month
from ledger.services.quantities import LARGEST
from malar.accounts.models import Membership
from malar.kernel import errors
from malar.kernel.clock import business_date_of
from malar.kernel.drf import Body, Id, Text
from malar.kernel.errors import NotFound, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.rest import read
from malar.kernel.transactions import in_unit, step, tell_database
from malar.sync.merge import RATE, Choice, ConflictKind, Facts, Merged, Rule, merge
from malar.sync.models import Conflict, ConflictAudit, Device, Stream
from malar.sync.selectors.conflicts import facts_of, line_with
from pricing.domain import RateSource

Decided = ConflictAudit.Decided


class AlreadyResolved(errors.Conflict):
    """Somebody decided before; `by` is his name."""

    def __init__(self, conflict: Conflict, by: Membership) -> None:
        self.by, self.choice = by.user.name, conflict.choice
        detail = _("%(name)s has decided this already: %(choice)s.") % {
            "name": self.by,
            "choice": Choice(conflict.choice).label,
        }
        super().__init__(detail, code="already_resolved")


@dataclass(frozen=True)
class Sent:
    """An operation, who sends it, from which queue, and when it was typed and received."""

    by: Membership
    stream: Stream
    said: Mapping[str, Any]
    captured_at: dt.datetime
    received_at: dt.datetime


@dataclass(frozen=True)
class Outcome:
    """`applied`, `merged` or `conflict`, with the line as it stands then (`entry_answer`)."""

    status: str
    entity: dict[str, Any]
    conflict: Conflict | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the tablet had before it: `version` None where only that tablet ever had it."""

    facts: Facts
    version: int | None


# --- What tablets send -------------------------------------------------------------------------------


@step
def corrected(sent: Sent) -> Outcome:
    """Correct a line: as it was sent where nobody came before, else merged, else for a person.

    Raises NotFound, NotAllowed for somebody else's line, RuleBroken naming each refused field.
    """
    by, said = sent.by, sent.said
    changes, reason = _changes_in(said["set"])
    if reason:
        tell_database(by, reason)
    entry = held(by, said["entity_id"])
    seen = _seen_by(sent, entry)
    theirs = facts_of(entry)
    # The other side of the comparison is the ledger's own work: what it would have made of what the tablet saw.
    line = line_with(entry, seen.facts if seen else theirs)
    if entry.kind != EntryKind.REVERSAL:
        put_in(line, changes, by)
    mine = facts_of(line)
    if kind := _never_changed(entry):
        return _opened(sent, kind, entry, seen, mine)
    if seen is None:
        return _opened(sent, ConflictKind.UNKNOWN_BASE, entry, seen, mine)
    if seen.version == entry.version:
        return Outcome("applied", entry_answer(correct_line(by, entry.pk, entry.version, changes)))
    found = merge(seen.facts, _typed(mine, seen.facts, changes), theirs, most=_most(entry))
    if not isinstance(found, Merged):
        return _opened(sent, found, entry, seen, mine)
    if wanted := _as_changes(found.changes, mine):
        entry = correct_line(by, entry.pk, entry.version, wanted)
    _audit(sent, entry, seen, mine, theirs, found.rules)
    flags = (ReviewReason.RATE_DIFFERS.value,) if found.rules.get("rate") == Rule.SERVER else ()
    return Outcome("merged", entry_answer(entry), flags=flags)


@step
def struck(sent: Sent) -> Outcome:
    """Cancel a line that stands as the tablet saw it; one that changed since is for a person.

    One that is cancelled already is what was wanted. Raises NotFound, NotAllowed, RuleBroken without a reason.
    """
    by, said = sent.by, sent.said
    reason = reason_said(read(Voiding, said["set"])["reason"])
    tell_database(by, reason)
    entry = held(by, said["entity_id"])
    seen = _seen_by(sent, entry)
    theirs = facts_of(entry)
    mine = replace(seen.facts if seen else theirs, status=EntryStatus.VOIDED.value, void_reason=reason)
    if entry.is_voided:
        _audit(sent, entry, seen, mine, theirs, {"status": Rule.SAME.value})
        return Outcome("merged", entry_answer(entry))
    kind = _never_changed(entry)
    if kind is None and seen is None:
        kind = ConflictKind.UNKNOWN_BASE
    if kind is None and seen is not None and seen.version != entry.version:
        kind = ConflictKind.CANCEL
    if kind is not None:
        return _opened(sent, kind, entry, seen, mine)
    return Outcome("applied", strike(by, entry.pk, reason, entry.version))


def _changes_in(said: Mapping[str, Any]) -> tuple[Changes, str]:
    """The corrections in a `set`, and why."""
    facts = read(EntryChanges, {**said, "version": 0})
    del facts["version"]
    reason = facts.pop("reason", "").strip()
    return changes_said(facts), reason


def _seen_by(sent: Sent, entry: DailyEntry) -> Seen | None:
    """What the tablet saw when it was corrected there, from the server's own history; None where nobody knows.

    With a version: that one, whatever else of this queue came since; a correction that was sealed when its author
    left comes later than those he made after it. Without: it was typed before the answer to an earlier one of the
    same queue was there, and saw that one's effect and not what others had done.
    """
    version: int | None = sent.said["base_version"]
    if version is None:
        return _seen_before_its_answer(sent, entry)
    row = version_of(entry, version)
    return None if row is None else Seen(facts_of(row), version)


def _seen_before_its_answer(sent: Sent, entry: DailyEntry) -> Seen | None:
    before = (
        sent.stream.ops.filter(seq__lt=sent.said["seq"], body__entity_id=str(entry.pk))
        .filter(result__status__in=["applied", "merged", "conflict"])
        .order_by("-seq")
        .first()
    )
    if before is None or before.result["status"] == "conflict":
        return None
    if before.result["status"] == "merged":
        return Seen(Facts.of_json(before.audits.order_by("pk")[0].client), None)
    version = before.result["version"]
    row = version_of(entry, version)
    return None if row is None else Seen(facts_of(row), version)


def _never_changed(entry: DailyEntry) -> ConflictKind | None:
    """Why a line cannot be corrected any more, if it cannot."""
    try:
        check_stands(entry)
    except errors.Conflict as stands:
        return ConflictKind(stands.code)
    if entry.kind == EntryKind.REVERSAL:
        return ConflictKind.CORRECTED
    return ConflictKind.DAY_LOCKED if is_locked(entry.shop, entry.business_date) else None


def _most(entry: DailyEntry) -> Any:
    """The largest quantity that a merge may make: nobody typed it."""
    return most_usual(lines_beside(entry)) or LARGEST


def _typed(mine: Facts, base: Facts, changes: Changes) -> Facts:
    """The line with what was typed and without what follows from it, for that will follow again."""
    after: dict[str, Any] = {}
    if not {"rate", "rate_reason", "adjustments"} & changes.keys():
        after |= {name: getattr(base, name) for name in RATE}
    for name in ("commission_pct", "commission_per_unit"):
        if name not in changes:
            after[name] = getattr(base, name)
    return replace(mine, **after)


def _as_changes(changes: Mapping[str, Any], mine: Facts) -> Changes:
    """What `merge` says of a line, as `correct_line` takes it."""
    said = dict(changes)
    wanted: dict[str, Any] = {f"{name}_id": said.pop(name) for name in ("farmer", "flower") if name in said}
    if "gross_quantity" in said:
        wanted |= _figures_of(mine)
        said = {name: value for name, value in said.items() if name not in book.FIGURES}
    if {"rate", "rate_source"} & said.keys():
        is_typed = mine.rate_source == RateSource.MANUAL
        wanted |= {"rate": mine.rate if is_typed else None, "rate_reason": mine.rate_reason}
        if not is_typed:
            said["adjustments"] = mine.adjustments
        else:
            said.pop("adjustments", None)
    if "adjustments" in said:
        wanted["adjustments"] = [UUID(each["id"]) for each in said.pop("adjustments")]
    said = {name: value for name, value in said.items() if name not in ("rate", "rate_source")}
    return cast(Changes, said | wanted)


def _figures_of(facts: Facts) -> dict[str, Any]:
    """All figures of a line, as `correct_line` takes them."""
    if facts.gross_quantity is None:
        return {"quantity": facts.quantity, "sacks": facts.sacks}
    figures = {"gross_quantity": facts.gross_quantity, "tare": facts.tare, "sacks": facts.sacks}
    return figures | ({"sack_weights": list(facts.sack_weights)} if facts.sack_weights else {})


@step
def _opened(sent: Sent, kind: ConflictKind, entry: DailyEntry, seen: Seen | None, mine: Facts) -> Outcome:
    """Keep it for a person; nothing in the book changes."""
    theirs = facts_of(entry)
    conflict = Conflict.objects.create(
        shop=sent.by.shop,
        op_id=sent.said["op_id"],
        entity_id=entry.pk,
        kind=kind,
        base=seen.facts.as_json() if seen else None,
        mine=mine.as_json(),
        theirs=theirs.as_json(),
        version=entry.version,
        device_id=sent.stream.device_id,
        author=sent.by,
        opened_at=sent.received_at,
    )
    _audit(sent, entry, seen, mine, theirs, {kind.value: Rule.MANUAL.value}, conflict)
    return Outcome("conflict", entry_answer(entry), conflict=conflict)


@step
def _audit(
    sent: Sent,
    entry: DailyEntry,
    seen: Seen | None,
    mine: Facts,
    theirs: Facts,
    rules: Mapping[str, str],
    conflict: Conflict | None = None,
) -> None:
    ConflictAudit.objects.create(
        shop=sent.by.shop,
        op_id=sent.said["op_id"],
        conflict=conflict,
        entity_id=entry.pk,
        base=seen.facts.as_json() if seen else None,
        client=mine.as_json(),
        server=theirs.as_json(),
        result=facts_of(entry).as_json(),
        rules=dict(rules),
        decided=Decided.AUTO,
        by=sent.by,
        device_id=sent.stream.device_id,
        captured_at=sent.captured_at,
        at=sent.received_at,
    )


# --- What a person decides ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How a conflict ends: the choice, why, and the version of the line that he who decides has before him.

    `changes` are the figures of `adjust`.
    """

    choice: str
    reason: str
    expected_version: int
    changes: Changes | None = None


def resolve_conflict(*, by: Membership, conflict_id: UUID, decision: Decision) -> DailyEntry:
    """Decide a conflict on a page; see `resolved`."""
    begin_resolving(by)
    return in_unit(lambda: resolved(by, conflict_id, decision), by=by, reason=decision.reason.strip())


def begin_resolving(by: Membership) -> None:
    """Make today's month, before the unit of work in which a settled line may be put right."""
    ensure_month(business_date_of(timezone.now(), by.shop.turnover_hour))


@step
def resolved(
    by: Membership, conflict_id: UUID, decision: Decision, *, device: Device | None = None
) -> DailyEntry:
    """Decide a conflict, once: the book gets what the tablet wanted, or other figures, or stays as it is.

    Answers the line that stands then: a settled one is not touched, its correction is written today (architecture
    §5.6). Raises NotFound, NotAllowed for somebody else's line, AlreadyResolved, Conflict `stale` where the line
    is not in `expected_version` any more, what `correct_line`, `strike` and `put_right` raise, RuleBroken
    `required` without a reason, `nothing_changed` without figures to adjust.
    """
    conflict = (
        Conflict.objects.select_for_update(of=("self",))
        # Not who decided: a joined row is the one from before the wait for the lock.
        .select_related("op")
        .filter(shop=by.shop, pk=conflict_id)
        .first()
    )
    if conflict is None:
        raise NotFound(_("There is no such conflict."))
    entry = held(by, conflict.entity_id)
    if conflict.resolved_by is not None:
        raise AlreadyResolved(conflict, conflict.resolved_by)
    reason = reason_said(decision.reason)
    check_version(entry, decision.expected_version)
    tell_database(by, reason)
    theirs = facts_of(entry)
    if decision.choice != Choice.THEIRS:
        entry = _written(by, entry, conflict, decision)
    now = timezone.now()
    conflict.resolved_at, conflict.resolved_by = now, by
    conflict.choice, conflict.reason = decision.choice, reason
    conflict.save(update_fields=["resolved_at", "resolved_by", "choice", "reason"])
    ConflictAudit.objects.create(
        shop=by.shop,
        op=conflict.op,
        conflict=conflict,
        entity_id=conflict.entity_id,
        base=conflict.base,
        client=conflict.mine,
        server=theirs.as_json(),
        result=facts_of(entry).as_json(),
        rules={"choice": decision.choice},
        decided=Decided.USER,
        by=by,
        device=device,
        reason=reason,
        at=now,
    )
    return entry


@step
def _written(by: Membership, entry: DailyEntry, conflict: Conflict, decision: Decision) -> DailyEntry:
    """The line with what was decided, by the ledger's own steps."""
    changes = _decided_changes(conflict, decision)
    try:
        check_stands(entry)
    except errors.Conflict as stands:
        if stands.code != ConflictKind.SETTLED:
            raise
        now = timezone.now()
        day = business_date_of(now, by.shop.turnover_hour)
        made = new_id()
        put_right(by, entry.pk, changes, id=made, at=now, day=day)
        return held(by, entry.pk if changes is None else made)
    if changes is None:
        strike(by, entry.pk, conflict.op.body["set"]["reason"], entry.version)
        return held(by, entry.pk)
    return correct_line(by, entry.pk, entry.version, changes)


def _decided_changes(conflict: Conflict, decision: Decision) -> Changes | None:
    """The figures that were decided for; None: the line is cancelled."""
    if decision.choice == Choice.ADJUST:
        if not decision.changes:
            raise RuleBroken(_("Nothing is different. Change what was wrong."), code="nothing_changed")
        return decision.changes
    if conflict.op.body["operation"] == "DELETE":
        return None
    changes, _reason = _changes_in(conflict.op.body["set"])
    if not changes.keys() & set(book.FIGURES):
        return changes
    # What the tablet had before it as a whole: its weight was typed over the sack that it saw.
    others = {name: value for name, value in changes.items() if name not in book.FIGURES}
    return cast(Changes, others | _figures_of(Facts.of_json(conflict.mine)))


class Resolution(Body):
    """The `set` of RESOLVE."""

    conflict = Id()
    choice = serializers.ChoiceField(Choice.values)
    set = serializers.DictField(required=False, allow_null=True)
    reason = Text()
    expected_version = serializers.IntegerField(min_value=1, max_value=2_000_000_000)


def decision_said(said: Mapping[str, Any]) -> tuple[UUID, Decision]:
    """Which conflict a tablet decides, and how. Raises ValidationError naming what cannot be read."""
    facts = read(Resolution, said)
    changes = _changes_in(facts["set"])[0] if facts.get("set") else None
    decision = Decision(
        choice=facts["choice"],
        reason=facts["reason"],
        expected_version=facts["expected_version"],
        changes=changes,
    )
    return facts["conflict"], decision
