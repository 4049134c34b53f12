"""Pages of the book: lines, slips, farmers."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import versions_of
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from pricing.models import Flower
from tests.cast import a_farmer, a_flower, a_member, at, called, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

NEW = "/ledger/entries/new/"
BOOK = "/ledger/entries/"
DAY = "2026-03-06"
HTMX = {"HX-Request": "true"}


def html(response: Any) -> str:
    """The page's text with its spaces straightened."""
    return re.sub(r"\s+", " ", response.content.decode())


def sack(farmer: Farmer | str, flower: Flower, **fields: str) -> dict[str, str]:
    """The form as a browser sends it: 6.100 kg with a sack of 200 g."""
    return {
        "id": str(uuid4()),
        "key": str(uuid4()),
        "farmer": farmer if isinstance(farmer, str) else str(farmer.number),
        "flower": str(flower.pk),
        "gross_quantity": "6.100",
        "tare": "0.200",
        "sacks": "1",
        **fields,
    }


def queries_of(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


class TestRecording:
    def test_a_sack_is_saved_and_named_on_the_next_form(
        self, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        called(jasmine, "1450", timezone.now() - dt.timedelta(minutes=1), meena)

        answer = page_of(kumar).post(NEW, sack(raja, jasmine), follow=True)

        entry = DailyEntry.objects.get()
        assert (entry.amount, entry.created_by) == (Decimal("8555.00"), kumar)
        assert f"{entry.slip_number} · P. Raja · Jasmine 5.900 kg × ₹1,450.00 = ₹8,555.00" in html(answer)
        assert reverse("ledger:entry_void", args=[entry.pk]) in html(answer)

    def test_the_form_sent_twice_is_one_line(self, kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
        page, form = page_of(kumar), sack(raja, jasmine)
        first, second = page.post(NEW, form), page.post(NEW, form)

        assert DailyEntry.objects.count() == 1
        assert first["Location"] == second["Location"]

    def test_the_next_form_keeps_flower_and_typed_time_but_asks_for_the_farmer(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        answer = page_of(kumar).post(NEW, sack(raja, jasmine, captured_at=f"{DAY}T04:50"))

        kept = parse_qs(urlsplit(answer["Location"]).query)
        assert kept == {
            "flower": [str(jasmine.pk)],
            "captured_at": [f"{DAY}T04:50"],
            "saved": [str(DailyEntry.objects.get().pk)],
        }

    def test_the_same_farmer_can_be_kept(self, kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
        answer = page_of(kumar).post(NEW, sack(raja, jasmine, then="again"), follow=True)

        assert 'name="farmer" value="14"' in html(answer)

    @pytest.mark.parametrize("typed", ["14", "௧௪", " 014 ", "F014", "f014", "14 P. Raja"])
    def test_the_farmer_is_found_by_number_or_code(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, typed: str
    ) -> None:
        page_of(kumar).post(NEW, sack(typed, jasmine))

        assert DailyEntry.objects.get().farmer == raja

    @pytest.mark.parametrize(
        ("typed", "meant"), [("12,5", "12.5"), ("௧௨.௫", "12.5"), ("1,250.75", "1250.75"), (" 12.5 ", "12.5")]
    )
    def test_weights_are_read_as_people_type_them(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, typed: str, meant: str
    ) -> None:
        page_of(kumar).post(NEW, sack(raja, jasmine, gross_quantity=typed, tare=""))

        assert DailyEntry.objects.get().gross_quantity == Decimal(meant)

    def test_counted_flowers_are_counted(self, kumar: Membership, raja: Farmer, lotus: Flower) -> None:
        form = sack(raja, lotus, gross_quantity="", tare="", sacks="", quantity="60", rate="12")
        page_of(kumar).post(NEW, form)

        entry = DailyEntry.objects.get()
        assert (entry.quantity, entry.gross_quantity, entry.amount) == (Decimal(60), None, Decimal("720.00"))

    def test_a_line_without_a_rate_is_kept_and_says_so(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        answer = page_of(kumar).post(NEW, sack(raja, jasmine), follow=True)

        assert DailyEntry.objects.get().rate is None
        assert "no rate yet" in html(answer)

    def test_an_earlier_day_shows_its_own_last_lines(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        recorded(kumar, raja, jasmine)
        answer = page_of(kumar).post(NEW, sack(raja, jasmine, captured_at=f"{DAY}T04:50"), follow=True)

        assert "Last entries of 06/03/2026" in html(answer)
        assert "S1-0603-001" in html(answer)

    def test_htmx_gets_the_desk_alone_with_the_line_in_its_table(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        answer = page_of(kumar).post(NEW, sack(raja, jasmine), headers=HTMX)

        assert answer.status_code == 200
        assert html(answer).strip().startswith('<div id="desk"')
        assert "<html" not in html(answer)
        assert html(answer).count(DailyEntry.objects.get().slip_number) == 2

    def test_htmx_is_told_the_farmer_and_the_rate_on_the_board(
        self, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        called(jasmine, "1450", timezone.now() - dt.timedelta(minutes=1), meena)

        hints = page_of(kumar).get(NEW, {"farmer": "14", "flower": str(jasmine.pk)}, headers=HTMX)

        assert "P. Raja" in html(hints)
        assert "₹1,450.00" in html(hints)
        assert "<form" not in html(hints)

    def test_the_rate_beside_the_form_is_the_one_of_the_typed_moment(
        self, meena: Membership, kumar: Membership, jasmine: Flower
    ) -> None:
        called(jasmine, "900", at(DAY, "04:00"), meena)
        called(jasmine, "820", at(DAY, "05:30"), meena)

        asked = {"flower": str(jasmine.pk), "captured_at": f"{DAY}T05:29"}

        assert "₹900.00" in html(page_of(kumar).get(NEW, asked))

    def test_a_form_saved_before_says_so_and_saves_another_line_only_when_asked_again(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        page, form = page_of(kumar), sack(raja, jasmine)
        page.post(NEW, form)
        answer = page.post(NEW, form | {"gross_quantity": "7.100"})

        assert answer.status_code == 422
        assert "This form was saved before. Saving it now makes another one." in html(answer)
        assert DailyEntry.objects.count() == 1

        minted = dict(re.findall(r'name="(id|key)" value="([^"]+)"', html(answer)))
        page.post(NEW, form | minted | {"gross_quantity": "7.100"})

        assert DailyEntry.objects.count() == 2

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"farmer": "99"}, "This farmer is not in your shop&#x27;s list."),
            ({"farmer": ""}, "This field is required."),
            ({"gross_quantity": "0", "tare": ""}, "Weight cannot be 0. Put the sack on the scale again."),
            ({"gross_quantity": "", "quantity": "5.9"}, "A sack weight needs the weight with sack."),
            ({"gross_quantity": "", "tare": ""}, "Enter the weight or the count."),
            ({"tare": "6.1"}, "The sack cannot weigh as much as the flowers in it."),
            ({"gross_quantity": "6.1001"}, "A weight has at most three decimals."),
            ({"gross_quantity": "six"}, "Enter a number, for example 12.5."),
            ({"gross_quantity": "1e3"}, "Enter a number, for example 12.5."),
            ({"rate": "900.005"}, "A rate has at most two decimals."),
            ({"rate": "-1"}, "A rate cannot be below zero."),
            ({"captured_at": "2099-01-01T04:00"}, "This time has not come yet. Check the clock."),
            ({"captured_at": "2001-01-01T04:00"}, "This date is too far back."),
            ({"sacks": "-1"}, "The number of sacks is not possible."),
        ],
    )
    def test_what_is_refused_is_said_at_its_field_and_nothing_is_written(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, fields: dict[str, str], words: str
    ) -> None:
        answer = page_of(kumar).post(NEW, sack(raja, jasmine) | fields)

        assert answer.status_code == 422
        assert html(answer).count(words) == 2, "once in the summary, once at the field"
        assert DailyEntry.objects.count() == 0

    def test_refusals_come_in_the_reader_s_language(self, meena: Membership, jasmine: Flower) -> None:
        clerk = a_member(meena.shop, "Murugan", Role.STAFF, language="ta")

        answer = page_of(clerk).post(NEW, sack("99", jasmine))

        assert '<html lang="ta"' in html(answer)

    def test_what_was_typed_stays_after_a_refusal_with_the_same_key(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        form = sack(raja, jasmine, tare="6.1", note="wet leaves")
        shown = html(page_of(kumar).post(NEW, form))

        assert 'value="6.100"' in shown
        assert 'value="wet leaves"' in shown
        assert f'name="key" value="{form["key"]}"' in shown

    def test_another_shop_s_farmer_and_flower_are_neither_offered_nor_taken(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, selvi: Farmer, mullai: Flower
    ) -> None:
        selvi.number, selvi.code = 77, "F077"
        selvi.save()
        page = page_of(kumar)
        shown = html(page.get(NEW))
        assert "Selvi" not in shown
        assert str(mullai.pk) not in shown

        for form in (sack("77", jasmine), sack(raja, mullai)):
            assert page.post(NEW, form).status_code == 422
        assert DailyEntry.objects.count() == 0

    def test_addresses_that_were_tampered_with_show_an_empty_form(
        self, kumar: Membership, devi: Membership, selvi: Farmer, mullai: Flower
    ) -> None:
        foreign = recorded(devi, selvi, mullai)
        page = page_of(kumar)

        for saved in ("nonsense", str(foreign.pk), str(uuid4())):
            shown = page.get(NEW, {"saved": saved, "flower": "x", "captured_at": "y", "farmer": "z" * 99})
            assert shown.status_code == 200
            assert foreign.slip_number not in html(shown)

    def test_a_farmer_may_not_write_in_the_book(self, raja: Farmer, jasmine: Flower) -> None:
        assert raja.member is not None
        page = page_of(raja.member)

        assert page.get(NEW).status_code == 403
        assert page.post(NEW, sack(raja, jasmine)).status_code == 403
        assert DailyEntry.objects.count() == 0

    def test_more_lines_cost_no_more_queries(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        page = page_of(kumar)
        recorded(kumar, raja, jasmine)
        few = queries_of(lambda: page.get(NEW))
        for farmer in (raja, lakshmi, raja):
            recorded(kumar, farmer, jasmine)

        assert queries_of(lambda: page.get(NEW)) <= few


class TestBook:
    def test_it_shows_today_unless_asked_for_other_days(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        today = recorded(kumar, raja, jasmine)
        earlier = recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:50"))
        page = page_of(kumar)

        assert today.slip_number in html(page.get(BOOK))
        assert earlier.slip_number not in html(page.get(BOOK))
        assert earlier.slip_number in html(page.get(BOOK, {"day": DAY}))
        both = html(page.get(BOOK, {"from": DAY}))
        assert today.slip_number in both
        assert earlier.slip_number in both

    def test_its_filters_narrow_it(
        self, meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        rose = a_flower(kumar.shop, "ROS", "ரோஜா", "Rose")
        moment = at(DAY, "05:00")
        priced = recorded(kumar, raja, jasmine, captured_at=moment, rate=Decimal("900"))
        unpriced = recorded(kumar, lakshmi, jasmine, captured_at=moment)
        other = recorded(kumar, raja, rose, captured_at=moment, rate=Decimal("35"))
        voided = recorded(kumar, lakshmi, rose, captured_at=moment)
        void_entry(by=kumar, entry_id=voided.pk, reason="twice")
        page = page_of(kumar)

        def found(**filters: str) -> set[str]:
            return set(re.findall(r"S1-0603-\d+", html(page.get(BOOK, {"day": DAY, **filters}))))

        assert found(farmer="14") == {priced.slip_number, other.slip_number}
        assert found(flower=str(rose.pk)) == {other.slip_number, voided.slip_number}
        assert found(status="voided") == {voided.slip_number}
        assert found(unpriced="on") == {unpriced.slip_number}
        # Months old, every line that stands is worth a look.
        assert found(to_look_at="on") == {priced.slip_number, unpriced.slip_number, other.slip_number}
        assert found(farmer="99") == set()

    def test_its_totals_leave_out_what_is_cancelled(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1000"))
        voided = recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:00"), rate=Decimal("500"))
        void_entry(by=kumar, entry_id=voided.pk, reason="twice")

        shown = html(page_of(kumar).get(BOOK, {"day": DAY}))

        last_row = shown[shown.index("<tfoot>") : shown.index("</tfoot>")]
        for figure in ("1 entry", "5.900 kg", "₹5,900.00", "₹590.00"):
            assert figure in last_row

    def test_a_cancelled_line_says_by_whom_when_and_why(
        self, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        with time_machine.travel(at(DAY, "05:00"), tick=False):
            voided = recorded(kumar, raja, jasmine, rate=Decimal("500"))
        with time_machine.travel(at(DAY, "05:20"), tick=False):
            void_entry(by=meena, entry_id=voided.pk, reason="written twice")
        shown = html(page_of(kumar).get(BOOK, {"day": DAY}))
        row = shown[shown.index("struck-row") : shown.index("</tr>", shown.index("struck-row"))]

        assert "cancelled</span> written twice" in row
        assert "Meena," in row

    def test_a_reason_of_ours_is_said_in_the_reader_s_language(
        self, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        voided = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
        void_entry(by=kumar, entry_id=voided.pk, reason="written twice")
        clerk = a_member(meena.shop, "Murugan", Role.STAFF, language="ta")
        page = page_of(clerk)

        assert "இரண்டு முறை பதிந்தது" in html(page.get(BOOK, {"day": DAY}))
        assert "இரண்டு முறை பதிந்தது" in html(page.get(reverse("ledger:entry_detail", args=[voided.pk])))

    @pytest.mark.parametrize(
        "asked", [{"from": "yesterday"}, {"from": DAY, "to": "2026-03-01"}, {"flower": "x"}, {"status": "x"}]
    )
    def test_filters_that_cannot_be_read_are_said_and_find_nothing(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, asked: dict[str, str]
    ) -> None:
        recorded(kumar, raja, jasmine)
        shown = page_of(kumar).get(BOOK, asked)

        assert shown.status_code == 200
        assert "field--wrong" in html(shown)
        assert "S1-" not in html(shown)

    def test_htmx_gets_what_was_found_alone(self, kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
        recorded(kumar, raja, jasmine)
        page = page_of(kumar)

        assert html(page.get(BOOK, headers=HTMX)).strip().startswith('<div id="found"')
        assert "<html" in html(page.get(BOOK, headers=HTMX | {"HX-Boosted": "true"}))

    def test_it_turns_its_pages_and_keeps_the_filters(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ledger.views.entries.LINES_ON_A_PAGE", 2)
        for minute in range(3):
            recorded(kumar, raja, jasmine, captured_at=at(DAY, f"05:0{minute}"))

        first = html(page_of(kumar).get(BOOK, {"day": DAY}))
        second = html(page_of(kumar).get(BOOK, {"day": DAY, "page": "2"}))

        assert f"?day={DAY}&amp;page=2" in first
        assert "S1-0603-003" in first
        assert set(re.findall(r"S1-0603-\d+", second)) == {"S1-0603-001"}

    def test_more_lines_cost_no_more_queries(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
    ) -> None:
        page = page_of(kumar)
        recorded(kumar, raja, jasmine)
        few = queries_of(lambda: page.get(BOOK))
        for farmer in (raja, lakshmi):
            recorded(kumar, farmer, jasmine)
            recorded(kumar, farmer, lotus, quantity=Decimal(60))

        assert queries_of(lambda: page.get(BOOK)) == few

    def test_another_shop_s_lines_are_not_there(
        self, kumar: Membership, devi: Membership, selvi: Farmer, mullai: Flower
    ) -> None:
        foreign = recorded(devi, selvi, mullai)
        page = page_of(kumar)

        assert foreign.slip_number not in html(page.get(BOOK))
        for name in ("entry_detail", "entry_edit", "entry_void"):
            address = reverse(f"ledger:{name}", args=[foreign.pk])
            assert page.get(address).status_code == 404
        for name in ("entry_edit", "entry_void"):
            address = reverse(f"ledger:{name}", args=[foreign.pk])
            assert page.post(address, {"version": "1", "reason": "x"}).status_code == 404


@pytest.fixture
def line(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    """Kumar's line: 5.900 kg at ₹1,450."""
    return recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:50"), rate=Decimal("1450"))


def correction(entry: DailyEntry, **fields: str) -> dict[str, str]:
    """The edit form as the page showed it, with what was typed over it."""
    return {
        "version": str(entry.version),
        "farmer": str(entry.farmer.number),
        "flower": str(entry.flower_id),
        "gross_quantity": "6.100",
        "tare": "0.200",
        "sacks": "1",
        "quantity": "",
        "rate": "1450.00",
        "rate_reason": "",
        "note": "",
        "reason": "weight misread",
        **fields,
    }


class TestOneLine:
    def test_its_history_says_who_did_what_by_which_door(
        self, meena: Membership, kumar: Membership, line: DailyEntry
    ) -> None:
        address = reverse("ledger:entry_edit", args=[line.pk])
        typed = correction(line, gross_quantity="7.100", reason="other", other_reason="scale was wet")
        page_of(meena).post(address, typed)

        shown = html(page_of(kumar).get(reverse("ledger:entry_detail", args=[line.pk])))

        assert "<b>Recorded</b> · Kumar" in shown
        assert "<b>Corrected</b> · Meena" in shown
        assert '<span class="badge">page</span>' in shown
        assert "<del>5.900</del></td><td><ins>6.900</ins>" in shown
        assert "<del>₹8,555.00</del></td><td><ins>₹10,005.00</ins>" in shown
        assert "Reason: scale was wet" in shown

    def test_reasons_to_look_at_it_are_in_words(self, kumar: Membership, line: DailyEntry) -> None:
        shown = html(page_of(kumar).get(reverse("ledger:entry_detail", args=[line.pk])))

        assert "entered more than 36 hours later" in shown

    def test_more_versions_cost_no_more_queries(self, kumar: Membership, line: DailyEntry) -> None:
        page, address = page_of(kumar), reverse("ledger:entry_detail", args=[line.pk])
        few = queries_of(lambda: page.get(address))
        for version in (1, 2, 3):
            edit_entry(by=kumar, entry_id=line.pk, version=version, changes={"note": f"note {version}"})

        assert queries_of(lambda: page.get(address)) == few

    def test_a_correction_changes_only_what_was_changed(self, kumar: Membership, line: DailyEntry) -> None:
        address = reverse("ledger:entry_edit", args=[line.pk])
        answer = page_of(kumar).post(address, correction(line, gross_quantity="7,1"))

        line.refresh_from_db()
        assert answer.status_code == 302
        assert (line.version, line.quantity, line.rate) == (2, Decimal("6.900"), Decimal("1450.00"))

    def test_the_page_to_correct_shows_the_line_as_it_stands(
        self, kumar: Membership, line: DailyEntry
    ) -> None:
        shown = html(page_of(kumar).get(reverse("ledger:entry_edit", args=[line.pk])))

        for value in ("14", "6.100", "0.200", "1450.00"):
            assert f'value="{value}"' in shown

    def test_an_emptied_rate_asks_the_board_again(
        self, meena: Membership, kumar: Membership, jasmine: Flower, line: DailyEntry
    ) -> None:
        called(jasmine, "900", at(DAY, "04:00"), meena)
        page_of(kumar).post(reverse("ledger:entry_edit", args=[line.pk]), correction(line, rate=""))

        line.refresh_from_db()
        assert (line.rate, line.rate_source) == (Decimal("900.00"), "called")

    def test_a_weighed_line_can_become_a_counted_one(
        self, kumar: Membership, line: DailyEntry, lotus: Flower
    ) -> None:
        typed = correction(
            line, flower=str(lotus.pk), gross_quantity="", tare="", sacks="0", quantity="60", rate="12"
        )
        answer = page_of(kumar).post(reverse("ledger:entry_edit", args=[line.pk]), typed)

        line.refresh_from_db()
        assert answer.status_code == 302, html(answer)
        assert (line.unit, line.quantity, line.amount) == ("piece", Decimal(60), Decimal("720.00"))

    def test_a_correction_needs_a_reason_and_keeps_the_one_chosen(
        self, kumar: Membership, line: DailyEntry
    ) -> None:
        page, address = page_of(kumar), reverse("ledger:entry_edit", args=[line.pk])
        for said in (
            {"reason": ""},
            {"reason": "other"},
            {"reason": "other", "other_reason": "  "},
            {"reason": "x"},
        ):
            assert page.post(address, correction(line, gross_quantity="7.100", **said)).status_code == 422
        line.refresh_from_db()
        assert line.version == 1

        page.post(address, correction(line, gross_quantity="7.100", reason="weight misread"))
        assert versions_of(line)[-1].reason == "weight misread"

    def test_what_it_would_come_to_is_said_while_it_is_typed_and_nothing_written(
        self, kumar: Membership, line: DailyEntry
    ) -> None:
        page, address = page_of(kumar), reverse("ledger:entry_edit", args=[line.pk])

        typed = correction(line, gross_quantity="7,1", reason="")
        answer = html(page.get(address, typed, headers=HTMX))

        assert "<del>₹8,555.00</del> <ins>₹10,005.00</ins>" in answer
        assert "<form" not in answer
        line.refresh_from_db()
        assert (line.version, line.amount) == (1, Decimal("8555.00"))

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"tare": "9"}, "The sack cannot weigh as much as the flowers in it."),
            ({"gross_quantity": "six"}, "Enter a number, for example 12.5."),
            ({"farmer": "99"}, "This farmer is not in your shop&#x27;s list."),
        ],
    )
    def test_what_cannot_be_is_said_while_it_is_typed(
        self, kumar: Membership, line: DailyEntry, fields: dict[str, str], words: str
    ) -> None:
        address = reverse("ledger:entry_edit", args=[line.pk])
        answer = page_of(kumar).get(address, correction(line, **fields), headers=HTMX)

        assert answer.status_code == 200
        assert words in html(answer)
        assert "<ins>" not in html(answer)

    def test_an_emptied_rate_comes_to_what_the_board_said(
        self, meena: Membership, kumar: Membership, jasmine: Flower, line: DailyEntry
    ) -> None:
        called(jasmine, "900", at(DAY, "04:00"), meena)
        address = reverse("ledger:entry_edit", args=[line.pk])

        assert "<ins>₹5,310.00</ins>" in html(
            page_of(kumar).get(address, correction(line, rate=""), headers=HTMX)
        )

    def test_two_versions_stand_side_by_side_when_somebody_was_faster(
        self, meena: Membership, kumar: Membership, line: DailyEntry
    ) -> None:
        edit_entry(
            by=meena,
            entry_id=line.pk,
            version=1,
            changes={"gross_quantity": Decimal("8.100")},
            reason="weight misread",
        )

        address = reverse("ledger:entry_edit", args=[line.pk])
        answer = page_of(kumar).post(address, correction(line, rate="1000"))

        assert answer.status_code == 409
        shown = html(answer)
        assert "Changed meanwhile: Meena" in shown
        assert '<th scope="row">Rate</th><td><b>₹1,450.00</b></td><td><ins>₹1,000.00</ins></td>' in shown
        assert "Keep ₹11,455.00" in shown
        assert "Save mine: ₹7,900.00" in shown
        # What Meena corrected and he did not touch stays hers.
        assert 'value="8.100"' in shown
        assert 'name="version" value="2"' in shown
        line.refresh_from_db()
        assert (line.version, line.rate) == (2, Decimal("1450.00"))

    def test_saving_one_s_own_version_then_takes_nothing_of_the_other_s_back(
        self, meena: Membership, kumar: Membership, line: DailyEntry
    ) -> None:
        edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("8.100")})
        page, address = page_of(kumar), reverse("ledger:entry_edit", args=[line.pk])
        shown = html(page.post(address, correction(line, rate="1000")))

        fields = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', shown))
        again = {name: fields.get(name, "") for name in correction(line)} | {
            "flower": str(line.flower_id),
            "reason": "agreed rate",
        }
        assert page.post(address, again).status_code == 302
        line.refresh_from_db()
        assert (line.version, line.gross_quantity, line.rate) == (3, Decimal("8.100"), Decimal("1000.00"))

    def test_a_line_cancelled_meanwhile_is_shown_as_cancelled(
        self, meena: Membership, kumar: Membership, line: DailyEntry
    ) -> None:
        void_entry(by=meena, entry_id=line.pk, reason="wrong farmer")
        page = page_of(kumar)
        typed = correction(line, note="x", version="2")
        answer = page.post(reverse("ledger:entry_edit", args=[line.pk]), typed, follow=True)

        assert f"{line.slip_number} was cancelled meanwhile." in html(answer)
        assert "Cancelled: wrong farmer." in html(answer)

    def test_a_refused_correction_changes_nothing(self, kumar: Membership, line: DailyEntry) -> None:
        address = reverse("ledger:entry_edit", args=[line.pk])
        answer = page_of(kumar).post(address, correction(line, tare="9"))

        assert answer.status_code == 422
        assert "The sack cannot weigh as much as the flowers in it." in html(answer)
        line.refresh_from_db()
        assert line.version == 1

    def test_staff_may_not_touch_what_somebody_else_entered(
        self, meena: Membership, line: DailyEntry
    ) -> None:
        anbu = a_member(meena.shop, "Anbu", Role.STAFF)
        page = page_of(anbu)
        detail = html(page.get(reverse("ledger:entry_detail", args=[line.pk])))

        for name in ("entry_edit", "entry_void"):
            address = reverse(f"ledger:{name}", args=[line.pk])
            assert address not in detail
            assert page.get(address).status_code == 403
            refused = page.post(address, correction(line, note="x", key=str(uuid4())))
            assert refused.status_code == 403
        line.refresh_from_db()
        assert line.version == 1

    def test_cancelling_needs_a_reason(self, kumar: Membership, line: DailyEntry) -> None:
        address = reverse("ledger:entry_void", args=[line.pk])
        page = page_of(kumar)

        assert "<del>₹8,555.00</del>" in html(page.get(address))
        for said in ({"reason": ""}, {"reason": "other"}, {"reason": "other", "other_reason": "   "}):
            typed = {"version": "1", "key": str(uuid4()), **said}
            assert page.post(address, typed).status_code == 422
        line.refresh_from_db()
        assert not line.is_voided

    def test_a_cancelled_line_stays_in_the_book_struck_out(self, kumar: Membership, line: DailyEntry) -> None:
        page, address = page_of(kumar), reverse("ledger:entry_void", args=[line.pk])
        typed = {"version": "1", "key": str(uuid4()), "reason": "other", "other_reason": "weighed twice"}
        assert page.post(address, typed).status_code == 302
        assert page.post(address, typed).status_code == 302, "the same request twice is answered alike"

        line.refresh_from_db()
        assert (line.version, line.void_reason) == (2, "weighed twice")
        assert "Cancelled: weighed twice." in html(page.get(reverse("ledger:entry_detail", args=[line.pk])))
        assert "struck-row" in html(page.get(BOOK, {"day": DAY}))
        # There is nothing left to correct.
        for name in ("entry_edit", "entry_void"):
            assert page.get(reverse(f"ledger:{name}", args=[line.pk])).status_code == 302

    def test_it_can_be_written_again_with_its_figures_as_another_line(
        self, kumar: Membership, line: DailyEntry
    ) -> None:
        void_entry(by=kumar, entry_id=line.pk, reason="wrong farmer")
        page = page_of(kumar)
        assert f"{NEW}?again={line.pk}" in html(page.get(reverse("ledger:entry_detail", args=[line.pk])))

        shown = html(page.get(NEW, {"again": str(line.pk)}))

        for name, value in (
            ("farmer", "14"),
            ("gross_quantity", "6.100"),
            ("tare", "0.200"),
            ("rate", "1450.00"),
        ):
            assert re.search(f'name="{name}" value="{value}"', shown), name
        assert f'name="captured_at" value="{DAY}T04:50"' in shown
        assert f'<option value="{line.flower_id}" selected' in shown
        assert f'name="id" value="{line.pk}"' not in shown

    def test_another_shop_s_line_is_not_written_again_here(self, devi: Membership, line: DailyEntry) -> None:
        assert "6.100" not in html(page_of(devi).get(NEW, {"again": str(line.pk)}))

    def test_a_line_changed_meanwhile_is_not_cancelled_unseen(
        self, meena: Membership, kumar: Membership, line: DailyEntry
    ) -> None:
        edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("8.100")})
        typed = {"version": "1", "key": str(uuid4()), "reason": "written twice"}
        answer = page_of(kumar).post(reverse("ledger:entry_void", args=[line.pk]), typed)

        assert answer.status_code == 409
        assert "7.900 kg × ₹1,450.00" in html(answer)
        assert 'name="version" value="2"' in html(answer)
        line.refresh_from_db()
        assert not line.is_voided


class TestSlips:
    def slip(self, member: Membership, farmer: Farmer, paper: str = "80mm") -> HttpResponse:
        address = reverse("ledger:slip", args=[dt.date.fromisoformat(DAY), farmer.pk])
        return page_of(member).get(address, {"paper": paper})  # type: ignore[return-value]  # the test client's

    @pytest.mark.parametrize("paper", ["80mm", "a4"])
    def test_it_has_all_of_a_farmer_s_lines_and_what_they_come_to(
        self, kumar: Membership, raja: Farmer, jasmine: Flower, line: DailyEntry, paper: str
    ) -> None:
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:00"), rate=Decimal("1000"))
        shown = html(self.slip(kumar, raja, paper))

        for figure in ("S1-0603-001", "S1-0603-002", "6.100", "0.200", "5.900", "₹1,450.00", "₹8,555.00"):
            assert figure in shown
        assert "₹14,455.00" in shown
        assert "₹1,445.50" in shown
        assert "₹13,009.50" in shown

    def test_it_speaks_the_farmer_s_language_whoever_prints_it(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, line: DailyEntry
    ) -> None:
        shown = html(self.slip(kumar, raja))
        paper = shown[shown.index("<article") :]

        assert '<html lang="en"' in shown
        assert 'lang="ta"' in paper
        for word in ("பெ. ராஜா", "வெள்ளோடு", "மல்லிகை", "Meena மலர் மண்டி"):
            assert word in paper
        assert "Jasmine" not in paper

    def test_it_names_the_shop(self, kumar: Membership, raja: Farmer, line: DailyEntry) -> None:
        shop = kumar.shop
        shop.address_ta, shop.phones, shop.owner_name = "கடை 42, மாட்டுத்தாவணி", "0452 000 0042", "மீனா"
        shop.save()
        shown = html(self.slip(kumar, raja))

        for word in ("கடை 42, மாட்டுத்தாவணி", "0452 000 0042", "மீனா"):
            assert word in shown

    def test_what_is_cancelled_is_left_out_and_what_has_no_rate_says_so(
        self, kumar: Membership, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        lakshmi.language = "en"
        lakshmi.save()
        voided = recorded(kumar, lakshmi, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("900"))
        recorded(kumar, lakshmi, jasmine, captured_at=at(DAY, "06:00"))
        void_entry(by=kumar, entry_id=voided.pk, reason="twice")

        shown = html(self.slip(kumar, lakshmi))

        assert voided.slip_number not in shown
        assert "no rate yet" in shown
        assert "1 line has no rate yet. It is not in the total." in shown

    def test_a_farmer_opens_his_own_and_nobody_else_s(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, line: DailyEntry
    ) -> None:
        assert raja.member is not None
        recorded(kumar, lakshmi, line.flower, captured_at=at(DAY, "05:00"))

        assert line.slip_number in html(self.slip(raja.member, raja))
        assert self.slip(raja.member, lakshmi).status_code == 404
        assert page_of(raja.member).get(f"/ledger/slips/{DAY}/").status_code == 403

    def test_another_shop_s_slips_are_not_there(
        self, devi: Membership, raja: Farmer, line: DailyEntry
    ) -> None:
        assert self.slip(devi, raja).status_code == 404
        assert line.slip_number not in html(page_of(devi).get(f"/ledger/slips/{DAY}/"))

    def test_a_day_without_lines_says_so(self, kumar: Membership, raja: Farmer) -> None:
        assert "there is no slip" in html(self.slip(kumar, raja))
        assert "there are no slips" in html(page_of(kumar).get(f"/ledger/slips/{DAY}/"))

    @pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "2026-3-6"])
    def test_what_is_no_day_is_no_page(self, kumar: Membership, day: str) -> None:
        assert page_of(kumar).get(f"/ledger/slips/{day}/").status_code == 404

    def test_the_sheet_carries_six_slips_and_more_sheets_follow(
        self, kumar: Membership, jasmine: Flower
    ) -> None:
        for number in range(1, 8):
            farmer = a_farmer(kumar.shop, number, f"விவசாயி {number}", f"Farmer {number}")
            recorded(kumar, farmer, jasmine, captured_at=at(DAY, "05:00"))

        shown = html(page_of(kumar).get(f"/ledger/slips/{DAY}/"))

        assert shown.count('<section class="six-up"') == 2
        assert shown.count("<article") == 7

    def test_more_slips_cost_no_more_queries(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        page = page_of(kumar)
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
        few = queries_of(lambda: page.get(f"/ledger/slips/{DAY}/"))
        for farmer in (raja, lakshmi):
            recorded(kumar, farmer, jasmine, captured_at=at(DAY, "06:00"))

        assert queries_of(lambda: page.get(f"/ledger/slips/{DAY}/")) == few


FARMERS = "/ledger/farmers/"


def particulars(**fields: str) -> dict[str, str]:
    """The form of a new farmer as a browser sends it."""
    return {
        "key": str(uuid4()),
        "number": "16",
        "code": "",
        "name_ta": "க. வள்ளி",
        "name_en": "K. Valli",
        "village_ta": "",
        "village_en": "",
        "phone": "98765 43210",
        "whatsapp": "",
        "language": "ta",
        "commission_pct": "7,5",
        "cadence": "on_demand",
        "recovery": "none",
        "recovery_value": "",
        **fields,
    }


class TestFarmers:
    @pytest.mark.parametrize("words", ["14", "F014", "ராஜா", "raja", "vello", "வெள்ளோடு", "3210"])
    def test_they_are_found_by_whatever_is_known(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, words: str
    ) -> None:
        raja.phone = "+919876543210"
        raja.save()
        shown = html(page_of(kumar).get(FARMERS, {"q": words}))

        assert "P. Raja" in shown
        assert "S. Lakshmi" not in shown

    def test_those_who_come_no_more_are_shown_when_asked_for(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer
    ) -> None:
        Farmer.objects.filter(pk=lakshmi.pk).update(is_active=False)
        page = page_of(kumar)

        assert "S. Lakshmi" not in html(page.get(FARMERS))
        assert "P. Raja" not in html(page.get(FARMERS, {"active": "no"}))
        everybody = html(page.get(FARMERS, {"active": "all"}))
        assert "S. Lakshmi" in everybody
        assert "P. Raja" in everybody

    def test_another_shop_s_farmers_are_not_there(self, kumar: Membership, selvi: Farmer) -> None:
        page = page_of(kumar)

        assert "Selvi" not in html(page.get(FARMERS, {"active": "all"}))
        assert page.get(reverse("ledger:farmer_detail", args=[selvi.pk])).status_code == 404
        assert page.get(reverse("ledger:farmer_edit", args=[selvi.pk])).status_code == 404
        changed = page.post(reverse("ledger:farmer_edit", args=[selvi.pk]), particulars(version="1"))
        assert changed.status_code == 404

    def test_one_shows_his_last_lines(self, kumar: Membership, raja: Farmer, line: DailyEntry) -> None:
        shown = html(page_of(kumar).get(reverse("ledger:farmer_detail", args=[raja.pk])))

        assert line.slip_number in shown
        assert "₹8,555.00" in shown

    def test_a_new_one_gets_the_next_number_and_is_taken_once(
        self, kumar: Membership, lakshmi: Farmer
    ) -> None:
        page = page_of(kumar)
        assert 'name="number" value="16"' in html(page.get("/ledger/farmers/new/"))

        form = particulars(number="")
        page.post("/ledger/farmers/new/", form)
        page.post("/ledger/farmers/new/", form)

        valli = Farmer.objects.get(name_en="K. Valli")
        assert (valli.number, valli.code, valli.phone) == (16, "F016", "+919876543210")
        assert valli.commission_pct == Decimal("7.50")

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"number": "15"}, "Another farmer has this number."),
            ({"code": "F015"}, "Another farmer has this code."),
            ({"name_ta": ""}, "This field is required."),
            ({"phone": "12"}, "This is not a phone number."),
            ({"commission_pct": "120"}, "Ensure this value is less than or equal to 100."),
            ({"number": "0"}, "Ensure this value is greater than or equal to 1."),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field(
        self, kumar: Membership, lakshmi: Farmer, fields: dict[str, str], words: str
    ) -> None:
        answer = page_of(kumar).post("/ledger/farmers/new/", particulars(**fields))

        assert answer.status_code == 422
        assert html(answer).count(words) == 2
        assert Farmer.objects.count() == 1

    def test_a_change_is_saved_unless_somebody_was_faster(self, kumar: Membership, lakshmi: Farmer) -> None:
        page, address = page_of(kumar), reverse("ledger:farmer_edit", args=[lakshmi.pk])
        form = particulars(number="15", code="F015", name_ta="ச. லட்சுமி", name_en="S. Lakshmi")
        assert page.post(address, form | {"version": "1", "village_en": "Batlagundu"}).status_code == 302
        stale = page.post(address, form | {"version": "1", "village_en": "Nilakottai"})

        lakshmi.refresh_from_db()
        assert stale.status_code == 409
        assert "Somebody changed this farmer meanwhile." in html(stale)
        assert 'value="Batlagundu"' in html(stale)
        assert "<dt>Village in English</dt><dd>Nilakottai</dd>" in html(stale)
        assert (lakshmi.village_en, lakshmi.is_active) == ("Batlagundu", True)

    def test_farmers_themselves_may_not_look_at_the_list(self, raja: Farmer) -> None:
        assert raja.member is not None
        page = page_of(raja.member)

        for address in (FARMERS, "/ledger/farmers/new/", reverse("ledger:farmer_detail", args=[raja.pk])):
            assert page.get(address).status_code == 403


def test_today_is_the_shop_s_own_day(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    entry = recorded(kumar, raja, jasmine)
    local = entry.captured_at.astimezone(KOLKATA).date()

    assert entry.slip_number in html(page_of(kumar).get(BOOK, {"day": local.isoformat()}))
