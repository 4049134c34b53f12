"""The figures of an older book, brought over with a list of farmers: to the paisa, all or nothing, once."""

import datetime as dt
import io
import threading
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from ledger.models import Farmer, Movement, Transfer
from ledger.selectors.accounts import balance_of, statement_of
from ledger.services import farmer_import, openings
from ledger.services.farmer_csv import sheet_in, text_of
from ledger.services.farmer_import import Plan, RowState, import_farmers, plan_import
from ledger.services.movements import record_movement, reverse_movement
from ledger.services.openings import Totals
from ledger.services.workbooks import csv_of
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.ops.books import broken
from malar.trail.models import Event
from tests.cast import a_farmer
from tests.conftest import page_of
from tests.ledger.test_beancount import bean_check
from tests.ledger.test_farmer_import import IMPORT, hidden, html
from tests.ledger.test_posting import closed
from tests.ledger.test_races import together

pytestmark = pytest.mark.django_db

EVE = dt.date(2026, 3, 1)
LIST = """number,name in english,village,we owe,he owes,advance
21,Selvi,Nilakottai,"1,23,456.50",,15000
22,Mani,Nilakottai,,₹27.00,
23,Devi,Vellodu,-,,500.50
24,Kani,Vellodu,,,
"""
TOTALS = Totals(Decimal("123456.50"), Decimal(27), Decimal("15500.50"))


def planned(by: Membership, text: str) -> Plan:
    return plan_import(by.shop, sheet_in(text))


def brought(by: Membership, text: str = LIST, totals: Totals | None = TOTALS, **said: Any) -> dict[str, int]:
    """Through the service, as the page does it."""
    said = {"opened_on": EVE, "key": uuid4(), "expected": planned(by, text).fingerprint, **said}
    return import_farmers(by=by, text=text, totals=totals, **said).body


def refused(*arguments: Any, **said: Any) -> dict[str, str]:
    with pytest.raises(RuleBroken) as error:
        brought(*arguments, **said)
    return {fault.pointer: fault.code for fault in error.value.faults} or {"": error.value.code}


def fingerprint_of_the_book() -> list[int]:
    return [model.objects.count() for model in (Farmer, Movement, Transfer, Event)]


def test_farmers_come_with_what_stands_between_them_and_the_shop(meena: Membership) -> None:
    assert brought(meena) == {"added": 4, "changed": 0, "opened": 3}
    selvi, mani, devi, kani = Farmer.objects.order_by("number")
    assert str(balance_of(selvi)) == "We must pay the farmer ₹1,23,456.50"
    assert balance_of(selvi).advance == Decimal(15000)
    assert str(balance_of(mani)) == "The farmer must pay us ₹27.00"
    assert (balance_of(devi).net, balance_of(devi).advance) == (Decimal(0), Decimal("500.50"))
    assert not kani.movements.exists()
    vouchers = sorted(Movement.objects.values_list("voucher", flat=True))
    assert vouchers == ["V2526-0001", "V2526-0002", "V2526-0003", "V2526-0004"]
    assert set(Movement.objects.values_list("business_date", "mode")) == {(EVE, "none")}
    (row, *_rest) = statement_of(selvi, EVE, EVE).rows
    assert row.change == Decimal("123456.50")
    assert Event.objects.filter(name="MovementPosted").count() == 4
    assert [found for found in broken() if found.invariant.name != "months_ahead"] == []


def test_an_engine_that_knows_nothing_of_ours_agrees_with_what_was_brought_over(
    meena: Membership, tmp_path: Path
) -> None:
    brought(meena)
    said = io.StringIO()
    call_command("export_beancount", stdout=said)
    assert bean_check(said.getvalue(), tmp_path) == (0, "")
    assert "balance Equity:Opening  107929.00 " in said.getvalue()


@pytest.mark.parametrize(
    ("totals", "faults"),
    [
        (Totals(Decimal("123456.49"), Decimal(27), Decimal("15500.50")), {"/we_owe": "total_differs"}),
        (
            Totals(Decimal("123456.50"), Decimal(0), Decimal("15500.51")),
            {"/he_owes": "total_differs", "/advance": "total_differs"},
        ),
        (None, dict.fromkeys(("/we_owe", "/he_owes", "/advance"), "required")),
    ],
)
def test_a_paisa_more_or_less_and_nothing_is_written(
    meena: Membership, totals: Totals | None, faults: dict[str, str]
) -> None:
    before = fingerprint_of_the_book()
    assert refused(meena, totals=totals) == faults
    assert fingerprint_of_the_book() == before


def test_the_difference_is_said(meena: Membership) -> None:
    with pytest.raises(RuleBroken) as error:
        brought(meena, totals=Totals(Decimal("123450.00"), Decimal(127), Decimal("15500.50")))
    assert [fault.detail for fault in error.value.faults] == [
        "The list comes to ₹1,23,456.50: ₹6.50 more than your book says.",
        "The list comes to ₹27.00: ₹100.00 less than your book says.",
    ]


def test_the_day_must_be_there_and_open_and_not_to_come(meena: Membership) -> None:
    before = fingerprint_of_the_book()
    assert refused(meena, opened_on=None) == {"/opened_on": "required"}
    assert refused(meena, opened_on=dt.date(2099, 1, 1)) == {"/business_date": "in_future"}
    closed(meena, EVE)
    assert refused(meena) == {"/opened_on": "day_locked"}
    assert fingerprint_of_the_book()[:3] == before[:3]


def test_the_same_list_again_changes_nothing(meena: Membership) -> None:
    brought(meena)
    before = fingerprint_of_the_book()
    plan = planned(meena, LIST)
    assert {row.state for row in plan.rows} == {RowState.SAME}
    assert plan.opening == []
    assert brought(meena) == {"added": 0, "changed": 0, "opened": 0}
    assert fingerprint_of_the_book() == before


def test_the_same_request_again_is_answered_alike(meena: Membership) -> None:
    key, expected = uuid4(), planned(meena, LIST).fingerprint
    first = brought(meena, key=key, expected=expected)
    before = fingerprint_of_the_book()
    assert brought(meena, key=key, expected=expected) == first
    assert fingerprint_of_the_book() == before


def test_whoever_is_in_the_book_already_gets_his_figures_too(meena: Membership) -> None:
    brought(meena, "number,name in english,village\n21,Selvi,Nilakottai\n", None, opened_on=None)
    plan = planned(meena, LIST)
    assert [row.line for row in plan.opening] == [2]
    assert brought(meena) == {"added": 3, "changed": 0, "opened": 3}
    assert balance_of(Farmer.objects.get(number=21)).advance == Decimal(15000)


def test_other_figures_than_he_has_are_a_mistake_and_taken_back_ones_are_not(meena: Membership) -> None:
    brought(meena)
    other = LIST.replace("15000", "16000")
    (wrong,) = planned(meena, other).of(RowState.WRONG)
    assert wrong.faults == {"figures": "He has other opening figures in the book already."}
    for movement in Farmer.objects.get(number=21).movements.all():
        reverse_movement(by=meena, key=uuid4(), movement_id=movement.pk, reason="typed from the wrong page")
    totals = Totals(TOTALS.we_owe, TOTALS.he_owes, Decimal("16500.50"))
    assert brought(meena, other, totals)["opened"] == 1
    assert balance_of(Farmer.objects.get(number=21)).advance == Decimal(16000)


def test_figures_typed_by_hand_before_are_seen(meena: Membership) -> None:
    brought(meena, "number,name in english,village\n22,Mani,Nilakottai\n", None, opened_on=None)
    record_movement(
        by=meena,
        key=uuid4(),
        farmer_id=Farmer.objects.get().pk,
        kind="opening_balance",
        amount=Decimal(-27),
        business_date=EVE,
        mode="none",
    )
    row = planned(meena, LIST).rows[1]
    assert (row.state, row.is_opened) == (RowState.SAME, True)


def test_rows_left_out_are_not_in_the_total(meena: Membership) -> None:
    assert refused(meena, left=[3]) == {"/he_owes": "total_differs"}
    totals = Totals(TOTALS.we_owe, Decimal(0), TOTALS.advance)
    assert brought(meena, totals=totals, left=[3])["added"] == 3


@pytest.mark.parametrize(
    ("cells", "where", "sentence"),
    [
        ("-5,,", "we_owe", "No minus here: the column says who owes whom."),
        ("1.005,,", "we_owe", "An amount has at most two decimals."),
        (",abc,", "he_owes", "Enter an amount, for example 1,250.50."),
        (",,1.2E+5", "advance", "Enter an amount, for example 1,250.50."),
        ("5,5,", "he_owes", "Either we owe him or he owes us, not both."),
        (",,9999999999999", "advance", "This number is too large."),
    ],
)
def test_an_amount_that_cannot_be_is_a_mistake_in_its_row(
    meena: Membership, cells: str, where: str, sentence: str
) -> None:
    (row,) = planned(meena, f"name,we owe,he owes,advance\nSelvi,{cells}\n").rows
    assert (row.state, row.faults[where]) == (RowState.WRONG, sentence)


@pytest.mark.parametrize("heading", ["Balance", "opening_balance", "நிலுவை", "பாக்கி", "Amount"])
def test_a_column_that_does_not_say_who_owes_is_refused(heading: str) -> None:
    with pytest.raises(RuleBroken) as error:
        sheet_in(f"name,{heading}\nSelvi,500\n")
    assert error.value.code == "unclear"
    assert f"“{heading}”" in error.value.detail


def test_tamil_headings_are_understood(meena: Membership) -> None:
    (row,) = planned(meena, "பெயர்,நாம் கொடுக்க வேண்டியது,அவர் தர வேண்டியது,முன்பணம்\nசெல்வி,௧௦௦,,50\n").rows
    assert (row.figures.balance, row.figures.advance) == (Decimal(100), Decimal(50))


def test_only_the_owner_brings_figures_over(kumar: Membership) -> None:
    with pytest.raises(NotAllowed):
        brought(kumar)


def test_two_thousand_farmers_take_as_many_statements_as_two(meena: Membership) -> None:
    def statements(first: int, count: int) -> int:
        rows = "".join(f"{first + n},Name{first + n},Village{first + n},1,,2\n" for n in range(count))
        text = f"number,name in english,village,we owe,he owes,advance\n{rows}"
        totals = Totals(Decimal(count), Decimal(0), Decimal(2 * count))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            brought(meena, text, totals)
        return len(asked)

    statements(900, 1)  # the first of all opens the account it comes from
    assert statements(1000, 2) == statements(2000, 400)


# --- Workbooks ---------------------------------------------------------------------------------------


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_a_workbook_is_read_like_its_csv(meena: Membership) -> None:
    raw = workbook(
        ["Number", "பெயர்", "Mobile number", "We owe", "He owes", "Advance"],
        [21.0, "செல்வி", 9876543210, 0.1 + 0.2, None, 15000],
        [],
        [22, "மணி", "98765 43211", None, 27.5, None],
    )
    plan = planned(meena, text_of(raw))
    assert [row.state for row in plan.rows] == [RowState.NEW, RowState.NEW]
    first, second = plan.rows
    assert (first.farmer.number, first.farmer.phone) == (21, "+919876543210")
    assert (first.figures.balance, first.figures.advance) == (Decimal("0.3"), Decimal(15000))
    assert second.figures.balance == Decimal("-27.5")
    assert (
        brought(meena, text_of(raw), Totals(Decimal("0.3"), Decimal("27.5"), Decimal(15000)))["opened"] == 2
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"PK\x03\x04 and nothing of a workbook", "unreadable"),
        (b"\xd0\xcf\x11\xe0 an old one", "workbook"),
        (workbook(), "empty"),
    ],
)
def test_a_workbook_that_cannot_be_read_says_what_to_do(raw: bytes, code: str) -> None:
    with pytest.raises(RuleBroken) as error:
        text_of(raw)
    assert error.value.code == code


def test_a_workbook_that_unpacks_without_end_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.services.workbooks.LARGEST_UNPACKED", 1000)
    with pytest.raises(RuleBroken) as error:
        csv_of(workbook(["name"]))
    assert error.value.code == "too_large"


# --- The pages ---------------------------------------------------------------------------------------


def test_the_page_asks_for_the_books_totals_and_says_what_differs(meena: Membership) -> None:
    page = page_of(meena)
    seen = page.post(IMPORT, {"file": SimpleUploadedFile("list.csv", LIST.encode(), "text/csv")})
    assert "Last day of the older book" in html(seen)
    assert "₹1,23,456.50" in html(seen)
    typed = {"we_owe": "1,23,456.50", "he_owes": "27", "advance": "15,000", "opened_on": "2026-03-01"}
    again = page.post(IMPORT, {**hidden(seen), **typed, "left": "5"})
    assert again.status_code == 422
    assert "₹500.50 more than your book says" in html(again)
    assert 'name="left" value="5" checked' in html(again)
    assert Farmer.objects.count() == 0
    done = page.post(IMPORT, {**hidden(again), **typed, "advance": "15500.50"}, follow=True)
    assert "Opening figures of 3 farmers were brought over." in html(done)
    assert Movement.objects.count() == 4


def test_a_list_without_figures_asks_for_no_totals(meena: Membership) -> None:
    page = page_of(meena)
    listed = b"name in english\nSelvi\n"
    seen = page.post(IMPORT, {"file": SimpleUploadedFile("list.csv", listed, "text/csv")})
    assert "Last day of the older book" not in html(seen)
    assert page.post(IMPORT, hidden(seen)).status_code == 302


def test_the_empty_workbook_has_the_headings_of_the_readers_language(meena: Membership) -> None:
    page = page_of(meena)
    with translation.override("en"):
        raw = page.get(f"{IMPORT}template.xlsx").content
    (heading, *_rest) = csv_of(raw).splitlines()
    assert heading.endswith("We owe,He owes,Advance")
    assert set(sheet_in(f"{heading}\n1,x,,,,,,,,,,,\n").unknown) == set()


# --- Two at once ---------------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
def test_two_imports_at_once_bring_the_figures_over_once(
    meena: Membership, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The second waits for the list, and sees that the book is another one by then."""
    a_farmer(meena.shop, 21, "செல்வி", "Selvi", village_en="Nilakottai", village_ta="நிலக்கோட்டை")
    text = "number,name in english,village,we owe\n21,Selvi,Nilakottai,100\n"
    totals, expected = Totals(Decimal(100), Decimal(0), Decimal(0)), planned(meena, text).fingerprint
    met, look = threading.Barrier(2), openings.standing_among

    def look_and_wait(farmers: Any) -> Any:
        found = look(farmers)
        with suppress(threading.BrokenBarrierError):
            met.wait(timeout=1.0 if guarded else 20.0)
        return found

    monkeypatch.setattr(openings, "standing_among", look_and_wait)
    if not guarded:
        monkeypatch.setattr(farmer_import, "hold_list", lambda by: None)
        monkeypatch.setattr(openings, "_hold", lambda farmers: None)
    codes = together(*[lambda: brought(meena, text, totals, expected=expected)] * 2)
    assert codes == (["book_changed"] if guarded else [])
    assert Movement.objects.count() == (1 if guarded else 2)
    assert balance_of(Farmer.objects.get()).net == (100 if guarded else 200)
