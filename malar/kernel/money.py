"""Rupees: the one place in Python where money is rounded.

Rounding is half away from zero to the paisa (docs/money.md), the same as PostgreSQL's
`round(numeric, 2)`, so that a reversal is the exact mirror of its original.
"""

from decimal import ROUND_HALF_UP, Decimal

PAISA = Decimal("0.01")
ZERO = Decimal("0.00")


def to_paisa(rupees: Decimal) -> Decimal:
    """₹ rounded to two decimals, halves away from zero: 324.9675 → 324.97, −0.005 → −0.01."""
    return rupees.quantize(PAISA, rounding=ROUND_HALF_UP)


def line_amount(quantity: Decimal, rate: Decimal) -> Decimal:
    """What the database's generated column `amount` holds, for previews before a line is saved."""
    return to_paisa(quantity * rate)


def line_commission(
    amount: Decimal, quantity: Decimal, percent: Decimal, per_unit: Decimal = ZERO
) -> Decimal:
    """What the generated column `commission` holds: percent of the rounded amount plus ₹ per unit."""
    return to_paisa(amount * percent / 100) + to_paisa(quantity * per_unit)
