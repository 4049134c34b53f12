"""The rate board: what it knows of before, and publishing several rates at once."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from pricing.domain import is_far, meant_by
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.rates import (
    Place,
    entries_that_keep,
    published,
    rate_board_at,
    standings,
)
from pricing.services.rates import NewRate, RateQuestioned, publish_rate, publish_rates
from tests.cast import a_flower, a_slot, at, called, recorded

pytestmark = pytest.mark.django_db

TODAY, YESTERDAY = "2026-03-06", "2026-03-05"


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    """It is half past six on the day the tests speak of, and time goes on."""
    with time_machine.travel(at(TODAY, "06:30")):
        yield


def slotted(flower: Flower, slot: TimeSlot, rate: str, when: dt.datetime, by: Membership) -> None:
    publish_rate(by=by, key=uuid4(), flower=flower, slot=slot, rate=Decimal(rate), effective_from=when)


def place_of(
    flower: Flower, slot: TimeSlot | None = None, *, clock: str = "05:00", day: str = TODAY
) -> Place:
    row = next(row for row in rate_board_at(flower.shop, at(day, clock)).rows if row.flower == flower)
    return next(place for place in row.places if place.slot == slot)


# --- What the board knows --------------------------------------------------------------------


def test_a_place_shows_its_rate_yesterday_s_and_the_seven_days_before_today(
    meena: Membership, jasmine: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    for day, rate in (("2026-02-20", "2000"), ("2026-03-02", "1200"), ("2026-03-04", "700"), (TODAY, "950")):
        slotted(jasmine, slot, rate, at(day, "03:00"), meena)
    place = place_of(jasmine, slot)
    assert (place.rate, place.yesterday, place.low, place.high) == (
        Decimal(950),
        Decimal(700),
        Decimal(700),
        Decimal(2000),  # still held on the first of the seven days
    )


def test_yesterday_s_rate_of_a_slot_is_the_one_it_ended_with(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    slotted(jasmine, slot, "900", at(YESTERDAY, "03:00"), meena)
    slotted(jasmine, slot, "880", at(YESTERDAY, "05:00"), meena)
    slotted(jasmine, slot, "600", at(YESTERDAY, "20:00"), meena)  # for tomorrow
    place = place_of(jasmine, slot)
    assert (place.yesterday, place.rate) == (Decimal(880), Decimal(600))


def test_a_call_is_compared_with_yesterday_at_this_time_and_not_with_its_end(
    meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "900", at(YESTERDAY, "04:00"), meena)
    called(jasmine, "400", at(YESTERDAY, "09:00"), meena)
    assert place_of(jasmine).yesterday == Decimal(900)
    assert place_of(jasmine, clock="09:30").yesterday == Decimal(400)


def test_where_nothing_was_called_yesterday_the_slot_s_rate_of_then_counts(
    meena: Membership, jasmine: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    slotted(jasmine, slot, "880", at(YESTERDAY, "00:00"), meena)
    assert place_of(jasmine).yesterday == Decimal(880)


def test_a_rate_that_never_held_is_not_in_the_range(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "9000", at(YESTERDAY, "04:00"), meena)
    called(jasmine, "900", at(YESTERDAY, "04:00"), meena)  # put right in the same moment
    place = place_of(jasmine)
    assert (place.low, place.high) == (Decimal(900), Decimal(900))


def test_the_slot_of_now_and_the_slots_that_are_over_are_told_apart(
    meena: Membership, jasmine: Flower
) -> None:
    slots = [
        a_slot(meena.shop, *times) for times in (("04:00", "05:30"), ("05:30", "07:00"), ("07:00", "09:00"))
    ]
    seen = [
        (place.is_over, place.is_now) for place in (place_of(jasmine, slot, clock="06:00") for slot in slots)
    ]
    assert seen == [(True, False), (False, True), (False, False)]


def test_another_shop_s_rates_are_not_on_the_board(
    meena: Membership, devi: Membership, jasmine: Flower, mullai: Flower
) -> None:
    called(mullai, "500", at(TODAY, "04:00"), devi)
    a_slot(devi.shop, "04:00", "05:30")
    board = rate_board_at(meena.shop, at(TODAY, "05:00"))
    assert [row.flower for row in board.rows] == [jasmine]
    assert (board.slots, [row.rate for row in board.rows]) == ([], [None])


def test_the_board_costs_four_queries_whatever_is_sold(meena: Membership, jasmine: Flower) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rate_board_at(meena.shop, at(TODAY, "05:00"))
        return len(captured)

    called(jasmine, "900", at(TODAY, "04:00"), meena)
    few = queries()
    slot = a_slot(meena.shop, "04:00", "05:30")
    for number in range(3):
        flower = a_flower(meena.shop, f"F{number}", f"பூ {number}", f"Flower {number}")
        called(flower, "900", at(YESTERDAY, "04:00"), meena)
        slotted(flower, slot, "800", at(YESTERDAY, "04:00"), meena)
    assert (few, queries()) == (4, 4)


def test_the_wall_compares_with_the_call_before_and_a_new_slot_with_the_one_before(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    early, late = a_slot(meena.shop, "04:00", "05:30"), a_slot(meena.shop, "05:30", "07:00")
    slotted(lotus, early, "14", at("2026-03-01", "00:00"), meena)
    slotted(lotus, late, "12", at("2026-03-01", "00:00"), meena)
    called(jasmine, "900", at(TODAY, "04:10"), meena)
    called(jasmine, "940", at(TODAY, "05:28"), meena)
    known, flowers = standings(meena.shop, at(TODAY, "05:31"))
    assert known.slot_at(known.now) == late
    changes = {each.flower: (each.rate, each.change, each.is_fresh) for each in flowers}
    assert changes == {
        jasmine: (Decimal(940), Decimal(40), True),
        lotus: (Decimal(12), Decimal(-2), True),
    }


def test_the_first_rate_of_a_day_is_neither_up_nor_down(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(YESTERDAY, "04:00"), meena)
    called(jasmine, "500", at(TODAY, "04:00"), meena)
    _known, (standing,) = standings(meena.shop, at(TODAY, "04:01"))
    assert standing.change == 0


# --- Doubt -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "known", "far"),
    [
        ("640", "900", False),
        ("450", "900", False),
        ("449.99", "900", True),
        ("1350", "900", False),
        ("1350.01", "900", True),
        ("0", "900", True),
        ("640", None, False),
        ("640", "0", False),
    ],
)
def test_far_is_more_than_half_off(rate: str, known: str | None, far: bool) -> None:
    assert is_far(Decimal(rate), Decimal(known) if known else None) is far


@pytest.mark.parametrize(
    ("rate", "known", "meant"),
    [
        ("6400", "700", "640"),
        ("64", "700", "640"),
        ("64000", "700", "640"),
        ("6.4", "700", "640"),
        ("0.05", "50", None),
    ],
)
def test_a_slip_of_the_finger_is_recognised(rate: str, known: str, meant: str | None) -> None:
    assert meant_by(Decimal(rate), Decimal(known)) == (Decimal(meant) if meant else None)


def test_a_rate_that_no_slip_explains_has_no_other_one(meena: Membership) -> None:
    assert meant_by(Decimal(2000), Decimal(900)) is None
    assert meant_by(Decimal(0), Decimal(900)) is None


# --- Publishing ------------------------------------------------------------------------------


def now_on(flower: Flower, rate: str, slot: TimeSlot | None = None, *, sure: bool = False) -> NewRate:
    """A new rate for a place of the board as it is at this moment."""
    places = rate_board_at(flower.shop, timezone.now()).places.values()
    place = next(place for place in places if (place.flower, place.slot) == (flower, slot))
    return NewRate(place, Decimal(rate), sure)


def test_several_rates_are_published_together_from_one_moment(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    answer = publish_rates(
        by=meena,
        key=uuid4(),
        rates=[now_on(jasmine, "680"), now_on(jasmine, "650", slot), now_on(lotus, "12.50")],
    )
    rates = MarketRate.objects.filter(pk__in=[each["id"] for each in answer.body["rates"]])
    assert {(each.flower, each.slot, each.rate) for each in rates} == {
        (jasmine, None, Decimal(680)),
        (jasmine, slot, Decimal(650)),
        (lotus, None, Decimal("12.5")),
    }
    assert len({each.effective_from for each in rates}) == 1


def test_one_impossible_rate_keeps_all_of_them_back_and_is_named(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    wrong = now_on(lotus, "12.345")
    with pytest.raises(RuleBroken) as refused:
        publish_rates(by=meena, key=uuid4(), rates=[now_on(jasmine, "680"), wrong])
    assert [fault.pointer for fault in refused.value.faults] == [f"/{wrong.place.name}"]
    assert not MarketRate.objects.exists()


def test_nothing_to_publish_is_said(meena: Membership) -> None:
    with pytest.raises(RuleBroken) as refused:
        publish_rates(by=meena, key=uuid4(), rates=[])
    assert refused.value.code == "nothing_to_publish"


def test_one_doubtful_rate_keeps_all_of_them_back_until_the_owner_is_sure(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "640", timezone.now() - dt.timedelta(minutes=1), meena)
    rates = [now_on(jasmine, "6400"), now_on(lotus, "12")]
    with pytest.raises(RateQuestioned) as asked:
        publish_rates(by=meena, key=uuid4(), rates=rates)
    (question,) = asked.value.questions
    assert (question.place.flower, question.rate, question.usual, question.meant) == (
        jasmine,
        Decimal(6400),
        Decimal(640),
        Decimal(640),
    )
    assert MarketRate.objects.count() == 1

    publish_rates(by=meena, key=uuid4(), rates=[now_on(jasmine, "6400", sure=True), now_on(lotus, "12")])
    assert MarketRate.objects.count() == 3


def test_who_was_sure_today_is_not_asked_again_near_that_rate(meena: Membership, jasmine: Flower) -> None:
    now = timezone.now()
    called(jasmine, "900", now - dt.timedelta(days=1, minutes=1), meena)
    publish_rates(by=meena, key=uuid4(), rates=[now_on(jasmine, "300", sure=True)])
    publish_rates(by=meena, key=uuid4(), rates=[now_on(jasmine, "320")])
    with pytest.raises(RateQuestioned):
        publish_rates(by=meena, key=uuid4(), rates=[now_on(jasmine, "3200")])


def test_the_same_request_twice_publishes_once_and_answers_alike(meena: Membership, jasmine: Flower) -> None:
    key, rates = uuid4(), [now_on(jasmine, "640")]
    first, again = (publish_rates(by=meena, key=key, rates=rates) for _each in range(2))
    assert (first.replayed, again.replayed, again.body) == (False, True, first.body)
    assert MarketRate.objects.count() == 1


def test_a_key_is_not_good_for_other_rates(meena: Membership, jasmine: Flower) -> None:
    key = uuid4()
    publish_rates(by=meena, key=key, rates=[now_on(jasmine, "640")])
    with pytest.raises(RuleBroken) as refused:
        publish_rates(by=meena, key=key, rates=[now_on(jasmine, "650")])
    assert refused.value.code == "idempotency_key_reused"


def test_only_the_owner_publishes_rates(kumar: Membership, jasmine: Flower) -> None:
    with pytest.raises(NotAllowed):
        publish_rates(by=kumar, key=uuid4(), rates=[now_on(jasmine, "640")])


def test_another_shop_s_places_are_refused(meena: Membership, jasmine: Flower, mullai: Flower) -> None:
    foreign = a_slot(mullai.shop, "04:00", "05:30")
    borrowed = NewRate(
        Place(
            flower=jasmine,
            slot=foreign,
            rate=None,
            since=None,
            said_today=False,
            yesterday=None,
            low=None,
            high=None,
            is_now=False,
            is_over=False,
        ),
        Decimal(640),
    )
    for new in (now_on(mullai, "640"), borrowed):
        with pytest.raises(RuleBroken):
            publish_rates(by=meena, key=uuid4(), rates=[new])
    assert not MarketRate.objects.exists()


# --- Afterwards ------------------------------------------------------------------------------


def test_what_was_published_says_what_it_took_the_place_of(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "04:00", "23:59")
    slotted(jasmine, slot, "640", at(TODAY, "04:00"), meena)
    called(jasmine, "700", at(TODAY, "05:00"), meena)
    called(jasmine, "680", at(TODAY, "06:00"), meena)
    board = rate_board_at(meena.shop, at(TODAY, "06:30"))
    ids = [str(rate.pk) for rate in MarketRate.objects.filter(slot=None)]
    assert [(each.rate.rate, each.before) for each in published(meena.shop, ids[:1], board)] == [
        (Decimal(680), Decimal(700))
    ]
    # The first call of a day took the place of the slot's rate.
    assert [each.before for each in published(meena.shop, ids[1:], board)] == [Decimal(640)]


def test_entries_keep_their_rate_and_are_counted_by_what_was_published(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    early = a_slot(meena.shop, "04:00", "05:30")
    called(jasmine, "700", at(TODAY, "04:00"), meena)
    recorded(kumar, raja, jasmine, captured_at=at(TODAY, "05:00"))
    late = recorded(kumar, raja, jasmine, captured_at=at(TODAY, "06:00"))
    recorded(kumar, raja, lotus, captured_at=at(TODAY, "06:00"), quantity=Decimal(5))  # waits for its rate
    day = dt.date.fromisoformat(TODAY)

    def kept(flower: Flower, slot: TimeSlot | None) -> int:
        slotted(flower, slot, "650", at(TODAY, "06:10"), meena) if slot else called(
            flower, "650", at(TODAY, "06:10"), meena
        )
        return entries_that_keep(
            meena.shop, [MarketRate.objects.get(flower=flower, slot=slot, rate=650)], day
        )

    assert (kept(jasmine, early), kept(jasmine, None), kept(lotus, None)) == (1, 2, 0)
    late.refresh_from_db()
    assert late.rate == Decimal(700)
    assert entries_that_keep(meena.shop, [], day) == 0
