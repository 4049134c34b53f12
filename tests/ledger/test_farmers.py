"""Pages about farmers: the list and its filters, one farmer, and what is said while he is typed."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from ledger.forms.farmers import phone_hint
from ledger.models import Farmer
from ledger.selectors.farmers import sound_of
from ledger.services.entries import void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from pricing.models import Flower
from tests.cast import a_farmer, a_flower, a_member, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

FARMERS = "/ledger/farmers/"
NEW = "/ledger/farmers/new/"
HINTS = "/ledger/farmers/hints/"
HTMX = {"HX-Request": "true"}


def html(response: Any) -> str:
    """The page's text with its spaces straightened."""
    return re.sub(r"\s+", " ", response.content.decode())


def queries_of(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def days_ago(days: int) -> dt.datetime:
    """Six in the morning, so that it is the same business day whatever the hour of the test."""
    day = timezone.now().astimezone(KOLKATA).date() - dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(0, 1), tzinfo=KOLKATA)


def form(**fields: str) -> dict[str, str]:
    """The form of a new farmer as a browser sends it."""
    return {
        "key": str(uuid4()),
        "number": "",
        "code": "",
        "name_ta": "கு. வள்ளி",
        "name_en": "K. Valli",
        "village_ta": "",
        "village_en": "",
        "phone": "",
        "whatsapp": "",
        "language": "ta",
        "commission_pct": "",
        "cadence": "on_demand",
        "recovery": "none",
        "recovery_value": "",
        "seen": "",
        **fields,
    }


@pytest.fixture
def namesakes(kumar: Membership) -> list[Farmer]:
    """Two Murugesans and one whose name only sounds so."""
    shop = kumar.shop
    return [
        a_farmer(shop, 1, "மு. முருகேசன்", "M. Murugesan", village_ta="வக்கம்பட்டி", village_en="Vakkampatti"),
        a_farmer(shop, 22, "பெ. முருகேசன்", "P. Murugesan", village_ta="வெள்ளோடு", village_en="Vellodu"),
        a_farmer(shop, 23, "ரா. முருகேஷன்", "R. Murugeshan", village_ta="செம்பட்டி", village_en="Sempatti"),
    ]


class TestList:
    def test_it_shows_both_scripts_and_the_number_first(self, kumar: Membership, raja: Farmer) -> None:
        shown = html(page_of(kumar).get(FARMERS))

        assert '<span class="number-badge">14</span>' in shown
        assert '<b lang="en">P. Raja</b> <span class="names__other" lang="ta">பெ. ராஜா</span>' in shown

    def test_in_tamil_the_tamil_name_leads(self, meena: Membership, raja: Farmer) -> None:
        clerk = a_member(meena.shop, "Murugan", Role.STAFF, language="ta")
        shown = html(page_of(clerk).get(FARMERS))

        assert '<b lang="ta">பெ. ராஜா</b> <span class="names__other" lang="en">P. Raja</span>' in shown
        assert "வெள்ளோடு" in shown

    def test_it_shows_usual_flowers_most_brought_first_and_when_he_came_last(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        rose = a_flower(kumar.shop, "ROJ", "ரோஜா", "Rose", glyph="roja")
        recorded(kumar, raja, jasmine, captured_at=days_ago(9))
        for days in (8, 7):
            recorded(kumar, raja, rose, captured_at=days_ago(days))
        shown = html(page_of(kumar).get(FARMERS))

        assert "Rose · Jasmine" in shown
        assert f"{days_ago(7):%d/%m/%Y}" in shown

    def test_cancelled_lines_and_old_ones_are_no_habit(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        old = recorded(kumar, raja, jasmine, captured_at=days_ago(70))
        void_entry(by=kumar, entry_id=recorded(kumar, raja, jasmine).pk, reason="twice")
        shown = html(page_of(kumar).get(FARMERS))

        assert "glyphs" not in shown
        assert f"{old.business_date:%d/%m/%Y}" in shown

    def test_two_of_the_same_name_are_marked_with_a_word(
        self, kumar: Membership, raja: Farmer, namesakes: list[Farmer]
    ) -> None:
        shown = html(page_of(kumar).get(FARMERS))

        assert (
            '<span class="namesake"><b>Vakkampatti</b> <span class="namesake__word">same name</span>' in shown
        )
        assert shown.count("same name") == 2

    def test_one_of_them_alone_on_the_page_is_still_marked(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        shown = html(page_of(kumar).get(FARMERS, {"q": "22"}))

        assert "M. Murugesan" not in shown
        assert "same name" in shown

    @pytest.mark.parametrize(
        ("asked", "there"),
        [
            ({"q": "murugesan"}, {"1", "22"}),
            ({"q": "முருகேசன்"}, {"1", "22"}),
            ({"village": "Vellodu"}, {"14", "22"}),
            ({"village": "Nowhere"}, {"1", "14", "22", "23"}),
            ({"q": "murugesan", "village": "Vellodu"}, {"22"}),
        ],
    )
    def test_its_filters_narrow_it(
        self,
        kumar: Membership,
        raja: Farmer,
        namesakes: list[Farmer],
        asked: dict[str, str],
        there: set[str],
    ) -> None:
        shown = html(page_of(kumar).get(FARMERS, asked))

        assert there <= set(re.findall(r'number-badge">(\d+)<', shown))
        if "q" not in asked:
            assert there == set(re.findall(r'number-badge">(\d+)<', shown))

    def test_whoever_did_not_come_for_thirty_days_can_be_asked_for(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        never = a_farmer(kumar.shop, 16, "ந. பழனி", "N. Palani")
        recorded(kumar, raja, jasmine, captured_at=days_ago(31))
        recorded(kumar, lakshmi, jasmine, captured_at=days_ago(29))
        shown = html(page_of(kumar).get(FARMERS, {"unseen": "on"}))

        assert set(re.findall(r'number-badge">(\d+)<', shown)) == {str(raja.number), str(never.number)}

    def test_the_villages_to_choose_are_the_shop_s_own(
        self, kumar: Membership, raja: Farmer, selvi: Farmer
    ) -> None:
        Farmer.objects.filter(pk=selvi.pk).update(village_en="Batlagundu", village_ta="வத்தலக்குண்டு")
        shown = html(page_of(kumar).get(FARMERS))

        assert '<option value="Vellodu">Vellodu</option>' in shown
        assert "Batlagundu" not in shown

    def test_htmx_gets_what_was_found_alone(self, kumar: Membership, raja: Farmer) -> None:
        page = page_of(kumar)

        assert html(page.get(FARMERS, headers=HTMX)).strip().startswith('<div id="found"')
        assert "<html" in html(page.get(FARMERS, headers=HTMX | {"HX-History-Restore-Request": "true"}))

    def test_an_empty_book_offers_both_ways_to_fill_it_and_staff_the_one_they_have(
        self, meena: Membership, kumar: Membership
    ) -> None:
        owner, clerk = html(page_of(meena).get(FARMERS)), html(page_of(kumar).get(FARMERS))

        assert "Import a list or add the first one." in owner
        assert owner.count('href="/ledger/farmers/import/"') == 2
        assert "/ledger/farmers/import/" not in clerk
        assert "Add the first one." in clerk

    def test_finding_nobody_is_told_from_an_empty_book(self, kumar: Membership, raja: Farmer) -> None:
        shown = html(page_of(kumar).get(FARMERS, {"q": "4711"}))

        assert "Nobody is found by this." in shown
        assert "Add the first one." not in shown

    def test_more_farmers_cost_no_more_queries(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
    ) -> None:
        page = page_of(kumar)
        recorded(kumar, raja, jasmine)
        few = queries_of(lambda: page.get(FARMERS))
        for number in range(20, 40):
            recorded(kumar, a_farmer(kumar.shop, number, f"ந. பழனி{number}", f"N. Palani{number}"), jasmine)

        assert queries_of(lambda: page.get(FARMERS)) == few


class TestOne:
    def test_the_month_so_far_is_the_biggest_and_says_what_it_is_not(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        recorded(kumar, raja, jasmine, rate=Decimal("100"))
        shown = html(page_of(kumar).get(reverse("ledger:farmer_detail", args=[raja.pk])))

        assert '<p class="farmer-month__kg">5.900 ' in shown
        assert "₹590.00" in shown
        assert "Before commission and deductions." in shown

    def test_his_usual_weight_stands_from_five_lines_on(
        self, kumar: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        page, address = page_of(kumar), reverse("ledger:farmer_detail", args=[raja.pk])
        for days, kilos in enumerate(("8", "9", "12", "15"), start=1):
            recorded(kumar, raja, jasmine, captured_at=days_ago(days), gross_quantity=Decimal(kilos))
        assert "band__usual" not in html(page.get(address))

        recorded(kumar, raja, jasmine, captured_at=days_ago(6), gross_quantity=Decimal("8.500"))
        shown = html(page.get(address))

        assert "8–15 kg" in shown
        assert '<rect class="band__usual" x="53" width="47"' in shown

    def test_the_primary_button_leads_to_the_counter_and_without_javascript_to_the_form(
        self, kumar: Membership, raja: Farmer
    ) -> None:
        shown = html(page_of(kumar).get(reverse("ledger:farmer_detail", args=[raja.pk])))

        assert 'href="/ledger/entries/new/?farmer=14"' in shown
        assert 'data-counter="/app/en/#farmer=14"' in shown

    def test_others_of_his_name_are_named(self, kumar: Membership, namesakes: list[Farmer]) -> None:
        shown = html(page_of(kumar).get(reverse("ledger:farmer_detail", args=[namesakes[1].pk])))

        assert "Others of this name:" in shown
        assert "M. Murugesan, Vakkampatti" in shown
        assert "R. Murugeshan" not in shown

    def test_whoever_comes_no_more_is_taken_off_and_put_back_without_a_question(
        self, kumar: Membership, raja: Farmer
    ) -> None:
        page, address = page_of(kumar), reverse("ledger:farmer_state", args=[raja.pk])
        gone = page.post(address, {"version": "1", "is_active": "no"}, follow=True)
        raja.refresh_from_db()
        assert (raja.is_active, raja.version) == (False, 2)
        assert "Undo" in html(gone)

        page.post(address, {"version": "2", "is_active": "yes"})
        raja.refresh_from_db()
        assert (raja.is_active, raja.version) == (True, 3)

    def test_a_state_changed_meanwhile_is_shown_and_not_overwritten(
        self, kumar: Membership, raja: Farmer
    ) -> None:
        page, address = page_of(kumar), reverse("ledger:farmer_state", args=[raja.pk])
        answer = page.post(address, {"version": "7", "is_active": "no"}, follow=True)

        raja.refresh_from_db()
        assert raja.is_active
        assert "Somebody changed this farmer meanwhile." in html(answer)

    def test_the_owner_reads_who_changed_what_and_staff_do_not(
        self, meena: Membership, kumar: Membership, raja: Farmer
    ) -> None:
        page_of(kumar).post(
            reverse("ledger:farmer_state", args=[raja.pk]), {"version": "1", "is_active": "no"}
        )
        address = reverse("ledger:farmer_detail", args=[raja.pk])
        owner = html(page_of(meena).get(address))

        assert "Kumar" in owner
        assert "<del>yes</del>" in owner
        assert "<del>" not in html(page_of(kumar).get(address))

    def test_more_lines_cost_no_more_queries(self, meena: Membership, raja: Farmer, jasmine: Flower) -> None:
        page, address = page_of(meena), reverse("ledger:farmer_detail", args=[raja.pk])
        recorded(meena, raja, jasmine)
        few = queries_of(lambda: page.get(address))
        for _ in range(6):
            recorded(meena, raja, jasmine)

        assert queries_of(lambda: page.get(address)) == few


class TestSameName:
    def test_it_is_asked_once_and_another_person_is_taken_in(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        page, typed = page_of(kumar), form(name_ta="கா. முருகேசன்", name_en="K. Murugesan")
        asked = page.post(NEW, typed)

        assert asked.status_code == 422
        assert "Somebody of this name is in the book already." in html(asked)
        assert "Vakkampatti" in html(asked)
        assert "It is another person: add him" in html(asked)
        assert Farmer.objects.count() == 3

        (seen,) = re.findall(r'name="seen" value="([\d,]+)"', html(asked))
        answered = page.post(NEW, typed | {"seen": seen})

        assert answered.status_code == 302
        assert Farmer.objects.filter(name_en="K. Murugesan").count() == 1

    def test_whoever_saw_it_while_typing_is_not_asked_again(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        page, typed = page_of(kumar), form(name_ta="கா. முருகேசன்", name_en="")
        hinted = html(page.post(HINTS, typed, headers=HTMX))
        (seen,) = re.findall(r'name="seen" id="id_seen" value="([\d,]+)"', hinted)

        assert page.post(NEW, typed | {"seen": seen}).status_code == 302

    def test_a_namesake_who_came_in_after_that_is_asked_about(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        typed = form(name_ta="கா. முருகேசன்", seen="1,23")

        assert page_of(kumar).post(NEW, typed).status_code == 422

    def test_a_name_that_sounds_the_same_counts_too(self, kumar: Membership, namesakes: list[Farmer]) -> None:
        hinted = html(page_of(kumar).post(HINTS, form(name_ta="", name_en="Murukesan"), headers=HTMX))

        assert "sounds the same" in hinted
        assert "P. Murugesan" in hinted

    def test_keeping_a_name_asks_nothing_and_changing_it_does(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        page, murugesan = page_of(kumar), namesakes[1]
        address = reverse("ledger:farmer_edit", args=[murugesan.pk])
        same = form(
            number="22", code="F022", name_ta=murugesan.name_ta, name_en=murugesan.name_en, version="1"
        )
        assert page.post(address, same | {"village_en": "Vellode"}).status_code == 302

        renamed = same | {"version": "2", "name_ta": "மு. முருகேசன்"}
        assert page.post(address, renamed).status_code == 422

    def test_another_shop_s_people_are_nobody_s_namesakes(self, kumar: Membership, selvi: Farmer) -> None:
        assert page_of(kumar).post(NEW, form(name_ta=selvi.name_ta, name_en=selvi.name_en)).status_code == 302

    def test_of_many_the_nearest_five_are_shown_and_all_count_as_seen(
        self, kumar: Membership, namesakes: list[Farmer]
    ) -> None:
        for number in range(30, 36):
            a_farmer(kumar.shop, number, "வீ. முருகேசன்", "V. Murugesan")
        page, typed = page_of(kumar), form(name_ta="கா. முருகேசன்", name_en="")
        hinted = html(page.post(HINTS, typed, headers=HTMX))

        assert hinted.count("namesakes__where") == 5
        assert "and 4 more" in hinted
        (seen,) = re.findall(r'name="seen" id="id_seen" value="([\d,]+)"', hinted)
        assert page.post(NEW, typed | {"seen": seen}).status_code == 302


class TestHints:
    def test_a_taken_number_says_whose_it_is_and_which_is_free(
        self, kumar: Membership, raja: Farmer, lakshmi: Farmer
    ) -> None:
        hinted = html(page_of(kumar).post(HINTS, form(number="௧௪"), headers=HTMX))

        assert "14 is P. Raja, Vellodu. The next free number is 16." in hinted

    def test_a_free_number_says_so_but_not_to_the_one_who_has_it(
        self, kumar: Membership, raja: Farmer
    ) -> None:
        page = page_of(kumar)

        assert "207 is free." in html(page.post(HINTS, form(number="207"), headers=HTMX))
        own = page.post(f"{HINTS}?farmer={raja.pk}", form(number="14"), headers=HTMX)
        assert "is free" not in html(own)
        assert "P. Raja" not in html(own)

    def test_a_phone_somebody_else_has_is_named(self, kumar: Membership, raja: Farmer) -> None:
        Farmer.objects.filter(pk=raja.pk).update(phone="+919876543210")
        hinted = html(page_of(kumar).post(HINTS, form(phone="98765 43210"), headers=HTMX))

        assert "+91 98765 43210" in hinted
        assert "14 P. Raja has this number too." in hinted

    @pytest.mark.parametrize(
        ("typed", "words", "is_good"),
        [
            ("98765", "5 digits so far. A mobile number has 10.", False),
            ("9", "1 digit so far. A mobile number has 10.", False),
            ("9876543210", "+91 98765 43210", True),
            ("௯௮௭௬௫ ௪௩௨௧௦", "+91 98765 43210", True),
            ("098765 43210", "+91 98765 43210", True),
            ("+91 98765-43210", "+91 98765 43210", True),
            ("919876543210", "+91 98765 43210", True),
            ("98765432101", "11 digits: too many. A mobile number has 10.", False),
            (
                "0452 234567",
                "Mobile numbers begin with 6, 7, 8 or 9. No message reaches a number like this.",
                False,
            ),
            (
                "4522345678",
                "Mobile numbers begin with 6, 7, 8 or 9. No message reaches a number like this.",
                False,
            ),
            ("98765x", "A phone number has digits only.", False),
            ("+94 77 123 4567", "+94771234567", True),
        ],
    )
    def test_a_phone_number_is_judged_in_a_plain_sentence(
        self, typed: str, words: str, is_good: bool
    ) -> None:
        hint = phone_hint(typed)

        assert hint is not None
        assert (hint.words, hint.is_good) == (words, is_good)

    def test_a_village_somebody_else_is_from_is_suggested_as_the_shop_writes_it(
        self, kumar: Membership, lakshmi: Farmer
    ) -> None:
        Farmer.objects.filter(pk=lakshmi.pk).update(village_ta="வத்தலக்குண்டு", village_en="Batlagundu")
        hinted = html(page_of(kumar).post(HINTS, form(village_ta="வத்தலக்குண்டு"), headers=HTMX))

        assert 'data-suggested-for="village_en" data-text="Batlagundu"' in hinted

    def test_a_name_is_suggested_in_the_other_script(self, kumar: Membership) -> None:
        hinted = html(page_of(kumar).post(HINTS, form(name_ta="முருகேசன்", name_en=""), headers=HTMX))

        (text,) = re.findall(r'data-suggested-for="name_en" data-text="([^"]+)"', hinted)
        assert sound_of(text) == sound_of("Murugesan")

    def test_without_javascript_the_refused_form_says_what_the_other_script_may_be(
        self, kumar: Membership
    ) -> None:
        answer = html(page_of(kumar).post(NEW, form(name_ta="", name_en="Murugesan")))

        assert "This field is required." in answer
        assert "Perhaps: " in answer

    def test_nothing_typed_is_nothing_said(self, kumar: Membership) -> None:
        hinted = html(page_of(kumar).post(HINTS, form(name_ta="", name_en=""), headers=HTMX))

        assert 'class="hint' not in hinted
        assert "data-suggested-for" not in hinted

    def test_hints_are_given_in_the_reader_s_language(self, meena: Membership, raja: Farmer) -> None:
        clerk = a_member(meena.shop, "Murugan", Role.STAFF, language="ta")
        hinted = html(page_of(clerk).post(HINTS, form(number="14"), headers=HTMX))

        assert "பெ. ராஜா, வெள்ளோடு" in hinted
        with translation.override("en"):
            assert "next free" not in hinted

    def test_another_shop_s_farmer_is_not_there_to_be_edited(self, kumar: Membership, selvi: Farmer) -> None:
        page = page_of(kumar)

        assert page.post(f"{HINTS}?farmer={selvi.pk}", form(), headers=HTMX).status_code == 404
        assert page.post(f"{HINTS}?farmer=nonsense", form(), headers=HTMX).status_code == 200
        assert "Selvi" not in html(page.post(HINTS, form(number="14", name_en="Selvi"), headers=HTMX))

    def test_hints_cost_the_same_in_a_large_book(self, kumar: Membership, raja: Farmer) -> None:
        page, typed = page_of(kumar), form(number="14", name_ta="ராஜா", phone="9876543210")
        few = queries_of(lambda: page.post(HINTS, typed, headers=HTMX))
        for number in range(20, 30):
            a_farmer(kumar.shop, number, f"ந. ராஜா{number}", f"N. Raja{number}")

        assert queries_of(lambda: page.post(HINTS, typed, headers=HTMX)) == few
