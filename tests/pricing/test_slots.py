"""Time slots: never edited, followed by others from a day on, which take their rates over."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction

from ledger.models import Farmer
from ledger.selectors.pending import pending_of
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, NotFound, RuleBroken
from malar.sync.selectors.reference import reference
from pricing.domain import EVERY_DAY, bits_of
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.rates import board_at, rate_at, rate_board_at, slot_at
from pricing.services.rates import publish_rate
from pricing.services.slots import add_slot, change_slot, retire_slot
from tests.cast import a_slot, at, recorded

pytestmark = pytest.mark.django_db

FRIDAY = dt.date(2026, 3, 6)
SATURDAY, MONDAY = dt.date(2026, 3, 7), dt.date(2026, 3, 9)
FOUR, FIVE, SEVEN = dt.time(4), dt.time(5, 30), dt.time(7)


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(at("2026-03-06", "03:00"), tick=False):
        yield


@pytest.fixture
def early(meena: Membership, jasmine: Flower) -> TimeSlot:
    """Four to half past five, every day since ever, jasmine at 900 in it."""
    slot = a_slot(meena.shop, "04:00", "05:30")
    set_rate(meena, jasmine, slot, "900", "2026-03-01")
    return slot


def set_rate(by: Membership, flower: Flower, slot: TimeSlot, rate: str, day: str = "2026-03-06") -> None:
    publish_rate(
        by=by, key=uuid4(), flower=flower, slot=slot, rate=Decimal(rate), effective_from=at(day, "03:00")
    )


def added(by: Membership, start: dt.time, end: dt.time, **other: Any) -> TimeSlot:
    said = {"name_ta": "காலை விலை", "name_en": "Morning rate", **other}
    return TimeSlot.objects.get(pk=add_slot(by=by, key=uuid4(), start=start, end=end, **said).made)


def changed(by: Membership, slot: TimeSlot, from_day: dt.date = FRIDAY, **changes: Any) -> TimeSlot:
    answer = change_slot(by=by, key=uuid4(), slot_id=slot.pk, from_day=from_day, **changes)
    return TimeSlot.objects.get(pk=answer.body["id"])


def retired(by: Membership, slot: TimeSlot, from_day: dt.date = FRIDAY) -> None:
    retire_slot(by=by, key=uuid4(), slot_id=slot.pk, from_day=from_day)
    slot.refresh_from_db()


def faults(refused: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def slot_of(by: Membership, day: str, clock: str) -> UUID | None:
    slot = slot_at(by.shop, at(day, clock))
    return slot.pk if slot else None


def rate_on(flower: Flower, day: str, clock: str) -> str | None:
    rate = rate_at(flower, at(day, clock)).rate
    return None if rate is None else f"{rate:.0f}"


# --- Adding ---------------------------------------------------------------------------------


def test_a_new_slot_holds_from_its_day_on_its_weekdays(meena: Membership) -> None:
    slot = added(meena, FOUR, FIVE, weekdays=bits_of([1, 2, 3, 4, 5]), valid_from=SATURDAY)
    held = [day for day in range(5, 12) if slot_of(meena, f"2026-03-{day:02}", "04:00") == slot.pk]
    assert held == [9, 10, 11]  # Monday on; the sixth is before its day, and then comes a weekend
    assert slot_of(meena, "2026-03-09", "05:30") is None


def test_without_a_day_it_holds_from_today(meena: Membership) -> None:
    assert added(meena, FOUR, FIVE).valid_from == FRIDAY


def test_slots_share_a_time_only_on_other_weekdays_or_other_days(meena: Membership) -> None:
    weekdays = added(meena, FOUR, FIVE, weekdays=bits_of([1, 2, 3, 4, 5]))
    weekend = added(meena, FOUR, SEVEN, weekdays=bits_of([6, 7]))
    assert (slot_of(meena, "2026-03-06", "04:30"), slot_of(meena, "2026-03-07", "04:30")) == (
        weekdays.pk,
        weekend.pk,
    )
    with pytest.raises(RuleBroken) as refused:
        added(meena, dt.time(5), SEVEN, weekdays=bits_of([5]))
    assert faults(refused) == [("/start", "overlaps")]
    assert "Morning rate" in refused.value.detail
    assert "4:00 am to 5:30 am" in refused.value.detail
    retired(meena, weekdays, MONDAY)
    added(meena, FOUR, FIVE, weekdays=bits_of([1]), valid_from=MONDAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeSlot.objects.create(shop=meena.shop, start=FOUR, end=FIVE, weekdays=bits_of([7]))


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"start": FIVE, "end": FOUR}, ("/end", "ends_before_it_starts")),
        ({"start": FOUR, "end": FOUR}, ("/end", "ends_before_it_starts")),
        ({"weekdays": 0}, ("/weekdays", "no_weekday")),
        ({"weekdays": EVERY_DAY + 1}, ("/weekdays", "no_weekday")),
        ({"name_ta": ""}, ("/name_ta", "required")),
        ({"valid_from": FRIDAY - dt.timedelta(days=1)}, ("/valid_from", "past")),
    ],
)
def test_a_slot_that_cannot_be_is_refused_at_its_field(
    meena: Membership, said: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(RuleBroken) as refused:
        added(meena, **({"start": FOUR, "end": FIVE} | said))
    assert faults(refused) == [fault]
    assert not TimeSlot.objects.exists()


def test_a_request_sent_twice_adds_one_slot(meena: Membership) -> None:
    key = uuid4()
    said = {"name_ta": "காலை விலை", "name_en": "Morning rate", "start": FOUR, "end": FIVE}
    first = add_slot(by=meena, key=key, **said)  # type: ignore[arg-type]
    assert add_slot(by=meena, key=key, **said).body == first.body  # type: ignore[arg-type]
    assert TimeSlot.objects.count() == 1


# --- Changing -------------------------------------------------------------------------------


def test_another_time_is_another_slot_with_the_rates_in_force(
    meena: Membership, raja: Farmer, jasmine: Flower, lotus: Flower, early: TimeSlot
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=at("2026-03-05", "05:45"))
    earlier = recorded(meena, raja, jasmine, captured_at=at("2026-03-05", "05:00"))

    later = changed(meena, early, end=dt.time(6))

    early.refresh_from_db()
    assert (early.start, early.end, early.valid_to, early.is_active) == (FOUR, FIVE, FRIDAY, True)
    assert (later.end, later.valid_from, later.valid_to, later.follows) == (dt.time(6), FRIDAY, None, early)
    assert (later.name_ta, later.name_en) == (early.name_ta, early.name_en)
    assert [rate_on(jasmine, "2026-03-05", "05:00"), rate_on(jasmine, "2026-03-06", "05:45")] == [
        "900",
        "900",
    ]
    assert (rate_on(jasmine, "2026-03-05", "05:45"), rate_on(lotus, "2026-03-06", "05:00")) == (None, None)
    line.refresh_from_db()
    earlier.refresh_from_db()
    assert (line.slot_id, line.rate, earlier.slot_id, earlier.rate) == (None, None, early.pk, Decimal(900))


def test_rates_that_are_to_hold_later_come_along(meena: Membership, jasmine: Flower, early: TimeSlot) -> None:
    set_rate(meena, jasmine, early, "950", "2026-03-08")
    changed(meena, early, end=SEVEN)
    assert [rate_on(jasmine, f"2026-03-0{day}", "06:00") for day in (6, 7, 8, 9)] == [
        *("900", "900"),
        *("950", "950"),
    ]


def test_a_change_for_a_later_day_leaves_today_alone_and_follows_the_rates_until_then(
    meena: Membership, jasmine: Flower, lotus: Flower, early: TimeSlot
) -> None:
    changed(meena, early, MONDAY, start=FIVE, end=SEVEN)
    assert (rate_on(jasmine, "2026-03-06", "05:00"), rate_on(jasmine, "2026-03-09", "06:00")) == (
        "900",
        "900",
    )
    early.refresh_from_db()
    set_rate(meena, jasmine, early, "700", "2026-03-07")
    set_rate(meena, lotus, early, "12", "2026-03-07")
    assert (rate_on(jasmine, "2026-03-07", "05:00"), rate_on(jasmine, "2026-03-09", "06:00")) == (
        "700",
        "700",
    )
    assert rate_on(lotus, "2026-03-09", "06:00") == "12"
    assert rate_on(jasmine, "2026-03-09", "05:00") is None


def test_a_rate_said_for_the_following_slot_itself_stays(
    meena: Membership, jasmine: Flower, early: TimeSlot
) -> None:
    later = changed(meena, early, MONDAY, end=SEVEN)
    set_rate(meena, jasmine, later, "1000", "2026-03-09")
    set_rate(meena, jasmine, early, "700")
    assert (rate_on(jasmine, "2026-03-06", "05:00"), rate_on(jasmine, "2026-03-09", "06:00")) == (
        "700",
        "1000",
    )


def test_a_change_put_right_before_its_day_is_one_change(
    meena: Membership, jasmine: Flower, early: TimeSlot
) -> None:
    wrong = changed(meena, early, MONDAY, end=SEVEN)
    right = changed(meena, wrong, SATURDAY, end=dt.time(6))
    wrong.refresh_from_db()
    assert (right.valid_from, right.follows_id, right.is_active) == (MONDAY, early.pk, True)
    assert (wrong.is_active, wrong.follows_id) == (False, None)
    assert rate_on(jasmine, "2026-03-09", "05:45") == "900"
    early.refresh_from_db()
    set_rate(meena, jasmine, early, "800")
    assert rate_on(jasmine, "2026-03-09", "05:45") == "800"


def test_two_changes_on_one_day_leave_the_last(meena: Membership, jasmine: Flower, early: TimeSlot) -> None:
    changed(meena, changed(meena, early, end=SEVEN), end=dt.time(6))
    held = TimeSlot.objects.on(FRIDAY).get()
    assert (held.end, held.follows_id) == (dt.time(6), early.pk)
    assert (rate_on(jasmine, "2026-03-06", "05:45"), rate_on(jasmine, "2026-03-06", "06:30")) == ("900", None)


def test_other_weekdays_are_a_change_too(meena: Membership, jasmine: Flower, early: TimeSlot) -> None:
    changed(meena, early, weekdays=bits_of([5]))
    assert [rate_on(jasmine, f"2026-03-{day:02}", "05:00") for day in (5, 6, 7, 13)] == [
        *("900", "900"),
        *(None, "900"),
    ]


def test_a_name_is_changed_in_place(meena: Membership, early: TimeSlot) -> None:
    same = changed(meena, early, start=FOUR, weekdays=EVERY_DAY, name_en="The first rate")
    assert (same.pk, same.name_en, same.name_ta) == (early.pk, "The first rate", early.name_ta)
    assert TimeSlot.objects.count() == 1


def test_what_follows_must_not_overlap_its_neighbour(meena: Membership, early: TimeSlot) -> None:
    a_slot(meena.shop, "05:30", "07:00")
    with pytest.raises(RuleBroken) as refused:
        changed(meena, early, end=dt.time(6))
    assert faults(refused) == [("/start", "overlaps")]
    early.refresh_from_db()
    assert early.valid_to is None
    assert TimeSlot.objects.count() == 2


def test_what_has_ended_or_was_yesterday_is_not_changed(meena: Membership, early: TimeSlot) -> None:
    with pytest.raises(RuleBroken) as refused:
        changed(meena, early, FRIDAY - dt.timedelta(days=1), end=SEVEN)
    assert faults(refused) == [("/valid_from", "past")]
    changed(meena, early, MONDAY, end=SEVEN)
    with pytest.raises(RuleBroken) as refused:
        changed(meena, early, end=dt.time(6))
    assert faults(refused)[0] == ("", "ended")
    assert "09/03/2026" in refused.value.faults[0].detail


# --- Retiring -------------------------------------------------------------------------------


def test_a_retired_slot_is_over_from_its_day(meena: Membership, jasmine: Flower, early: TimeSlot) -> None:
    retired(meena, early, SATURDAY)
    assert (slot_of(meena, "2026-03-06", "05:00"), slot_of(meena, "2026-03-07", "05:00")) == (early.pk, None)
    assert MarketRate.objects.get().effective_to == at("2026-03-07", "00:00")
    with pytest.raises(RuleBroken) as refused:
        set_rate(meena, jasmine, early, "800", "2026-03-07")
    assert faults(refused) == [("/slot", "slot_ended")]
    set_rate(meena, jasmine, early, "800", "2026-03-06")
    with pytest.raises(RuleBroken) as refused:
        retired(meena, early, MONDAY)
    assert faults(refused) == [("", "ended")]


def test_a_slot_retired_before_it_began_goes_out_of_use(meena: Membership) -> None:
    slot = added(meena, FOUR, FIVE, valid_from=MONDAY)
    retired(meena, slot, MONDAY)
    assert (slot.is_active, slot.valid_to) == (False, None)
    assert slot_of(meena, "2026-03-09", "05:00") is None
    with pytest.raises(RuleBroken):
        changed(meena, slot, end=SEVEN)


def test_slots_are_the_owner_s_and_the_shop_s(
    meena: Membership, kumar: Membership, devi: Membership, early: TimeSlot
) -> None:
    with pytest.raises(NotAllowed):
        added(kumar, SEVEN, dt.time(8))
    with pytest.raises(NotAllowed):
        changed(kumar, early, end=SEVEN)
    with pytest.raises(NotAllowed):
        retired(kumar, early)
    with pytest.raises(NotFound):
        changed(devi, early, end=SEVEN)
    with pytest.raises(NotFound):
        retired(devi, early)


# --- Whoever reads slots --------------------------------------------------------------------


def test_everybody_sees_the_slots_of_the_day(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, early: TimeSlot
) -> None:
    later = changed(meena, early, SATURDAY, start=FIVE, end=SEVEN, weekdays=bits_of([6]))
    for day, clock, slot, rate in (
        ("2026-03-06", "05:00", early, Decimal(900)),
        ("2026-03-06", "06:00", None, None),
        ("2026-03-07", "05:00", None, None),
        ("2026-03-07", "06:00", later, Decimal(900)),
        ("2026-03-08", "06:00", None, None),
    ):
        now, slot_id = at(day, clock), slot and slot.pk
        assert slot_at(meena.shop, now) == slot
        assert rate_at(jasmine, now).slot_id == slot_id
        (line,) = board_at(meena.shop, now)
        assert (line.slot_id, line.rate) == (slot_id, rate)
        board = rate_board_at(meena.shop, now)
        assert (board.slot, board.rows[0].rate) == (slot, rate)
    columns = {day: rate_board_at(meena.shop, at(day, "09:00")).slots for day in ("2026-03-06", "2026-03-07")}
    assert columns == {"2026-03-06": [early], "2026-03-07": [later]}
    assert rate_board_at(meena.shop, at("2026-03-08", "09:00")).slots == []

    tablet = [reference(kumar, ["rates"], at(day, "05:00")) for day in ("2026-03-06", "2026-03-07")]
    assert [[slot["id"] for slot in told["slots"]] for told in tablet] == [[str(early.pk)], [str(later.pk)]]
    assert [[rate["slot"] for rate in told["rates"]] for told in tablet] == [[str(early.pk)], [str(later.pk)]]


def test_yesterday_is_told_by_yesterday_s_slot(meena: Membership, jasmine: Flower, early: TimeSlot) -> None:
    retired(meena, early, FRIDAY)
    board = rate_board_at(meena.shop, at("2026-03-06", "05:00"))
    called = board.places["rate-MAL-called"]
    assert (called.rate, called.yesterday) == (None, Decimal(900))


def test_waiting_lines_are_told_by_the_slot_of_their_day(
    meena: Membership, raja: Farmer, lotus: Flower, early: TimeSlot
) -> None:
    recorded(meena, raja, lotus, captured_at=at("2026-03-05", "04:30"), quantity=Decimal(10))
    retired(meena, early, FRIDAY)
    recorded(meena, raja, lotus, captured_at=at("2026-03-06", "02:30"), quantity=Decimal(10))
    slots = {day.day: [wait.window.slot for wait in day.waits] for day in pending_of(meena.shop).days}
    assert slots == {dt.date(2026, 3, 5): [early], FRIDAY: [None]}
