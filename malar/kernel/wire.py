"""How values travel in JSON (contract of /api/v1/): decimals as strings, times with their offset."""

import datetime as dt
from decimal import Decimal

from malar.kernel.clock import KOLKATA


def money(amount: Decimal | None) -> str | None:
    """₹ with two decimals, or null where it is not known yet."""
    return None if amount is None else f"{amount:.2f}"


def quantity(value: Decimal | None) -> str | None:
    """Three decimals."""
    return None if value is None else f"{value:.3f}"


def moment(at: dt.datetime | None) -> str | None:
    """ISO 8601 in the shop's time: `2026-03-06T04:50:00+05:30`."""
    return None if at is None else at.astimezone(KOLKATA).isoformat()
