"""The history of a line in words: who did what, by which door, and what was different after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from ledger.domain import EntryStatus, RateReason, reason_words
from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import Version, versions_of
from malar.accounts.models import Shop, in_language
from malar.kernel import formatting
from malar.kernel.transactions import DOORS
from pricing.domain import RateSource
from pricing.models import Flower


@dataclass(frozen=True)
class Change:
    """One figure that became another, both as they are written."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Deed:
    """One version of a line: what was done, by whom, through which door; `changes` is empty for the first."""

    version: Version
    what: str
    door: str
    reason: str
    changes: list[Change]


def history_of(entry: DailyEntry) -> list[Deed]:
    """A line's versions, first to last, with what changed between them. Four queries."""
    versions = versions_of(entry)
    farmers = _names(entry.shop, Farmer, {version.entry.farmer_id for version in versions})
    flowers = _names(entry.shop, Flower, {version.entry.flower_id for version in versions})
    written = [_written(version.entry, farmers, flowers) for version in versions]
    return [
        Deed(
            version=version,
            what=_deed(version, versions[number - 1] if number else None),
            door=str(DOORS.get(version.door, version.door)),
            reason=reason_words(version.reason),
            changes=_changes(written[number - 1], written[number]) if number else [],
        )
        for number, version in enumerate(versions)
    ]


def changes_between(entry: DailyEntry, other: DailyEntry) -> list[Change]:
    """What is different in `other`, of the same shop, both as a reader sees them. Two queries."""
    farmers = _names(entry.shop, Farmer, {entry.farmer_id, other.farmer_id})
    flowers = _names(entry.shop, Flower, {entry.flower_id, other.flower_id})
    return _changes(_written(entry, farmers, flowers), _written(other, farmers, flowers))


@dataclass(frozen=True)
class Beside:
    """One figure as each of several versions has it, as they are written; "" where there is no such version."""

    label: str
    values: list[str]


def side_by_side(shop: Shop, groups: Sequence[Sequence[DailyEntry | None]]) -> list[list[Beside]]:
    """For each group of versions of one line what differs among them. Two queries, however many there are."""
    lines = [line for group in groups for line in group if line is not None]
    farmers = _names(shop, Farmer, {line.farmer_id for line in lines})
    flowers = _names(shop, Flower, {line.flower_id for line in lines})
    return [
        _beside([_written(line, farmers, flowers) if line else None for line in group]) for group in groups
    ]


def _beside(written: Sequence[dict[str, str] | None]) -> list[Beside]:
    labels = next((each for each in written if each), {})
    rows = [Beside(label, [each[label] if each else "" for each in written]) for label in labels]
    return [row for row in rows if len(set(filter(None, row.values))) > 1]


def _deed(version: Version, before: Version | None) -> str:
    if before is None:
        return _("Recorded")
    if version.entry.status == EntryStatus.VOIDED:
        return _("Cancelled")
    is_priced = version.entry.rate_source == RateSource.DAY and version.entry.rate != before.entry.rate
    return _("Priced") if is_priced else _("Corrected")


def _names(shop: Shop, model: type[Model], ids: set[Any]) -> Mapping[Any, str]:
    rows = model._default_manager.filter(shop=shop).in_bulk(list(ids))
    return {pk: str(row) for pk, row in rows.items()}


def _written(row: Any, farmers: Mapping[Any, str], flowers: Mapping[Any, str]) -> dict[str, str]:
    """A version's figures as a reader sees them, under the words for them."""
    return {
        _("Farmer"): farmers.get(row.farmer_id, ""),
        _("Flower"): flowers.get(row.flower_id, ""),
        _("Weight with sack"): formatting.weight(row.gross_quantity, row.unit),
        _("Sack weight"): formatting.weight(row.tare, row.unit),
        _("Quantity"): formatting.weight(row.quantity, row.unit),
        _("Sacks"): str(row.sacks),
        _("Rate"): formatting.rupees(row.rate),
        _("Rate from"): str(RateSource(row.rate_source).label) if row.rate_source else "–",
        _("Adjustments"): _adjusted(row) or "–",
        _("Reason for the rate"): str(RateReason(row.rate_reason).label) if row.rate_reason else "–",
        _("Amount"): formatting.rupees(row.amount),
        _("Commission"): formatting.rupees(row.commission),
        _("Note"): row.note or "–",
        _("Status"): str(EntryStatus(row.status).label),
        _("Reason for cancelling"): reason_words(row.void_reason) or "–",
    }


def _adjusted(row: Any) -> str:
    return ", ".join(
        in_language(each["name_ta"], each["name_en"])
        + (f" {formatting.rupees(Decimal(each['per_unit']))}" if each["per_unit"] else "")
        for each in row.adjustments
    )


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    return [Change(label, before[label], after[label]) for label in after if before[label] != after[label]]
