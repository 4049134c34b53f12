"""The months of the book."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection

from ledger.models import DailyEntry, Farmer
from ledger.services import partitions
from ledger.services.entries import record_entry
from ledger.services.partitions import ensure_month, ensure_window
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, RuleBroken
from malar.ops.books import ask
from malar.ops.invariants import invariants
from pricing.models import Flower
from tests.cast import at
from tests.trail.test_answers import at_once

BY_NAME = {each.name: each for each in invariants()}


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger_dailyentry'::regclass"
        )
        return {name.removeprefix("ledger_dailyentry_") for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_the_window_reaches_from_two_years_back_to_three_months_ahead() -> None:
    assert ensure_window(dt.date(2026, 11, 23)) == 28
    assert {"2024_11", "2026_11", "2027_02", "default"} <= months()
    assert not {"2024_10", "2027_03"} & months()


@pytest.mark.django_db
def test_a_month_is_made_once() -> None:
    ensure_month(dt.date(2019, 7, 1))
    ensure_month(dt.date(2019, 7, 31))
    assert "2019_07" in months()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_clerks_may_open_the_same_old_month_at_once(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Each line reads the book before it is written; a month made within would make them wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ledger_dailyentry_2018_03")
    partitions._known.discard((2018, 3))

    def sell() -> None:
        record_entry(
            by=kumar,
            key=uuid4(),
            farmer_id=raja.pk,
            flower_id=jasmine.pk,
            captured_at=at("2018-03-06", "05:00"),
            gross_quantity=Decimal(5),
        )

    at_once(8, sell)
    assert DailyEntry.objects.count() == 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_dailyentry_default")
        assert cursor.fetchone() == (0,)


def first_line_of(day: str, by: Membership, farmer: Farmer, flower: Flower) -> None:
    record_entry(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        flower_id=flower.pk,
        captured_at=at(day, "05:00"),
        gross_quantity=Decimal(5),
    )


def without_month(month: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS ledger_dailyentry_{month}")
    year, number = month.split("_")
    partitions._known.discard((int(year), int(number)))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_lines_are_written_while_the_next_months_are_made(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """The evening of the last day: clerks write, and beat makes what comes."""
    ensure_month(dt.date(2018, 3, 31))
    for month in ("2018_04", "2018_05"):
        without_month(month)
    turn = iter(range(8))

    def write_or_make() -> None:
        if (n := next(turn)) < 2:
            ensure_month(dt.date(2018, 4 + n, 1))
        else:
            first_line_of("2018-03-31", kumar, raja, jasmine)

    at_once(8, write_or_make)
    assert {"2018_04", "2018_05"} <= months()
    assert DailyEntry.objects.count() == 6
    assert ask(BY_NAME["default_partition"]) is None


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_month_made_first_a_line_falls_outside_and_bars_its_month(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the guard itself: the month's first lines against its making."""
    without_month("2018_06")
    monkeypatch.setattr("ledger.services.entries.ensure_month", lambda day: None)
    at_once(4, lambda: first_line_of("2018-06-01", kumar, raja, jasmine))
    found = ask(BY_NAME["default_partition"])
    assert found is not None
    assert found.count == 4
    with pytest.raises(IntegrityError, match="default partition"):
        ensure_month(dt.date(2018, 6, 1))
    assert "2018_06" not in months()


UNLOCKED = """
    CREATE OR REPLACE FUNCTION ledger_ensure_month(day date) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE part text := 'ledger_dailyentry_' || to_char(day, 'YYYY_MM');
    BEGIN
        IF to_regclass(part) IS NOT NULL THEN RETURN; END IF;
        PERFORM pg_sleep(0.05);  -- where the real one takes its lock and looks again
        EXECUTE format('CREATE TABLE %I PARTITION OF ledger_dailyentry FOR VALUES FROM (%L) TO (%L)',
                       part, date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date);
    END $$
"""


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_its_lock_makers_of_one_month_stumble_over_each_other() -> None:
    """The negative control of the lock: four look, see no month, and make it."""
    without_month("2018_07")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('ledger_ensure_month'::regproc)")
        ((locked,),) = cursor.fetchall()
        cursor.execute(UNLOCKED)
    refused: list[Exception] = []

    def make() -> None:
        try:
            ensure_month(dt.date(2018, 7, 1))
        except (DatabaseError, Conflict) as error:
            refused.append(error)

    try:
        at_once(4, make)
        assert refused
    finally:
        with connection.cursor() as cursor:
            cursor.execute(locked)
    without_month("2018_07")
    refused.clear()
    at_once(4, make)
    assert not refused


@pytest.mark.django_db
def test_an_impossible_time_makes_no_month(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    with pytest.raises(RuleBroken):
        record_entry(
            by=kumar,
            key=uuid4(),
            farmer_id=raja.pk,
            flower_id=jasmine.pk,
            captured_at=at("1999-01-06", "05:00"),
            gross_quantity=Decimal(5),
        )
    assert "1999_01" not in months()
