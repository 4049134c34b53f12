"""Fees in force."""

import datetime as dt
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from malar.accounts.models import Shop
from malar.kernel.errors import NotFound
from pricing.models import FeeRule


def fees_on(shop: Shop, day: dt.date, automatic: bool | None = None) -> QuerySet[FeeRule]:
    """The shop's fees in use on a business day, by code; only those charged with every entry, or only those
    charged by hand, where it is said. At most one of a code.
    """
    held, still = Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day)
    fees = shop.fees.filter(held, still, is_active=True).order_by("code")
    return fees if automatic is None else fees.filter(automatic=automatic)


def fees_asked(
    shop: Shop, *, code: str | None = None, is_active: bool | None = None, on: dt.date | None = None
) -> QuerySet[FeeRule]:
    """The shop's fees, those that are over too, narrowed by what is given; `on`: in use on that day."""
    fees = shop.fees.all() if on is None else fees_on(shop, on)
    if code is not None:
        fees = fees.filter(code=code)
    return fees if is_active is None else fees.filter(is_active=is_active)


def fee_of(shop: Shop, fee_id: UUID) -> FeeRule:
    """One fee. Raises NotFound, also for another shop's."""
    fee = shop.fees.filter(pk=fee_id).first()
    if fee is None:
        raise NotFound(_("There is no such fee."))
    return fee
