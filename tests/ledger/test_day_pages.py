"""The pages of the end of a day: the cash book, the count, the lock, what was spent."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from ledger.models import DayClose, Expense, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import at, recorded
from tests.conftest import page_of
from tests.ledger.test_days import DAY, NEXT, closed, given, spent

pytestmark = pytest.mark.django_db

PAGE = f"/ledger/days/{DAY}/"


def counted(client: Client, *, address: str = PAGE, **typed: Any) -> Any:
    return client.post(address, {"key": str(uuid4()), "opening_cash": "5000", "note": "", **typed})


def test_the_cash_book_says_what_went_in_and_out_and_what_should_be_there(
    kumar: Membership, meena: Membership, raja: Farmer
) -> None:
    closed(meena, DAY - dt.timedelta(1), "5000", opening_cash=Decimal(5000))
    given(kumar, raja, "1500")
    spent(kumar, "120.25")
    page = page_of(kumar).get(PAGE).content.decode()
    for words in ("₹5,000.00", "Advance · P. Raja", "₹1,500.00", "Tea", "₹120.25", "₹3,379.75"):
        assert words in page, words
    assert "opening_cash" not in page  # what was counted the day before opens it


def test_without_a_script_the_server_adds_up_and_closes_nothing(kumar: Membership) -> None:
    answer = counted(page_of(kumar), **{"500": "9", "200": "2", "coins": "80.50", "count": "1"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "₹4,980.50" in page
    assert "₹19.50 too little" in page
    assert not DayClose.objects.exists()


def test_the_first_button_of_the_count_is_the_one_that_locks_nothing(kumar: Membership) -> None:
    """Enter in a field presses it."""
    page = page_of(kumar).get(PAGE).content.decode()
    form = page[page.index('id="count"') :]
    assert 'name="count"' in form[form.index("<button") : form.index("</button>")]


def test_a_counted_day_is_locked_and_the_page_says_so_in_words(kumar: Membership, meena: Membership) -> None:
    answer = counted(page_of(kumar), **{"500": "10", "20": "1"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = page_of(kumar).get(PAGE).content.decode()
    for words in ("Day locked", "₹20.00 too much", "Closed by Kumar", "The owner can open it again"):
        assert words in page, words
    assert "Open the day again" not in page
    meena.user.language = "ta"
    meena.user.save()
    page = page_of(meena).get(PAGE).content.decode()
    for words in ("நாள் பூட்டப்பட்டது", "₹20.00 அதிகம்", "நாள் கணக்கை மீண்டும் திற"):
        assert words in page, words
    # Whoever counted at the same time is told, and nothing counts twice.
    assert counted(page_of(meena), **{"500": "1"}).status_code == 200
    assert DayClose.objects.count() == 1


def test_a_count_that_cannot_be_read_stays_on_the_page(kumar: Membership) -> None:
    answer = counted(page_of(kumar), **{"500": "x"})
    assert answer.status_code == 422
    answer = counted(page_of(kumar), **{"500": "1.5"})
    assert answer.status_code == 422
    assert "₹500: enter how many there are" in answer.content.decode()
    answer = counted(page_of(kumar), opening_cash="")
    assert "Enter the cash in the morning" in answer.content.decode()
    assert not DayClose.objects.exists()


def test_the_page_of_the_close_is_loud_about_what_has_no_rate_and_what_waits(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"))
    meena.shop.advance_limit = Decimal(100)
    meena.shop.save()
    kumar.shop = meena.shop
    waits = given(kumar, raja, "5000")
    page = page_of(kumar).get(PAGE).content.decode()
    assert "1 entry of this day has no rate." in page
    assert f"/ledger/entries/?day={DAY}&amp;unpriced=on" in page
    assert "1 payment waits for the owner." in page
    assert f"/ledger/movements/{waits.made}/" in page
    closed(kumar, DAY, "0")
    assert "The owner must open the day again" in page_of(kumar).get(PAGE).content.decode()


def test_the_owner_opens_a_day_again_and_finds_what_was_counted(kumar: Membership, meena: Membership) -> None:
    closed(kumar, DAY, "4980", opening_cash=Decimal(5000))
    owner = page_of(meena)
    assert owner.post(f"{PAGE}reopen/", {"key": str(uuid4()), "reason": ""}).status_code == 422
    answer = owner.post(f"{PAGE}reopen/", {"key": str(uuid4()), "reason": "forgot the bus"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = owner.get(PAGE).content.decode()
    assert "forgot the bus" in page
    assert 'name="500" value="9"' in page
    assert owner.post(f"{PAGE}reopen/", {"key": str(uuid4()), "reason": "again"}).status_code == 302
    assert page_of(kumar).post(f"{PAGE}reopen/", {"reason": "x"}).status_code == 403


def test_a_day_that_is_closed_again_says_what_the_later_day_opened_with(
    kumar: Membership, meena: Membership
) -> None:
    closed(kumar, DAY, "980", opening_cash=Decimal(1000))
    closed(kumar, NEXT, "980")
    page_of(meena).post(f"{PAGE}reopen/", {"key": str(uuid4()), "reason": "look"})
    assert (
        "opened with what was in the box on this evening: ₹980.00"
        in page_of(meena).get(PAGE).content.decode()
    )
    answer = counted(page_of(meena), opening_cash="1000", **{"500": "2"})
    assert answer.status_code == 422
    assert "count ₹980.00" in answer.content.decode()


def test_a_day_before_the_first_one_counted_has_no_count(kumar: Membership) -> None:
    closed(kumar, NEXT, "1000", opening_cash=Decimal(1000))
    page = page_of(kumar).get(PAGE).content.decode()
    assert "Days before it stay open." in page
    assert 'id="count"' not in page


def test_a_day_that_has_not_come_is_not_counted(kumar: Membership) -> None:
    assert page_of(kumar).get("/ledger/days/2099-01-01/").status_code == 404


def test_the_days_are_listed_with_their_state(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"))
    closed(kumar, DAY, "4980", opening_cash=Decimal(5000))
    page_of(meena).post(f"{PAGE}reopen/", {"key": str(uuid4()), "reason": "x"})
    closed(kumar, DAY, "4990", opening_cash=Decimal(5000))
    with time_machine.travel(at("2026-03-07", "12:00"), tick=False):
        page = page_of(kumar).get("/ledger/days/").content.decode()
    for words in (
        "Friday, 6 March 2026",
        "Day locked",
        "₹10.00 too little",
        "was opened again",
        "Thursday, 5 March 2026",
        "1 without a rate",
    ):
        assert words in page, words
    empty = page_of(kumar).get("/ledger/days/?to=2020-01-01").content.decode()
    assert "Nothing was written in these days." in empty
    assert page_of(kumar).get("/ledger/days/?to=x").status_code == 200
    assert page_of(kumar).get("/ledger/days/?to=0001-01-01").status_code == 200


def test_an_expense_is_written_and_taken_back_by_form(kumar: Membership) -> None:
    client = page_of(kumar)
    with time_machine.travel(at("2026-03-06", "09:00"), tick=False):
        said = {"key": uuid4(), "id": uuid4(), "what": "bus", "amount": "1,250", "mode": "cash"}
        answer = client.post("/ledger/expenses/new/", {**said, "business_date": str(DAY)})
        assert answer.status_code == 302
        expense = Expense.objects.get()
        assert (expense.what, expense.amount, expense.voucher) == ("bus", Decimal(1250), "V2526-0001")
        page = client.get(answer["Location"]).content.decode()
        assert f"/ledger/expenses/{expense.pk}/reverse/" in page
        assert client.post("/ledger/expenses/new/", {**said, "amount": "0"}).status_code == 422
        back = f"/ledger/expenses/{expense.pk}/reverse/"
        assert client.post(back, {"key": uuid4(), "reason": ""}).status_code == 422
        assert client.post(back, {"key": uuid4(), "reason": "twice"}).status_code == 302
        assert "Taken back on 06/03/2026 by Kumar: twice" in client.get(back).content.decode()


def test_a_locked_day_shows_it_and_offers_no_changes(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    closed(kumar, DAY, "0")
    detail, client = f"/ledger/entries/{line.pk}/", page_of(kumar)
    page = client.get(detail).content.decode()
    assert "Ask the owner to open it again." in page
    assert f"{detail}edit/" not in page
    assert "Open it again where it was closed." in page_of(meena).get(detail).content.decode()
    for what in ("edit", "void"):
        assert client.get(f"{detail}{what}/")["Location"] == detail
    for address in (f"/ledger/slips/{DAY}/", f"/ledger/entries/?day={DAY}", f"/?day={DAY}"):
        assert "Day locked" in client.get(address).content.decode(), address
    typed = {"version": "1", "key": str(uuid4()), "reason": "written twice"}
    answer = client.post(f"{detail}void/", typed)
    assert "06/03/2026 is closed" in answer.content.decode()
    assert "Day locked" not in client.get(f"/?day={NEXT}").content.decode()
