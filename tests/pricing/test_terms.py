"""The shop's terms: how flowers are priced, adjustments, fees. What begins when, and what stays as it was."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, transaction

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, NotFound, RuleBroken
from malar.trail.services.answers import Answer
from pricing.domain import PricingMode
from pricing.models import FeeRule, Flower, PricingRule, RateAdjustment
from pricing.selectors.fees import fees_on
from pricing.selectors.rates import rate_at
from pricing.services.adjustments import add_adjustment, retire_adjustment
from pricing.services.fees import edit_fee, set_fee
from pricing.services.modes import set_pricing_mode
from tests.cast import at, called, recorded

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 6)
TOMORROW, NEXT_WEEK = dt.date(2026, 3, 7), dt.date(2026, 3, 13)
MORNING = at("2026-03-06", "05:00")


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(MORNING, tick=False):
        yield


def faults(refused: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


# --- How flowers are priced -----------------------------------------------------------------


def priced(
    by: Membership, mode: PricingMode | None, since: dt.date = TODAY, *, key: UUID | None = None, **of: Any
) -> Answer:
    return set_pricing_mode(by=by, key=key or uuid4(), mode=mode, valid_from=since, **of)


def way(flower: Flower, day: str) -> str:
    return rate_at(flower, at(day, "05:00")).mode


def test_a_flower_s_own_way_goes_before_the_shop_s(meena: Membership, jasmine: Flower, lotus: Flower) -> None:
    assert way(jasmine, "2026-03-06") == "called"
    priced(meena, PricingMode.DAY)
    priced(meena, PricingMode.LOT, flower=lotus)
    assert (way(jasmine, "2026-03-06"), way(lotus, "2026-03-06")) == ("day", "lot")
    assert (way(jasmine, "2026-03-05"), way(lotus, "2026-03-05")) == ("called", "called")


def test_a_new_way_ends_the_one_in_force_and_stops_before_the_next(meena: Membership) -> None:
    answers = [priced(meena, PricingMode.DAY), priced(meena, PricingMode.LOT, NEXT_WEEK)]
    answers.append(priced(meena, PricingMode.CALLED, TOMORROW))
    rules = PricingRule.objects.order_by("valid_from").values_list("mode", "valid_from", "valid_to")
    assert list(rules) == [
        ("day", TODAY, TOMORROW),
        ("called", TOMORROW, NEXT_WEEK),
        ("lot", NEXT_WEEK, None),
    ]
    assert answers[2].body == {
        "flower": None,
        "mode": "called",
        "valid_from": "2026-03-07",
        "valid_to": "2026-03-13",
    }


def test_said_twice_it_is_said_once(meena: Membership, lotus: Flower) -> None:
    key = uuid4()
    first = priced(meena, PricingMode.LOT, flower=lotus, key=key)
    again = priced(meena, PricingMode.LOT, flower=lotus, key=key)
    assert (first.replayed, again.replayed, again.body) == (False, True, first.body)
    assert PricingRule.objects.count() == 1


def test_a_way_put_right_on_its_first_day_leaves_only_its_history(meena: Membership, lotus: Flower) -> None:
    wrong = priced(meena, PricingMode.DAY, flower=lotus)
    priced(meena, PricingMode.LOT, flower=lotus)
    rule = PricingRule.objects.get()
    assert (rule.mode, rule.valid_to) == ("lot", None)
    labels = apps.get_model("pricing", "PricingRuleEvent").objects.filter(pgh_obj_id=wrong.made)
    assert list(labels.order_by("pgh_id").values_list("pgh_label", flat=True)) == ["insert", "delete"]


def test_a_flower_goes_back_to_the_shop_s_way(meena: Membership, lotus: Flower) -> None:
    priced(meena, PricingMode.LOT, flower=lotus)
    priced(meena, None, TOMORROW, flower=lotus)
    assert (way(lotus, "2026-03-06"), way(lotus, "2026-03-07")) == ("lot", "called")
    assert PricingRule.objects.get().valid_to == TOMORROW
    with pytest.raises(RuleBroken) as refused:
        priced(meena, None, TOMORROW, flower=lotus)
    assert faults(refused) == [("/flower", "as_the_shop")]


def test_taken_back_on_its_first_day_a_way_never_was(meena: Membership, lotus: Flower) -> None:
    priced(meena, PricingMode.LOT, NEXT_WEEK, flower=lotus)
    priced(meena, None, NEXT_WEEK, flower=lotus)
    assert way(lotus, "2026-03-13") == "called"
    assert not PricingRule.objects.exists()


def test_the_past_stays_as_it_was(meena: Membership, mullai: Flower) -> None:
    yesterday = TODAY - dt.timedelta(days=1)
    for asked in ({"mode": PricingMode.LOT}, {"mode": PricingMode.LOT, "flower": mullai}, {"mode": None}):
        with pytest.raises(RuleBroken) as refused:
            set_pricing_mode(by=meena, key=uuid4(), valid_from=yesterday, **asked)
        assert faults(refused)[0] == ("/valid_from", "past")
    assert "06/03/2026" in refused.value.detail
    assert not PricingRule.objects.exists()


def test_today_is_the_shop_s_business_day(meena: Membership) -> None:
    meena.shop.turnover_hour = 6
    meena.shop.save()
    priced(meena, PricingMode.LOT, TODAY - dt.timedelta(days=1))  # five o'clock is still yesterday
    assert PricingRule.objects.exists()


def test_another_shop_s_flower_is_unknown_and_only_the_owner_says_so(
    meena: Membership, kumar: Membership, mullai: Flower, jasmine: Flower
) -> None:
    with pytest.raises(RuleBroken) as refused:
        priced(meena, PricingMode.LOT, flower=mullai)
    assert faults(refused) == [("/flower", "unknown_flower")]
    with pytest.raises(NotAllowed):
        priced(kumar, PricingMode.LOT, flower=jasmine)
    with pytest.raises(RuleBroken) as refused:
        priced(meena, None)
    assert faults(refused) == [("/mode", "required")]


def test_lines_keep_their_rate_when_the_way_changes(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    called(jasmine, "900", at("2026-03-06", "04:00"), meena)
    before = recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "04:50"))
    priced(meena, PricingMode.DAY)
    after = recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "04:55"))
    before.refresh_from_db()
    assert (before.rate, before.rate_source, after.rate) == (Decimal(900), "called", None)


def test_the_database_refuses_two_ways_at_once(meena: Membership) -> None:
    priced(meena, PricingMode.LOT)
    with pytest.raises(IntegrityError), transaction.atomic():
        PricingRule.objects.create(shop=meena.shop, mode="day", valid_from=TOMORROW, made_by=meena)


# --- Adjustments ----------------------------------------------------------------------------

WET: dict[str, Any] = {
    "code": "wet",
    "name_ta": "ஈரம்",
    "name_en": "Wet",
    "basis": "percent",
    "value": Decimal(-10),
}


def added(by: Membership, **other: Any) -> RateAdjustment:
    answer = add_adjustment(by=by, key=uuid4(), **(WET | other))
    return RateAdjustment.objects.get(pk=answer.made)


def test_an_adjustment_is_added_and_retired_and_its_code_used_again(meena: Membership) -> None:
    wet = added(meena)
    assert (wet.name_ta, wet.name_en, wet.value, wet.is_active) == ("ஈரம்", "Wet", Decimal(-10), True)
    with pytest.raises(RuleBroken) as refused:
        added(meena, value=Decimal(-5))
    assert faults(refused) == [("/code", "code_taken")]
    retire_adjustment(by=meena, adjustment_id=wet.pk)
    retire_adjustment(by=meena, adjustment_id=wet.pk)
    assert added(meena, value=Decimal(-5)).is_active
    wet.refresh_from_db()
    assert (wet.value, wet.is_active) == (Decimal(-10), False)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"value": Decimal(0)}, ("/value", "out_of_range")),
        ({"value": Decimal(-100)}, ("/value", "out_of_range")),
        ({"value": Decimal("1E+9"), "basis": "per_unit"}, ("/value", "out_of_range")),
        ({"value": Decimal("-2.505")}, ("/value", "too_precise")),
        ({"basis": "times"}, ("/basis", "unknown_basis")),
        ({"code": "much too long"}, ("/code", "invalid")),
        ({"code": ""}, ("/code", "invalid")),
        ({"name_ta": " "}, ("/name_ta", "required")),
        ({"name_en": "w" * 41}, ("/name_en", "required")),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_at_its_field(
    meena: Membership, said: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(RuleBroken) as refused:
        added(meena, **said)
    assert faults(refused) == [fault]
    assert not RateAdjustment.objects.exists()


def test_an_adjustment_may_take_much_off_in_rupees(meena: Membership) -> None:
    assert added(meena, basis="per_unit", value=Decimal(-150)).value == -150


def test_adjustments_are_the_owner_s_and_the_shop_s(
    meena: Membership, kumar: Membership, devi: Membership
) -> None:
    wet = added(meena)
    with pytest.raises(NotAllowed):
        added(kumar, code="dry")
    with pytest.raises(NotAllowed):
        retire_adjustment(by=kumar, adjustment_id=wet.pk)
    with pytest.raises(NotFound):
        retire_adjustment(by=devi, adjustment_id=wet.pk)
    assert added(devi).code == "wet"


# --- Fees -----------------------------------------------------------------------------------

COOLIE: dict[str, Any] = {
    "code": "coolie",
    "name_ta": "கூலி",
    "name_en": "Coolie",
    "basis": "per_sack",
    "rate": Decimal(10),
    "automatic": True,
    "income": "pass_through",
}


def fee(by: Membership, **other: Any) -> FeeRule:
    return FeeRule.objects.get(pk=set_fee(by=by, key=uuid4(), **(COOLIE | other)).made)


def on(by: Membership, day: dt.date, automatic: bool | None = None) -> list[tuple[str, str]]:
    return [(each.code, f"{each.rate:.2f}") for each in fees_on(by.shop, day, automatic)]


def test_a_new_rate_of_a_fee_ends_the_one_before_from_its_day(meena: Membership) -> None:
    first = fee(meena)
    last = fee(meena, rate=Decimal(15), valid_from=NEXT_WEEK)
    between = fee(meena, rate=Decimal(12), valid_from=TOMORROW)
    first.refresh_from_db()
    assert (first.valid_to, between.valid_to, last.valid_to) == (TOMORROW, NEXT_WEEK, None)
    days = (dt.date(2020, 1, 1), TODAY, TOMORROW, NEXT_WEEK)
    assert [on(meena, day) for day in days] == [
        [("coolie", "10.00")],
        [("coolie", "10.00")],
        [("coolie", "12.00")],
        [("coolie", "15.00")],
    ]


def test_fees_of_a_day_are_by_code_and_can_be_told_apart(meena: Membership, devi: Membership) -> None:
    fee(meena)
    fee(meena, code="luggage", basis="per_trip", automatic=False, rate=Decimal(40))
    fee(meena, code="cess", basis="percent", rate=Decimal(1), valid_from=TOMORROW)
    fee(devi, code="toll")
    edit_fee(by=meena, fee_id=fee(meena, code="old").pk, is_active=False)
    assert on(meena, TODAY) == [("coolie", "10.00"), ("luggage", "40.00")]
    assert on(meena, TOMORROW, automatic=True) == [("cess", "1.00"), ("coolie", "10.00")]
    assert on(meena, TODAY, automatic=False) == [("luggage", "40.00")]


def test_an_older_fee_ends_where_the_next_one_begins(meena: Membership) -> None:
    later = fee(meena, rate=Decimal(12), valid_from=TOMORROW)
    always = fee(meena)
    later.refresh_from_db()
    assert (always.valid_to, later.valid_to) == (TOMORROW, None)


@pytest.mark.parametrize("since", [None, TOMORROW])
def test_two_rates_of_one_day_are_refused_unless_the_first_is_out_of_use(
    meena: Membership, since: dt.date | None
) -> None:
    wrong = fee(meena, rate=Decimal(100), valid_from=since)
    with pytest.raises(RuleBroken) as refused:
        fee(meena, valid_from=since)
    assert faults(refused) == [("/effective_from", "begins_already")]
    edit_fee(by=meena, fee_id=wrong.pk, is_active=False)
    fee(meena, valid_from=since)
    with pytest.raises(RuleBroken) as refused:
        edit_fee(by=meena, fee_id=wrong.pk, is_active=True)
    assert faults(refused) == [("/is_active", "overlaps")]
    assert on(meena, TOMORROW) == [("coolie", "10.00")]


def test_a_fee_out_of_use_leaves_the_one_before_ended(meena: Membership) -> None:
    first = fee(meena)
    edit_fee(by=meena, fee_id=fee(meena, valid_from=TOMORROW).pk, is_active=False)
    assert on(meena, TOMORROW) == []
    edit_fee(by=meena, fee_id=first.pk, automatic=False)
    first.refresh_from_db()
    assert (first.automatic, first.is_active, first.valid_to) == (False, True, TOMORROW)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"rate": Decimal(-1)}, ("/rate", "out_of_range")),
        ({"rate": Decimal("100.01"), "basis": "percent"}, ("/rate", "out_of_range")),
        ({"rate": Decimal("1E+11")}, ("/rate", "out_of_range")),
        ({"rate": Decimal("Infinity")}, ("/rate", "out_of_range")),
        ({"rate": Decimal("1.005")}, ("/rate", "too_precise")),
        ({"basis": "per_flower"}, ("/basis", "unknown_basis")),
        ({"income": "mine"}, ("/income", "unknown_income")),
        ({"basis": "per_trip"}, ("/automatic", "by_hand")),
        ({"code": "coo lie"}, ("/code", "invalid")),
        ({"code": "கூலி"}, ("/code", "invalid")),
        ({"name_en": ""}, ("/name_en", "required")),
    ],
)
def test_a_fee_that_cannot_be_is_refused_at_its_field(
    meena: Membership, said: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(RuleBroken) as refused:
        fee(meena, **said)
    assert faults(refused) == [fault]
    assert not FeeRule.objects.exists()


def test_a_trip_cannot_be_charged_with_every_entry_later_either(meena: Membership) -> None:
    luggage = fee(meena, basis="per_trip", automatic=False)
    with pytest.raises(RuleBroken) as refused:
        edit_fee(by=meena, fee_id=luggage.pk, automatic=True)
    assert faults(refused) == [("/automatic", "by_hand")]


def test_fees_are_the_owner_s_and_the_shop_s(meena: Membership, kumar: Membership, devi: Membership) -> None:
    coolie = fee(meena)
    with pytest.raises(NotAllowed):
        fee(kumar, code="toll")
    with pytest.raises(NotAllowed):
        edit_fee(by=kumar, fee_id=coolie.pk, automatic=False)
    with pytest.raises(NotFound):
        edit_fee(by=devi, fee_id=coolie.pk, automatic=False)


def test_a_new_rate_leaves_charges_as_they_were(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    fee(meena)
    line = recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "04:50"), rate=Decimal(100))
    fee(meena, rate=Decimal(15), valid_from=TODAY)
    later = recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "04:55"), rate=Decimal(100))
    assert [f"{each.charges.get().amount:.2f}" for each in (line, later)] == ["10.00", "15.00"]
