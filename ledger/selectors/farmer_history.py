"""The history of a farmer in words: who changed what, by which door."""

from typing import Any

from django.utils.translation import gettext as _

from ledger.domain import Cadence, Recovery
from ledger.models import Farmer
from ledger.selectors.entries import versions_of
from ledger.selectors.history import Change, Deed
from malar.accounts.domain import Language
from malar.kernel import formatting
from malar.kernel.transactions import DOORS


def history_of_farmer(farmer: Farmer) -> list[Deed]:
    """A farmer's versions, newest first, with what changed between them. Two queries."""
    versions = versions_of(farmer)
    written = [_written(version.entry) for version in versions]
    deeds = [
        Deed(
            version=version,
            what=_("Changed") if number else _("Taken into the book"),
            door=str(DOORS.get(version.door, version.door)),
            reason=version.reason,
            changes=_changes(written[number - 1], written[number]) if number else [],
        )
        for number, version in enumerate(versions)
    ]
    return deeds[::-1]


def _written(row: Any) -> dict[str, str]:
    """A version's particulars as a reader sees them, under the words for them."""
    return {
        _("Number"): str(row.number),
        _("Farmer code"): row.code,
        _("Name in Tamil"): row.name_ta,
        _("Name in English"): row.name_en or "–",
        _("Village in Tamil"): row.village_ta or "–",
        _("Village in English"): row.village_en or "–",
        _("Mobile number"): row.phone or "–",
        _("WhatsApp number"): row.whatsapp or "–",
        _("Language"): str(Language(row.language).label),
        _("Commission"): "–" if row.commission_pct is None else formatting.percent(row.commission_pct),
        _("Settled"): str(Cadence(row.cadence).label),
        _("Advance recovery"): str(Recovery(row.recovery).label),
        _("Recovery, ₹ or percent"): "–" if row.recovery_value is None else f"{row.recovery_value:f}",
        _("UPI address"): row.upi or "–",
        _("Active"): _("yes") if row.is_active else _("no"),
    }


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    return [Change(label, before[label], after[label]) for label in after if before[label] != after[label]]
