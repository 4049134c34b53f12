"""A farmer's own pages: how he and the shop stand, what he brought, and the bar below his thumb."""

import datetime as dt
import re
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.models import Farmer
from ledger.selectors.farmers import days_of
from ledger.services.entries import void_entry
from malar.accounts.models import Membership
from pricing.models import Flower
from settlements.services.approvals import submit
from tests.cast import at, recorded
from tests.conftest import page_of
from tests.ledger.worked import moved
from tests.settlements.acts import settled, settlement_for

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
NOW = at(DAY, "09:00")


@pytest.fixture
def own(raja: Farmer) -> Client:
    """Raja's phone; he reads English here."""
    assert raja.member is not None
    raja.member.user.language = "en"
    raja.member.user.save()
    return page_of(raja.member)


def seen(client: Client, path: str = "/") -> str:
    with time_machine.travel(NOW, tick=False):
        response = client.get(path)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_he_sees_first_how_he_and_the_shop_stand_in_figures_and_words(
    own: Client, raja: Farmer, meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1000))
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal(1000))
    moved(meena, raja, "advance", "500", DAY)
    page = seen(own)
    assert "The shop must pay you ₹10,620.00 Rupees ten thousand six hundred and twenty only" in page
    assert "Advance outstanding: ₹500.00" in page
    assert "Yours today ₹5,310.00" in page
    assert "05/03/2026 Thursday · 5.900 kg ₹5,310.00" in page


def test_another_day_shows_that_day_alone(
    own: Client, raja: Farmer, kumar: Membership, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1000))
    page = seen(own, "/?day=2026-03-05")
    assert "Yours on this day ₹5,310.00" in page
    assert "The shop must pay you" not in page
    assert "The days before" not in page


def test_who_has_brought_nothing_is_told_so(own: Client) -> None:
    page = seen(own)
    assert "The account is even ₹0.00" in page
    assert "Nothing brought in seven days." in page
    assert "Nothing is written for you in this month." in seen(own, "/mine/month/")


def test_a_month_of_days_with_what_came_of_each(
    own: Client, raja: Farmer, lakshmi: Farmer, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-02-28", "05:00"), rate=Decimal(900))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-02", "05:00"), rate=Decimal(1000))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-02", "06:00"))
    recorded(kumar, raja, lotus, captured_at=at("2026-03-04", "05:00"), quantity=Decimal(60), rate=Decimal(2))
    recorded(kumar, lakshmi, jasmine, captured_at=at("2026-03-03", "05:00"), rate=Decimal(1000))
    wrong = recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1000))
    void_entry(by=kumar, entry_id=wrong.pk, reason="duplicate")
    page = seen(own, "/mine/month/?month=2026-03")
    assert "After commission ₹5,418.00 11.800 kg" in page
    assert "1 entry has no rate yet and is not counted here." in page
    assert re.findall(r"0\d/03/2026", page) == ["04/03/2026", "02/03/2026"]
    assert "₹4,779.00" in seen(own, "/mine/month/?month=2026-02")
    for nonsense in ("x", "2026-13", "99999-01", "0001-01", "2099-01"):
        seen(own, f"/mine/month/?month={nonsense}")
    assert [each.day.day for each in days_of(raja, dt.date(2026, 3, 1), dt.date(2026, 3, 31))] == [4, 2]


def test_what_waits_for_his_answer_stands_above_all(
    own: Client, raja: Farmer, meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    with time_machine.travel(at("2026-03-05", "06:00"), tick=False):
        recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1000))
    with time_machine.travel(at("2026-03-08", "18:00"), tick=False):
        settlement = settlement_for(raja, settled(meena))
        assert "waits for your answer" not in seen(own)
        submit(by=meena, settlement_id=settlement.pk)
    page = seen(own)
    assert "waits for your answer: ₹5,310.00" in page
    assert page.index("waits for your answer") < page.index("The shop must pay you")


def test_his_bar_leads_to_what_is_his(own: Client, raja: Farmer) -> None:
    assert own.get("/mine/account/").headers["Location"] == f"/ledger/farmers/{raja.pk}/account/"
    assert own.get("/mine/wishes/").headers["Location"] == f"/wishes/{raja.pk}/"
    for path in ("/", "/mine/month/", f"/ledger/farmers/{raja.pk}/account/", "/settlements/", "/inbox/"):
        assert 'class="own-nav"' in own.get(path).content.decode(), path


def test_the_shops_people_have_no_such_bar(kumar: Membership) -> None:
    assert 'class="own-nav"' not in page_of(kumar).get("/").content.decode()


def test_a_long_month_asks_no_more_than_a_short_one(
    own: Client, raja: Farmer, kumar: Membership, jasmine: Flower
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            seen(own, "/mine/month/")
        return len(queries)

    recorded(kumar, raja, jasmine, captured_at=at("2026-03-01", "05:00"), rate=Decimal(1000))
    asked()
    few = asked()
    for day in range(2, 6):
        recorded(kumar, raja, jasmine, captured_at=at(f"2026-03-0{day}", "05:00"), rate=Decimal(1000))
    assert asked() == few
