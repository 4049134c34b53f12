"""The 15 lines of worked settlement A, typed into the page by a clerk whose browser runs no script."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client

from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import totals_of
from malar.accounts.models import Membership
from pricing.models import Flower
from tests import settlement_a
from tests.cast import a_farmer, a_flower
from tests.conftest import page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def murugesan(kumar: Membership) -> Farmer:
    return a_farmer(kumar.shop, settlement_a.FARMER_NUMBER, "பெ. முருகேசன்", "P. Murugesan")


@pytest.fixture
def flowers(kumar: Membership) -> dict[str, Flower]:
    return {
        code: a_flower(kumar.shop, code, name_ta, name_en, unit)
        for code, (name_ta, name_en, unit) in settlement_a.FLOWERS.items()
    }


def typed(page: Client, flower: Flower, line: settlement_a.Line) -> None:
    figures = (
        {"quantity": line.net}
        if line.gross is None
        else {"gross_quantity": line.gross, "tare": line.tare or "", "sacks": str(line.sacks)}
    )
    answer = page.post(
        "/ledger/entries/new/",
        {
            "id": str(uuid4()),
            "key": str(uuid4()),
            "farmer": str(settlement_a.FARMER_NUMBER),
            "flower": str(flower.pk),
            "captured_at": f"{line.day}T{line.clock}",
            "rate": line.rate,
            **figures,
        },
    )
    assert answer.status_code == 302, answer.content.decode()


def test_the_lines_come_to_the_paisa(
    kumar: Membership, murugesan: Farmer, flowers: dict[str, Flower]
) -> None:
    page = page_of(kumar)
    for line in settlement_a.LINES:
        typed(page, flowers[line.flower], line)

    entries = DailyEntry.objects.filter(farmer=murugesan)
    written = [
        (f"{entry.business_date}", f"{entry.quantity:.3f}", f"{entry.amount}", f"{entry.commission}")
        for entry in entries.order_by("captured_at")
    ]
    assert written == [
        (line.day, f"{Decimal(line.net):.3f}", line.amount, line.commission) for line in settlement_a.LINES
    ]
    totals = totals_of(entries.all())
    assert (totals.amount, totals.commission) == (settlement_a.SALE_VALUE, settlement_a.COMMISSION)
    assert written[13][2:] == ("324.97", "32.50")
    assert written[14][2:] == ("0.00", "0.00")


def test_the_book_shows_them_with_their_totals(
    kumar: Membership, murugesan: Farmer, flowers: dict[str, Flower]
) -> None:
    page = page_of(kumar)
    for line in settlement_a.LINES:
        typed(page, flowers[line.flower], line)

    shown = page.get("/ledger/entries/", {"from": "2026-03-02", "to": "2026-03-08"}).content.decode()

    assert "₹46,193.97" in shown
    assert "₹4,619.40" in shown
    assert "₹0.00" in shown
