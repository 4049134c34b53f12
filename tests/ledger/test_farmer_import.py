"""A list of farmers: read in whatever form a spreadsheet leaves it, looked at, and taken into the book once."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from ledger.forms.farmer_import import Carried
from ledger.models import Farmer
from ledger.services.farmer_csv import MOST_ROWS, sheet_in, text_of
from ledger.services.farmer_import import Plan, RowState, import_farmers, plan_import
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.trail.models import Event
from tests.cast import a_farmer, a_member
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

IMPORT = "/ledger/farmers/import/"
HEAD = "number,name in tamil,name in english,village,mobile\n"


def html(response: Any) -> str:
    """The page's text with its spaces straightened."""
    return re.sub(r"\s+", " ", response.content.decode())


def planned(member: Membership, text: str) -> Plan:
    return plan_import(member.shop, sheet_in(text))


def states(plan: Plan) -> list[str]:
    return [row.state.value for row in plan.rows]


def looked_at(page: Client, content: str | bytes, name: str = "list.csv") -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    return page.post(IMPORT, {"file": SimpleUploadedFile(name, raw, "text/csv")})


def hidden(response: Any) -> dict[str, str]:
    """What the preview's form carries."""
    return dict(re.findall(r'name="(key|carried)" value="([^"]+)"', response.content.decode()))


def imported(by: Membership, text: str, **decided: Any) -> dict[str, int]:
    """Through the service, as the page does it."""
    expected = planned(by, text).fingerprint
    return import_farmers(by=by, key=uuid4(), text=text, expected=expected, **decided).body


def queries_of(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    def test_every_way_a_spreadsheet_saves_it_reads_the_same(
        self, encoding: str, separator: str, ending: str
    ) -> None:
        rows = (("எண்", "பெயர்", "ஊர்"), ("7", "செ. சவரிமுத்து", "கொசவபட்டி"))
        text = ending.join(separator.join(row) for row in rows)

        (row,) = sheet_in(text_of(text.encode(encoding))).rows

        assert row.cells == {"number": "7", "name_ta": "செ. சவரிமுத்து", "village_ta": "கொசவபட்டி"}

    def test_vowel_signs_typed_in_two_pieces_become_one(self) -> None:
        (row,) = sheet_in(text_of("பெயர்\nக\u0bc6\u0bbeடி".encode())).rows

        assert row.cells["name_ta"] == "க\u0bcaடி"

    def test_a_column_for_both_scripts_is_sorted_by_its_letters(self) -> None:
        tamil, english = sheet_in("Name,Village\nகண்ணன்,Melur\nKannan,மேலூர்\n").rows

        assert tamil.cells == {"name_ta": "கண்ணன்", "village_en": "Melur"}
        assert english.cells == {"name_en": "Kannan", "village_ta": "மேலூர்"}

    @pytest.mark.parametrize("heading", ["Mobile_No.", "  PHONE ", "கைபேசி எண்", "phone number"])
    def test_headings_are_understood_however_they_are_written(self, heading: str) -> None:
        assert sheet_in(f"Name,{heading}\nRaja,98765\n").fields == ["name", "phone"]

    def test_a_heading_nobody_knows_is_told_and_left_out(self) -> None:
        sheet = sheet_in("Name,Caste,Phone\nRaja,x,98765\n")

        assert sheet.unknown == ["Caste"]
        assert sheet.rows[0].cells == {"name_en": "Raja", "phone": "98765"}

    def test_what_spreadsheets_wrap_around_cells_is_taken_off(self) -> None:
        (row,) = sheet_in('sep=;\nName;Phone;Code\n"Raja;  P. ";"=""0987654321""";\'007\n').rows

        assert row.cells == {"name_en": "Raja; P.", "phone": "0987654321", "code": "007"}

    def test_blank_rows_are_left_out_and_rows_keep_the_spreadsheet_s_count(self) -> None:
        sheet = sheet_in("Name\nRaja\n\n ,\nValli\n")

        assert [(row.line, row.cells["name_en"]) for row in sheet.rows] == [(2, "Raja"), (5, "Valli")]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty"),
            (b"  \r\n ", "empty"),
            (b"x" * 2_000_001, "too_large"),
            (b"PK\x03\x04rest of a workbook", "unreadable"),
            (b"\xd0\xcf\x11\xe0 an old workbook", "workbook"),
            ("Name\nJosé\n".encode("cp1252"), "not_unicode"),
            (b"Name\n" + bytes(range(128, 256)), "not_unicode"),
            (b"N\0ame\n", "not_unicode"),
        ],
    )
    def test_what_is_no_text_is_refused(self, raw: bytes, code: str) -> None:
        with pytest.raises(RuleBroken) as refused:
            text_of(raw)

        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("Name,Phone\n", "empty"),
            ("14,Raja,Vellodu\n15,Valli,Melur\n", "no_names"),
            ("Name,Mobile,Phone\nRaja,1,2\n", "twice"),
            ('Name\n"Raja\nValli\n', "unreadable"),
            ("Name\n" + "Raja\n" * (MOST_ROWS + 1), "too_many_rows"),
        ],
    )
    def test_what_is_no_list_is_refused(self, text: str, code: str) -> None:
        with pytest.raises(RuleBroken) as refused:
            sheet_in(text)

        assert refused.value.code == code


class TestPlan:
    def test_whoever_is_not_in_the_book_is_new_and_gets_the_next_free_number(
        self, meena: Membership, raja: Farmer
    ) -> None:
        plan = planned(meena, HEAD + "20,கா. கண்ணன்,,மேலூர்,\n,,V. Ramasamy,Melur,98765 43210\n")

        assert states(plan) == ["new", "new"]
        assert [(row.farmer.number, row.farmer.code) for row in plan.rows] == [(20, "F020"), (21, "F021")]
        assert plan.rows[1].farmer.phone == "+919876543210"

    def test_the_missing_script_is_filled_in_and_marked(self, meena: Membership, raja: Farmer) -> None:
        (row,) = planned(meena, HEAD + ",மு. முருகேசன்,,Vellodu,\n").rows

        assert row.suggested == {"name_en", "village_ta"}
        assert row.farmer.village_ta == "வெள்ளோடு", "as the shop writes it already"
        assert "urugesan" in row.farmer.name_en

    @pytest.mark.parametrize(
        ("line", "state"),
        [
            ("14,பெ. ராஜா,P. Raja,வெள்ளோடு,", "same"),
            ("14,பெ.ராஜா,,,", "same"),
            (",,P Raja,Vellodu,", "same"),
            ("௧௪,பெ. ராஜா,,,", "same"),
            ("14,பெ. ராஜா,,,98765 43210", "differs"),
            ("14,,P. Rajah,,", "differs"),
            (",,P. Raja,Vellodu,98765 43210", "differs"),
            ("14,க. கண்ணன்,,,", "taken"),
            (",,P. Raja,,", "alike"),
            ("20,,P. Raja,Vellodu,", "alike"),
            (",,P. Raja,Melur,", "new"),
            (",,M. Raja,Vellodu,", "new"),
        ],
    )
    def test_a_row_is_compared_with_the_book(
        self, meena: Membership, raja: Farmer, line: str, state: str
    ) -> None:
        assert states(planned(meena, f"{HEAD}{line}\n")) == [state]

    def test_what_the_list_does_not_say_is_no_difference(self, meena: Membership, raja: Farmer) -> None:
        Farmer.objects.filter(pk=raja.pk).update(phone="+919876543210", commission_pct="7.5")

        assert states(planned(meena, "Number,Name\n14,P. Raja\n")) == ["same"]

    def test_somebody_whose_number_is_taken_would_get_a_free_one(
        self, meena: Membership, raja: Farmer
    ) -> None:
        (row,) = planned(meena, HEAD + "14,க. கண்ணன்,,,\n").rows

        assert (row.other, row.farmer.number, row.farmer.code) == (raja, 15, "F015")

    @pytest.mark.parametrize(
        ("head", "line", "where", "words"),
        [
            ("Name,Number", "Raja,0", "number", "A number is from 1 to 9999."),
            ("Name,Number", "Raja,12345678901", "number", "A number is from 1 to 9999."),
            ("Name,Number", "Raja,x", "number", "A number is from 1 to 9999."),
            ("Name,Phone", "Raja,12", "phone", "This is not a phone number."),
            ("Name,Phone", "Raja,9.87654E+09", "phone", "The spreadsheet has shortened this number."),
            ("Name,Commission", "Raja,lots", "commission_pct", "Enter a number, for example 12.5."),
            ("Name,Commission", "Raja,120", "commission_pct", "less than or equal to 100"),
            ("Name,Language", "Raja,French", "language", "Write ta or en."),
            ("Name,Settled", "Raja,sometimes", "cadence", "Write one of these: daily"),
            ("Name,Phone", ",98765 43210", "name_ta", "There is no name in this row."),
            ("Name,Phone", "Raja,,more", "row", "This row has more cells than there are headings."),
            ("Name,Code", "Raja,ABCDEFGHIJKLM", "code", "A code has at most 12 signs."),
            ("Name,Phone", f"{'R' * 81},", "name_en", "at most 80 characters"),
            ("Name,Phone", "=HYPERLINK(1),", "name_en", "This cannot begin with =."),
            ("Name,Village", "Raja,@SUM(1)", "village_en", "This cannot begin with @."),
            ("Name,Village", "-Raja,Melur", "name_en", "This cannot begin with -."),
        ],
    )
    def test_what_is_wrong_is_said_at_its_cell(
        self, meena: Membership, head: str, line: str, where: str, words: str
    ) -> None:
        (row,) = planned(meena, f"{head}\n{line}\n").rows

        assert row.state is RowState.WRONG
        assert words in row.faults[where]

    def test_a_plus_before_a_phone_number_is_no_formula(self, meena: Membership) -> None:
        assert states(planned(meena, "Name,Phone\nRaja,+91 98765 43210\n")) == ["new"]

    @pytest.mark.parametrize(("cell", "kept"), [("7.5%", "7.5"), ("7,5", "7.5"), ("௭", "7")])
    def test_figures_are_read_as_people_type_them(self, meena: Membership, cell: str, kept: str) -> None:
        (row,) = planned(meena, f'Name;Commission\nRaja;"{cell}"\n').rows

        assert str(row.farmer.commission_pct) == kept

    @pytest.mark.parametrize("cell", ["weekly", "Weekly", "வாரக் கணக்கு", "வாரம்"])
    def test_choices_are_understood_in_both_languages(self, meena: Membership, cell: str) -> None:
        with translation.override("ta"):
            from ledger.domain import Cadence

            word = str(Cadence.WEEKLY.label)
        (row,) = planned(meena, f"Name,Settled\nRaja,{word if cell != 'weekly' else cell}\n").rows

        assert row.farmer.cadence == "weekly"

    def test_what_stands_twice_in_the_list_comes_in_once(self, meena: Membership) -> None:
        plan = planned(meena, HEAD + "7,,Raja,,\n7,,Valli,,\n,,Kannan,Melur,\n,,Kannan,Melur,\n")

        assert states(plan) == ["new", "wrong", "new", "wrong"]
        assert plan.rows[1].faults["number"] == "This stands in row 2 already."
        assert plan.rows[3].faults["row"] == "This stands in row 4 already."

    def test_number_and_code_of_two_people_are_nobody_s(
        self, meena: Membership, raja: Farmer, lakshmi: Farmer
    ) -> None:
        (row,) = planned(meena, "Number,Code,Name\n14,F015,P. Raja\n").rows

        assert row.faults["code"] == "Number and code belong to two different farmers."

    def test_a_code_somebody_else_has_is_not_given_again(self, meena: Membership) -> None:
        a_farmer(meena.shop, 3, "க. கண்ணன்", "K. Kannan")
        Farmer.objects.filter(number=3).update(code="F020")

        assert (
            planned(meena, "Number,Name\n20,Raja\n").rows[0].faults["code"]
            == "The code F020 is somebody else's."
        )

    def test_a_name_the_book_has_is_marked(self, meena: Membership, raja: Farmer) -> None:
        namesake, other = planned(meena, HEAD + ",,M. Raja,Melur,\n,,M. Valli,Melur,\n").rows

        assert (namesake.shares_name, other.shares_name) == (True, False)

    def test_another_shop_s_people_are_not_compared_with(self, meena: Membership, selvi: Farmer) -> None:
        (row,) = planned(meena, f"Number,Name\n14,{selvi.name_en}\n").rows

        assert (row.state, row.other) == (RowState.NEW, None)

    def test_a_longer_list_costs_no_more_queries(self, meena: Membership, raja: Farmer) -> None:
        long = "Name\n" + "".join(f"Raja {n}\n" for n in range(60))

        assert (
            queries_of(lambda: planned(meena, long))
            == queries_of(lambda: planned(meena, "Name\nRaja\n"))
            == 1
        )


class TestTakingIn:
    LIST = HEAD + "20,கா. கண்ணன்,K. Kannan,மேலூர்,98765 43210\n,,V. Ramasamy,Melur,\n"

    def test_all_new_ones_are_in_the_book_with_their_history(self, meena: Membership) -> None:
        assert imported(meena, self.LIST) == {"added": 2, "changed": 0, "opened": 0}

        kannan = Farmer.objects.get(number=20)
        assert (kannan.shop, kannan.code, kannan.phone) == (meena.shop, "F020", "+919876543210")
        version = kannan.versions.select_related("pgh_context").get()  # type: ignore[attr-defined]
        assert version.pgh_context.metadata["member"] == str(meena.pk)

    def test_they_are_found_by_their_sound(self, meena: Membership) -> None:
        imported(meena, self.LIST)

        assert [farmer.number for farmer in meena.shop.farmers.matching("ராமசாமி")] == [21]

    def test_the_same_list_again_makes_nothing(self, meena: Membership) -> None:
        imported(meena, self.LIST)

        assert states(planned(meena, self.LIST)) == ["same", "same"]
        assert imported(meena, self.LIST) == {"added": 0, "changed": 0, "opened": 0}
        assert Farmer.objects.count() == 2

    def test_the_same_request_twice_gives_the_same_answer(self, meena: Membership) -> None:
        key, expected = uuid4(), planned(meena, self.LIST).fingerprint
        first, second = (
            import_farmers(by=meena, key=key, text=self.LIST, expected=expected) for _ in range(2)
        )

        assert (first.body, first.replayed, second.body, second.replayed) == (
            {"added": 2, "changed": 0, "opened": 0},
            False,
            {"added": 2, "changed": 0, "opened": 0},
            True,
        )
        assert Farmer.objects.count() == 2

    def test_a_book_that_changed_since_it_was_looked_at_is_left_alone(self, meena: Membership) -> None:
        expected = planned(meena, self.LIST).fingerprint
        a_farmer(meena.shop, 20, "ந. பழனி", "N. Palani")

        with pytest.raises(Conflict) as refused:
            import_farmers(by=meena, key=uuid4(), text=self.LIST, expected=expected)

        assert refused.value.code == "book_changed"
        assert Farmer.objects.count() == 1

    def test_what_asks_is_done_only_where_it_is_ticked(
        self, meena: Membership, raja: Farmer, lakshmi: Farmer
    ) -> None:
        text = HEAD + "14,பெ. ராஜா,,,98765 43210\n15,க. கண்ணன்,,,\n,,P. Raja,,\n"
        assert imported(meena, text) == {"added": 0, "changed": 0, "opened": 0}

        assert imported(meena, text, ticked=[2, 3]) == {"added": 1, "changed": 1, "opened": 0}
        raja.refresh_from_db()
        assert (raja.phone, raja.version) == ("+919876543210", 2)
        assert Farmer.objects.get(number=16).name_ta == "க. கண்ணன்"
        assert Farmer.objects.get(number=15) == lakshmi

    def test_all_differences_can_be_taken_at_once(self, meena: Membership, raja: Farmer) -> None:
        assert imported(meena, HEAD + "14,,P. Rajah,Vellodu,\n", take_over_all=True)["changed"] == 1

        raja.refresh_from_db()
        assert raja.name_en == "P. Rajah"
        assert [farmer.pk for farmer in meena.shop.farmers.matching("rajah")] == [raja.pk]

    def test_new_ones_can_be_left_out(self, meena: Membership) -> None:
        assert imported(meena, self.LIST, left=[3]) == {"added": 1, "changed": 0, "opened": 0}
        assert not Farmer.objects.filter(name_en="V. Ramasamy").exists()

    def test_only_the_owner_may(self, kumar: Membership) -> None:
        with pytest.raises(NotAllowed):
            import_farmers(by=kumar, key=uuid4(), text=self.LIST, expected="")

    def test_two_thousand_rows_take_a_handful_of_queries(self, meena: Membership) -> None:
        text = "Number,Name,Phone\n" + "".join(f"{n},கண்ணன் {n},98765{n:05}\n" for n in range(1, 2001))
        expected = planned(meena, text).fingerprint

        count = queries_of(lambda: import_farmers(by=meena, key=uuid4(), text=text, expected=expected))

        assert Farmer.objects.count() == 2000
        assert count < 15


class TestPages:
    LIST = HEAD + "20,கா. கண்ணன்,K. Kannan,மேலூர்,98765 43210\n14,ந. பழனி,,,\n30,,Valli,,12\n"

    def test_looking_writes_nothing_and_shows_every_row(self, meena: Membership, raja: Farmer) -> None:
        shown = html(looked_at(page_of(meena), self.LIST))

        assert "Take 1 farmer into the book" in shown
        assert "K. Kannan" in shown
        assert "14 is P. Raja in the book." in shown
        assert "This is not a phone number." in shown
        assert Farmer.objects.count() == 1

    def test_what_was_decided_is_done_and_said(self, meena: Membership, raja: Farmer) -> None:
        page = page_of(meena)
        carried = hidden(looked_at(page, self.LIST))
        done = page.post(IMPORT, carried | {"ticked": "3"}, follow=True)

        assert "2 farmers were taken into the book." in html(done)
        assert set(Farmer.objects.values_list("number", flat=True)) == {14, 20, 31}

    @pytest.mark.parametrize("ticked", [{}, {"welcome": "on"}])
    def test_who_is_new_is_welcomed_only_where_that_is_ticked(
        self, meena: Membership, ticked: dict[str, str]
    ) -> None:
        page = page_of(meena)
        shown = looked_at(page, self.LIST)
        assert 'name="welcome"' in shown.content.decode()
        page.post(IMPORT, hidden(shown) | ticked)
        welcomed = Event.objects.filter(name="FarmerReachable").values_list("payload__farmer", flat=True)
        reachable = Farmer.objects.exclude(phone="").values_list("pk", flat=True)
        assert set(welcomed) == ({str(pk) for pk in reachable} if ticked else set())

    def test_a_double_tap_makes_nothing_twice(self, meena: Membership) -> None:
        page = page_of(meena)
        carried = hidden(looked_at(page, self.LIST))
        answers = [page.post(IMPORT, carried).status_code for _ in range(2)]

        assert answers == [302, 302]
        assert Farmer.objects.count() == 2

    def test_a_book_changed_meanwhile_is_shown_anew(self, meena: Membership) -> None:
        page = page_of(meena)
        carried = hidden(looked_at(page, self.LIST))
        a_farmer(meena.shop, 20, "க. கருப்பையா", "K. Karuppiah")
        answer = page.post(IMPORT, carried)

        assert answer.status_code == 409
        assert "Somebody changed the list of farmers meanwhile." in html(answer)
        assert "20 is K. Karuppiah in the book." in html(answer)
        assert Farmer.objects.count() == 1

    @pytest.mark.parametrize("carried", ["", "tampered", "ImEi:1abc:xyz"])
    def test_a_list_that_was_tampered_with_is_asked_for_again(self, meena: Membership, carried: str) -> None:
        answer = page_of(meena).post(IMPORT, {"key": str(uuid4()), "carried": carried})

        assert answer.status_code == 422
        assert "Choose the file again." in html(answer)

    def test_a_list_looked_at_in_another_shop_is_not_taken(self, meena: Membership, devi: Membership) -> None:
        carried = hidden(looked_at(page_of(devi), self.LIST))
        answer = page_of(meena).post(IMPORT, carried)

        assert answer.status_code == 422
        assert Farmer.objects.count() == 0

    def test_ticks_that_are_no_numbers_write_nothing(self, meena: Membership) -> None:
        page = page_of(meena)
        answer = page.post(IMPORT, hidden(looked_at(page, self.LIST)) | {"left": "all"})

        assert answer.status_code == 422
        assert Farmer.objects.count() == 0

    def test_a_bad_file_is_said_at_its_field(self, meena: Membership) -> None:
        page = page_of(meena)

        assert html(looked_at(page, b"PK\x03\x04", "list.xlsx")).count("This workbook cannot be read.") == 2
        assert "This field is required." in html(page.post(IMPORT, {}))
        assert "This file is empty." in html(looked_at(page, b""))

    def test_it_speaks_the_reader_s_language(self, meena: Membership, raja: Farmer) -> None:
        owner = a_member(meena.shop, "Ponni", Role.ADMIN, language="ta")
        shown = html(looked_at(page_of(owner), self.LIST))

        assert "14 என்பது" not in shown.partition("<main")[0]
        assert "பெ. ராஜா" in shown
        assert "This is not a phone number." not in shown

    @pytest.mark.parametrize("language", ["ta", "en"])
    def test_the_empty_list_has_headings_the_import_understands(
        self, meena: Membership, language: str
    ) -> None:
        owner = a_member(meena.shop, "Ponni", Role.ADMIN, language=language)
        answer = page_of(owner).get(f"{IMPORT}template.csv")
        sheet = sheet_in(text_of(answer.content) + "14,பெ. ராஜா\n")

        assert answer["Content-Disposition"] == 'attachment; filename="farmers.csv"'
        assert sheet.unknown == []
        assert sheet.fields == [
            "number",
            "name_ta",
            "name_en",
            "village_ta",
            "village_en",
            "phone",
            "whatsapp",
            "language",
            "commission_pct",
            "cadence",
            "we_owe",
            "he_owes",
            "advance",
        ]

    def test_a_upi_address_is_taken_over_and_a_wrong_one_named(self, meena: Membership) -> None:
        wrong = html(looked_at(page_of(meena), "Name,UPI ID\nமு. கண்ணன்,98000 00077\n"))
        assert "A UPI address is a name, @ and a bank" in wrong
        shown = html(looked_at(page_of(meena), "Name,UPI ID\nமு. கண்ணன்,kannan@okaxis\n"))
        assert "A UPI address is a name" not in shown

    def test_everybody_in_the_book_already_leaves_nothing_to_do(
        self, meena: Membership, raja: Farmer
    ) -> None:
        shown = html(looked_at(page_of(meena), "Number,Name\n14,P. Raja\n"))

        assert "Everybody on this list is in the book already." in shown
        assert "button--primary" not in shown.partition("<main")[2].partition("</main>")[0]

    def test_words_of_the_list_are_never_markup(self, meena: Membership) -> None:
        shown = html(looked_at(page_of(meena), "Name,<b>x</b>\n<script>alert(1)</script>,y\n"))

        assert "<script>alert" not in shown
        assert "<b>x</b>" not in shown

    def test_what_is_carried_is_small(self, meena: Membership) -> None:
        """The page goes back with the list in it; a form may carry 2.5 MB."""
        text = "Name\n" + "".join(f"முருகேசன் கருப்பசாமி {n}\n" for n in range(MOST_ROWS))

        assert len(Carried(str(meena.shop_id), text, "0" * 64).sealed()) < 400_000
