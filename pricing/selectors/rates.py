"""What flowers cost: at a moment, and on the board now."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.db.models.query import QuerySet

from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA
from pricing.domain import Quote, RateSource
from pricing.models import Flower, MarketRate, TimeSlot

BOARD_KEPT_S = 300


def slot_at(shop: Shop, moment: dt.datetime) -> TimeSlot | None:
    """The time slot a moment falls into, in local time and on its weekday."""
    local = moment.astimezone(KOLKATA)
    slots = TimeSlot.objects.filter(shop=shop, is_active=True, start__lte=local.time(), end__gt=local.time())
    return next((slot for slot in slots if slot.weekdays >> local.weekday() & 1), None)


def in_force(moment: dt.datetime) -> Q:
    """Rates whose period holds `moment`."""
    return Q(effective_from__lte=moment) & (Q(effective_to=None) | Q(effective_to__gt=moment))


QUOTE = """
    SELECT slot.id,
           (SELECT rate FROM pricing_marketrate WHERE flower_id = %(flower)s AND slot_id IS NULL
               AND effective_from <= %(at)s AND (effective_to IS NULL OR effective_to > %(at)s)),
           (SELECT rate FROM pricing_marketrate WHERE flower_id = %(flower)s AND slot_id = slot.id
               AND effective_from <= %(at)s AND (effective_to IS NULL OR effective_to > %(at)s))
    FROM (VALUES (1)) AS one
    LEFT JOIN pricing_timeslot AS slot
        ON slot.shop_id = %(shop)s AND slot.is_active AND slot.start <= %(clock)s AND slot."end" > %(clock)s
       AND (slot.weekdays >> %(weekday)s) & 1 = 1
"""
"""One row: the slot of the moment, the rate called, the slot's rate. In SQL so that a sale can ask it
together with its own questions, because every sale waits for it. `quote_from` reads it."""


def quote_question(shop_id: UUID, flower_id: UUID | None, moment: dt.datetime) -> dict[str, Any]:
    """The parameters of QUOTE."""
    local = moment.astimezone(KOLKATA)
    return {
        "shop": shop_id,
        "flower": flower_id,
        "at": moment,
        "clock": local.time(),
        "weekday": local.weekday(),
    }


def quote_from(slot_id: UUID | None, called: Decimal | None, slotted: Decimal | None) -> Quote:
    """The row of QUOTE as a quote: last called at or before the moment on its business day, else the slot's."""
    if called is not None:
        return Quote(called, RateSource.CALLED, slot_id)
    if slotted is not None:
        return Quote(slotted, RateSource.SLOT, slot_id)
    return Quote(None, None, slot_id)


def rate_at(flower: Flower, moment: dt.datetime) -> Quote:
    """The rate in force for a flower at a moment.

    Always from the database: a line must not be priced from a cache.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUOTE, quote_question(flower.shop_id, flower.pk, moment))
        return quote_from(*cursor.fetchone())


@dataclass(frozen=True)
class BoardRate:
    """One flower on the rate board: ₹ per unit and since when; rate None where none is in force."""

    flower_id: UUID
    rate: Decimal | None
    source: RateSource | None
    slot_id: UUID | None
    since: dt.datetime | None


def board_at(shop: Shop, moment: dt.datetime) -> list[BoardRate]:
    """Every active flower with its rate in force at `moment`. Three queries."""
    slot = slot_at(shop, moment)
    called: dict[UUID, MarketRate] = {}
    slotted: dict[UUID, MarketRate] = {}
    for rate in MarketRate.objects.filter(in_force(moment), shop=shop).filter(Q(slot=None) | Q(slot=slot)):
        (called if rate.slot_id is None else slotted)[rate.flower_id] = rate
    board = []
    for flower_id in shop.flowers.active().values_list("pk", flat=True):
        rate_now = called.get(flower_id) or slotted.get(flower_id)
        source = RateSource.CALLED if flower_id in called else RateSource.SLOT
        board.append(
            BoardRate(
                flower_id=flower_id,
                rate=rate_now.rate if rate_now else None,
                source=source if rate_now else None,
                slot_id=slot.pk if slot else None,
                since=rate_now.effective_from if rate_now else None,
            )
        )
    return board


def board_now(shop: Shop, now: dt.datetime) -> list[BoardRate]:
    """The board as people look at it, at most five minutes old and never older than the last publishing.

    Kept under the generation read *before* the rates: a publishing in between starts a new
    generation, so what was read too early is never found again.
    """
    key = f"board:{shop.pk}:{generation_of(shop)}:{slot_key(shop, now)}"
    board: list[BoardRate] | None = cache.get(key)
    if board is None:
        board = board_at(shop, now)
        cache.set(key, board, BOARD_KEPT_S)
    return board


def slot_key(shop: Shop, now: dt.datetime) -> str:
    """Changes when a slot begins or ends: minutes of the local day that any board entry depends on."""
    local = now.astimezone(KOLKATA)
    return f"{local:%Y%m%d%H}{local.minute // 5}"


def generation_of(shop: Shop) -> int:
    """How often this shop has published since Redis last started."""
    return int(cache.get(f"board-generation:{shop.pk}", 0))


def forget_board(shop: Shop) -> None:
    """Start a new generation, after the publishing has committed."""
    key = f"board-generation:{shop.pk}"
    cache.add(key, 0, None)
    cache.incr(key)


def history(shop: Shop) -> QuerySet[MarketRate]:
    """Every rate ever published, newest first."""
    return shop.market_rates.select_related("flower", "slot", "published_by__user")


def called_on(shop: Shop, day: dt.date) -> QuerySet[MarketRate]:
    """The rates that began on a business day, newest first."""
    ends = dt.datetime.combine(day, dt.time(shop.turnover_hour), tzinfo=KOLKATA) + dt.timedelta(days=1)
    starts = ends - dt.timedelta(days=1)
    return history(shop).filter(effective_from__gte=starts, effective_from__lt=ends)


def slot_rates_at(shop: Shop, moment: dt.datetime) -> dict[UUID, list[MarketRate]]:
    """The rates of all slots in force at `moment`, by flower, in order of the slots. One query."""
    rates: dict[UUID, list[MarketRate]] = {}
    for rate in (
        MarketRate.objects.filter(in_force(moment), shop=shop, slot__is_active=True)
        .select_related("slot")
        .order_by("slot__start")
    ):
        rates.setdefault(rate.flower_id, []).append(rate)
    return rates
