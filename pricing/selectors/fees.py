"""Fees in force."""

import datetime as dt
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotAllowed, NotFound
from pricing.models import FeeRule


def fees_on(shop: Shop, day: dt.date, automatic: bool | None = None) -> QuerySet[FeeRule]:
    """The shop's fees in use on a business day, by code; only those charged with every entry, or only those
    charged by hand, where it is said. At most one of a code.
    """
    held, still = Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day)
    fees = shop.fees.filter(held, still, is_active=True).order_by("code")
    return fees if automatic is None else fees.filter(automatic=automatic)


def fees_asked(
    member: Membership, *, code: str | None = None, is_active: bool | None = None, on: dt.date | None = None
) -> QuerySet[FeeRule]:
    """The shop's fees, those that are over too, narrowed by what is given; `on`: in use on that day.

    Raises NotAllowed for farmers: what they are charged is on their slips.
    """
    if member.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may see the list of fees."))
    fees = member.shop.fees.all() if on is None else fees_on(member.shop, on)
    if code is not None:
        fees = fees.filter(code=code)
    return fees if is_active is None else fees.filter(is_active=is_active)


def fee_of(member: Membership, fee_id: UUID) -> FeeRule:
    """One fee. Raises NotFound, also for another shop's; NotAllowed for farmers."""
    fee = fees_asked(member).filter(pk=fee_id).first()
    if fee is None:
        raise NotFound(_("There is no such fee."))
    return fee
