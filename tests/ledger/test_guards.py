"""What the database itself refuses, whatever a program does."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import at, recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    return recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))


def versions(line: DailyEntry) -> Any:
    """Its history, which pghistory hangs on the model."""
    return line.versions  # type: ignore[attr-defined]


def refused(statement: str, *values: UUID) -> str:
    """Run SQL that must fail; returns the database's words."""
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        "entry_date = '2026-04-06'",
        "id = gen_random_uuid()",
        "captured_at = now()",
        "received_at = now()",
        "slip_number = 'S1-0603-999'",
    ],
)
def test_what_never_changes_cannot_be_changed_by_sql(line: DailyEntry, change: str) -> None:
    assert "never changes" in refused(
        f"UPDATE ledger_dailyentry SET version = version + 1, {change} WHERE id = %s", line.pk
    )


def test_a_change_without_the_next_version_is_refused(line: DailyEntry) -> None:
    assert "version" in refused("UPDATE ledger_dailyentry SET note = 'x' WHERE id = %s", line.pk)
    assert "version" in refused("UPDATE ledger_dailyentry SET version = 3 WHERE id = %s", line.pk)


def test_a_cancelled_line_is_not_brought_back(line: DailyEntry) -> None:
    DailyEntry.objects.filter(pk=line.pk).update(version=2, status="voided", void_reason="x")
    assert "is voided" in refused(
        "UPDATE ledger_dailyentry SET version = 3, status = 'confirmed', void_reason = '' WHERE id = %s",
        line.pk,
    )


def test_lines_are_never_deleted_from_the_book_or_from_a_month(line: DailyEntry) -> None:
    assert "Cannot delete" in refused("DELETE FROM ledger_dailyentry WHERE id = %s", line.pk)
    assert "Cannot delete" in refused("DELETE FROM ledger_dailyentry_2026_03 WHERE id = %s", line.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        line.delete()


def test_the_book_is_never_truncated(line: DailyEntry) -> None:
    # The tests' own set-up switches this trigger off to empty the book between transactional tests.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger_dailyentry'::regclass"
            " AND tgname LIKE '%%keep_lines%%'"
        )
        ((name,),) = cursor.fetchall()
        cursor.execute(f"ALTER TABLE ledger_dailyentry ENABLE TRIGGER {name}")
    assert "never truncated" in refused("TRUNCATE ledger_dailyentry CASCADE")


def test_amount_and_commission_cannot_be_written(line: DailyEntry) -> None:
    assert "generated" in refused(
        "UPDATE ledger_dailyentry SET version = 2, amount = 1 WHERE id = %s", line.pk
    )


@pytest.mark.parametrize(
    "change",
    [
        "quantity = 0",
        "quantity = 5",  # not gross less tare
        "tare = -0.1, gross_quantity = 5.8",
        "gross_quantity = NULL",  # its sack would stay
        "rate = NULL",  # its source would stay
        "rate_source = ''",
        "rate = -1",
        "commission_pct = 101",
        "unit = 'litre'",
        "status = 'voided'",  # without a reason
        "status = 'settled'",
        "sacks = -1",
    ],
)
def test_what_must_never_be_false_is_checked_by_the_table(line: DailyEntry, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE ledger_dailyentry SET version = version + 1, {change} WHERE id = %s", [line.pk]
        )


def test_a_line_cannot_point_into_another_shop(line: DailyEntry, selvi: Farmer, mullai: Flower) -> None:
    for column, foreign in (("farmer_id", selvi.pk), ("flower_id", mullai.pk)):
        assert "_of_shop" in refused(
            f"UPDATE ledger_dailyentry SET version = 2, {column} = %s WHERE id = %s", foreign, line.pk
        )


def test_nothing_lies_in_the_default_partition(line: DailyEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_dailyentry_default")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT tableoid::regclass::text FROM ledger_dailyentry WHERE id = %s", [line.pk])
        assert cursor.fetchone() == ("ledger_dailyentry_2026_03",)


def test_history_is_written_for_bulk_and_raw_changes_and_cannot_be_changed(line: DailyEntry) -> None:
    DailyEntry.objects.filter(pk=line.pk).update(version=2, note="bulk")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_dailyentry SET version = 3, note = 'raw' WHERE id = %s", [line.pk])
    assert list(versions(line).order_by("pgh_id").values_list("note", "amount")) == [
        ("", Decimal("5310.00")),
        ("bulk", Decimal("5310.00")),
        ("raw", Decimal("5310.00")),
    ]
    with pytest.raises(DatabaseError), transaction.atomic():
        versions(line).all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        versions(line).update(note="forged")


def test_the_days_board_reads_one_month_only(line: DailyEntry, kumar: Membership) -> None:
    plan = DailyEntry.objects.filter(shop=kumar.shop).on(line.business_date).explain()
    assert "ledger_dailyentry_2026_03" in plan
    assert "ledger_dailyentry_2026_02" not in plan
    assert "ledger_dailyentry_default" not in plan
