"""Corrections that met others: what waits for a person, and what was decided."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from ledger.domain import reason_words
from ledger.models import DailyEntry
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import Version, correction_of, is_settled, versions_of
from ledger.selectors.history import Beside, side_by_side
from malar.accounts.models import Shop
from malar.kernel.money import line_amount, line_commission
from malar.kernel.wire import moment
from malar.sync.merge import Choice, Facts, taken_over
from malar.sync.models import Conflict, ConflictAudit

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
