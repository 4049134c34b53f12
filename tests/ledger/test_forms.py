"""What people type about lines and farmers."""

import datetime as dt
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.http import QueryDict

from ledger.documents import ROLL_LONGEST_MM, parts_of, roll_length, sheets_of
from ledger.forms.entries import EntryEditForm, EntryFilter, EntryForm
from ledger.forms.farmers import FarmerFilter
from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import Slip, Totals, version_of
from ledger.selectors.farmers import find_farmer
from ledger.services.entries import edit_entry
from malar.accounts.models import Membership, Shop
from pricing.models import Flower
from tests.cast import a_farmer, a_flower, recorded

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 6)


def query(**fields: str) -> QueryDict:
    asked = QueryDict(mutable=True)
    asked.update({name.rstrip("_"): value for name, value in fields.items()})
    return asked


class TestFindingAFarmer:
    def test_the_number_leads_where_it_is_another_farmer_s_code(self, shop: Shop, raja: Farmer) -> None:
        confusing = a_farmer(shop, 20, "அ", "A")
        confusing.code = "14"
        confusing.save()

        assert find_farmer(shop, "14") == raja

    def test_a_code_may_be_all_digits(self, shop: Shop) -> None:
        farmer = a_farmer(shop, 20, "அ", "A")
        farmer.code = "4711"
        farmer.save()

        assert find_farmer(shop, "4711") == farmer

    @pytest.mark.parametrize("words", ["", "  ", "99", "Raja", "F99", "00000000014"])
    def test_nobody_is_guessed(self, shop: Shop, raja: Farmer, words: str) -> None:
        assert find_farmer(shop, words) is None

    def test_another_shop_s_farmer_is_nobody(self, shop: Shop, selvi: Farmer) -> None:
        assert find_farmer(shop, "14") is None


class TestEntryForm:
    def test_a_line_is_what_the_service_takes(self, shop: Shop, raja: Farmer, jasmine: Flower) -> None:
        made, key = uuid4(), uuid4()
        form = EntryForm(
            query(
                id=str(made),
                key=str(key),
                farmer="14",
                flower=str(jasmine.pk),
                gross_quantity="6,1",
                tare="",
                sacks="2",
                captured_at="2026-03-06T04:50",
            ),
            shop=shop,
        )

        assert form.is_valid(), form.errors
        line = form.line()
        assert (line["id"], line["key"]) == (made, key)
        assert (line["farmer_id"], line["flower_id"]) == (raja.pk, jasmine.pk)
        assert (line["gross_quantity"], line["tare"], line["sacks"]) == (Decimal("6.1"), None, 2)
        assert line["captured_at"].isoformat() == "2026-03-06T04:50:00+05:30"
        assert line["rate"] is None

    def test_a_typed_zero_is_a_rate_and_an_empty_field_is_none(
        self, shop: Shop, raja: Farmer, jasmine: Flower
    ) -> None:
        form = EntryForm(query(farmer="14", flower=str(jasmine.pk), rate="0"), shop=shop)
        form.is_valid()

        assert form.cleaned_data["rate"] == 0

    @pytest.mark.parametrize("field", ["id", "key"])
    def test_without_its_keys_a_form_is_refused(
        self, shop: Shop, raja: Farmer, jasmine: Flower, field: str
    ) -> None:
        sent = query(id=str(uuid4()), key=str(uuid4()), farmer="14", flower=str(jasmine.pk))
        sent[field] = "not-a-key"

        assert field in EntryForm(sent, shop=shop).errors

    def test_the_rate_on_the_board_stands_beside_the_flower(self, shop: Shop, jasmine: Flower) -> None:
        rose = a_flower(shop, "ROS", "ரோஜா", "Rose", unit="bundle")
        form = EntryForm(shop=shop)
        form.show_rates({jasmine.pk: Decimal("1450"), rose.pk: None})
        choices = str(form["flower"])

        assert f'<option value="{jasmine.pk}" data-unit="kg">Jasmine · ₹1,450.00</option>' in choices
        assert f'<option value="{rose.pk}" data-unit="bundle">Rose</option>' in choices

    def test_a_flower_no_longer_sold_is_not_offered(self, shop: Shop, jasmine: Flower) -> None:
        jasmine.is_active = False
        jasmine.save()

        assert str(jasmine.pk) not in str(EntryForm(shop=shop)["flower"])


class TestEditForm:
    @pytest.fixture
    def line(self, kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
        return recorded(kumar, raja, jasmine, rate=Decimal("900"))

    def typed(self, line: DailyEntry, **fields: str) -> EntryEditForm:
        stands = {
            "version": "1",
            "farmer": "14",
            "flower": str(line.flower_id),
            "gross_quantity": "6.1",
            "tare": "0,2",
            "sacks": "1",
            "rate": "900",
            "reason": "weight misread",
        }
        form = EntryEditForm(query(**(stands | fields)), entry=line, shop=line.shop)
        assert form.is_valid(), form.errors
        return form

    def test_figures_written_otherwise_are_no_changes(self, line: DailyEntry) -> None:
        assert self.typed(line).correction()["changes"] == {}

    def test_only_what_was_changed_is_sent_on(
        self, shop: Shop, lakshmi: Farmer, lotus: Flower, line: DailyEntry
    ) -> None:
        form = self.typed(line, farmer="15", flower=str(lotus.pk), rate="", note="wet")

        assert form.correction()["changes"] == {
            "farmer_id": lakshmi.pk,
            "flower_id": lotus.pk,
            "rate": None,
            "note": "wet",
        }

    def test_words_of_one_s_own_are_the_reason_where_none_of_the_offered_ones_is(
        self, line: DailyEntry
    ) -> None:
        assert self.typed(line).correction()["reason"] == "weight misread"
        own = self.typed(line, reason="other", other_reason=" the scale was wet ")
        assert own.correction()["reason"] == "the scale was wet"

    def test_over_a_newer_version_only_what_was_typed_is_put(
        self, kumar: Membership, line: DailyEntry
    ) -> None:
        form = self.typed(line, note="wet")
        edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"rate": Decimal("950")})
        line.refresh_from_db()
        seen = version_of(line, 1)

        form = form.over(line, seen)

        assert form.is_valid(), form.errors
        assert form.correction() == {"version": 2, "reason": "weight misread", "changes": {"note": "wet"}}

    def test_a_flower_no_longer_sold_stays_on_its_line(self, jasmine: Flower, line: DailyEntry) -> None:
        jasmine.is_active = False
        jasmine.save()

        assert self.typed(line).correction()["changes"] == {}


class TestFilter:
    @pytest.mark.parametrize(
        ("asked", "days"),
        [
            ({}, ("2026-03-06", "2026-03-06")),
            ({"from_": "", "to": ""}, ("2026-03-06", "2026-03-06")),
            ({"day": "2026-03-01"}, ("2026-03-01", "2026-03-01")),
            ({"from_": "2026-03-02"}, ("2026-03-02", "2026-03-06")),
            ({"from_": "2026-03-09"}, ("2026-03-09", "2026-03-09")),
            ({"to": "2026-03-02"}, ("2026-03-02", "2026-03-02")),
            ({"from_": "2026-03-01", "to": "2026-03-03"}, ("2026-03-01", "2026-03-03")),
        ],
    )
    def test_days_that_were_not_given_are_filled_in(
        self, shop: Shop, asked: dict[str, str], days: tuple[str, str]
    ) -> None:
        form = EntryFilter(query(**asked), shop=shop, today=TODAY)

        assert form.is_valid(), form.errors
        question = form.question()
        assert (question["start"].isoformat(), question["end"].isoformat()) == days

    def test_a_filter_for_farmers_that_cannot_be_read_filters_nothing(self, shop: Shop) -> None:
        assert FarmerFilter(query(active="maybe", village="Nowhere"), shop=shop).question(TODAY) == {
            "words": "",
            "is_active": True,
            "village": "",
            "unseen_since": None,
        }


class TestPaper:
    def slip(self, farmer: Farmer, lines: int) -> Slip:
        entries = [DailyEntry(farmer=farmer, commission_pct=Decimal(10)) for _ in range(lines)]
        return Slip(farmer=farmer, day=TODAY, entries=entries, totals=Totals(lines=lines), charges=[])

    def test_a_long_slip_goes_on_and_its_last_part_has_the_totals(self, raja: Farmer) -> None:
        parts = parts_of(self.slip(raja, 17), 7)

        assert [len(part.entries) for part in parts] == [7, 7, 3]
        assert [part.is_last for part in parts] == [False, False, True]

    def test_six_go_on_a_sheet(self, raja: Farmer) -> None:
        sheets = sheets_of([self.slip(raja, 1) for _ in range(13)])

        assert [len(sheet) for sheet in sheets] == [6, 6, 1]

    def test_no_slips_need_no_sheet(self) -> None:
        assert sheets_of([]) == []

    def test_the_roll_grows_with_the_lines_in_steps_the_stylesheet_knows(self, raja: Farmer) -> None:
        lengths = [roll_length(self.slip(raja, lines)) for lines in range(1, 100)]

        assert lengths == sorted(lengths)
        assert {length % 20 for length in lengths} == {0}
        assert max(lengths) == ROLL_LONGEST_MM

    def test_the_percentage_is_named_only_where_it_is_one(self, raja: Farmer) -> None:
        slip = self.slip(raja, 2)
        assert slip.commission_pct == 10
        slip.entries[1].commission_pct = Decimal("7.5")
        assert slip.commission_pct is None


def test_each_form_shown_mints_an_id_and_a_key_of_its_own(shop: Shop) -> None:
    first, second = EntryForm.fresh(shop=shop, kept={}), EntryForm.fresh(shop=shop, kept={})
    minted = {UUID(str(form[name].value())) for form in (first, second) for name in ("id", "key")}

    assert len(minted) == 4
