"""The delivery log."""

import datetime as dt
import re
from typing import Any

import pytest
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA
from malar.trail.services.events import hand_over
from notifications.models import Message
from pricing.models import Flower
from tests.cast import a_flower, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

LOG = "/messages/"


def page(member: Membership, query: str = "", **headers: str) -> str:
    answer = page_of(member).get(f"{LOG}{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> int:
    return html.count("<details>")


@pytest.fixture
def log(kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower) -> None:
    """Raja was told twice, Lakshmi once."""
    for farmer in (raja, raja, lakshmi):
        recorded(kumar, farmer, jasmine)
    hand_over()


def test_the_log_says_who_was_told_what(kumar: Membership, log: None) -> None:
    html = page(kumar)
    assert rows(html) == 3
    for said in ("P. Raja (F014)", "S. Lakshmi (F015)", "kept here", "Receipt", "sent"):
        assert said in html
    assert "console:F014" not in html  # no address that somebody could write to


def test_the_text_is_shown_in_the_farmers_language_and_says_so(kumar: Membership, log: None) -> None:
    html = page(kumar)
    assert html.count('<div lang="ta"><p>வணக்கம்') == 3
    assert '<html lang="en">' in html


def test_a_name_with_markup_in_it_stays_a_name(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    Farmer.objects.update(name_ta="<i>ராஜா</i>", name_en="<i>Raja</i>")
    recorded(kumar, raja, jasmine)
    hand_over()
    html = page(kumar)
    assert "<i>" not in html
    assert html.count("&lt;i&gt;") >= 2


def test_the_newest_come_first(kumar: Membership, log: None) -> None:
    html = page(kumar)
    assert html.index("S. Lakshmi (F015)") < html.index("P. Raja (F014)")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?farmer=14", 2),
        ("?farmer=F015", 1),
        ("?farmer=14&state=sent", 2),
        ("?state=failed", 0),
        ("?from=2020-01-01&to=2020-01-01", 0),
        ("?farmer=99", 0),
        ("?state=nonsense", 0),
        ("?from=nonsense", 0),
        ("?to=0001-01-01", 0),
        ("?from=2026-03-08&to=2026-03-07", 0),
        ("?from=2020-01-01", 3),
        ("?to=2020-01-01", 0),
        ("?kind=entry_receipt", 3),
        ("?kind=payment_paid", 0),
        ("?channel=console", 3),
        ("?channel=sms", 0),
        ("?stuck=on", 0),
        ("?page=99", 3),
        ("?page=x", 3),
    ],
)
def test_the_log_is_filtered(kumar: Membership, log: None, query: str, found: int) -> None:
    assert rows(page(kumar, query)) == found


def test_a_day_is_the_shops_day(kumar: Membership, log: None) -> None:
    late = dt.datetime(2026, 3, 6, 23, 59, tzinfo=KOLKATA)
    Message.objects.update(created_at=late)
    assert rows(page(kumar, "?from=2026-03-06&to=2026-03-06")) == 3
    assert rows(page(kumar, "?from=2026-03-07")) == 0
    assert rows(page(kumar, "?to=2026-03-05")) == 0
    assert re.search(r"06/03/2026</span> <[^>]+>11:59 pm", page(kumar))


def test_a_message_that_took_several_attempts_says_how_many_and_why(kumar: Membership, log: None) -> None:
    Message.objects.filter(farmer__number=15).update(
        state="retry", attempt=3, error_code="429", sent_at=None, next_attempt_at=timezone.now()
    )
    html = page(kumar, "?farmer=15")
    for said in ("will be tried again", "3 attempts", "It was refused with the code 429."):
        assert said in html


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "failed", "error_code": "no_address"}, "The farmer has no phone number."),
        ({"state": "unknown", "error_code": "broke_off"}, "nobody knows whether it arrived."),
        ({"state": "expired"}, "It could not be sent in time."),
    ],
)
def test_what_was_not_sent_says_why_in_words(
    kumar: Membership, log: None, change: dict[str, str], said: str
) -> None:
    Message.objects.filter(farmer__number=15).update(sent_at=None, **change)
    html = page(kumar)
    assert said in html
    assert change.get("error_code", "expired") not in html.replace('value="expired"', "")


def test_the_biggest_figure_is_what_was_not_sent(kumar: Membership, log: None) -> None:
    """Perhaps sent is counted with it, since somebody must look; a filter by state changes no figure."""
    lakshmis = Message.objects.filter(farmer__number=15)
    lakshmis.update(state="unknown", sent_at=None)
    Message.objects.filter(
        farmer__number=14, pk=Message.objects.filter(farmer__number=14).latest("pk").pk
    ).update(state="retry", sent_at=None, next_attempt_at=timezone.now())
    for query in ("", "?state=sent"):
        figures = re.findall(
            r'figure__label">([^<]+)</dt><dd class="figure__value">(\d+)<', page(kumar, query)
        )
        assert figures[:3] == [("Not sent", "1"), ("On the way", "1"), ("Sent", "1")]
    assert "figure--main figure--error" in page(kumar)
    lakshmis.update(state="sent", sent_at=timezone.now())
    assert "figure--error" not in page(kumar)


def test_twenty_five_are_on_a_page(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    for _ in range(26):
        recorded(kumar, raja, jasmine)
    hand_over()
    first = page(kumar, "?farmer=14")
    assert rows(first) == 25
    assert "?farmer=14&amp;page=2" in first
    assert rows(page(kumar, "?farmer=14&page=2")) == 1


def test_a_longer_log_costs_no_more_queries(
    kumar: Membership, log: None, shop: Shop, django_assert_num_queries: Any
) -> None:
    """User, member, farmers to pick, count, tally, cost, the day's money, days, messages, answers that wait."""
    client = page_of(kumar)
    client.get(LOG)
    with django_assert_num_queries(10):
        client.get(LOG)
    flower = a_flower(shop, "PIC", "பிச்சி", "Pichi")
    for farmer in Farmer.objects.all():
        for _ in range(5):
            recorded(kumar, farmer, flower)
    hand_over()
    with django_assert_num_queries(10):
        client.get(LOG)


def test_htmx_gets_the_list_alone(kumar: Membership, log: None) -> None:
    part = page(kumar, "?farmer=14", **{"HX-Request": "true"})
    assert rows(part) == 2
    assert "<html" not in part
    assert part.strip().startswith('<div id="found"')


def test_an_empty_log_says_what_will_fill_it(kumar: Membership) -> None:
    html = page(kumar)
    assert "No messages yet." in html
    assert 'href="/app/"' in html


def test_a_filter_that_finds_nothing_says_so(kumar: Membership, log: None) -> None:
    html = page(kumar, "?state=failed")
    assert "No messages match." in html
    assert "No messages yet." not in html


def test_another_shops_messages_are_not_there(devi: Membership, log: None) -> None:
    assert rows(page(devi)) == 0
    assert rows(page(devi, "?farmer=14")) == 0


def test_the_log_is_the_shops_own_peoples(meena: Membership, raja: Farmer) -> None:
    assert page_of(meena).get(LOG).status_code == 200
    assert raja.member is not None
    assert page_of(raja.member).get(LOG).status_code == 403
    assert page_of(meena).post(LOG).status_code == 405
