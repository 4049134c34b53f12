"""Rounding: the same in Python and in the database, and mirrored for negative amounts."""

from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from malar.kernel.money import line_amount, line_commission, to_paisa

amounts = st.decimals(min_value="-99999999", max_value="99999999", places=6)
quantities = st.decimals(min_value="0.001", max_value="99999", places=3)
rates = st.decimals(min_value="0", max_value="99999", places=2)
percents = st.decimals(min_value="0", max_value="100", places=2)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("10.005", "10.01"),
        ("-10.005", "-10.01"),
        ("324.9675", "324.97"),
        ("32.497", "32.50"),
        ("0.004", "0.00"),
    ],
)
def test_halves_go_away_from_zero(exact: str, rounded: str) -> None:
    assert to_paisa(Decimal(exact)) == Decimal(rounded)


@given(amounts)
def test_a_reversal_is_the_mirror_of_its_original(amount: Decimal) -> None:
    assert to_paisa(-amount) == -to_paisa(amount)


@pytest.mark.django_db
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quantities, rates, percents)
def test_python_and_the_database_agree_to_the_paisa(
    quantity: Decimal, rate: Decimal, percent: Decimal
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(%s::numeric * %s::numeric, 2),"
            " round(round(%s::numeric * %s::numeric, 2) * %s::numeric / 100, 2)",
            [quantity, rate, quantity, rate, percent],
        )
        amount, commission = cursor.fetchone()
    assert line_amount(quantity, rate) == amount
    assert line_commission(amount, quantity, percent) == commission


def test_commissions_are_rounded_by_line_and_then_summed() -> None:
    lines = [Decimal(amount) for amount in ("162.45", "324.97", "87.36")]
    ten = Decimal(10)
    assert sum(line_commission(amount, Decimal(1), ten) for amount in lines) == Decimal("57.49")
    assert line_commission(sum(lines, Decimal(0)), Decimal(1), ten) == Decimal("57.48")
