"""Publishing rates."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_day_ends
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.trail.services.answers import Answer, once
from pricing.domain import meant_by
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.answers import rate_answer
from pricing.selectors.rates import Place, day_begins, forget_board, in_force, rate_board_at

HIGHEST = Decimal("9999999999.99")
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def publish_rate(
    *,
    by: Membership,
    key: UUID,
    flower: Flower,
    rate: Decimal,
    slot: TimeSlot | None = None,
    effective_from: dt.datetime | None = None,
    id: UUID | None = None,
) -> Answer:
    """Call a rate (₹ per unit) from a moment on, now if none is given; it ends the one before it.

    With a slot it is the rate of that slot until the next one, without it a called rate until the
    end of the business day. Lines already priced keep their rate. Raises NotAllowed for others
    than the owner, RuleBroken for a rate below zero or with more than two decimals.
    """
    _check_owner(by)
    if fault := _fault_of(rate, "/rate"):
        raise RuleBroken(fault.detail, code=fault.code, faults=[fault])

    made = id or new_id()

    def publish() -> dict[str, object]:
        # One publishing of a flower at a time; two would both end the same rate.
        Flower.objects.select_for_update(no_key=True).get(pk=flower.pk)
        published = _insert(by, made, flower, slot, rate, effective_from or timezone.now())
        transaction.on_commit(partial(forget_board, by.shop))
        return rate_answer(published)

    body = {"flower": flower.pk, "slot": slot and slot.pk, "rate": rate, "from": effective_from, "id": id}
    return once(by=by, key=key, body=body, made=made, effect=publish)


@dataclass(frozen=True)
class NewRate:
    """A rate (₹ per unit) for one place of the board. `sure`: the owner was asked about it and said yes."""

    place: Place
    rate: Decimal
    sure: bool = False


@dataclass(frozen=True)
class Question:
    """A rate far from the usual one: the rate that was probably meant, or None where no slip explains it."""

    place: Place
    rate: Decimal
    usual: Decimal
    meant: Decimal | None


class RateQuestioned(RuleBroken):
    """Some rates are far from yesterday's: nothing was published, the owner is asked about each."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__(_("A rate is far from yesterday's. Is it right?"), code="rate_far")
        self.questions = list(questions)


def publish_rates(
    *, by: Membership, key: UUID, rates: Sequence[NewRate], effective_from: dt.datetime | None = None
) -> Answer:
    """Publish several rates from one moment on, now if none is given: all of them or none.

    Rules are those of `publish_rate`; the answer's body is `{"rates": [...]}`, each as the API shows
    it. Raises NotAllowed for others than the owner, RuleBroken with a pointer to each place that
    cannot be, for no rate at all, and for places of another shop; RateQuestioned for rates more
    than half off the usual one that nobody was sure about.
    """
    _check_owner(by)
    if not rates:
        raise RuleBroken(_("Type at least one rate."), code="nothing_to_publish")
    if faults := [fault for new in rates if (fault := _fault_of(new.rate, f"/{new.place.name}"))]:
        raise RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)
    made = [new_id() for _each in rates]

    def publish() -> dict[str, object]:
        flowers = {new.place.flower.pk for new in rates}
        # Locked in one order, so that two owners who publish the same flowers wait instead of colliding.
        locked = by.shop.flowers.active().filter(pk__in=flowers).order_by("pk").select_for_update(no_key=True)
        if len(locked) != len(flowers):
            raise RuleBroken(_("This flower is not in your shop's list."), code="unknown_flower")
        now = timezone.now()
        _ask_about(by, rates, now)
        published = [
            _insert(by, id, new.place.flower, new.place.slot, new.rate, effective_from or now)
            for id, new in zip(made, rates, strict=True)
        ]
        transaction.on_commit(partial(forget_board, by.shop))
        return {"rates": [rate_answer(rate) for rate in published]}

    body = {"rates": sorted((new.place.name, new.rate) for new in rates), "from": effective_from}
    return once(by=by, key=key, body=body, made=made[0], effect=publish)


def _ask_about(by: Membership, rates: Sequence[NewRate], now: dt.datetime) -> None:
    """Raise RateQuestioned for what is far from the board as it is now, not as it was when it was shown."""
    places = rate_board_at(by.shop, now).places
    questions = []
    for new in rates:
        place = places.get(new.place.name)
        if place is None:
            raise RuleBroken(_("This time slot is not in your shop's list."), code="unknown_slot")
        if place.usual and not new.sure and place.doubts(new.rate):
            questions.append(Question(place, new.rate, place.usual, meant_by(new.rate, place.usual)))
    if questions:
        raise RateQuestioned(questions)


def _check_owner(by: Membership) -> None:
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may publish rates."))


def _fault_of(rate: Decimal, pointer: str) -> Fault | None:
    """What forbids a rate, if anything does."""
    if rate < 0:
        return Fault(pointer, "negative", _("A rate cannot be below zero."))
    if significant_decimals(rate) > 2 or rate > HIGHEST:
        return Fault(pointer, "too_precise", _("A rate has at most two decimals."))
    return None


def _insert(
    by: Membership, made: UUID, flower: Flower, slot: TimeSlot | None, rate: Decimal, start: dt.datetime
) -> MarketRate:
    same_board = MarketRate.objects.filter(flower=flower, slot=slot)
    over = _end_of(slot)
    if over is not None and over <= start:
        raise RuleBroken(
            _("This time slot is over. Publish the rate for the one that follows it."),
            code="slot_ended",
            pointer="/slot",
        )
    last = _in_force_before(over, flower, slot)
    next_start = same_board.filter(effective_from__gt=start).aggregate(Min("effective_from"))[
        "effective_from__min"
    ]
    ends = [end for end in (next_start, over) if end]
    if slot is None:
        ends.append(business_day_ends(start, by.shop.turnover_hour))
    same_board.filter(in_force(start)).update(effective_to=start)
    published = MarketRate.objects.create(
        id=made,
        shop=by.shop,
        flower=flower,
        slot=slot,
        rate=rate,
        effective_from=start,
        effective_to=min(ends, default=None),
        published_by=by,
    )
    if slot is not None and over is not None:
        _hand_on(by, flower, slot, over, last)
    return published


def _end_of(slot: TimeSlot | None) -> dt.datetime | None:
    """When a slot is over, as it stands now that the flower is locked; one out of use always was."""
    if slot is None:
        return None
    slot.refresh_from_db(fields=["is_active", "valid_to"])
    if not slot.is_active:
        return NEVER
    return day_begins(slot.shop, slot.valid_to) if slot.valid_to else None


def _in_force_before(moment: dt.datetime | None, flower: Flower, slot: TimeSlot | None) -> Decimal | None:
    """The rate in force until a moment; None where there is none, or no such moment."""
    if moment is None:
        return None
    last = in_force(moment - dt.timedelta(microseconds=1))
    return MarketRate.objects.filter(last, flower=flower, slot=slot).values_list("rate", flat=True).first()


def _hand_on(
    by: Membership, flower: Flower, slot: TimeSlot, over: dt.datetime, before: Decimal | None
) -> None:
    """Let the slot that follows have the rate, too, where it has taken over the one `before` and none was said
    for itself: it was made when that one was in force, and must not begin with a rate of the day before yesterday.
    """
    follower = TimeSlot.objects.filter(follows=slot, is_active=True).first()
    rate = _in_force_before(over, flower, slot)
    if follower is None or rate is None or rate == before:
        return
    his = MarketRate.objects.filter(in_force(over), flower=flower, slot=follower).first()
    if (his.rate if his else None) == before:
        _insert(by, new_id(), flower, follower, rate, over)
