"""Reports: the same figures on the page, in the files and for programs, and for a farmer only his own."""

import csv
import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from ledger.domain import AccountKind
from ledger.models import Farmer
from ledger.selectors.ages import loans_by_age
from ledger.services.movements import record_movement, reverse_movement
from ledger.services.rollups import renew_months, sum_up_days
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.reports.charts import drawn
from malar.reports.domain import Bar, Chart
from malar.reports.selectors import REPORTS
from pricing.models import Flower
from tests import cast
from tests.api.calls import get
from tests.cast import at, called, recorded
from tests.conftest import api_of, page_of
from tests.ledger.terms import a_fee

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 6)
EARLY = at("2026-03-06", "04:50")
NOBODY = "0198d3f0-0000-7000-8000-000000000000"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture(autouse=True)
def _this_morning() -> Any:
    with time_machine.travel(at("2026-03-06", "08:00"), tick=False):
        yield


@pytest.fixture
def muthu(shop: Shop) -> Farmer:
    return cast.a_farmer(shop, 20, "முத்து", "Muthu", village_ta="கொடைரோடு", village_en="Kodairoad")


@pytest.fixture
def morning(meena: Membership, raja: Farmer, muthu: Farmer, jasmine: Flower, lotus: Flower) -> None:
    """Raja 5.900 kg at 1450, Muthu 5.900 kg at 900 and 50 lotus at 3; a coolie of ours with each, a cess passed on."""
    a_fee(meena.shop, "coolie", "per_sack", "10.00")
    a_fee(meena.shop, "cess", "percent", "1.00", income="pass_through")
    recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(1450))
    recorded(meena, muthu, jasmine, captured_at=EARLY, rate=Decimal(900))
    recorded(meena, muthu, lotus, captured_at=EARLY, quantity=Decimal(50), rate=Decimal(3))


def csv_rows(client: Client, name: str, **asked: str) -> list[list[str]]:
    answer = client.get(f"/reports/{name}/?{urlencode({**asked, 'format': 'csv'})}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.usefixtures("morning")
class TestFigures:
    @pytest.mark.parametrize("summed", [False, True], ids=["from entries", "from sums"])
    def test_a_day(self, kumar: Membership, summed: bool) -> None:
        if summed:
            sum_up_days()
        assert csv_rows(page_of(kumar), "daily", **MARCH) == [
            [
                "Date",
                "Farmers",
                "Entries",
                "Weight, kg",
                "Sale value",
                "Commission",
                "Charges",
                "Left for farmers",
            ],
            ["2026-03-06", "2", "3", "11.800", "14015.00", "1401.50", "160.15", "12453.35"],
        ]

    def test_of_one_farmer(self, kumar: Membership) -> None:
        assert csv_rows(page_of(kumar), "daily", **MARCH, farmer="20")[1] == [
            *("2026-03-06", "2", "5.900", "5460.00", "546.00", "64.60", "4849.40")
        ]

    def test_farmers_largest_first(self, kumar: Membership) -> None:
        rows = csv_rows(page_of(kumar), "farmers", **MARCH)
        assert [row[:4] for row in rows[1:]] == [
            ["P. Raja", "14", "Vellodu", "1"],
            ["Muthu", "20", "Kodairoad", "1"],
        ]
        only = csv_rows(page_of(kumar), "farmers", **MARCH, village="Kodairoad")
        assert [row[0] for row in only[1:]] == ["Muthu"]

    def test_flowers_by_unit(self, kumar: Membership) -> None:
        rows = csv_rows(page_of(kumar), "flowers", **MARCH)
        assert rows[1:] == [
            ["Jasmine", "kg", "2", "11.800", "900.00", "1175.00", "1450.00", "13865.00", "1386.50"],
            ["Lotus", "piece", "1", "50.000", "3.00", "3.00", "3.00", "150.00", "15.00"],
        ]

    def test_what_is_passed_on_is_not_our_income(self, kumar: Membership) -> None:
        rows = csv_rows(page_of(kumar), "commission", **MARCH)
        assert rows == [
            [
                "Date",
                "Sale value",
                "Commission",
                "Cess",
                "Coolie",
                "Taken off",
                "To be passed on",
                "Our income",
            ],
            ["2026-03-06", "14015.00", "1401.50", "140.15", "20.00", "1561.65", "140.15", "1421.50"],
        ]

    def test_rates_of_a_flower(self, meena: Membership, jasmine: Flower) -> None:
        called(jasmine, "1450", at("2026-03-06", "04:00"), meena)
        called(jasmine, "1500", at("2026-03-06", "05:00"), meena)
        rows = csv_rows(page_of(meena), "rates", **MARCH, flower=str(jasmine.pk))
        assert [row[3:5] for row in rows[1:]] == [["1500.00", "50.00"], ["1450.00", ""]]

    def test_months_say_when_they_were_counted(self, meena: Membership) -> None:
        page = page_of(meena)
        assert "Nothing in these days" in page.get("/reports/months/").content.decode()
        sum_up_days()
        renew_months()
        rows = csv_rows(page, "months")
        assert rows[1] == [
            "2026-03",
            "Jasmine",
            "kg",
            "2",
            "11.800",
            "900.00",
            "1175.00",
            "1450.00",
            "13865.00",
        ]

    def test_buyers_by_what_they_owe(self, kumar: Membership, jasmine: Flower) -> None:
        cast.a_buyer_of(kumar, jasmine, DAY)
        assert csv_rows(page_of(kumar), "collection")[1] == [
            *(
                "Mani",
                "1",
                "Nilakottai",
                "2026-03-06",
                "2026-03-06",
                "4320.00",
                "2320.00",
                "The buyer must pay us",
            )
        ]


def lent(by: Membership, farmer: Farmer, amount: str, day: dt.date, kind: str = "advance") -> Any:
    return record_movement(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        kind=kind,
        amount=Decimal(amount),
        business_date=day,
        mode="cash",
        note="",
    ).made


class TestAges:
    def test_what_is_repaid_covers_the_oldest_first(self, meena: Membership, raja: Farmer) -> None:
        lent(meena, raja, "1000", DAY - dt.timedelta(100))
        lent(meena, raja, "2000", DAY - dt.timedelta(40))
        lent(meena, raja, "500", DAY)
        lent(meena, raja, "1200", DAY, "advance_repayment")
        (his,) = loans_by_age(meena.shop, AccountKind.ADVANCE, DAY)
        assert his.outstanding == Decimal("2300.00")
        assert his.parts == (Decimal("500.00"), Decimal("1800.00"), Decimal("0.00"), Decimal("0.00"))
        assert his.oldest == DAY - dt.timedelta(40)

    def test_what_is_taken_back_was_never_given(self, meena: Membership, raja: Farmer) -> None:
        lent(meena, raja, "1000", DAY - dt.timedelta(100))
        wrong = lent(meena, raja, "2000", DAY)
        reverse_movement(by=meena, key=uuid4(), movement_id=wrong, reason="wrong farmer")
        (his,) = loans_by_age(meena.shop, AccountKind.ADVANCE, DAY)
        assert (his.outstanding, his.parts[3]) == (Decimal("1000.00"), Decimal("1000.00"))

    def test_on_an_earlier_day_and_of_hand_loans(self, meena: Membership, raja: Farmer) -> None:
        lent(meena, raja, "1000", DAY - dt.timedelta(10))
        lent(meena, raja, "300", DAY, "hand_loan")
        page = page_of(meena)
        (row,) = csv_rows(page, "advances", to="2026-02-28")[1:]
        assert (row[3], row[4], row[-1]) == ("2026-02-24", "1000.00", "1000.00")
        assert csv_rows(page, "advances", to="2026-02-20")[1:] == []
        (row,) = csv_rows(page, "advances", loan="hand_loan")[1:]
        assert row[-1] == "300.00"

    def test_questions_do_not_grow(
        self,
        meena: Membership,
        raja: Farmer,
        muthu: Farmer,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        lent(meena, raja, "1000", DAY)
        lent(meena, muthu, "1000", DAY)
        with django_assert_num_queries(3):
            assert len(loans_by_age(meena.shop, AccountKind.ADVANCE, DAY)) == 2


@pytest.mark.usefixtures("morning")
class TestAFarmer:
    @pytest.fixture
    def his(self, raja: Farmer) -> Membership:
        assert raja.member is not None
        raja.member.user.language = "en"
        raja.member.user.save()
        return raja.member

    def test_has_his_own_figures_and_no_other_s(self, his: Membership, muthu: Farmer) -> None:
        page = page_of(his)
        assert csv_rows(page, "daily", **MARCH)[1][3] == "8555.00"
        assert csv_rows(page, "daily", **MARCH, farmer="20")[1][3] == "8555.00"
        assert [row[0] for row in csv_rows(page, "farmers", **MARCH)[1:]] == ["P. Raja"]
        assert [row[3] for row in csv_rows(page, "flowers", **MARCH)[1:]] == ["5.900"]
        assert csv_rows(page, "commission", **MARCH) == [
            ["Date", "Sale value", "Commission", "Cess", "Coolie", "Taken off"],
            ["2026-03-06", "8555.00", "855.50", "85.55", "10.00", "951.05"],
        ]
        assert "Muthu" not in page.get("/reports/farmers/").content.decode()

    def test_by_programs_too(self, his: Membership, muthu: Farmer) -> None:
        program = api_of(his)
        assert get(program, f"reports/daily/?{urlencode(MARCH)}").json()["totals"]["amount"] == "8555.00"
        assert get(program, f"reports/daily/?farmer={muthu.pk}").status_code == 404
        (only,) = get(program, "reports/farmers/").json()["results"]
        assert only["code"] == "F014"

    def test_opens_what_is_his_to_open(self, his: Membership) -> None:
        page = page_of(his)
        opened = {name for name in REPORTS if page.get(f"/reports/{name}/").status_code == 200}
        assert opened == {"daily", "farmers", "flowers", "commission", "rates", "settlements"}
        listed = page.get("/reports/").content.decode()
        assert ("/reports/daily/" in listed, "/reports/advances/" in listed) == (True, False)

    def test_who_is_no_farmer_yet_is_told(self, shop: Shop) -> None:
        nobody = cast.a_member(shop, "Nobody", Role.FARMER)
        assert page_of(nobody).get("/reports/daily/").status_code == 404


@pytest.mark.usefixtures("morning")
class TestPages:
    def test_filters_are_in_the_address(self, kumar: Membership) -> None:
        page = page_of(kumar).get(f"/reports/daily/?{urlencode(MARCH)}&farmer=20").content.decode()
        assert 'value="2026-03-01"' in page
        assert "farmer=20&amp;format=csv" in page
        assert "Muthu" in page
        assert "As of 06/03/2026, 8:00 am" in page

    def test_a_chart_says_what_it_shows(self, kumar: Membership) -> None:
        page = page_of(kumar).get("/reports/flowers/").content.decode()
        assert '<title id="chart-title">Sale value by flower</title>' in page
        assert "Most: Jasmine, ₹13,865.00. Least: Lotus, ₹150.00." in page

    def test_lines_without_a_rate_are_told(self, meena: Membership, raja: Farmer, jasmine: Flower) -> None:
        recorded(meena, raja, jasmine, captured_at=EARLY)
        assert "1 entry has no rate yet" in page_of(meena).get("/reports/daily/").content.decode()

    def test_days_of_nothing_say_so(self, kumar: Membership) -> None:
        page = page_of(kumar).get("/reports/daily/?from=2020-01-01&to=2020-01-02").content.decode()
        assert "Nothing in these days" in page

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"from": "2026-03-07", "to": "2026-03-06"}, "after the last"),
            ({"from": "2020-01-01", "to": "2026-03-06"}, "At most 366 days"),
            ({"from": "0001-01-01", "to": "2026-03-06"}, "too far away"),
            ({"from": "soon"}, "valid date"),
            ({"farmer": "99"}, "not in your shop"),
        ],
    )
    def test_what_cannot_be_asked_is_said(self, kumar: Membership, asked: dict[str, str], said: str) -> None:
        page = page_of(kumar)
        assert said in page.get(f"/reports/daily/?{urlencode(asked)}").content.decode()
        assert page.get(f"/reports/daily/?{urlencode({**asked, 'format': 'pdf'})}").status_code == 404

    def test_there_is_no_such_file(self, kumar: Membership) -> None:
        assert page_of(kumar).get("/reports/daily/?format=exe").status_code == 404

    def test_the_questions_do_not_grow(
        self, kumar: Membership, jasmine: Flower, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        page = page_of(kumar)
        page.get("/reports/farmers/")
        with django_assert_max_num_queries(6):
            page.get("/reports/farmers/")
        for n in range(30, 40):
            recorded(kumar, cast.a_farmer(kumar.shop, n, f"வி {n}", f"F {n}"), jasmine, captured_at=EARLY)
        with django_assert_max_num_queries(6):
            page.get("/reports/farmers/")


@pytest.mark.usefixtures("morning")
class TestFiles:
    def test_a_name_is_never_a_formula(self, meena: Membership, jasmine: Flower) -> None:
        evil = cast.a_farmer(meena.shop, 30, "=1+1", "=1+1", village_en="@x", village_ta="@x")
        recorded(meena, evil, jasmine, captured_at=EARLY, rate=Decimal(90000))
        page = page_of(meena)
        assert csv_rows(page, "farmers", **MARCH)[1][:3] == ["'=1+1", "30", "'@x"]
        answer = page.get(f"/reports/farmers/?{urlencode({**MARCH, 'format': 'xlsx'})}")
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        cell = sheet["A6"]
        assert (cell.value, cell.data_type) == ("=1+1", "s")

    def test_a_workbook_holds_numbers_and_dates(self, kumar: Membership) -> None:
        answer = page_of(kumar).get(f"/reports/daily/?{urlencode({**MARCH, 'format': 'xlsx'})}")
        assert 'filename="daily-2026-03-31.xlsx"' in answer.headers["Content-Disposition"]
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        rows = list(sheet.iter_rows(values_only=True))
        assert rows[0][0] == "Day by day · Meena Flowers"
        assert (str(rows[5][0])[:10], *rows[5][1:5]) == ("2026-03-06", 2, 3, 11.8, 14015)
        assert rows[6][0] == "Total"

    @pytest.mark.parametrize("name", sorted(REPORTS))
    @pytest.mark.parametrize("language", ["en", "ta"])
    def test_every_report_is_a_pdf(self, kumar: Membership, name: str, language: str) -> None:
        kumar.user.language = language
        kumar.user.save()
        answer = page_of(kumar).get(f"/reports/{name}/?format=pdf")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
        assert answer.content.startswith(b"%PDF-")
        assert b"Libertinus" not in answer.content  # all of it is in our own letters

    def test_every_report_is_a_workbook(self, kumar: Membership) -> None:
        for name in REPORTS:
            answer = page_of(kumar).get(f"/reports/{name}/?format=xlsx")
            assert load_workbook(io.BytesIO(answer.content)).sheetnames == [name]


@pytest.mark.usefixtures("morning")
class TestPrograms:
    def test_figures_are_strings(self, kumar: Membership, jasmine: Flower) -> None:
        told = get(api_of(kumar), f"reports/flowers/?{urlencode(MARCH)}").json()
        assert (told["from"], told["to"], told["as_of"]) == (
            *MARCH.values(),
            "2026-03-06T08:00:00+05:30",
        )
        assert told["results"][0] == {
            "flower": str(jasmine.pk),
            "code": "MAL",
            "name": "Jasmine",
            "unit": "kg",
            "lines": 2,
            "unpriced": 0,
            "quantity": "11.800",
            "low": "900.00",
            "average": "1175.00",
            "high": "1450.00",
            "amount": "13865.00",
            "commission": "1386.50",
        }

    def test_fees_by_code(self, kumar: Membership) -> None:
        (day,) = get(api_of(kumar), "reports/commission/").json()["results"]
        assert day["fees"] == {"cess": "140.15", "coolie": "20.00"}
        assert day["income"] == "1421.50"

    def test_days_and_rates(self, meena: Membership, jasmine: Flower) -> None:
        (day,) = get(api_of(meena), "reports/daily/").json()["results"]
        assert (day["day"], day["farmers"], day["kilograms"]) == ("2026-03-06", 2, "11.800")
        called(jasmine, "1450", at("2026-03-06", "04:00"), meena)
        (rate,) = get(api_of(meena), f"reports/rates/?flower={jasmine.pk}&line=called").json()["results"]
        assert (rate["rate"], rate["from"]) == ("1450.00", "2026-03-06T04:00:00+05:30")

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
    def test_as_a_file(self, kumar: Membership, kind: str) -> None:
        answer = get(api_of(kumar), f"reports/daily/?format={kind}")
        assert answer.status_code == 200
        assert f"daily-2026-03-06.{kind}" in answer.headers["Content-Disposition"]

    @pytest.mark.parametrize(
        ("asked", "status", "code"),
        [
            ("daily/?day=2026-03-06", 400, "unknown_parameter"),
            ("daily/?format=exe", 400, "invalid_choice"),
            ("daily/?from=2026-03-07&to=2026-03-06", 400, "wrong_order"),
            ("daily/?from=2020-03-07", 400, "too_long"),
            ("rates/", 400, "required"),
            (f"rates/?flower={NOBODY}", 404, "not_found"),
            (f"daily/?farmer={NOBODY}", 404, "not_found"),
        ],
    )
    def test_what_cannot_be_asked_is_refused(
        self, kumar: Membership, asked: str, status: int, code: str
    ) -> None:
        answer = get(api_of(kumar), f"reports/{asked}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_a_slot_that_is_none_is_not_there(self, kumar: Membership, jasmine: Flower) -> None:
        assert get(api_of(kumar), f"reports/rates/?flower={jasmine.pk}&line=x").status_code == 404

    def test_another_shop_sees_nothing_of_it(self, devi: Membership) -> None:
        assert get(api_of(devi), "reports/farmers/").json()["results"] == []


class TestCharts:
    def test_the_highest_bar_is_full_and_nothing_is_below_zero(self) -> None:
        bars = [Bar("a", Decimal(50), "50"), Bar("b", Decimal(0), "0"), Bar("c", Decimal(100), "100")]
        along = drawn(Chart("t", bars, along=True))["bars"]
        assert [bar.height for bar in along] == ["94.0", "0.0", "188.0"]
        below = drawn(Chart("t", bars))["bars"]
        assert [bar.width for bar in below] == ["50.00", "0.00", "100.00"]

    def test_a_year_names_few_days(self) -> None:
        bars = [Bar(str(n), Decimal(n), str(n)) for n in range(365)]
        assert sum(bar.named for bar in drawn(Chart("t", bars, along=True))["bars"]) == 5

    def test_nothing_at_all_divides_by_nothing(self) -> None:
        assert drawn(Chart("t", [Bar("a", Decimal(0), "0")]))["bars"][0].width == "0.00"


def test_files_of_data_are_json_to_the_paper(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    """What Typst would read as markup stays text."""
    tricky = cast.a_farmer(meena.shop, 31, "#panic() $x$ *b* \\", "#panic() $x$ *b* \\")
    recorded(meena, tricky, jasmine, captured_at=EARLY, rate=Decimal(1))
    answer = page_of(meena).get("/reports/farmers/?format=pdf")
    assert answer.content.startswith(b"%PDF-")
