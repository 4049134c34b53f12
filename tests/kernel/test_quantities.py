"""Numbers as people type them."""

from decimal import Decimal

import pytest

from malar.kernel.quantities import read_decimal, significant_decimals


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12.5", "12.5"),
        ("12,5", "12.5"),
        ("௧௨.௫", "12.5"),
        (" 12.5 ", "12.5"),
        ("1,250.75", "1250.75"),
        ("1,250", "1250"),
        ("12,34,567.50", "1234567.50"),
        ("0", "0"),
        ("-1", "-1"),
        (".5", "0.5"),
    ],
)
def test_what_is_typed_at_the_counter_is_understood(typed: str, meant: str) -> None:
    assert read_decimal(typed) == Decimal(meant)


@pytest.mark.parametrize(
    ("typed", "meant"), [("1,250", "1.250"), ("12,500", "12.5"), ("1,250.75", "1250.75")]
)
def test_a_lone_comma_in_a_weight_is_never_a_thousand(typed: str, meant: str) -> None:
    assert read_decimal(typed, comma_groups=False) == Decimal(meant)


@pytest.mark.parametrize("typed", ["", "abc", "1.2.3", "NaN", "Infinity", "12kg", "--1"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        read_decimal(typed)


@pytest.mark.parametrize(
    ("written", "decimals"), [("5.900", 1), ("5.1234", 4), ("60", 0), ("100", 0), ("1E+2", 0)]
)
def test_only_decimals_that_matter_are_counted(written: str, decimals: int) -> None:
    assert significant_decimals(Decimal(written)) == decimals
