"""Lines of an older book as a spreadsheet saves them, and the command that takes them over."""

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger.models import DailyEntry, Farmer
from ledger.services.entry_csv import lines_in
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken
from malar.trail.models import Event
from pricing.models import Flower
from tests.cast import at

pytestmark = pytest.mark.django_db

BOOK = """date;time;farmer;flower;gross_quantity;tare;sacks;rate;slip;note
06.03.2025;05:30;14;mal;6,100;0,2;1;1.450;A1-0603-018;ஈரம்
2025-03-07;;F014;MAL;௫.5;;;900;;

"""


def test_a_file_is_read_as_people_write_it(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    first, second = lines_in(BOOK, meena.shop).items()
    assert (first[0], second[0]) == (2, 3)
    line = first[1]
    assert (line.farmer_id, line.flower_id, line.captured_at) == (
        raja.pk,
        jasmine.pk,
        at("2025-03-06", "05:30"),
    )
    assert (line.gross_quantity, line.tare, line.sacks) == (Decimal("6.100"), Decimal("0.2"), 1)
    assert (line.rate, line.slip, line.note) == (Decimal("1.450"), "A1-0603-018", "ஈரம்")
    assert second[1].farmer_id == raja.pk
    assert (second[1].gross_quantity, second[1].tare) == (Decimal("5.5"), None)
    assert second[1].captured_at == at("2025-03-07", "06:00")


def test_every_cell_that_cannot_be_read_is_named(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    text = "date,time,farmer,flower,quantity\n31.02.2025,5,14,MAL,x\n,05:00,14,MAL,2\n"
    with pytest.raises(RuleBroken) as refused:
        lines_in(text, meena.shop)
    assert [fault.pointer for fault in refused.value.faults] == [
        "/rows/2/date",
        "/rows/2/time",
        "/rows/2/quantity",
        "/rows/3/date",
    ]
    assert refused.value.faults[0].detail == "Row 2: Write the date as 2025-03-06 or 06.03.2025."


def test_a_file_without_a_needed_column_is_refused(meena: Membership) -> None:
    with pytest.raises(RuleBroken) as refused:
        lines_in("date,farmer,quantity\n2025-03-06,14,2\n", meena.shop)
    assert (refused.value.code, "flower" in refused.value.detail) == ("no_column", True)


def run(file: Path) -> str:
    out = StringIO()
    call_command("import_entries", file, stdout=out)
    return out.getvalue()


def test_the_command_takes_a_file_over_once(
    meena: Membership, raja: Farmer, jasmine: Flower, tmp_path: Path
) -> None:
    file = tmp_path / "book.csv"
    file.write_text(BOOK.replace("1.450", "1450"), encoding="utf-16")
    assert run(file) == "2 entries, 2025-03-06 to 2025-03-07.\n"
    assert "nothing was done" in run(file)
    lines = DailyEntry.objects.order_by("business_date")
    assert [(line.amount, line.business_date) for line in lines] == [
        (Decimal("8555.00"), dt.date(2025, 3, 6)),
        (Decimal("4950.00"), dt.date(2025, 3, 7)),
    ]
    assert [event.name for event in Event.objects.all()] == ["EntriesImported"]


def test_the_command_says_what_is_wrong_and_keeps_nothing(
    meena: Membership, raja: Farmer, jasmine: Flower, tmp_path: Path
) -> None:
    file = tmp_path / "book.csv"
    file.write_text("date,farmer,flower,quantity,rate\n2025-03-06,14,MAL,2,100\n2025-03-06,99,MAL,0,100\n")
    with pytest.raises(CommandError) as refused:
        run(file)
    assert "Nothing was taken over." in str(refused.value)
    assert "Row 3: This farmer is not in your shop's list. (/rows/3/farmer)" in str(refused.value)
    assert not DailyEntry.objects.exists()


def test_the_command_asks_which_shop_where_there_are_two(
    meena: Membership, devi: Membership, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="--shop"):
        run(tmp_path / "book.csv")
