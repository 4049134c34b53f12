"""Catalogue and rates as programs ask for them."""

import datetime as dt
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from malar.accounts.models import Shop
from malar.kernel.errors import NotFound, RuleBroken
from pricing.models import Flower, MarketRate, TimeSlot

Row = TypeVar("Row", bound=Model)


def sold(rows: QuerySet[Row], is_active: bool | None) -> QuerySet[Row]:
    """Flowers or slots in use, out of use, or (None) both."""
    return rows if is_active is None else rows.filter(is_active=is_active)


def rates_published(
    shop: Shop,
    *,
    flower: UUID | None = None,
    slot: UUID | None = None,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
) -> QuerySet[MarketRate]:
    """The shop's rates that came into force from `start` on and before `end`."""
    asked = {"flower_id": flower, "slot_id": slot, "effective_from__gte": start, "effective_from__lt": end}
    return shop.market_rates.filter(**{name: value for name, value in asked.items() if value is not None})


def flower_of(shop: Shop, flower_id: UUID) -> Flower:
    """One flower. Raises NotFound, also for another shop's."""
    flower = shop.flowers.filter(pk=flower_id).first()
    if flower is None:
        raise NotFound(_("There is no such flower."))
    return flower


def flower_named(shop: Shop, flower_id: UUID) -> Flower:
    """The flower a request names. Raises RuleBroken `unknown_flower`, also for another shop's."""
    flower = shop.flowers.filter(pk=flower_id).first()
    if flower is None:
        raise RuleBroken(
            _("This flower is not in your shop's list."), code="unknown_flower", pointer="/flower"
        )
    return flower


def slot_named(shop: Shop, slot_id: UUID | None) -> TimeSlot | None:
    """The slot a request names, if it does. Raises RuleBroken `unknown_slot`, also for another shop's."""
    if slot_id is None:
        return None
    slot = shop.time_slots.filter(pk=slot_id).first()
    if slot is None:
        raise RuleBroken(
            _("This time slot is not in your shop's list."), code="unknown_slot", pointer="/slot"
        )
    return slot
