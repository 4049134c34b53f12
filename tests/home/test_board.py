"""What a member sees first."""

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.models import Farmer
from ledger.selectors.days import day_of
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import a_farmer, a_member, at, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
HTMX = {"HX-Request": "true"}


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def sums(shown: str) -> dict[str, str]:
    """The board's figures by the words above them."""
    figures = re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", shown[shown.index('class="sums"') :])
    return {label: re.sub(r"<[^>]+>", "", value).strip() for label, value in figures}


def test_the_day_is_summed_and_what_is_cancelled_left_out(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))
    recorded(kumar, lakshmi, lotus, captured_at=at(DAY, "05:10"), quantity=Decimal(60), rate=Decimal("12"))
    voided = recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:00"), rate=Decimal("500"))
    void_entry(by=kumar, entry_id=voided.pk, reason="twice")

    assert sums(html(page_of(meena).get("/", {"day": DAY}))) == {
        "Weight": "5.900 kg",
        "Sale value": "₹6,620.00",
        "Commission": "₹662.00",
        "Entries": "2",
        "Farmers": "2",
        "Without a rate": "0",
        "To look at": "2",
    }


def test_what_the_shop_earns_is_the_owner_s_to_see(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))

    assert "Commission" in sums(html(page_of(meena).get("/", {"day": DAY})))
    assert "Commission" not in sums(html(page_of(kumar).get("/", {"day": DAY})))


def test_flowers_stand_with_what_they_brought_on_average_and_their_share(
    kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:20"), rate=Decimal("500"))
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:30"))
    recorded(kumar, raja, lotus, captured_at=at(DAY, "05:40"), quantity=Decimal(60), rate=Decimal("10"))

    shown = html(page_of(kumar).get("/", {"day": DAY}))
    by_flower = shown[shown.index("By flower") : shown.index("Farmers who brought most")]

    # The sack without a rate weighs, and does not lower the average.
    assert "17.700 kg" in by_flower
    assert "₹750.00" in by_flower
    assert "60 piece" in by_flower
    assert "₹10.00" in by_flower
    assert re.findall(r">(\d+)%<", by_flower) == ["94", "6"]


def test_the_farmers_who_brought_most_come_first_and_all_of_them_on_demand(
    meena: Membership, kumar: Membership, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("malar.home.views.FARMERS_AT_ONCE", 2)
    for number in (1, 2, 3):
        farmer = a_farmer(meena.shop, number, f"விவசாயி {number}", f"Farmer {number}")
        recorded(kumar, farmer, jasmine, captured_at=at(DAY, f"05:0{number}"), rate=Decimal(100 * number))

    shown = html(page_of(kumar).get("/", {"day": DAY}))
    folded = shown[shown.index('id="more-farmers"') : shown.index("Last entries")]

    assert "1 more farmer" in folded
    assert re.findall(r"Farmer \d", folded) == ["Farmer 1"]
    assert shown.index("Farmer 3") < shown.index("Farmer 2") < shown.index("Farmer 1")


def test_lines_without_a_rate_and_lines_to_look_at_are_counted_with_the_way_to_them(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    shown = html(page_of(kumar).get("/", {"day": DAY}))

    assert f"/ledger/entries/?day={DAY}&amp;unpriced=on" in shown
    assert f"/ledger/entries/?day={DAY}&amp;to_look_at=on" in shown


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


def seen_by(page: Client) -> str:
    """What the board before the reader says of itself."""
    found = re.search(r'name="seen" value="([^"]+)"', html(page.get("/")))
    assert found
    return found[1]


class TestRefresh:
    def test_only_today_refreshes_itself_and_htmx_gets_the_figures_alone(self, kumar: Membership) -> None:
        page = page_of(kumar)

        assert 'hx-trigger="every 15s' in html(page.get("/"))
        assert 'hx-trigger="every 15s' not in html(page.get("/", {"day": DAY}))
        figures = html(page.get("/", headers=HTMX)).strip()
        assert figures.startswith('<input type="hidden" id="seen"')
        assert "<html" not in figures

    def test_nothing_is_sent_while_nothing_changed_but_the_time(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        with time_machine.travel(at("2026-11-20", "05:52"), tick=False):
            page = page_of(kumar)
            recorded(kumar, raja, jasmine)
            seen = seen_by(page)
            with CaptureQueriesContext(connection) as captured:
                answer = page.get("/", {"seen": seen}, headers=HTMX)

        assert (answer.status_code, answer.content) == (204, b"")
        assert json.loads(answer["HX-Trigger"]) == {"malar:unchanged": "As of 5:52 am"}
        assert len([query for query in captured if "ledger_dailyentry" in query["sql"]]) == 1

    @pytest.mark.parametrize("what", ["written", "corrected", "cancelled"])
    def test_any_line_that_changed_sends_the_figures(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, what: str
    ) -> None:
        page = page_of(kumar)
        line = recorded(kumar, raja, jasmine)
        seen = seen_by(page)
        if what == "written":
            recorded(kumar, raja, jasmine)
        elif what == "corrected":
            edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"note": "wet"})
        else:
            void_entry(by=kumar, entry_id=line.pk, reason="twice")

        assert page.get("/", {"seen": seen}, headers=HTMX).status_code == 200

    def test_a_line_of_another_shop_changes_nothing_here(
        self, kumar: Membership, devi: Membership, selvi: Farmer, mullai: Flower
    ) -> None:
        with time_machine.travel(at("2026-11-20", "05:52"), tick=False):
            page = page_of(kumar)
            seen = seen_by(page)
            recorded(devi, selvi, mullai)

            assert page.get("/", {"seen": seen}, headers=HTMX).status_code == 204

    def test_a_board_left_open_over_night_begins_the_new_day(self, kumar: Membership) -> None:
        page = page_of(kumar)
        with time_machine.travel(at("2026-11-20", "21:00"), tick=False):
            page.force_login(kumar.user)
            seen = seen_by(page)
        with time_machine.travel(at("2026-11-21", "04:00"), tick=False):
            answer = page.get("/", {"seen": seen}, headers=HTMX)

        assert answer["HX-Refresh"] == "true"


class TestString:
    def test_a_bead_is_as_large_as_its_kilograms(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        for clock, kilograms in (("05:01", "1"), ("05:14", "3"), ("05:16", "16")):
            recorded(kumar, raja, jasmine, captured_at=at(DAY, clock), gross_quantity=Decimal(kilograms))
        day = day_of(kumar.shop, dt.date.fromisoformat(DAY), at(DAY, "06:10"))

        # 4 kg beside 16: a quarter of the area is half the width.
        beads = [(f"{bead.at:%H:%M}", bead.kilograms, bead.scale) for bead in day.beads]
        assert beads == [("05:00", Decimal(4), "0.500"), ("05:15", Decimal(16), "1.000")]
        assert [f"{bead.at:%H:%M}" for hour in day.hours for bead in hour if bead.is_now] == ["06:00"]

    def test_it_runs_from_four_to_noon_and_as_far_as_something_came(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        def ends() -> tuple[str, str]:
            hours = day_of(kumar.shop, dt.date.fromisoformat(DAY), at(DAY, "06:10")).hours
            return f"{hours[0][0].at:%H:%M}", f"{hours[-1][-1].ends:%H:%M}"

        assert ends() == ("04:00", "12:00")
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "03:50"))
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "17:20"))
        assert ends() == ("03:00", "18:00")

    def test_it_is_said_in_a_sentence_and_in_a_table(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:20"), rate=Decimal("1000"))
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:35"), gross_quantity=Decimal("12.500"))
        shown = html(page_of(kumar).get("/", {"day": DAY}))

        assert "most came after 5:30 am: 12.500 kg in a quarter of an hour." in shown
        assert 'role="img" aria-labelledby="day-string-words"' in shown
        table = shown[shown.index('id="day-string-table"') : shown.index("By flower")]
        assert re.findall(r"\d+:\d+ am", table) == ["4:15 am", "5:30 am"]
        assert "₹5,900.00" in table


def test_the_board_reads_only_the_month_it_shows(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    for day in ("2026-02-10", DAY, "2026-04-10"):
        recorded(kumar, raja, jasmine, captured_at=at(day, "05:00"))
    page = page_of(kumar)
    with CaptureQueriesContext(connection) as captured:
        page.get("/", {"day": DAY})

    asked = [query["sql"] for query in captured if '"ledger_dailyentry"' in query["sql"]]
    assert len(asked) == 5, "state, flowers and quarters, farmers, last lines, what waits"
    months = []
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row for (row,) in cursor.fetchall())
        months.append(set(re.findall(r"ledger_dailyentry_(\d{4}_\d{2})\b", plan)))
    assert months[:4] == [{"2026_03"}] * 4
    assert len(months[4]) <= 3, "what waits of the last sixty days"


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


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ta", ["இன்றைய நிலவரம்", "பதிவு எதுவும் இல்லை. முதல் மூட்டை இங்கே வரும்.", "பதிவைத் தொடங்கு"]),
        ("en", ["Today's board", "No entries yet. The first sack appears here.", "Start at the counter"]),
    ],
)
def test_an_empty_day_says_what_will_be_here_and_where_to_begin(
    meena: Membership, language: str, words: list[str]
) -> None:
    clerk = a_member(meena.shop, "Murugan", Role.STAFF, language=language)
    shown = html(page_of(clerk).get("/"))

    for word in words:
        assert word in shown
    assert f'href="{reverse("pwa:own_counter")}"' in shown


def test_other_days_are_one_tap_away_and_in_the_address(kumar: Membership) -> None:
    with time_machine.travel(at("2026-11-20", "05:52"), tick=False):
        page = page_of(kumar)
        today, other = html(page.get("/")), html(page.get("/", {"day": DAY}))

    assert 'href="?day=2026-11-19" rel="prev"' in today
    assert 'type="date" name="day" value="2026-11-20" max="2026-11-20"' in today
    assert 'href="?day=2026-03-05" rel="prev"' in other
    assert 'href="?day=2026-03-07" rel="next"' in other


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
