"""The stretches of the morning that have rates of their own. Their times are never edited: lines and rates
refer to them, so another one follows from a day on and takes the rates over."""

import datetime as dt
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from malar.accounts.models import Membership, Shop
from malar.kernel import formatting
from malar.kernel.errors import Fault, NotFound
from malar.kernel.ids import new_id
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from pricing.domain import EVERY_DAY, overlaps
from pricing.models import MarketRate, TimeSlot
from pricing.selectors.answers import slot_answer
from pricing.selectors.rates import day_begins, forget_board
from pricing.services.terms import demand_owner, lock_terms, naming_faults, past_faults, refuse, today_of

TIMES = ("start", "end", "weekdays")


def add_slot(
    *,
    by: Membership,
    key: UUID,
    name_ta: str,
    name_en: str,
    start: dt.time,
    end: dt.time,
    weekdays: int = EVERY_DAY,
    valid_from: dt.date | None = None,
    id: UUID | None = None,
) -> Answer:
    """A new slot from a business day on, today where none is given: local times, `end` not included; weekdays
    as bits, Monday the lowest.

    Answers `slot_answer`. Raises NotAllowed for others than the owner, RuleBroken naming each refused field:
    `past`, `ends_before_it_starts`, `no_weekday`, `overlaps`.
    """
    demand_owner(by)
    made = id or new_id()
    said: dict[str, Any] = {
        "name_ta": name_ta,
        "name_en": name_en,
        "start": start,
        "end": end,
        "weekdays": weekdays,
        "valid_from": valid_from,
        "id": id,
    }

    def write() -> dict[str, Any]:
        slot = a_slot(by.shop, **{**said, "id": made, "valid_from": valid_from or today_of(by.shop)})
        begin_slot(slot)
        return slot_answer(slot)

    return once(by=by, key=key, body={"slot": said}, made=made, effect=write)


def change_slot(
    *,
    by: Membership,
    key: UUID,
    slot_id: UUID,
    from_day: dt.date,
    name_ta: str | None = None,
    name_en: str | None = None,
    start: dt.time | None = None,
    end: dt.time | None = None,
    weekdays: int | None = None,
    id: UUID | None = None,
) -> Answer:
    """Other times or weekdays from a business day on: the slot ends there, and another one follows with the
    rates in force. What is None stays. Where only names change the slot keeps being what it is.

    Answers `slot_answer` of the slot that holds then. Raises NotAllowed, NotFound, RuleBroken as `add_slot`,
    and `ended` for a slot that ends already.
    """
    demand_owner(by)
    made = id or new_id()
    asked = {"name_ta": name_ta, "name_en": name_en, "start": start, "end": end, "weekdays": weekdays}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}

    def write() -> dict[str, Any]:
        slot = _locked(by.shop, slot_id)
        if any(name in changes and changes[name] != getattr(slot, name) for name in TIMES):
            follower = follower_of(slot, from_day, id=made, **changes)
            replace_slot(by, slot, follower)
            return slot_answer(follower)
        rename_slot(slot, changes.get("name_ta", slot.name_ta), changes.get("name_en", slot.name_en))
        return slot_answer(slot)

    said = {"slot": slot_id, "from": from_day, "id": id, **changes}
    return once(by=by, key=key, body={"change": said}, made=made, effect=write)


def retire_slot(*, by: Membership, key: UUID, slot_id: UUID, from_day: dt.date) -> Answer:
    """No such slot from a business day on; its rates end with it. Answers `slot_answer`.

    Raises NotAllowed for others than the owner, NotFound, RuleBroken `past`, `ended`.
    """
    demand_owner(by)

    def write() -> dict[str, Any]:
        slot = _locked(by.shop, slot_id)
        end_slot(slot, from_day)
        return slot_answer(slot)

    return once(by=by, key=key, body={"retire": [slot_id, from_day]}, made=new_id(), effect=write)


def _locked(shop: Shop, slot_id: UUID) -> TimeSlot:
    lock_terms(shop)
    slot = shop.time_slots.filter(pk=slot_id).first()
    if slot is None:
        raise NotFound(_("There is no such time slot."))
    return slot


# --- Steps, shared with the office ------------------------------------------------------------


def a_slot(shop: Shop, *, name_ta: str, name_en: str, **fields: Any) -> TimeSlot:
    """A slot that is not written yet."""
    slot = TimeSlot(shop=shop, **fields)
    slot.name_ta, slot.name_en = name_ta, name_en
    return slot


def follower_of(slot: TimeSlot, from_day: dt.date, **changes: Any) -> TimeSlot:
    """What follows a slot from a day on, not written yet: as it is but for `changes`; not before it begins itself."""
    as_it_is = {name: getattr(slot, name) for name in ("name_ta", "name_en", *TIMES)}
    begins = max(from_day, slot.valid_from or from_day)
    return a_slot(slot.shop, **{**as_it_is, **changes, "valid_from": begins})


def slot_faults(slot: TimeSlot, *, instead_of: TimeSlot | None = None) -> list[Fault]:
    """What forbids a slot that is not written yet, where another one makes way for it or not. One query."""
    faults = naming_faults(slot)
    faults += past_faults(slot.shop, slot.valid_from) if slot.valid_from else []
    if slot.end <= slot.start:
        detail = _("“Until” must be later than “from”.")
        faults.append(Fault("/end", "ends_before_it_starts", detail))
    if not 0 < slot.weekdays <= EVERY_DAY:
        faults.append(Fault("/weekdays", "no_weekday", _("Choose at least one weekday.")))
    if instead_of is not None:
        faults += _ended_faults(instead_of)
    for other in slot.shop.time_slots.filter(is_active=True):
        if other != instead_of and overlaps(slot, other):
            detail = _("“%(slot)s” covers a part of this time (%(start)s to %(end)s).") % {
                "slot": other.name,
                "start": formatting.clock_time(other.start),
                "end": formatting.clock_time(other.end),
            }
            faults.append(Fault("/start", "overlaps", detail))
    return faults


def ending_faults(slot: TimeSlot, day: dt.date) -> list[Fault]:
    """What forbids that a slot ends on a day."""
    return [*past_faults(slot.shop, day), *_ended_faults(slot)]


def _ended_faults(slot: TimeSlot) -> list[Fault]:
    if not slot.is_active:
        return [Fault("", "ended", _("This time slot is out of use. Add another one."))]
    if slot.valid_to is not None:
        detail = _("This time slot ends on %(day)s. Change the one that follows it, or add one.")
        return [Fault("", "ended", detail % {"day": formatting.day(slot.valid_to)})]
    return []


@step
def begin_slot(slot: TimeSlot) -> None:
    """Write a new slot. Raises RuleBroken as `slot_faults` says."""
    lock_terms(slot.shop)
    refuse(slot_faults(slot))
    slot.save(force_insert=True)
    transaction.on_commit(partial(forget_board, slot.shop))


@step
def replace_slot(by: Membership, slot: TimeSlot, follower: TimeSlot) -> None:
    """End a slot where its follower begins, and let that have its rates. Raises RuleBroken as `slot_faults` says."""
    lock_terms(slot.shop)
    refuse(slot_faults(follower, instead_of=slot))
    begins = day_begins(slot.shop, follower.valid_from or today_of(slot.shop))
    rates = _rates_from(slot, begins)
    _end(slot, begins)
    if slot.is_active:
        follower.follows = slot
    elif slot.follows is not None:  # it never began, and whom it was to follow has another follower
        follower.follows, slot.follows = slot.follows, None
        slot.save(update_fields=["follows"])
    follower.save(force_insert=True)
    for rate in rates:
        rate.pk, rate.slot, rate.published_by = new_id(), follower, by
        rate.effective_from = max(rate.effective_from, begins)
        rate.save(force_insert=True)
    transaction.on_commit(partial(forget_board, slot.shop))


@step
def end_slot(slot: TimeSlot, day: dt.date) -> None:
    """No such slot from a day on. Raises RuleBroken `past`, `ended`."""
    lock_terms(slot.shop)
    refuse(ending_faults(slot, day))
    _end(slot, day_begins(slot.shop, max(day, slot.valid_from or day)))
    transaction.on_commit(partial(forget_board, slot.shop))


@step
def rename_slot(slot: TimeSlot, name_ta: str, name_en: str) -> None:
    """Another name, for what was as for what will be: no figure depends on it. Raises RuleBroken `required`."""
    slot.name_ta, slot.name_en = name_ta, name_en
    refuse(naming_faults(slot))
    slot.save(update_fields=["name", "name_ta", "name_en"])
    transaction.on_commit(partial(forget_board, slot.shop))


def _rates_from(slot: TimeSlot, begins: dt.datetime) -> list[MarketRate]:
    """A slot's rates that hold at a moment, and those that are to hold later. Who publishes one meanwhile waits."""
    list(slot.shop.flowers.order_by("pk").select_for_update(no_key=True))
    return [rate for rate in slot.rates.all() if _holds_after(rate, begins)]


def _holds_after(rate: MarketRate, moment: dt.datetime) -> bool:
    ends = rate.effective_to
    return ends is None or (ends > moment and ends > rate.effective_from)


def _end(slot: TimeSlot, moment: dt.datetime) -> None:
    """End a slot and its rates where a business day begins. One that would have no day left goes out of use:
    lines may refer to it, so it stays."""
    for rate in _rates_from(slot, moment):
        rate.effective_to = max(moment, rate.effective_from)
        rate.save(update_fields=["effective_to"])
    day = moment.date()
    if slot.valid_from is not None and slot.valid_from >= day:
        slot.is_active = False
    else:
        slot.valid_to = day
    slot.save(update_fields=["is_active", "valid_to"])
