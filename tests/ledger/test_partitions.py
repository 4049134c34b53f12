"""The months of the book."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from ledger.models import DailyEntry, Farmer
from ledger.services import partitions
from ledger.services.entries import record_entry
from ledger.services.partitions import ensure_month, ensure_window
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken
from pricing.models import Flower
from tests.cast import at
from tests.trail.test_answers import at_once


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
