"""The owner's page of what tablets and the book say differently."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from ledger.models import DailyEntry
from ledger.services.days import close_day
from ledger.services.entries import void_entry
from malar.accounts.models import Membership
from malar.sync.models import Conflict, ConflictAudit
from tests.conftest import page_of
from tests.sync.clashes import cancel, changed, edit, one, present, resolve
from tests.sync.test_ops import Tablet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ten_o_clock")]

HERE = "/conflicts/"


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def decide(page: Client, result: dict[str, Any], choice: str, **said: Any) -> Any:
    facts = {"version": result["version"], "reason": "asked Raja", "choice": choice, **said}
    return page.post(f"{HERE}{result['conflict']}/", facts)


@pytest.fixture
def page(meena: Membership) -> Client:
    return page_of(meena)


def test_nothing_to_decide_is_said_kindly(page: Client) -> None:
    assert "Nothing to decide." in words(page.get(HERE))


def test_both_sides_and_what_the_tablet_saw_stand_beside_each_other(
    page: Client,
    line: DailyEntry,
    undecided: dict[str, Any],
) -> None:
    """#55."""
    shown = words(page.get(HERE))
    assert "P. Raja: both corrected the weight" in shown
    assert "Quantity 10.000 3.000 6.000" in shown
    assert "Note – – wet" in shown
    assert "The book has Meena, " in shown
    assert "The tablet wants Kumar, " in shown
    assert "Flower Jasmine" not in shown, "what is alike is not shown"


@pytest.mark.parametrize(
    ("choice", "said", "net"),
    [("mine", {}, 6), ("theirs", {}, 3), ("adjust", {"gross_quantity": "5,2"}, 5)],
)
def test_a_button_decides_and_the_log_below_keeps_it(
    page: Client,
    line: DailyEntry,
    undecided: dict[str, Any],
    choice: str,
    said: Any,
    net: int,
) -> None:
    """#61, #62."""
    assert decide(page, undecided, choice, **said)["Location"] == HERE
    assert present(line).quantity == net
    shown = words(page.get(HERE))
    assert "Nothing to decide." in shown
    chosen = {
        "mine": "as the tablet has it",
        "theirs": "as it stands in the book",
        "adjust": "with another weight",
    }
    assert f"Meena: {chosen[choice]}" in shown
    assert "Reason: asked Raja" in shown
    assert f"Quantity 10.000 3.000 6.000 {net}.000" in shown
    audit = ConflictAudit.objects.latest("pk")
    assert (audit.decided, audit.device, audit.reason) == ("user", None, "asked Raja")


def test_whoever_comes_second_hears_who_decided(
    page: Client,
    owner: Tablet,
    line: DailyEntry,
    undecided: dict[str, Any],
) -> None:
    """#61: on the page after a tablet."""
    resolve(owner, undecided, "theirs")
    answer = page.post(
        f"{HERE}{undecided['conflict']}/", {"version": 2, "reason": "x", "choice": "mine"}, follow=True
    )
    assert "Meena has decided this already: as it stands in the book." in words(answer)
    assert present(line).quantity == 3


def test_a_line_that_changed_meanwhile_is_shown_first(
    page: Client,
    meena: Membership,
    line: DailyEntry,
    undecided: dict[str, Any],
) -> None:
    changed(line, meena, gross_quantity=Decimal("4.200"))
    answer = decide(page, undecided, "mine")
    assert answer["Location"] == HERE
    shown = words(page.get(HERE))
    assert "Somebody changed this slip meanwhile." in shown
    assert "Quantity 10.000 4.000 6.000" in shown
    assert decide(page, {**undecided, "version": 3}, "mine").status_code == 302
    assert present(line).quantity == 6


@pytest.mark.parametrize(
    ("choice", "said", "wrong"),
    [
        ("mine", {"reason": ""}, "Say why."),
        ("adjust", {}, "Type the right weight."),
        ("adjust", {"gross_quantity": "0"}, "Weight cannot be 0."),
        ("adjust", {"gross_quantity": "five"}, "Enter a number"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_decided(
    page: Client,
    line: DailyEntry,
    undecided: dict[str, Any],
    choice: str,
    said: Any,
    wrong: str,
) -> None:
    answer = decide(page, undecided, choice, **said)
    assert answer.status_code == 422
    assert wrong in words(answer)
    assert Conflict.objects.get().resolved_at is None
    assert present(line).version == 2


def test_a_cancelled_line_is_not_brought_back_but_can_be_written_again(
    page: Client,
    tablet: Tablet,
    meena: Membership,
    line: DailyEntry,
) -> None:
    """#58."""
    void_entry(by=meena, entry_id=line.pk, reason="written twice")
    one(tablet, edit(tablet, line, gross_quantity="12.200"))
    shown = page.get(HERE).content.decode()
    assert f"/ledger/entries/new/?again={line.pk}" in shown
    assert 'value="theirs"' in shown
    assert 'value="mine"' not in shown
    assert 'value="adjust"' not in shown


def test_a_cancellation_is_a_button_that_says_so(
    page: Client,
    tablet: Tablet,
    meena: Membership,
    line: DailyEntry,
) -> None:
    """#58."""
    changed(line, meena, gross_quantity=Decimal("11.200"))
    result = one(tablet, cancel(tablet, line))
    shown = page.get(HERE).content.decode()
    assert "Cancel this slip" in shown
    assert 'value="adjust"' not in shown
    decide(page, result, "mine")
    assert present(line).void_reason == "written twice"


def test_a_closed_day_is_named_with_the_way_to_it(
    page: Client,
    tablet: Tablet,
    meena: Membership,
    line: DailyEntry,
) -> None:
    close_day(by=meena, key=uuid4(), day=line.business_date, denominations={})
    one(tablet, edit(tablet, line, gross_quantity="12.200"))
    shown = page.get(HERE).content.decode()
    assert f"/ledger/days/{line.business_date}/" in shown
    assert 'value="mine"' not in shown


def test_what_rules_decided_stands_in_the_log(
    page: Client,
    tablet: Tablet,
    meena: Membership,
    line: DailyEntry,
) -> None:
    """#62: by itself, too."""
    changed(line, meena, gross_quantity=Decimal("13.200"), rate=Decimal(850))
    one(tablet, edit(tablet, line, gross_quantity="12.200", rate="800"))
    shown = words(page.get(HERE))
    assert "By itself : both differences count, the book&#x27;s stays" in shown
    assert "Quantity 10.000 13.000 12.000 15.000" in shown
    assert "Rate ₹900.00 ₹850.00 ₹800.00 ₹850.00" in shown


def test_what_only_the_book_changed_is_not_said_to_be_unwanted(
    page: Client, tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """The last column is what comes of taking the tablet's: its weight, the book's note."""
    changed(line, meena, gross_quantity=Decimal("3.200"), note="wet")
    result = one(tablet, edit(tablet, line, gross_quantity="6.200"))
    assert "Note – wet wet" in words(page.get(HERE))
    decide(page, result, "mine")
    assert (present(line).note, present(line).quantity) == ("wet", Decimal(6))


def test_another_shops_is_not_there(devi: Membership, undecided: dict[str, Any]) -> None:
    stranger = page_of(devi)
    assert "Nothing to decide." in words(stranger.get(HERE))
    assert decide(stranger, undecided, "theirs").status_code == 404
    assert Conflict.objects.get().resolved_at is None
