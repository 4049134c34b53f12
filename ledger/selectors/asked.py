"""Farmers and lines as programs ask for them."""

import datetime as dt
from typing import Any
from uuid import UUID

from ledger.models import Charge, DailyEntry, DailyEntryQuerySet, FarmerQuerySet
from ledger.selectors.answers import entry_answer
from ledger.selectors.charges import charges_through, with_charges
from ledger.selectors.entries import Version, entries_seen_by, versions_of
from ledger.selectors.farmers import farmers_seen_by
from malar.accounts.models import Membership
from malar.kernel.wire import moment


def farmers_asked(member: Membership, *, search: str = "", is_active: bool | None = None) -> FarmerQuerySet:
    """The farmers a member may see that match, in use, out of use, or (None) both."""
    farmers = farmers_seen_by(member)
    if is_active is not None:
        farmers = farmers.filter(is_active=is_active)
    return farmers.matching(search) if search.strip() else farmers


def entries_asked(
    member: Membership,
    *,
    farmer: UUID | None = None,
    flower: UUID | None = None,
    date: dt.date | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    status: str | None = None,
    rate_pending: bool | None = None,
) -> DailyEntryQuerySet:
    """The lines a member may see that match, `end` included. Days choose the partitions that are read."""
    asked = {
        "farmer_id": farmer,
        "flower_id": flower,
        "business_date": date,
        "business_date__gte": start,
        "business_date__lte": end,
        "status": status,
        "rate__isnull": rate_pending,
    }
    seen = entries_seen_by(member).filter(
        **{name: value for name, value in asked.items() if value is not None}
    )
    return with_charges(seen)


def version_answers(entry: DailyEntry) -> list[dict[str, Any]]:
    """Every version of a line, first to last: the line as it stood with its charges, and who made it so, by
    which door, when and why. Three queries.
    """
    versions = versions_of(entry)
    charges = charges_through(entry, versions)
    return [_version_answer(version, charged) for version, charged in zip(versions, charges, strict=True)]


def _version_answer(version: Version, charged: list[Charge]) -> dict[str, Any]:
    line = DailyEntry()
    vars(line)["standing_charges"] = charged
    for field in DailyEntry._meta.concrete_fields:
        setattr(line, field.attname, getattr(version.entry, field.attname))
    return {
        "version": line.version,
        "at": moment(version.at),
        "by": version.by,
        "door": version.door,
        "reason": version.reason,
        "entry": entry_answer(line),
    }
