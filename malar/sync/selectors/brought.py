"""What others than their authors brought."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.models import Farmer
from malar.accounts.models import Membership, Shop
from malar.sync.domain import Outcome
from malar.sync.models import HandedIn, SyncOp


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
    said = {row.pk: set_in(ops[row.pk].body if row.pk in ops else row.kept) for row in rows}
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


def set_in(body: Any) -> dict[str, Any]:
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
