"""What a rate is after its adjustments: arithmetic, no database."""

from decimal import Decimal

import pytest

from malar.kernel.errors import RuleBroken
from pricing.domain import adjusted

WET = {"id": "1", "code": "wet", "name_ta": "ஈரம்", "name_en": "Wet", "basis": "percent", "value": "-10.00"}
FINE = {"id": "2", "code": "fine", "name_ta": "தரம்", "name_en": "Fine", "basis": "per_unit", "value": "15.00"}


def percent(value: str) -> dict[str, str]:
    return WET | {"value": value}


def test_a_rate_without_adjustments_stays() -> None:
    assert adjusted(Decimal("900.00"), []) == (Decimal("900.00"), [])


@pytest.mark.parametrize("order", [[WET, FINE], [FINE, WET]])
def test_each_is_computed_from_the_called_rate_whatever_the_order(order: list[dict[str, str]]) -> None:
    rate, applied = adjusted(Decimal("900.00"), order)
    assert rate == Decimal("825.00")  # 900 − 90 + 15; one after the other could be 823.50
    assert {each["code"]: each["per_unit"] for each in applied} == {"wet": "-90.00", "fine": "15.00"}


def test_two_percentages_are_not_compounded() -> None:
    rate, applied = adjusted(Decimal("100.00"), [percent("-10"), percent("-10")])
    assert (rate, [each["per_unit"] for each in applied]) == (Decimal("80.00"), ["-10.00", "-10.00"])


def test_a_copy_keeps_what_was_applied() -> None:
    _rate, (copy,) = adjusted(Decimal("900.00"), [WET])
    assert copy == {**WET, "per_unit": "-90.00"}


@pytest.mark.parametrize(
    ("called", "value", "per_unit"),
    [("12.50", "-5", "-0.63"), ("12.50", "5", "0.63"), ("0.10", "-4", "0.00"), ("97.30", "-7.50", "-7.30")],
)
def test_a_percentage_is_rounded_half_up_to_the_paisa_alike_up_and_down(
    called: str, value: str, per_unit: str
) -> None:
    rate, (copy,) = adjusted(Decimal(called), [percent(value)])
    assert copy["per_unit"] == per_unit
    assert rate == Decimal(called) + Decimal(per_unit)


def test_what_is_left_is_what_the_copies_say() -> None:
    rate, applied = adjusted(Decimal("33.33"), [percent("-33.33"), percent("7.77"), FINE])
    assert rate == Decimal("33.33") + sum(Decimal(each["per_unit"]) for each in applied)


def test_a_rate_may_become_zero_and_not_less() -> None:
    taken = FINE | {"value": "-15.00"}
    assert adjusted(Decimal("15.00"), [taken])[0] == 0
    with pytest.raises(RuleBroken) as refused:
        adjusted(Decimal("14.99"), [taken])
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/adjustments", "below_zero")]


def test_an_unsold_line_stays_at_zero() -> None:
    assert adjusted(Decimal("0.00"), [WET])[0] == 0
