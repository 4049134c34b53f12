"""A settlement as its papers need it, without the database: every figure given, nothing to be computed."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

Language = Literal["ta", "en"]


@dataclass(frozen=True)
class StatementLine:
    """A daily entry, in the order of his slips (business date, then when it was captured).

    `quantity` is in `unit` (a `malar.kernel.quantities.Unit`), `rate` in ₹ a unit, `amount` and `commission`
    in ₹; a reversal has all three below zero. `is_late`: it belongs to a time that was settled before.
    """

    entry_id: UUID
    business_date: dt.date
    slip_number: str
    flower_ta: str
    flower_en: str
    unit: str
    quantity: Decimal
    rate: Decimal
    amount: Decimal
    commission_pct: Decimal
    commission: Decimal
    is_late: bool
    correction: str
    """"" | "reversal" | "replacement"."""


@dataclass(frozen=True)
class StatementCharge:
    """What a fee took on a day: quantity × ₹ rate = ₹ amount."""

    business_date: dt.date
    name_ta: str
    name_en: str
    quantity: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True)
class StatementDraw:
    """Money he drew on his account in the period, in ₹."""

    business_date: dt.date
    kind: str
    reference: str
    amount: Decimal


@dataclass(frozen=True)
class StatementPayment:
    """Money paid out to him on this settlement, in ₹. `mode`: cash, upi, bank or cheque."""

    at: dt.datetime
    mode: str
    reference: str
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """A settlement, ₹ with two places.

    Amounts are positive as on the paper, but `brought_forward`, `rounding` and `carried`, which are signed:
    negative, the farmer owes. gross − commission − charges − draws − hand_loans − recovery + brought_forward
    + rounding − carried = net ≥ 0. `number` is None until it is approved. `link` is the farmer's page and
    `upi` an intent to pay him; "" for none.
    """

    shop_name_ta: str
    shop_name_en: str
    shop_address: str
    shop_phone: str
    farmer_code: str
    farmer_number: int
    farmer_name_ta: str
    farmer_name_en: str
    village_ta: str
    village_en: str
    number: str | None
    reference: str
    status: str
    """draft, pending, approved, paid, disputed, cancelled or reversed."""
    period_start: dt.date
    period_end: dt.date
    made_at: dt.datetime
    lines: tuple[StatementLine, ...]
    charge_lines: tuple[StatementCharge, ...]
    draw_lines: tuple[StatementDraw, ...]
    payments: tuple[StatementPayment, ...]
    gross: Decimal
    commission: Decimal
    charges: Decimal
    draws: Decimal
    hand_loans: Decimal
    recovery: Decimal
    brought_forward: Decimal
    rounding: Decimal
    carried: Decimal
    net: Decimal
    advance_before: Decimal
    advance_after: Decimal
    content_hash: str
    link: str
    upi: str
