"""Everything in one archive: nothing is missing, nothing is another shop's, and it adds up to the paisa."""

import csv
import datetime as dt
import hashlib
import io
import json
import threading
import tracemalloc
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum

from ledger.models import DailyEntry, Farmer, Transfer
from ledger.selectors.tables import NO_SHOPS, tables
from ledger.services import export
from ledger.services.entries import edit_entry
from ledger.services.export import write_archive
from malar.accounts.models import Membership
from malar.kernel.ids import new_id
from malar.trail.models import Event
from pricing.models import Flower
from tests.cast import a_buyer_of, at, recorded
from tests.conftest import page_of
from tests.ledger.test_days import DAY, closed, given, spent

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(
    meena: Membership,
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    devi: Membership,
    selvi: Farmer,
    mullai: Flower,
) -> DailyEntry:
    """A morning of Meena's with everything in it, and a line of Devi's that must stay where it is."""
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal("97.55"))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:30"), note='மழை, "ஈரம்"\nகுறிப்பு')
    edit_entry(
        by=kumar,
        entry_id=line.pk,
        version=1,
        changes={"gross_quantity": Decimal("3.533")},
        reason="weight misread",
    )
    a_buyer_of(kumar, jasmine, DAY)
    given(meena, raja, "1500.75")
    spent(kumar, "120.25")
    closed(kumar, DAY, "5000", opening_cash=Decimal(5000))
    recorded(devi, selvi, mullai, captured_at=at("2026-03-06", "05:00"), rate=Decimal(500))
    return line


def archive_of(by: Membership) -> zipfile.ZipFile:
    file = io.BytesIO()
    write_archive(by.shop, file)
    return zipfile.ZipFile(file)


def rows_of(archive: zipfile.ZipFile, table: str) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """A table as both kinds of file tell it; numbers in JSON must be text where they have decimals."""
    text = archive.read(f"csv/{table}.csv").decode("utf-8-sig")
    objects = archive.read(f"json/{table}.jsonl").decode().splitlines()
    return list(csv.DictReader(io.StringIO(text, newline=""))), [json.loads(line) for line in objects]


def test_every_table_that_holds_something_of_a_shop_is_in_the_archive() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'shop_id'"
            " AND table_schema = 'public' AND table_name !~ '_(20[0-9]{2}_[0-9]{2}|default)$'"
        )
        found = {name for (name,) in cursor.fetchall()}
    exported = {table.name for table in tables()}
    assert found - exported == {
        *("trail_answeredrequest", "ledger_dailyrollup", "ledger_monthlyrollup", "ledger_dirtyday")
    }
    people = {"accounts_shop", "accounts_shopevent", "accounts_user", "accounts_userevent"}
    assert exported - found == people | {"ledger_claimedrow"}, "whose a claimed row is, its claim says"
    assert not NO_SHOPS & exported


def test_every_column_is_there_but_what_is_secret() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        columns = {(table, column) for table, column in cursor.fetchall()}
    for table in tables():
        missing = {column for name, column in columns if name == table.name} - set(table.columns)
        secret = {"password", "last_login", "pin", "pin_id", "pin_wrong"}
        assert missing == (secret if table.name == "accounts_user" else set()), table.name


def test_what_was_taken_away_adds_up_to_the_paisa(book: DailyEntry, meena: Membership) -> None:
    archive = archive_of(meena)
    assert archive.testzip() is None
    entries, transfers = DailyEntry.objects.filter(shop=meena.shop), Transfer.objects.filter(shop=meena.shop)
    for table, column, expected in (
        ("ledger_dailyentry", "amount", entries.aggregate(sum=Sum("amount"))["sum"]),
        ("ledger_dailyentry", "commission", entries.aggregate(sum=Sum("commission"))["sum"]),
        ("ledger_transfer", "amount", transfers.aggregate(sum=Sum("amount"))["sum"]),
        (
            "ledger_dayclose",
            "difference",
            Decimal(5000) - (Decimal(7000) - Decimal("1500.75") - Decimal("120.25")),
        ),
    ):
        lines, objects = rows_of(archive, table)
        assert sum(Decimal(line[column]) for line in lines if line[column]) == expected
        found = [each[column] for each in objects if each[column] is not None]
        assert all(isinstance(each, str) for each in found)
        assert sum(map(Decimal, found)) == expected
    # 3.333 kg × 97.55 = 325.13415
    assert "325.13" in {line["amount"] for line in rows_of(archive, "ledger_dailyentry")[0]}


def test_both_files_tell_the_same_rows_and_the_manifest_counts_them(
    book: DailyEntry, meena: Membership
) -> None:
    archive = archive_of(meena)
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["shop"] == str(meena.shop_id)
    named = {"README.txt", "manifest.json"}
    for table in manifest["tables"]:
        lines, objects = rows_of(archive, table["table"])
        assert len(lines) == len(objects) == table["rows"], table["table"]
        for file, digest in ((table["csv"], table["csv_sha256"]), (table["json"], table["json_sha256"])):
            assert hashlib.sha256(archive.read(file)).hexdigest() == digest
            named.add(file)
    assert named == set(archive.namelist())
    notes = [line["note"] for line in rows_of(archive, "ledger_dailyentry")[0]]
    assert 'மழை, "ஈரம்"\nகுறிப்பு' in notes


def test_the_history_says_who_by_which_door_and_why(
    book: DailyEntry, meena: Membership, kumar: Membership
) -> None:
    versions = rows_of(archive_of(meena), "ledger_dailyentryevent")[1]
    corrected = next(row for row in versions if row["id"] == str(book.pk) and row["version"] == 2)
    assert corrected["context"] | {"request": None} == {
        "user": str(kumar.user_id),
        "member": str(kumar.pk),
        "door": "command",
        "request": None,
        "reason": "weight misread",
    }


def test_nothing_of_another_shop_and_no_secret_is_in_it(
    book: DailyEntry, meena: Membership, devi: Membership
) -> None:
    archive = archive_of(meena)
    for name in archive.namelist():
        content = archive.read(name).decode()
        assert str(devi.shop_id) not in content, name
        assert str(devi.user_id) not in content, name
        assert meena.user.password not in content, name


def test_the_readme_speaks_both_languages(meena: Membership) -> None:
    readme = archive_of(meena).read("README.txt").decode()
    assert "Everything of Meena Flowers" in readme
    assert "Meena மலர் மண்டி" in readme


def test_a_larger_shop_takes_no_more_memory(meena: Membership) -> None:
    def peak_with(events: int) -> int:
        # Long rows: a list of them would be megabytes.
        Event.objects.bulk_create(
            Event(
                id=new_id(),
                shop=meena.shop,
                name="Test",
                payload={"text": "x" * 1000},
                at=dt.datetime.now(dt.UTC),
            )
            for _ in range(events)
        )
        tracemalloc.start()
        write_archive(meena.shop, io.BytesIO())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_with(10)
    assert peak_with(8000) < peak_with(500) + 2_000_000


@pytest.mark.django_db(transaction=True)
def test_everything_is_of_one_moment(
    meena: Membership, raja: Farmer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written while the archive is being made is in none of its files."""
    copy = export._copied
    written: list[int] = []

    def copy_and_write(*arguments: Any) -> Any:
        if not written:
            written.append(1)
            yield from copy(*arguments)
            other_connection_writes(meena)
        else:
            yield from copy(*arguments)

    monkeypatch.setattr(export, "_copied", copy_and_write)
    names = [row["name"] for row in rows_of(archive_of(meena), "trail_event")[1]]
    assert names == []
    assert [event.name for event in Event.objects.all()] == ["Meanwhile"]


def other_connection_writes(by: Membership) -> None:
    def write() -> None:
        Event.objects.create(
            id=uuid4(), shop=by.shop, name="Meanwhile", payload={}, at=dt.datetime.now(dt.UTC)
        )
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


def test_the_owner_takes_it_away_by_page_and_that_is_written_down(
    book: DailyEntry, meena: Membership
) -> None:
    client = page_of(meena)
    assert "Make the archive" in client.get("/ledger/export/").content.decode()
    answer = client.post("/ledger/export/")
    assert answer["Content-Type"] == "application/zip"
    assert 'attachment; filename="malar-' in answer["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert len(rows_of(archive, "ledger_dailyentry")[1]) == 2
    assert Event.objects.get(name="ShopExported").payload == {"member": str(meena.pk)}


def test_the_command_writes_one_shops_archive(
    book: DailyEntry, meena: Membership, devi: Membership, tmp_path: Path
) -> None:
    file = tmp_path / "shop.zip"
    with pytest.raises(CommandError, match="Name one shop"):
        call_command("export_shop", into=file)
    call_command("export_shop", shop=meena.shop_id, into=file)
    assert json.loads(zipfile.ZipFile(file).read("manifest.json"))["shop"] == str(meena.shop_id)
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_shop", shop=meena.shop_id, into=file)
