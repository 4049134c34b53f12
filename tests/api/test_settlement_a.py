"""Acceptance: the worked settlement A, line by line through the API, to the paisa."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership, Shop
from pricing.models import Flower
from tests import cast
from tests.api.calls import get, line, post, program_of
from tests.settlement_a import COMMISSION, FLOWERS, LINES, SALE_VALUE, Line

pytestmark = pytest.mark.django_db


def body_of(said: Line, farmer: Farmer, flowers: dict[str, Flower]) -> dict[str, Any]:
    return line(
        farmer,
        flowers[said.flower],
        captured_at=f"{said.day}T{said.clock}:00+05:30",
        gross_quantity=said.gross,
        tare=said.tare,
        quantity=None if said.gross else said.net,
        sacks=said.sacks,
        rate=said.rate,
    )


@pytest.fixture
def flowers(shop: Shop) -> dict[str, Flower]:
    return {
        code: cast.a_flower(shop, code, name_ta, name_en, unit=unit)
        for code, (name_ta, name_en, unit) in FLOWERS.items()
    }


def test_the_fifteen_lines_come_to_the_paisa(
    kumar: Membership, raja: Farmer, flowers: dict[str, Flower]
) -> None:
    program = program_of(kumar)

    answers = [post(program, "daily-entries/", body_of(said, raja, flowers)) for said in LINES]

    assert [answer.status_code for answer in answers] == [201] * 15
    lines = [answer.json() for answer in answers]
    assert [(made["amount"], made["commission"]) for made in lines] == [
        (said.amount, said.commission) for said in LINES
    ]
    assert [Decimal(made["quantity"]) for made in lines] == [Decimal(said.net) for said in LINES]
    assert sum(Decimal(made["amount"]) for made in lines) == SALE_VALUE == Decimal("46193.97")
    assert sum(Decimal(made["commission"]) for made in lines) == COMMISSION == Decimal("4619.40")

    assert (lines[13]["amount"], lines[13]["commission"]) == ("324.97", "32.50")
    assert (lines[14]["rate"], lines[14]["amount"], lines[14]["status"]) == ("0.00", "0.00", "confirmed")
    # They are months old and kept all the same, only questioned.
    assert all("late" in made["review_reasons"] for made in lines)


def test_the_week_is_read_back_as_it_was_written(
    kumar: Membership, raja: Farmer, flowers: dict[str, Flower]
) -> None:
    program = program_of(kumar)
    for said in LINES:
        post(program, "daily-entries/", body_of(said, raja, flowers))

    week = get(program, f"daily-entries/?farmer={raja.pk}&from=2026-03-02&to=2026-03-08&ordering=captured_at")

    rows = week.json()["results"]
    assert [row["amount"] for row in rows] == [said.amount for said in LINES]
    assert DailyEntry.objects.count() == 15
