"""Money, weights and times as they are written in either language."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from malar.kernel import formatting
from tests.cast import at


@pytest.mark.parametrize("language", ["ta", "en"])
@pytest.mark.parametrize(
    ("amount", "written"),
    [("1234567.5", "₹12,34,567.50"), ("0", "₹0.00"), ("-27", "−₹27.00"), ("123456", "₹1,23,456.00")],
)
def test_rupees_are_grouped_by_lakh_with_western_digits(language: str, amount: str, written: str) -> None:
    with translation.override(language):
        assert formatting.rupees(Decimal(amount)) == written


def test_an_amount_not_known_yet_is_not_zero() -> None:
    assert formatting.rupees(None) == "–"


def test_weights_have_three_decimals_and_counts_none() -> None:
    assert formatting.weight(Decimal("5.9"), "kg") == "5.900"
    assert formatting.weight(Decimal("1060.000"), "piece") == "1,060"


def test_days_are_written_as_on_a_bill() -> None:
    day = dt.date(2026, 3, 6)
    assert formatting.day(day) == "06/03/2026"
    with translation.override("ta"):
        assert formatting.long_day(day) == "வெள்ளி, 6 மார்ச் 2026"
    with translation.override("en"):
        assert formatting.long_day(day) == "Friday, 6 March 2026"


@pytest.mark.parametrize(
    ("clock", "tamil", "english"),
    [
        ("03:10", "அதிகாலை 3:10", "3:10 am"),
        ("05:30", "காலை 5:30", "5:30 am"),
        ("13:05", "மதியம் 1:05", "1:05 pm"),
        ("16:00", "மாலை 4:00", "4:00 pm"),
        ("21:15", "இரவு 9:15", "9:15 pm"),
    ],
)
def test_times_of_day_are_said_as_people_say_them(clock: str, tamil: str, english: str) -> None:
    with translation.override("ta"):
        assert formatting.clock_time(at("2026-03-06", clock)) == tamil
    with translation.override("en"):
        assert formatting.clock_time(at("2026-03-06", clock)) == english
