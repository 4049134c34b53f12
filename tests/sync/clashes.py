"""Corrections that met others, for tests that are about something else."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from ledger.models import DailyEntry
from ledger.services.entries import edit_entry
from malar.accounts.models import Membership
from malar.sync.models import Conflict
from tests.sync.test_ops import Tablet

TEN = {"gross_quantity": Decimal("10.200"), "tare": Decimal("0.200"), "sacks": 1, "rate": Decimal(900)}


def edit(tablet: Tablet, line: DailyEntry, version: int | None = 1, **said: Any) -> dict[str, Any]:
    return tablet.op("UPDATE", entity_id=str(line.pk), base_version=version, set=said)


def cancel(tablet: Tablet, line: DailyEntry, version: int | None = 1) -> dict[str, Any]:
    return tablet.op("DELETE", entity_id=str(line.pk), base_version=version, set={"reason": "written twice"})


def one(tablet: Tablet, op: dict[str, Any]) -> dict[str, Any]:
    (result,) = tablet.send(op)
    return result


def resolve(tablet: Tablet, result: dict[str, Any], choice: str, **said: Any) -> dict[str, Any]:
    facts = {
        "conflict": result["conflict"],
        "choice": choice,
        "reason": "asked Raja",
        "expected_version": result["version"],
        **said,
    }
    return one(tablet, tablet.op("RESOLVE", "conflict", entity_id=result["conflict"], set=facts))


def changed(line: DailyEntry, by: Membership, **changes: Any) -> DailyEntry:
    """Somebody corrects it on a page."""
    line.refresh_from_db()
    return edit_entry(by=by, entry_id=line.pk, version=line.version, changes=changes)  # type: ignore[arg-type]


def present(line: DailyEntry) -> DailyEntry:
    return DailyEntry.objects.get(pk=line.pk)


def a_conflict_about(line: DailyEntry, author: Membership) -> Conflict:
    """A tablet of `author` corrected a version of his line that nobody knows."""
    tablet = Tablet(author)
    op = tablet.op("UPDATE", entity_id=str(line.pk), base_version=99, set={"note": "wet"})
    (result,) = tablet.send(op)
    return Conflict.objects.get(pk=result["conflict"])


def clash(owner: Membership, clerk: Membership, lines: list[DailyEntry]) -> None:
    """Four lines of the clerk that the owner corrected while his tablet did, too: a weight and a cancellation that
    wait, a weight that was added, and another that the owner has decided."""
    tablet = Tablet(clerk)
    weight, cancelled, added, decided = lines
    results = []
    for line, hers, his, operation in (
        (weight, "0.2", "0.3", "UPDATE"),
        (cancelled, "0.9", "1", "DELETE"),
        (added, "0.95", "1.1", "UPDATE"),
        (decided, "0.3", "0.1", "UPDATE"),
    ):
        before = line.gross_quantity or Decimal(0)
        gross, typed = ((before * Decimal(part)).quantize(Decimal("0.1")) + line.tare for part in (hers, his))
        edit_entry(
            by=owner,
            entry_id=line.pk,
            version=1,
            changes={"gross_quantity": gross, "note": "ஈரப் பூ"},
            reason="weight misread",
        )
        said = (
            {"reason": "written twice"}
            if operation == "DELETE"
            else {"gross_quantity": str(typed), "sacks": 2}
        )
        op = tablet.op(operation, entity_id=str(line.pk), base_version=1, set=said)
        results += tablet.send(op)
    facts = {
        "conflict": results[3]["conflict"],
        "choice": "theirs",
        "reason": "தராசில் மீண்டும் பார்த்தேன்",
        "expected_version": 2,
    }
    other = Tablet(owner)
    other.send(other.op("RESOLVE", "conflict", entity_id=str(uuid4()), set=facts))
