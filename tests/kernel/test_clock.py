"""Business days."""

import datetime as dt

import pytest

from malar.kernel.clock import business_date_of, business_day_ends
from tests.cast import at


@pytest.mark.parametrize(
    ("clock", "turnover", "day"),
    [
        ("00:00", 0, "2026-03-06"),
        ("23:59", 0, "2026-03-06"),
        ("01:59", 2, "2026-03-05"),
        ("02:00", 2, "2026-03-06"),
    ],
)
def test_the_shops_day_begins_at_its_hour(clock: str, turnover: int, day: str) -> None:
    assert business_date_of(at("2026-03-06", clock), turnover) == dt.date.fromisoformat(day)


def test_a_moment_of_another_zone_belongs_to_the_day_in_madurai() -> None:
    half_past_six_in_the_evening = dt.datetime(2026, 3, 5, 18, 30, tzinfo=dt.UTC)
    assert business_date_of(half_past_six_in_the_evening, 0) == dt.date(2026, 3, 6)


def test_a_day_ends_where_the_next_begins() -> None:
    assert business_day_ends(at("2026-03-06", "01:00"), 2) == at("2026-03-06", "02:00")
    assert business_day_ends(at("2026-03-06", "03:00"), 2) == at("2026-03-07", "02:00")
