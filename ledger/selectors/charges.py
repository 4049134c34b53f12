"""Questions about charges."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from ledger.domain import ChargeStatus
from ledger.models import Charge, DailyEntry, DailyEntryQuerySet, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from malar.kernel.quantities import Unit
from pricing.domain import FeeBasis
from pricing.models import FeeRule


def charges_seen_by(member: Membership) -> QuerySet[Charge]:
    """The charges a member may see, with their fees: all of the shop's, or a farmer's own.

    Not those that had nothing to be charged for (`make_automatic_charges`).
    """
    charges = Charge.objects.filter(shop_id=member.shop_id, quantity__gt=0).select_related("fee", "farmer")
    return charges.filter(farmer__member=member) if member.role == Role.FARMER else charges


def charge_of(member: Membership, charge_id: UUID, *, lock: bool = False) -> Charge:
    """One charge. Raises NotFound, also for another shop's."""
    charges = charges_seen_by(member)
    if lock:
        charges = charges.select_for_update(of=("self",))
    charge = charges.filter(pk=charge_id).first()
    if charge is None:
        raise NotFound(_("There is no such charge."))
    return charge


def charges_asked(
    member: Membership,
    *,
    farmer: UUID | None = None,
    date: dt.date | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    status: str | None = None,
) -> QuerySet[Charge]:
    """The charges a member may see that match, `end` included."""
    asked = {
        "farmer_id": farmer,
        "business_date": date,
        "business_date__gte": start,
        "business_date__lte": end,
        "status": status,
    }
    return charges_seen_by(member).filter(
        **{name: value for name, value in asked.items() if value is not None}
    )


def with_charges(entries: DailyEntryQuerySet) -> DailyEntryQuerySet:
    """Each line with what is charged with it. One query more."""
    standing = (
        Charge.objects.filter(status=ChargeStatus.STANDING).select_related("fee").order_by("created_at", "pk")
    )
    return entries.prefetch_related(Prefetch("charges", standing, to_attr="standing_charges"))


def charges_with(entry: DailyEntry) -> list[Charge]:
    """What is charged with a line, its fees with it. One query, none where `with_charges` asked before."""
    known: list[Charge] | None = vars(entry).get("standing_charges")
    if known is None:
        standing = entry.charges.filter(status=ChargeStatus.STANDING).select_related("fee")
        known = vars(entry)["standing_charges"] = list(standing.order_by("created_at", "pk"))
    return known


def charges_through(entry: DailyEntry, versions: Sequence[Any]) -> list[list[Charge]]:
    """What was charged with a line at each of its versions (`versions_of`), from the history. One query.

    What was done in one unit of work belongs together; a waiving is its own and counts from then on.
    """
    events = list(
        apps.get_model("ledger", "ChargeEvent")
        .objects.filter(entry_id=entry.pk)
        .select_related("fee")
        .order_by("pgh_id")
    )
    units = [version.entry.pgh_context_id for version in versions]
    through = []
    for number, version in enumerate(versions):
        standing: dict[UUID, Charge] = {}
        for event in events:
            with_a_version = event.pgh_context_id in units
            if (
                event.pgh_context_id in units[: number + 1]
                if with_a_version
                else event.pgh_created_at <= version.at
            ):
                standing[event.id] = _as_it_was(event)
        through.append([charge for charge in standing.values() if charge.status == ChargeStatus.STANDING])
    return through


def _as_it_was(event: Any) -> Charge:
    charge = Charge()
    for field in Charge._meta.concrete_fields:
        setattr(charge, field.attname, getattr(event, field.attname))
    charge.fee = event.fee
    return charge


def charges_on(shop: Shop, day: dt.date, *, farmer: Farmer | None = None) -> list[Charge]:
    """What farmers are charged on a day, with lines or by hand, with the fees. One query."""
    charges = Charge.objects.filter(
        shop=shop, business_date=day, status=ChargeStatus.STANDING
    ).select_related("fee")
    if farmer is not None:
        charges = charges.filter(farmer=farmer)
    return list(charges.order_by("fee__code", "created_at", "pk"))


@dataclass
class Item:
    """Charges of one fee at one rate together, as papers name them. `rate` is ₹ for one, or the percentage of
    `quantity` ₹."""

    fee: FeeRule
    basis: str
    rate: Decimal
    quantity: Decimal
    amount: Decimal

    @property
    def is_percent(self) -> bool:
        return self.basis == FeeBasis.PERCENT

    @property
    def unit(self) -> str:
        """By which its quantity is written."""
        return Unit.KG if self.basis == FeeBasis.PER_KG else Unit.PIECE


def items_of(charges: Iterable[Charge]) -> list[Item]:
    """Charges as papers name them, in the order they come."""
    items: dict[tuple[UUID, Decimal], Item] = {}
    for charge in charges:
        item = items.setdefault(
            (charge.fee_id, charge.rate),
            Item(charge.fee, charge.basis, charge.rate, Decimal(0), Decimal(0)),
        )
        item.quantity += charge.quantity
        item.amount += charge.amount
    return list(items.values())


def sum_of(charges: Iterable[Charge]) -> Decimal:
    """₹."""
    return sum((charge.amount for charge in charges), Decimal(0))
