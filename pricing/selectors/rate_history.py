"""What a flower cost over some days: called on the board and in every slot, as a table and as a picture of steps."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA, business_date_of
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.rates import day_begins

CALLED = "called"
LONGEST = 92
"""Days. A quarter of busy mornings is what one page can show."""


@dataclass(frozen=True)
class Row:
    """A rate as it was published, ₹ per unit. `change` is against the one before it on the board or of the slot,
    None of the first one that is known; `was_never` of one that was put right in the same moment."""

    rate: MarketRate
    day: dt.date
    change: Decimal | None

    @property
    def is_up(self) -> bool:
        return self.change is not None and self.change > 0

    @property
    def size(self) -> Decimal | None:
        """The change without its sign."""
        return None if self.change is None else abs(self.change)

    @property
    def was_never(self) -> bool:
        return self.rate.effective_from == self.rate.effective_to


@dataclass(frozen=True)
class Step:
    """A stretch of one business day with one rate: called, or of a slot (`of`, the first of those that followed
    one another). Moments are local."""

    day: dt.date
    start: dt.datetime
    end: dt.datetime
    rate: Decimal
    of: UUID | None

    @property
    def is_called(self) -> bool:
        return self.of is None


@dataclass(frozen=True)
class RateHistory:
    """Of one flower, from `start` to `end`, both included. `rows` are newest first, `steps` oldest first."""

    flower: Flower
    start: dt.date
    end: dt.date
    rows: list[Row] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def days(self) -> list[dt.date]:
        return [self.start + dt.timedelta(n) for n in range((self.end - self.start).days + 1)]

    @property
    def low(self) -> Decimal | None:
        return min((step.rate for step in self.steps), default=None)

    @property
    def high(self) -> Decimal | None:
        return max((step.rate for step in self.steps), default=None)

    @property
    def last(self) -> Decimal | None:
        """The rate of the last moment: the day's last call, which goes before the slots', else the last slot's."""
        last = max(self.steps, key=lambda step: (step.day, step.is_called, step.start), default=None)
        return last.rate if last else None


def lines_of(shop: Shop) -> list[TimeSlot]:
    """The slots whose history can be asked for, by the clock: of each the row that is in use now or was last. A
    slot whose times were changed is one line with those before it (`TimeSlot.follows`). One query."""
    slots = list(shop.time_slots.all())
    followed = {slot.follows_id for slot in slots}
    return sorted((slot for slot in slots if slot.pk not in followed), key=lambda slot: slot.start)


def rate_history(
    flower: Flower, start: dt.date, end: dt.date, now: dt.datetime, *, line: str = ""
) -> RateHistory:
    """The rates of a flower on some business days. `line`: `called`, the id of a slot of `lines_of`, or all. Two
    queries, however many rates there are. What is yet to come is in the table, not in the picture."""
    shop = flower.shop
    slots = {slot.pk: slot for slot in shop.time_slots.all()}
    root = {pk: _root(pk, slots) for pk in slots}
    begins, ends = day_begins(shop, start), day_begins(shop, end + dt.timedelta(1))
    rates = (
        flower.rates.filter(effective_from__lt=ends)
        .exclude(effective_to__lt=begins)
        .select_related("published_by__user")
        .order_by("effective_from", "published_at")
    )
    asked = None if line in {"", CALLED} else _root(UUID(line), slots)
    kept = [rate for rate in rates if line == "" or (root[rate.slot_id] if rate.slot_id else None) == asked]
    before: dict[UUID | None, Decimal] = {}
    rows = []
    for rate in kept:
        if rate.slot_id:
            rate.slot = slots[rate.slot_id]
        of = root[rate.slot_id] if rate.slot_id else None
        change = rate.rate - before[of] if of in before else None
        if rate.effective_from >= begins:
            rows.append(Row(rate, business_date_of(rate.effective_from, shop.turnover_hour), change))
        if rate.effective_from != rate.effective_to:
            before[of] = rate.rate
    history = RateHistory(flower, start, end, rows=rows[::-1])
    for day in history.days:
        for rate in kept:
            history.steps.extend(_steps(rate, day, shop, now, root))
    return history


def _root(pk: UUID, slots: dict[UUID, TimeSlot]) -> UUID:
    """The first of the slots that followed one another to this one."""
    while (slot := slots.get(pk)) and slot.follows_id:
        pk = slot.follows_id
    return pk


def _steps(
    rate: MarketRate, day: dt.date, shop: Shop, now: dt.datetime, root: dict[UUID, UUID]
) -> Iterator[Step]:
    """When on a day a rate was in force: from its call, or within the times of its slot."""
    start, end = day_begins(shop, day), day_begins(shop, day + dt.timedelta(1))
    if slot := rate.slot:
        if not _held_on(slot, day, rate, shop):
            return
        start, end = (dt.datetime.combine(day, clock, tzinfo=KOLKATA) for clock in (slot.start, slot.end))
    start = max(start, rate.effective_from)
    end = min(end, now, rate.effective_to or end)
    if start < end:
        of = root[slot.pk] if slot else None
        yield Step(day, start.astimezone(KOLKATA), end.astimezone(KOLKATA), rate.rate, of)


def _held_on(slot: TimeSlot, day: dt.date, rate: MarketRate, shop: Shop) -> bool:
    if slot.is_active:
        return slot.holds_on(day)
    # Nobody wrote down when it went out of use: on the days it got a rate it was in use.
    return business_date_of(rate.effective_from, shop.turnover_hour) == day
