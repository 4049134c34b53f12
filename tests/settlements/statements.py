"""Worked settlements A and B as statements: the figures of tests/settlement_a.py and of the trade's hand sums."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from settlements.documents.statement import (
    Statement,
    StatementCharge,
    StatementDraw,
    StatementLine,
    StatementPayment,
)
from tests.settlement_a import FLOWERS, LINES

NOUGHT = Decimal("0.00")
LINK = "https://malar.example/s/7K3P9QW2X4"


def _lines() -> tuple[StatementLine, ...]:
    lines = []
    for index, line in enumerate(LINES, start=1):
        tamil, english, unit = FLOWERS[line.flower]
        day = dt.date.fromisoformat(line.day)
        lines.append(
            StatementLine(
                entry_id=UUID(int=index),
                business_date=day,
                slip_number=f"A1-{day:%d%m}-{index:03}",
                flower_ta=tamil,
                flower_en=english,
                unit=unit,
                quantity=Decimal(line.net),
                rate=Decimal(line.rate),
                amount=Decimal(line.amount),
                commission_pct=Decimal("10.00"),
                commission=Decimal(line.commission),
                is_late=False,
                correction="",
            )
        )
    return tuple(lines)


def _charges() -> tuple[StatementCharge, ...]:
    """12 sacks of coolie and toll, 6 trips and 2 sacks, spread over the days as they were."""
    sacks = {2: 2, 3: 1, 4: 3, 5: 2, 6: 1, 7: 1, 8: 2}
    made = []
    for day, count in sacks.items():
        for tamil, english, rate in (("இறக்கு கூலி", "Coolie", 10), ("சுங்கம்", "Toll", 5)):
            made.append((day, tamil, english, count, rate))
        if day != 8:
            made.append((day, "வண்டி வாடகை", "Freight", 1, 40))
    made.append((8, "சாக்கு", "Sack", 2, 15))
    return tuple(
        StatementCharge(
            dt.date(2026, 3, day), tamil, english, Decimal(count), Decimal(rate), Decimal(count * rate)
        )
        for day, tamil, english, count, rate in made
    )


A = Statement(
    shop_name_ta="ஸ்ரீ மலர் கமிஷன் மண்டி",
    shop_name_en="Sri Malar Commission Mandi",
    shop_address="கடை 42, மாட்டுத்தாவணி மலர் சந்தை, மதுரை",
    shop_phone="0452 000 0042",
    farmer_code="F014",
    farmer_number=14,
    farmer_name_ta="பெ. முருகேசன்",
    farmer_name_en="P. Murugesan",
    village_ta="வெள்ளோடு",
    village_en="Vellodu",
    number="S-2026-0147",
    reference="S-7K3P9Q",
    status="paid",
    period_start=dt.date(2026, 3, 2),
    period_end=dt.date(2026, 3, 8),
    made_at=dt.datetime(2026, 3, 8, 5, 0, tzinfo=dt.UTC),
    lines=_lines(),
    charge_lines=_charges(),
    draw_lines=(StatementDraw(dt.date(2026, 3, 4), "draw", "D-0012", Decimal("3000.00")),),
    payments=(
        StatementPayment(
            dt.datetime(2026, 3, 8, 5, 30, tzinfo=dt.UTC), "cash", "P-0031", Decimal("33125.00")
        ),
    ),
    gross=Decimal("46193.97"),
    commission=Decimal("4619.40"),
    charges=Decimal("450.00"),
    draws=Decimal("3000.00"),
    hand_loans=NOUGHT,
    recovery=Decimal("5000.00"),
    brought_forward=NOUGHT,
    rounding=Decimal("0.43"),
    carried=NOUGHT,
    net=Decimal("33125.00"),
    advance_before=Decimal("17000.00"),
    advance_after=Decimal("12000.00"),
    content_hash="9f2c4a7be01d3358" * 4,
    link=LINK,
    upi="",
)

B = replace(
    A,
    farmer_code="F016",
    farmer_number=16,
    farmer_name_ta="ரா. செல்வி",
    farmer_name_en="R. Selvi",
    number="S-2026-0148",
    status="approved",
    lines=(
        replace(
            A.lines[5],
            quantity=Decimal("42.000"),
            rate=Decimal("10.00"),
            amount=Decimal("420.00"),
            commission=Decimal("42.00"),
        ),
    ),
    charge_lines=(
        StatementCharge(
            dt.date(2026, 3, 4), "இறக்கு கூலி", "Coolie", Decimal(3), Decimal(10), Decimal("30.00")
        ),
        StatementCharge(
            dt.date(2026, 3, 4), "வண்டி வாடகை", "Freight", Decimal(1), Decimal(360), Decimal("360.00")
        ),
        StatementCharge(dt.date(2026, 3, 4), "சுங்கம்", "Toll", Decimal(3), Decimal(5), Decimal("15.00")),
    ),
    draw_lines=(),
    payments=(),
    gross=Decimal("420.00"),
    commission=Decimal("42.00"),
    charges=Decimal("405.00"),
    draws=NOUGHT,
    recovery=NOUGHT,
    rounding=NOUGHT,
    carried=Decimal("-27.00"),
    net=NOUGHT,
    advance_before=Decimal("8000.00"),
    advance_after=Decimal("8000.00"),
)
