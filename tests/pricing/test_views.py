"""The rate board."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from pricing.models import Flower, MarketRate
from pricing.services.rates import publish_rate
from tests.cast import a_flower, a_slot, called
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

BOARD = "/pricing/rates/"


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def call(flower: Flower, rate: str, **fields: str) -> dict[str, str]:
    return {"key": str(uuid4()), "flower": str(flower.pk), "rate": rate, **fields}


def test_it_shows_the_rate_in_force_and_since_when(
    meena: Membership, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "900", timezone.now() - dt.timedelta(minutes=1), meena)
    shown = html(page_of(kumar).get(BOARD))

    assert "₹900.00" in shown
    assert "Called rate · since" in shown
    assert "no rate yet" in shown, "the lotus has none"


def test_the_owner_publishes_and_everybody_sees_it_at_once(
    meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    staff = page_of(kumar)
    assert "₹1,450.00" not in html(staff.get(BOARD))

    answer = page_of(meena).post(BOARD, call(jasmine, "1,450.00"), follow=True)

    assert "Jasmine: ₹1,450.00 is published." in html(answer)
    assert "₹1,450.00" in html(staff.get(BOARD))


def test_without_its_cache_the_board_says_the_same(
    meena: Membership, kumar: Membership, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of(meena).post(BOARD, call(jasmine, "900"))
    kept = html(page_of(kumar).get(BOARD))
    cache.clear()
    monkeypatch.setattr(cache, "set", lambda *args: None)

    def figures(page: str) -> list[str]:
        return re.findall(r"₹[\d,.]+", page)

    assert figures(html(page_of(kumar).get(BOARD))) == figures(kept) != []


def test_the_same_form_twice_publishes_once(meena: Membership, jasmine: Flower) -> None:
    page, form = page_of(meena), call(jasmine, "900")
    page.post(BOARD, form)
    page.post(BOARD, form)

    assert MarketRate.objects.count() == 1


def test_a_rate_for_a_slot_stands_beside_the_called_one(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "00:00", "23:59")
    page = page_of(meena)
    page.post(BOARD, call(jasmine, "640", slot=str(slot.pk)))
    page.post(BOARD, call(jasmine, "700"))

    shown = html(page.get(BOARD))

    assert "<dt>00:00 rate</dt><dd>₹640.00</dd>" in shown
    assert '<p class="tile__rate">₹700.00' in shown


def test_a_rate_can_be_published_for_a_later_moment(meena: Membership, jasmine: Flower) -> None:
    page = page_of(meena)
    page.post(BOARD, call(jasmine, "700", effective_from="2099-01-01T05:30"))

    assert MarketRate.objects.get().effective_from.isoformat() == "2099-01-01T00:00:00+00:00"
    assert '<p class="tile__rate">₹700.00' not in html(page.get(BOARD))


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("", "This field is required."),
        ("nine", "Enter a number, for example 12.5."),
        ("-5", "A rate cannot be below zero."),
        ("9.005", "A rate has at most two decimals."),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_published(
    meena: Membership, jasmine: Flower, rate: str, words: str
) -> None:
    answer = page_of(meena).post(BOARD, call(jasmine, rate))

    assert answer.status_code == 422
    assert html(answer).count(words) == 2
    assert MarketRate.objects.count() == 0


def test_another_shop_s_flower_and_slot_are_refused(
    meena: Membership, jasmine: Flower, mullai: Flower
) -> None:
    foreign = a_slot(mullai.shop, "04:00", "06:00")
    page = page_of(meena)

    assert page.post(BOARD, call(mullai, "900")).status_code == 422
    assert page.post(BOARD, call(jasmine, "900", slot=str(foreign.pk))).status_code == 422
    assert "Mullai" not in html(page.get(BOARD))
    assert MarketRate.objects.count() == 0


def test_staff_read_the_board_and_farmers_do_not(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    assert raja.member is not None
    page = page_of(kumar)

    assert 'name="rate"' not in html(page.get(BOARD))
    assert page.post(BOARD, call(jasmine, "900")).status_code == 403
    assert page_of(raja.member).get(BOARD).status_code == 403
    assert MarketRate.objects.count() == 0


def test_today_s_calls_are_listed_with_who_made_them(meena: Membership, jasmine: Flower) -> None:
    publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal("900"))
    publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal("820"))
    called(jasmine, "777", timezone.now() - dt.timedelta(days=3), meena)
    shown = html(page_of(meena).get(BOARD))
    calls = shown[shown.index("Published today") :]

    assert re.findall(r"₹[\d,.]+", calls) == ["₹820.00", "₹900.00"]
    assert "Meena" in calls


def test_more_flowers_and_calls_cost_no_more_queries(meena: Membership, jasmine: Flower) -> None:
    page = page_of(meena)

    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            page.get(BOARD)
        return len(captured)

    publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal("900"))
    few = queries()
    slot = a_slot(meena.shop, "04:00", "06:00")
    for number in range(3):
        flower = a_flower(meena.shop, f"F{number}", f"பூ {number}", f"Flower {number}")
        publish_rate(by=meena, key=uuid4(), flower=flower, rate=Decimal("900"))
        publish_rate(by=meena, key=uuid4(), flower=flower, rate=Decimal("900"), slot=slot)

    assert queries() == few
