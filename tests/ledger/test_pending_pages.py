"""The list of what waits for a rate, and giving it."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import a_farmer, at, recorded
from tests.conftest import page_of
from tests.ledger.test_repricing import DAY, EARLY, LATER, close, price
from tests.ledger.test_views import html

pytestmark = pytest.mark.django_db

LIST, PRICE = "/ledger/pending/", "/ledger/pending/price/"


def typed(jasmine: Flower, **fields: str) -> dict[str, str]:
    """The whole day at ₹1,450, as a browser sends it."""
    return {
        "key": str(uuid4()),
        "flower": str(jasmine.pk),
        "day": DAY,
        "from_time": "00:00",
        "to_time": "00:00",
        "rate": "1,450",
        "reason": "",
        **fields,
    }


def button(page: str, name: str) -> str:
    """The value of the button with a name."""
    found = re.search(f'<button [^>]*name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def confirmed(client: Any, said: dict[str, str]) -> Any:
    """The preview of what was typed, confirmed."""
    return client.post(PRICE, said | {"seen": button(html(client.post(PRICE, said)), "seen")})


def test_the_list_leads_to_a_form_with_the_window_filled_in(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    client = page_of(meena)
    page = html(client.get(LIST))
    assert "Friday, 6 March 2026" in page
    (href,) = re.findall(rf'href="({PRICE}[^"]+)"', page)
    form = html(client.get(href.replace("&amp;", "&")))
    assert re.search(rf'<option value="{jasmine.pk}"[^>]* selected', form)
    assert 'name="from_time" value="04:00"' in form
    assert 'name="to_time" value="05:00"' in form
    assert f'name="day" value="{DAY}"' in form


def test_who_gets_what_is_shown_before_anything_is_kept(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    recorded(kumar, lakshmi, jasmine, captured_at=LATER, gross_quantity=Decimal("2.000"))
    client, said = page_of(meena), typed(jasmine)
    page = html(client.post(PRICE, said))
    for words in (
        "P. Raja",
        "₹8,555.00",
        "S. Lakshmi",
        "₹2,900.00",
        "₹11,455.00",
        "Price 2 entries at ₹1,450",
    ):
        assert words in page
    assert f'<input type="hidden" name="key" value="{said["key"]}">' in page
    assert DailyEntry.objects.exclude(rate=None).count() == 0

    answer = client.post(PRICE, said | {"seen": button(page, "seen")}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "2 entries of Jasmine priced at ₹1,450." in html(answer)
    assert "₹11,455.00 for 2 farmers." in html(answer)
    assert "Every entry has its rate." in html(answer)
    assert DailyEntry.objects.exclude(rate=None).count() == 2
    assert "priced at" not in html(client.get(LIST))  # said once


def test_confirming_twice_prices_once(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    client, said = page_of(meena), typed(jasmine)
    said["seen"] = button(html(client.post(PRICE, said)), "seen")
    assert [client.post(PRICE, said).status_code for _each in range(2)] == [302, 302]
    assert DailyEntry.objects.get(pk=entry.pk).version == 2


def test_after_a_pricing_the_page_leads_to_another_one_that_puts_it_right(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    client = page_of(meena)
    confirmed(client, typed(jasmine, rate="145"))
    (href,) = re.findall(rf'href="({PRICE}[^"]+)"', html(client.get(LIST)))
    form = html(client.get(href.replace("&amp;", "&")))
    assert re.search(r'<input type="checkbox" name="again"[^>]* checked', form)
    said = typed(jasmine, again="on")
    page = client.post(PRICE, said)
    assert "before ₹855.50" in html(page)
    refused = client.post(PRICE, said | {"seen": button(html(page), "seen")})
    assert refused.status_code == 422
    assert "Say why lines that have a rate get another one." in html(refused)
    assert confirmed(client, said | {"reason": "a nought was missing"}).status_code == 302
    assert DailyEntry.objects.get(pk=entry.pk).amount == Decimal("8555.00")


def test_a_rate_far_from_the_last_one_is_asked_about_in_place(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1400))
    yesterday = recorded(kumar, raja, jasmine, captured_at=at("2026-03-04", "05:00"))
    client = page_of(meena)
    confirmed(client, typed(jasmine, day="2026-03-04", rate="1400"))
    assert DailyEntry.objects.get(pk=yesterday.pk).rate == Decimal(1400)
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)

    said = typed(jasmine, rate="14500")
    page = html(client.post(PRICE, said))
    assert "₹14,500 is far from the last rate, ₹1,400. Is it right?" in page
    assert "₹14,500 is right: price 1 entry" in page
    assert button(page, "answer") == "1450"
    better = html(client.post(PRICE, said | {"answer": "1450"}))
    assert "Price 1 entry at ₹1,450" in better
    assert "far from" not in better
    client.post(PRICE, said | {"rate": "1450", "seen": button(better, "seen")})
    assert DailyEntry.objects.get(pk=entry.pk).rate == Decimal(1450)


def test_entries_that_came_meanwhile_are_shown_before_they_are_priced(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    client, said = page_of(meena), typed(jasmine)
    seen = button(html(client.post(PRICE, said)), "seen")
    recorded(kumar, raja, jasmine, captured_at=LATER)
    answer = client.post(PRICE, said | {"seen": seen})
    assert answer.status_code == 422
    assert "Lines changed meanwhile: now it is 2 lines." in html(answer)
    assert "Price 2 entries at ₹1,450" in html(answer)
    assert DailyEntry.objects.exclude(rate=None).count() == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rate": ""}, "Type the rate. 0 is a rate too."),
        ({"rate": "-1"}, "A rate cannot be below zero."),
        ({"to_time": "05:00", "from_time": "05:00"}, "must be later than"),
        ({"flower": str(uuid4())}, "This flower is not in your shop&#x27;s list."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    meena: Membership, jasmine: Flower, wrong: dict[str, str], words: str
) -> None:
    answer = page_of(meena).post(PRICE, typed(jasmine, **wrong))
    assert answer.status_code == 422
    assert words in html(answer)


def test_nothing_to_price_is_said_and_offers_no_button(meena: Membership, jasmine: Flower) -> None:
    answer = page_of(meena).post(PRICE, typed(jasmine))
    assert answer.status_code == 200
    assert "No entry waits for a rate in this time." in html(answer)
    assert 'name="seen"' not in html(answer)


def test_a_closed_day_waits_in_sight_and_cannot_be_priced(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    close(meena)
    client = page_of(meena)
    page = html(client.get(LIST))
    assert "06/03/2026 is closed. The owner must open it" in page
    assert PRICE not in page
    answer = client.post(PRICE, typed(jasmine))
    assert answer.status_code == 422
    assert "06/03/2026 is closed. The owner can open it again." in html(answer)


def test_a_clerk_sees_what_waits_and_is_offered_no_price(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    page = html(page_of(kumar).get(LIST))
    assert "The owner gives the rate." in page
    assert PRICE not in page


def test_the_list_asks_as_much_for_twenty_farmers_as_for_one(
    meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    client = page_of(meena)
    asked = []
    for numbers in (range(1, 2), range(2, 21)):
        for number in numbers:
            farmer = a_farmer(meena.shop, number, f"விவசாயி {number}", f"Farmer {number}")
            recorded(kumar, farmer, jasmine, captured_at=at(DAY, f"05:{number:02}"))
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
            client.post(PRICE, typed(jasmine))
        asked.append(len(captured))
    assert asked[0] == asked[1]


@time_machine.travel(at(DAY, "09:00"), tick=True)
def test_the_board_says_loudly_what_waits_also_from_older_days(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    client = page_of(meena)
    assert "waits for its rate" not in html(client.get("/"))
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    page = html(client.get("/"))
    assert "1 entry waits for its rate." in page
    assert f'href="{LIST}"' in page
    assert "The oldest is of" not in page
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-02", "05:00"))
    assert "The oldest is of 02/03/2026." in html(client.get("/"))
    price(meena, jasmine)
    assert "1 entry waits for its rate." in html(client.get("/"))
