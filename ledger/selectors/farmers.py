"""Questions about farmers."""

from uuid import UUID

from django.utils.translation import gettext as _

from ledger.models import Farmer, FarmerQuerySet
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from malar.kernel.quantities import TAMIL_DIGITS


def farmers_seen_by(member: Membership) -> FarmerQuerySet:
    """The farmers a member may see: all of the shop's, or himself."""
    farmers = Farmer.objects.filter(shop_id=member.shop_id)
    return farmers.filter(member=member) if member.role == Role.FARMER else farmers


def farmer_of(member: Membership, farmer_id: UUID, *, lock: bool = False) -> Farmer:
    """One farmer. Raises NotFound, also for another shop's."""
    farmers = farmers_seen_by(member)
    farmer = (farmers.select_for_update() if lock else farmers).filter(pk=farmer_id).first()
    if farmer is None:
        raise NotFound(_("There is no such farmer."))
    return farmer


def find_farmer(shop: Shop, words: str) -> Farmer | None:
    """The farmer meant by what somebody typed: his number or his code, alone or before his name.

    `14`, `௧௪`, `014`, `F014`, `f014`, `14 P. Raja`. None where nobody is meant.
    """
    first = words.translate(TAMIL_DIGITS).split(maxsplit=1)[0] if words.strip() else ""
    if first.isdecimal() and len(first) <= 4:
        farmer = shop.farmers.filter(number=int(first)).first()
        if farmer is not None:
            return farmer
    return shop.farmers.filter(code__iexact=first).first() if first else None


def farmers_listed(shop: Shop, *, words: str = "", is_active: bool | None = True) -> FarmerQuerySet:
    """The shop's farmers in order of their numbers; `is_active` None is all of them."""
    farmers = Farmer.objects.filter(shop=shop)
    if is_active is not None:
        farmers = farmers.filter(is_active=is_active)
    return farmers.matching(words) if words.strip() else farmers
