"""The office's pages of the shop's terms: slots, ways of pricing, adjustments, fees."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from malar.accounts.models import Membership, User
from pricing.domain import bits_of
from pricing.models import FeeRule, Flower, MarketRate, PricingRule, RateAdjustment, TimeSlot
from pricing.selectors.rates import rate_at
from tests import cast
from tests.conftest import page_of
from tests.ledger.terms import a_fee, an_adjustment

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = dt.date(2026, 3, 6), dt.date(2026, 3, 7)
OFFICE = "/admin/pricing"


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(cast.at("2026-03-06", "03:00"), tick=False):
        yield


@pytest.fixture
def office(meena: Membership) -> Client:
    return page_of(meena)


def saved(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    return {name: list(said) for name, said in answer.context["adminform"].form.errors.items()}


def members_of(row: Any) -> set[Any]:
    return {each.pgh_context.metadata["member"] for each in row.versions.select_related("pgh_context")}


# --- Slots ----------------------------------------------------------------------------------

SLOT = {
    "name_ta": "ஆறு மணி விலை",
    "name_en": "6 o'clock rate",
    "start": "06:00",
    "end": "08:00",
    "days": ["1", "2", "3", "4", "5", "6", "7"],
    "from_day": "2026-03-06",
    "is_active": "on",
}


def test_slots_that_overlap_are_refused_in_words(office: Client, meena: Membership) -> None:
    cast.a_slot(meena.shop, "05:30", "07:00")
    answer = office.post(f"{OFFICE}/timeslot/add/", SLOT)
    assert errors(answer) == {
        "start": ["“05:30 rate” covers a part of this time (5:30 am to 7:00 am)."],
    }
    assert "must be later" in str(errors(office.post(f"{OFFICE}/timeslot/add/", SLOT | {"end": "05:00"})))
    assert "days" in errors(office.post(f"{OFFICE}/timeslot/add/", SLOT | {"days": []}))
    assert "from_day" in errors(office.post(f"{OFFICE}/timeslot/add/", SLOT | {"from_day": "2026-03-05"}))
    assert saved(office.post(f"{OFFICE}/timeslot/add/", SLOT | {"start": "07:00", "days": ["6", "7"]}))
    slot = TimeSlot.objects.get(start="07:00")
    assert (slot.weekdays, slot.valid_from) == (bits_of([6, 7]), TODAY)
    assert members_of(slot) == {str(meena.pk)}


def test_the_form_offers_the_weekdays_and_today(office: Client, meena: Membership) -> None:
    User.objects.update(language="ta")
    page = office.get(f"{OFFICE}/timeslot/add/").content.decode()
    assert page.count('name="days"') == 7
    assert len(re.findall(r'name="days"[^>]* checked', page)) == 7
    assert "வெள்ளி" in page
    assert 'value="2026-03-06"' in page


def test_other_times_make_another_slot_with_the_rates(
    office: Client, meena: Membership, jasmine: Flower
) -> None:
    slot = cast.a_slot(meena.shop, "04:00", "05:30")
    MarketRate.objects.create(
        shop=meena.shop,
        flower=jasmine,
        slot=slot,
        rate=900,
        effective_from=cast.at("2026-03-01", "04:00"),
        published_by=meena,
    )
    address = f"{OFFICE}/timeslot/{slot.pk}/change/"
    same = SLOT | {"name_ta": slot.name_ta, "name_en": slot.name_en, "start": "04:00", "end": "05:30"}
    assert saved(office.post(address, same | {"end": "06:00", "from_day": "2026-03-07"}))
    slot.refresh_from_db()
    follower = TimeSlot.objects.get(follows=slot)
    assert (slot.end, slot.valid_to, follower.valid_from) == (dt.time(5, 30), TOMORROW, TOMORROW)
    assert rate_at(jasmine, cast.at("2026-03-07", "05:45")).rate == Decimal(900)
    assert members_of(follower) == {str(meena.pk)}
    page = office.get(address).content.decode()
    assert "every day" in page
    assert 'name="start"' not in page
    assert office.post(address, same).status_code == 403


def test_a_slot_is_renamed_or_ended(office: Client, meena: Membership) -> None:
    slot = cast.a_slot(meena.shop, "04:00", "05:30")
    address = f"{OFFICE}/timeslot/{slot.pk}/change/"
    same = SLOT | {"start": "04:00", "end": "05:30"}
    assert saved(office.post(address, same))
    slot.refresh_from_db()
    assert (slot.name_en, slot.valid_to, TimeSlot.objects.count()) == ("6 o'clock rate", None, 1)
    assert "from_day" in errors(office.post(address, same | {"is_active": "", "from_day": "2026-03-05"}))
    assert saved(office.post(address, same | {"is_active": "", "from_day": "2026-03-07"}))
    slot.refresh_from_db()
    assert (slot.valid_to, slot.is_active) == (TOMORROW, True)


# --- Ways of pricing ------------------------------------------------------------------------


def test_a_way_of_pricing_is_set_and_a_flower_goes_back_to_the_shop_s(
    office: Client, meena: Membership, jasmine: Flower
) -> None:
    add = f"{OFFICE}/pricingrule/add/"
    assert 'value="2026-03-06"' in office.get(add).content.decode()
    assert saved(office.post(add, {"flower": "", "mode": "day", "valid_from": "2026-03-06"}))
    assert saved(office.post(add, {"flower": jasmine.pk, "mode": "lot", "valid_from": "2026-03-06"}))
    assert "valid_from" in errors(office.post(add, {"flower": "", "mode": "lot", "valid_from": "2026-03-05"}))
    own = PricingRule.objects.get(flower=jasmine)
    assert own.made_by == meena
    address = f"{OFFICE}/pricingrule/{own.pk}/change/"
    for day in ("", "2026-03-05"):
        assert "valid_to" in errors(office.post(address, {"valid_to": day}))
    assert saved(office.post(address, {"valid_to": "2026-03-07"}))
    days = ("2026-03-06", "2026-03-07")
    assert [rate_at(jasmine, cast.at(day, "05:00")).mode for day in days] == ["lot", "day"]
    assert office.post(address, {"valid_to": "2026-03-09"}).status_code == 403
    shops = PricingRule.objects.get(flower=None)
    assert (
        office.post(f"{OFFICE}/pricingrule/{shops.pk}/change/", {"valid_to": "2026-03-09"}).status_code == 403
    )


def test_a_way_taken_back_on_its_first_day_goes(office: Client, meena: Membership, jasmine: Flower) -> None:
    office.post(
        f"{OFFICE}/pricingrule/add/", {"flower": jasmine.pk, "mode": "lot", "valid_from": "2026-03-06"}
    )
    own = PricingRule.objects.get()
    assert saved(office.post(f"{OFFICE}/pricingrule/{own.pk}/change/", {"valid_to": "2026-03-06"}))
    assert not PricingRule.objects.exists()
    assert office.get(f"{OFFICE}/pricingrule/").status_code == 200


# --- Adjustments ----------------------------------------------------------------------------

WET = {"code": "wet", "name_ta": "ஈரம்", "name_en": "Wet", "basis": "percent", "value": "-10"}


def test_an_adjustment_is_added_put_out_of_use_and_its_value_never_edited(
    office: Client, meena: Membership
) -> None:
    add = f"{OFFICE}/rateadjustment/add/"
    assert saved(office.post(add, WET))
    wet = RateAdjustment.objects.get()
    assert members_of(wet) == {str(meena.pk)}
    assert "code" in errors(office.post(add, WET | {"value": "-5"}))
    assert "value" in errors(office.post(add, WET | {"code": "all", "value": "-100"}))

    address = f"{OFFICE}/rateadjustment/{wet.pk}/change/"
    named = {"name_ta": "ஈரப்பூ", "name_en": "Wet", "value": "-50", "basis": "per_unit", "code": "dry"}
    assert saved(office.post(address, named))
    wet.refresh_from_db()
    assert (wet.name_ta, wet.code, wet.value, wet.is_active) == ("ஈரப்பூ", "wet", Decimal(-10), False)
    assert saved(office.post(add, WET | {"value": "-5"}))
    assert errors(office.post(address, named | {"is_active": "on"})) == {
        "__all__": ["Another adjustment has this code."]
    }
    assert "−10%" in office.get(f"{OFFICE}/rateadjustment/").content.decode()


# --- Fees -----------------------------------------------------------------------------------

COOLIE = {
    "code": "coolie",
    "name_ta": "கூலி",
    "name_en": "Coolie",
    "basis": "per_sack",
    "rate": "10",
    "automatic": "on",
    "income": "pass_through",
    "valid_from": "",
}


def test_a_fee_gets_a_new_rate_from_a_day_by_adding_it_again(office: Client, meena: Membership) -> None:
    add = f"{OFFICE}/feerule/add/"
    assert saved(office.post(add, COOLIE))
    assert "valid_from" in errors(office.post(add, COOLIE | {"rate": "12"}))
    assert "automatic" in errors(office.post(add, COOLIE | {"code": "trip", "basis": "per_trip"}))
    assert "rate" in errors(office.post(add, COOLIE | {"code": "cess", "basis": "percent", "rate": "101"}))
    assert saved(office.post(add, COOLIE | {"rate": "12", "valid_from": "2026-03-07"}))
    fees = FeeRule.objects.order_by("rate").values_list("rate", "valid_from", "valid_to")
    assert list(fees) == [(Decimal(10), None, TOMORROW), (Decimal(12), TOMORROW, None)]
    assert members_of(FeeRule.objects.get(rate=12)) == {str(meena.pk)}


def test_a_fee_s_figures_are_not_edited_but_how_it_is_charged_is(office: Client, meena: Membership) -> None:
    fee = a_fee(meena.shop, "coolie", "per_sack", "10")
    address = f"{OFFICE}/feerule/{fee.pk}/change/"
    assert saved(office.post(address, COOLIE | {"rate": "99", "automatic": "", "is_active": ""}))
    fee.refresh_from_db()
    assert (fee.rate, fee.automatic, fee.is_active) == (Decimal(10), False, False)
    office.post(f"{OFFICE}/feerule/add/", COOLIE)
    assert errors(office.post(address, COOLIE | {"is_active": "on"})) == {
        "is_active": ["Another fee with this code holds on some of these days."]
    }


@pytest.mark.parametrize("language", ["en", "ta"])
def test_the_lists_open_in_both_languages(office: Client, meena: Membership, language: str) -> None:
    User.objects.update(language=language)
    a_fee(meena.shop, "cess", "percent", "1.5")
    an_adjustment(meena.shop, "fine", "per_unit", "15")
    for model in ("timeslot", "pricingrule", "rateadjustment", "feerule"):
        for page in ("", "add/"):
            assert office.get(f"{OFFICE}/{model}/{page}").status_code == 200
    assert "1.5%" in office.get(f"{OFFICE}/feerule/").content.decode()
    assert "+₹15.00" in office.get(f"{OFFICE}/rateadjustment/").content.decode()
