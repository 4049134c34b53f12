"""Putting right what is settled: the line stays, two others correct it (architecture §5.6)."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import EntryKind
from ledger.events import EntryCorrected, EntryVoided
from ledger.models import DailyEntry
from ledger.selectors.answers import entry_answer
from ledger.selectors.entries import correction_of, entry_of, is_settled, may_change
from ledger.services.entries import Changes, insert, put_in
from ledger.services.faults import length_faults, refusal
from ledger.services.partitions import ensure_month
from ledger.services.posting import closed_day_refused
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record


def correct_settled_entry(
    *,
    by: Membership,
    entry_id: UUID,
    changes: Changes | None,
    reason: str,
    key: UUID,
    now: dt.datetime | None = None,
) -> Answer:
    """Correct a line that is settled: a reversal of it and a replacement with the changes, both dated today.

    The line itself is never touched; the two fall into the next settlement. Without `changes` there is no
    replacement: it counts for nothing any more. Rate and commission of the replacement stay as they were
    frozen, unless they or the farmer are what is corrected. What was charged for it stays charged. A
    correction that is settled too is corrected like any other line. `now` is the clock unless given.

    The answer is `{"original": id, "reversal": entry_answer, "replacement": entry_answer or null}`. Raises
    NotFound, NotAllowed for somebody else's line, Conflict `not_settled`, `mirror` for a reversal and
    `corrected` for a line that has its reversal, RuleBroken `day_locked` and naming each refused field.
    """
    reason = reason.strip()
    if not reason:
        raise RuleBroken(_("Say why the slip is corrected."), code="required", pointer="/reason")
    if faults := length_faults("/reason", reason):
        raise refusal(faults)
    if changes is not None and not changes:
        raise RuleBroken(_("Nothing is different. Change what was wrong."), code="nothing_changed")
    at = now or timezone.now()
    day = business_date_of(at, by.shop.turnover_hour)
    ensure_month(day)
    made = new_id()

    said = {"correct": entry_id, "changes": changes, "reason": reason}

    def correct() -> dict[str, Any]:
        return put_right(by, entry_id, changes, id=made, at=at, day=day)

    return once(by=by, key=key, body=said, made=made, effect=correct, reason=reason)


@step
def put_right(
    by: Membership, entry_id: UUID, changes: Changes | None, *, id: UUID, at: dt.datetime, day: dt.date
) -> dict[str, Any]:
    """What `correct_settled_entry` does, as a part of somebody's unit of work; `id` is the replacement's.

    The month of `day` is there (`ensure_month`).
    """
    original = _toput_in(by, entry_id)
    with closed_day_refused(day, ""):
        reversal = reverse_entry(original, by=by, at=at, day=day)
        replacement = None
        if changes is not None:
            replacement = _replace(original, changes, by=by, id=id, at=at, day=day)
    if replacement is None:
        record(EntryVoided(entry=original.pk, farmer=original.farmer_id), shop=by.shop)
    else:
        record(EntryCorrected(entry=replacement.pk, farmer=replacement.farmer_id, version=1), shop=by.shop)
    return {
        "original": str(original.pk),
        "reversal": entry_answer(reversal),
        "replacement": entry_answer(replacement) if replacement else None,
    }


@step
def reverse_entry(entry: DailyEntry, *, by: Membership, at: dt.datetime, day: dt.date) -> DailyEntry:
    """Write the mirror of a line, dated `day`: the same farmer, flower, rate and commission, and minus its quantity.

    Amount and commission are the line's own to the paisa with the other sign, because halves round away
    from zero. Whoever calls it has seen to it that the line has no other reversal.
    """
    reversal = DailyEntry(
        id=new_id(),
        shop=by.shop,
        farmer_id=entry.farmer_id,
        flower_id=entry.flower_id,
        slot_id=entry.slot_id,
        business_date=day,
        kind=EntryKind.REVERSAL,
        corrects=entry.pk,
        corrects_date=entry.business_date,
        captured_at=at,
        received_at=at,
        quantity=-entry.quantity,
        unit=entry.unit,
        called_rate=entry.called_rate,
        rate=entry.rate,
        rate_source=entry.rate_source,
        rate_reason=entry.rate_reason,
        adjustments=entry.adjustments,
        commission_pct=entry.commission_pct,
        commission_per_unit=entry.commission_per_unit,
        created_by=by,
    )
    insert(reversal)
    return reversal


@step
def _replace(
    original: DailyEntry, changes: Changes, *, by: Membership, id: UUID, at: dt.datetime, day: dt.date
) -> DailyEntry:
    """Write the line as it should have been. It is corrected first and moved to today after that: a rate
    that is asked of the board anew is the one of the day when the flowers came."""
    line = entry_of(by, original.pk)
    put_in(line, changes, by)
    line.id = id
    line.kind, line.corrects, line.corrects_date = EntryKind.REPLACEMENT, original.pk, original.business_date
    line.business_date, line.captured_at, line.received_at = day, at, at
    line.slip_number, line.slip_is_taken = "", False
    line.version, line.created_by = 1, by
    insert(line)
    return line


@step
def _toput_in(by: Membership, entry_id: UUID) -> DailyEntry:
    """The settled line, with everybody else who wants to correct it kept waiting until the commit.

    No unique key can say "one standing reversal of a line": the book lies in months, and the reversal in
    another one than its line (ledger.md, d.5).
    """
    _hold(entry_id)
    entry = entry_of(by, entry_id)
    if not may_change(by, entry):
        raise NotAllowed(_("Only the owner may change what somebody else entered."))
    if entry.kind == EntryKind.REVERSAL:
        raise Conflict(
            _("A reversing entry mirrors another one and is never changed."),
            code="mirror",
            current=entry_answer(entry),
        )
    if not is_settled(entry):
        raise Conflict(
            _("This slip is not settled yet. Correct it itself."),
            code="not_settled",
            current=entry_answer(entry),
        )
    if reversal := correction_of(entry):
        raise Conflict(
            _("This slip was corrected by %(slip)s. It stays as it is.") % {"slip": reversal.slip_label},
            code="corrected",
            current=entry_answer(reversal),
        )
    return entry


@step
def _hold(entry_id: UUID) -> None:
    """Let nobody else correct this line before the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(4, hashtext(%s))", [str(entry_id)])
