"""What a member sees first."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.models import Farmer
from ledger.services.entries import void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import a_member, at, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
HTMX = {"HX-Request": "true"}


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_day_is_summed_and_what_is_cancelled_left_out(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))
    recorded(kumar, lakshmi, lotus, captured_at=at(DAY, "05:10"), quantity=Decimal(60), rate=Decimal("12"))
    voided = recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:00"), rate=Decimal("500"))
    void_entry(by=kumar, entry_id=voided.pk, reason="twice")

    shown = html(page_of(kumar).get("/", {"day": DAY}))
    figures = re.findall(r'<dd class="figure__value">([^<]+?) ?<', shown)

    assert figures == ["5.900", "₹6,620.00", "₹662.00", "2", "2"]


def test_lines_without_a_rate_are_named_loudly_with_the_way_to_them(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    shown = html(page_of(kumar).get("/", {"day": DAY}))

    assert "1 entry has no rate yet." in shown
    assert f"/ledger/entries/?from={DAY}&amp;to={DAY}&amp;unpriced=on" in shown


def test_today_is_shown_unless_another_day_is_asked_for(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    today = recorded(kumar, raja, jasmine)
    earlier = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    page = page_of(kumar)

    assert today.slip_number in html(page.get("/"))
    assert earlier.slip_number not in html(page.get("/"))
    assert earlier.slip_number in html(page.get("/", {"day": DAY}))
    assert today.slip_number in html(page.get("/", {"day": "2026-99-99"}))


def test_only_today_refreshes_itself_and_htmx_gets_the_figures_alone(kumar: Membership) -> None:
    page = page_of(kumar)

    assert 'hx-trigger="every 30s' in html(page.get("/"))
    assert 'hx-trigger="every 30s' not in html(page.get("/", {"day": DAY}))
    assert html(page.get("/", headers=HTMX)).strip().startswith('<div id="figures"')


def test_the_board_reads_only_the_month_it_shows(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    for day in ("2026-02-10", DAY, "2026-04-10"):
        recorded(kumar, raja, jasmine, captured_at=at(day, "05:00"))
    page = page_of(kumar)
    with CaptureQueriesContext(connection) as captured:
        page.get("/", {"day": DAY})

    asked = [query["sql"] for query in captured if "ledger_dailyentry" in query["sql"]]
    assert len(asked) == 4, "totals, flowers, farmers, last lines"
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row for (row,) in cursor.fetchall())
        assert set(re.findall(r"ledger_dailyentry_(\d{4}_\d{2})\b", plan)) == {"2026_03"}, plan


def test_another_shop_s_day_is_not_there(
    kumar: Membership, devi: Membership, selvi: Farmer, mullai: Flower
) -> None:
    recorded(devi, selvi, mullai)

    assert "S1-" not in html(page_of(kumar).get("/"))


def test_more_lines_cost_no_more_queries(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    page = page_of(kumar)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get("/")
        return len(captured)

    recorded(kumar, raja, jasmine)
    few = queries()
    for farmer in (raja, lakshmi):
        recorded(kumar, farmer, jasmine)
        recorded(kumar, farmer, lotus, quantity=Decimal(60))

    assert queries() == few


class TestFarmersDay:
    def test_he_sees_his_own_lines_and_the_way_to_his_slip(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        assert raja.member is not None
        his = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))
        hers = recorded(kumar, lakshmi, jasmine, captured_at=at(DAY, "05:01"), rate=Decimal("1000"))

        shown = html(page_of(raja.member).get("/", {"day": DAY}))

        assert '<html lang="ta"' in shown
        assert his.slip_number in shown
        assert hers.slip_number not in shown
        assert "₹5,310.00" in shown, "5,900 less ten percent"
        assert reverse("ledger:slip", args=[his.business_date, raja.pk]) in shown

    def test_nothing_brought_today_is_said(self, raja: Farmer) -> None:
        assert raja.member is not None

        assert page_of(raja.member).get("/").status_code == 200

    def test_a_farmer_who_is_not_in_the_book_yet_sees_an_empty_day(self, meena: Membership) -> None:
        lonely = a_member(meena.shop, "Muthu", Role.FARMER)

        assert "Nothing is written for you today yet." in html(page_of(lonely).get("/"))
