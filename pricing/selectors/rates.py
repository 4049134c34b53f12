"""What flowers cost: at a moment, on the board now, and beside what they cost before."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.db.models import F, Max, Min, Q
from django.db.models.query import QuerySet

from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA, business_date_of
from pricing.domain import PricingMode, Quote, RateSource, is_far
from pricing.models import Flower, MarketRate, TimeSlot

BOARD_KEPT_S = 300
FRESH = dt.timedelta(minutes=5)


def slot_at(shop: Shop, moment: dt.datetime) -> TimeSlot | None:
    """The time slot a moment falls into: of those in force on its business day, by its local time and weekday."""
    local = moment.astimezone(KOLKATA)
    slots = shop.time_slots.on(business_date_of(moment, shop.turnover_hour), local.weekday())
    return slots.filter(start__lte=local.time(), end__gt=local.time()).first()


def in_force(moment: dt.datetime) -> Q:
    """Rates whose period holds `moment`."""
    return Q(effective_from__lte=moment) & (Q(effective_to=None) | Q(effective_to__gt=moment))


QUOTE = """
    SELECT slot.id,
           (SELECT rate FROM pricing_marketrate WHERE flower_id = %(flower)s AND slot_id IS NULL
               AND effective_from <= %(at)s AND (effective_to IS NULL OR effective_to > %(at)s)),
           (SELECT rate FROM pricing_marketrate WHERE flower_id = %(flower)s AND slot_id = slot.id
               AND effective_from <= %(at)s AND (effective_to IS NULL OR effective_to > %(at)s)),
           (SELECT mode FROM pricing_pricingrule WHERE shop_id = %(shop)s
               AND (flower_id = %(flower)s OR flower_id IS NULL)
               AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
               ORDER BY flower_id NULLS LAST LIMIT 1)
    FROM (VALUES (1)) AS one
    LEFT JOIN pricing_timeslot AS slot
        ON slot.shop_id = %(shop)s AND slot.is_active AND slot.start <= %(clock)s AND slot."end" > %(clock)s
       AND (slot.weekdays >> %(weekday)s) & 1 = 1
       AND (slot.valid_from IS NULL OR slot.valid_from <= %(day)s)
       AND (slot.valid_to IS NULL OR slot.valid_to > %(day)s)
"""
"""One row: the slot of the moment, the rate called, the slot's rate, how the flower is priced. In SQL so
that a sale can ask it together with its own questions, because every sale waits for it. `quote_from` reads it."""


def quote_question(
    shop_id: UUID, flower_id: UUID | None, moment: dt.datetime, day: dt.date
) -> dict[str, Any]:
    """The parameters of QUOTE; `day` is the business day of `moment`, by which rules are judged."""
    local = moment.astimezone(KOLKATA)
    return {
        "shop": shop_id,
        "flower": flower_id,
        "at": moment,
        "day": day,
        "clock": local.time(),
        "weekday": local.weekday(),
    }


def quote_from(
    slot_id: UUID | None, called: Decimal | None, slotted: Decimal | None, mode: str | None
) -> Quote:
    """The row of QUOTE as a quote: last called at or before the moment on its business day, else the slot's."""
    way = PricingMode(mode) if mode else PricingMode.CALLED
    if called is not None:
        return Quote(called, RateSource.CALLED, slot_id, way)
    if slotted is not None:
        return Quote(slotted, RateSource.SLOT, slot_id, way)
    return Quote(None, None, slot_id, way)


def rate_at(flower: Flower, moment: dt.datetime, day: dt.date | None = None) -> Quote:
    """The rate in force for a flower at a moment; of a line, `day` is its business day.

    Always from the database: a line must not be priced from a cache.
    """
    day = day or business_date_of(moment, flower.shop.turnover_hour)
    with connection.cursor() as cursor:
        cursor.execute(QUOTE, quote_question(flower.shop_id, flower.pk, moment, day))
        return quote_from(*cursor.fetchone())


ASKED_TYPES = {"at": "timestamptz", "clock": "time", "weekday": "int"}
OF_ONE_LINE = {name: f"%({name})s" for name in ("shop", "flower", "day")}
RATES = f"""
    SELECT quote.* FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in ASKED_TYPES.items())})
        WITH ORDINALITY AS asked ({", ".join(ASKED_TYPES)}, n)
    CROSS JOIN LATERAL ({QUOTE % ({name: f"asked.{name}" for name in ASKED_TYPES} | OF_ONE_LINE)}) AS quote
    ORDER BY asked.n
"""  # noqa: S608  # put together from constants
"""QUOTE itself, asked for some moments at once."""


def rates_at(flower: Flower, moments: Sequence[dt.datetime], day: dt.date) -> list[Quote]:
    """`rate_at` of some moments of a line whose business day is `day`, in their order. One statement."""
    questions = [quote_question(flower.shop_id, flower.pk, moment, day) for moment in moments]
    asked = {name: [question[name] for question in questions] for name in ASKED_TYPES}
    with connection.cursor() as cursor:
        cursor.execute(RATES, asked | {"shop": flower.shop_id, "flower": flower.pk, "day": day})
        return [quote_from(*row) for row in cursor.fetchall()]


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


def day_begins(shop: Shop, day: dt.date) -> dt.datetime:
    """The first moment of a business day."""
    return dt.datetime.combine(day, dt.time(shop.turnover_hour), tzinfo=KOLKATA)


def history(shop: Shop) -> QuerySet[MarketRate]:
    """Every rate ever published, newest first."""
    return shop.market_rates.select_related("flower", "slot", "published_by__user")


def called_on(shop: Shop, day: dt.date) -> QuerySet[MarketRate]:
    """The rates that began on a business day, newest first."""
    starts, ends = day_begins(shop, day), day_begins(shop, day + dt.timedelta(days=1))
    return history(shop).filter(effective_from__gte=starts, effective_from__lt=ends)


@dataclass(frozen=True)
class Known:
    """The rates of yesterday and today up to a moment, read once and asked often."""

    now: dt.datetime
    day: dt.date
    begins: dt.datetime
    turnover_hour: int
    slots: list[TimeSlot]
    rates: dict[tuple[UUID, UUID | None], list[MarketRate]]

    def slot_at(self, moment: dt.datetime) -> TimeSlot | None:
        local, day = moment.astimezone(KOLKATA), business_date_of(moment, self.turnover_hour)
        return next(
            (
                slot
                for slot in self.slots
                if slot.start <= local.time() < slot.end and slot.holds_on(day, local.weekday())
            ),
            None,
        )

    def on_board(self, flower: Flower, slot: TimeSlot | None, moment: dt.datetime) -> MarketRate | None:
        """The rate of one place of the board that held at a moment."""
        for rate in self.rates.get((flower.pk, slot.pk if slot else None), []):
            if rate.effective_from <= moment and (rate.effective_to is None or rate.effective_to > moment):
                return rate
        return None

    def in_force(self, flower: Flower, moment: dt.datetime) -> MarketRate | None:
        """What a flower cost at a moment: the called rate, else that of the moment's slot (as QUOTE says)."""
        slot = self.slot_at(moment)
        return self.on_board(flower, None, moment) or (self.on_board(flower, slot, moment) if slot else None)

    def before(self, rate: MarketRate) -> MarketRate | None:
        """What a rate took the place of: the one before it, for a call also the slot's rate."""
        just_before = rate.effective_from - dt.timedelta(microseconds=1)
        if rate.slot is None:
            return self.in_force(rate.flower, just_before)
        return self.on_board(rate.flower, rate.slot, just_before)


def known_rates(shop: Shop, now: dt.datetime) -> Known:
    """The shop's rates since yesterday's business day began, without those that never held. Two queries."""
    day = business_date_of(now, shop.turnover_hour)
    rates: dict[tuple[UUID, UUID | None], list[MarketRate]] = {}
    yesterday = day - dt.timedelta(days=1)
    since = day_begins(shop, yesterday)
    for rate in (
        shop.market_rates.filter(Q(effective_to=None) | Q(effective_to__gt=since))
        .exclude(effective_to=F("effective_from"))
        .select_related("flower", "slot")
    ):
        rates.setdefault((rate.flower_id, rate.slot_id), []).append(rate)
    return Known(
        now=now,
        day=day,
        begins=day_begins(shop, day),
        turnover_hour=shop.turnover_hour,
        slots=list(shop.time_slots.standing(yesterday)),
        rates=rates,
    )


@dataclass(frozen=True)
class Place:
    """One place of the rate board, a flower called now (slot None) or in a slot, with what it cost before.

    Rates are ₹ per unit: `rate` in force there now, `yesterday` in that slot or, called, at this time
    of day; `low` and `high` of the seven business days before today. None where there was none.
    """

    flower: Flower
    slot: TimeSlot | None
    rate: Decimal | None
    since: dt.datetime | None
    said_today: bool
    yesterday: Decimal | None
    low: Decimal | None
    high: Decimal | None
    is_now: bool
    is_over: bool

    @property
    def name(self) -> str:
        """What the place is called in a form: short, because a page has dozens of them."""
        return f"rate-{self.flower.code}-{f'{self.slot.start:%H%M}' if self.slot else 'called'}"

    @property
    def usual(self) -> Decimal | None:
        """What a new rate is compared with."""
        return self.yesterday or self.rate

    def doubts(self, rate: Decimal) -> bool:
        """Whether a new rate must be asked about: far from yesterday's and from what was said today.

        On a day when rates break away the owner answers once, not at every call.
        """
        return is_far(rate, self.usual) and (not self.said_today or is_far(rate, self.rate))


@dataclass(frozen=True)
class Row:
    """A flower on the board: its places, called first, and the rate in force now with its source."""

    flower: Flower
    now: MarketRate | None
    places: list[Place]

    @property
    def rate(self) -> Decimal | None:
        """₹ per unit in force now."""
        return self.now.rate if self.now else None


@dataclass(frozen=True)
class Board:
    """The rate board at a moment: a row for each flower, a column for calls and for each slot of the day."""

    known: Known
    slot: TimeSlot | None
    slots: list[TimeSlot]
    rows: list[Row]

    @property
    def places(self) -> dict[str, Place]:
        """Every place by its name in forms."""
        return {place.name: place for row in self.rows for place in row.places}


def rate_board_at(shop: Shop, now: dt.datetime) -> Board:
    """The whole board with yesterday's rates and the range of seven days. Four queries, whatever is sold."""
    known = known_rates(shop, now)
    slots = [slot for slot in known.slots if slot.holds_on(known.day)]
    week = _ranges(shop, known.day)
    rows = [
        Row(
            flower=flower,
            now=known.in_force(flower, now),
            places=[_place(known, week, flower, slot) for slot in [None, *slots]],
        )
        for flower in shop.flowers.active()
    ]
    return Board(known=known, slot=known.slot_at(now), slots=slots, rows=rows)


Ranges = dict[tuple[UUID, UUID | None], tuple[Decimal, Decimal]]


def _place(known: Known, week: Ranges, flower: Flower, slot: TimeSlot | None) -> Place:
    rate = known.on_board(flower, slot, known.now)
    if slot is None:
        yesterday = known.in_force(flower, known.now - dt.timedelta(days=1))
    else:
        ended = dt.datetime.combine(known.day - dt.timedelta(days=1), slot.end, tzinfo=KOLKATA)
        yesterday = known.on_board(flower, slot, ended - dt.timedelta(microseconds=1))
    low, high = week.get((flower.pk, slot.pk if slot else None), (None, None))
    return Place(
        flower=flower,
        slot=slot,
        rate=rate.rate if rate else None,
        since=rate.effective_from if rate else None,
        said_today=rate is not None and rate.effective_from >= known.begins,
        yesterday=yesterday.rate if yesterday else None,
        low=low,
        high=high,
        is_now=slot is not None and slot == known.slot_at(known.now),
        is_over=slot is not None and slot.end <= known.now.astimezone(KOLKATA).time(),
    )


def _ranges(shop: Shop, day: dt.date) -> Ranges:
    """The lowest and the highest rate of every place in the seven business days before `day`. One query."""
    begins, ends = day_begins(shop, day - dt.timedelta(days=7)), day_begins(shop, day)
    held = (
        shop.market_rates.filter(Q(effective_to=None) | Q(effective_to__gt=begins), effective_from__lt=ends)
        .exclude(effective_to=F("effective_from"))
        .order_by()
        .values_list("flower", "slot")
        .annotate(Min("rate"), Max("rate"))
    )
    return {(flower, slot): (low, high) for flower, slot, low, high in held}


@dataclass(frozen=True)
class Standing:
    """A flower on the wall: its rate in force (₹ per unit) and the one it took the place of today.

    `is_fresh`: it changed within the last minutes, and people should notice.
    """

    flower: Flower
    rate: Decimal | None
    before: Decimal | None
    is_fresh: bool

    @property
    def change(self) -> Decimal:
        """₹ up (positive) or down since the call before; 0 where there is nothing to compare."""
        return self.rate - self.before if self.rate is not None and self.before is not None else Decimal(0)


def standings(shop: Shop, now: dt.datetime) -> tuple[Known, list[Standing]]:
    """Every flower's rate now and before. Three queries."""
    known = known_rates(shop, now)
    current = known.slot_at(now)
    found = []
    for flower in shop.flowers.active():
        rate = known.in_force(flower, now)
        before, is_fresh = None, False
        if rate is not None:
            since = rate.effective_from
            if rate.slot is not None and current is not None:
                # A slot's rate may stand for weeks; it began to count when its slot began today.
                since = max(since, dt.datetime.combine(known.day, current.start, tzinfo=KOLKATA))
            if since > known.begins:
                before = known.in_force(flower, since - dt.timedelta(microseconds=1))
                is_fresh = now - since < FRESH
        found.append(Standing(flower, rate.rate if rate else None, before.rate if before else None, is_fresh))
    return known, found


@dataclass(frozen=True)
class Published:
    """A rate that was just published and the ₹ per unit it took the place of."""

    rate: MarketRate
    before: Decimal | None
    place: str


def published(shop: Shop, ids: list[str], board: Board) -> list[Published]:
    """What a publishing did, in the order of the board. One query."""
    told = {
        (rate.flower_id, rate.slot_id): rate
        for rate in shop.market_rates.filter(pk__in=ids).select_related("flower", "slot")
    }
    found = []
    for name, place in board.places.items():
        rate = told.get((place.flower.pk, place.slot.pk if place.slot else None))
        if rate is not None:
            before = board.known.before(rate)
            found.append(Published(rate, before.rate if before else None, name))
    return found


def entries_that_keep(shop: Shop, rates: list[MarketRate], day: dt.date) -> int:
    """How many of a day's entries keep the rate they were saved with, though these rates are new.

    Asked through the shop's rows: the book is above this room and is not imported.
    """
    theirs = Q()
    for rate in rates:
        theirs |= Q(flower=rate.flower_id, slot=rate.slot_id) if rate.slot_id else Q(flower=rate.flower_id)
    return shop.daily_entries.on(day).standing().filter(theirs).exclude(rate=None).count() if rates else 0
