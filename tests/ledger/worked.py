"""The worked settlements A and B before they are settled (domain.md §5.3, §5.4), written by the services."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest

from ledger.models import Charge, Farmer
from ledger.services.movements import record_movement
from malar.accounts.models import Membership, Shop
from pricing.domain import FeeBasis, FeeIncome
from pricing.models import FeeRule
from tests import cast
from tests.cast import at, recorded
from tests.settlement_a import FLOWERS, LINES


def a_fee(
    shop: Shop, code: str, name_ta: str, name_en: str, rate: str, basis: str = FeeBasis.PER_SACK
) -> FeeRule:
    if known := shop.fees.filter(code=code).first():
        return known
    fee = FeeRule(shop=shop, code=code, basis=basis, rate=Decimal(rate), income=FeeIncome.PASS_THROUGH)
    fee.name_ta, fee.name_en = name_ta, name_en
    fee.save()
    return fee


def charged(by: Membership, farmer: Farmer, fee: FeeRule, day: str, quantity: int, **fields: str) -> Charge:
    return Charge.objects.create(
        shop=by.shop,
        farmer=farmer,
        fee=fee,
        business_date=dt.date.fromisoformat(day),
        basis=fee.basis,
        income=fee.income,
        quantity=quantity,
        rate=fee.rate,
        created_by=by,
        **fields,
    )


def moved(by: Membership, farmer: Farmer, kind: str, amount: str, day: str, mode: str = "cash") -> None:
    record_movement(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        kind=kind,
        amount=Decimal(amount),
        business_date=dt.date.fromisoformat(day),
        mode=mode,
    )


@pytest.fixture
def settlement_a(meena: Membership, kumar: Membership, raja: Farmer) -> Farmer:
    """The worked settlement A before it is settled (domain.md §5.3)."""
    shop = meena.shop
    flowers = {code: cast.a_flower(shop, code, ta, en, unit=unit) for code, (ta, en, unit) in FLOWERS.items()}
    for line in LINES:
        figures: dict[str, Decimal] = (
            {"gross_quantity": Decimal(line.gross), "tare": Decimal(line.tare or 0)}
            if line.gross
            else {"quantity": Decimal(line.net)}
        )
        recorded(
            kumar,
            raja,
            flowers[line.flower],
            captured_at=at(line.day, line.clock),
            sacks=line.sacks,
            rate=Decimal(line.rate),
            **figures,
        )
    coolie = a_fee(shop, "coolie", "இறக்கு கூலி", "Coolie", "10")
    luggage = a_fee(shop, "luggage", "வண்டி வாடகை", "Luggage", "40", FeeBasis.PER_TRIP)
    toll = a_fee(shop, "toll", "சுங்கம்", "Toll", "5")
    sacks = a_fee(shop, "sacks", "சாக்கு விலை", "Sacks", "15", FeeBasis.PER_PIECE)
    for fee, day, quantity in (
        (coolie, "2026-03-08", 12),
        (luggage, "2026-03-08", 6),
        (toll, "2026-03-08", 12),
        (sacks, "2026-03-03", 2),
    ):
        charged(kumar, raja, fee, day, quantity)
    moved(meena, raja, "opening_advance", "15000", "2026-03-01", "none")
    moved(meena, raja, "advance", "2000", "2026-03-02")
    moved(kumar, raja, "draw", "3000", "2026-03-04")
    return raja


@pytest.fixture
def settlement_b(kumar: Membership, lakshmi: Farmer, shop: Shop) -> Farmer:
    """Settlement B: a loss-making delivery (domain.md §5.4)."""
    mums = shop.flowers.filter(code="SEV").first()
    mums = mums or cast.a_flower(shop, "SEV", "செவ்வந்தி", "Chrysanthemum")
    moment = at("2026-03-06", "05:00")
    recorded(kumar, lakshmi, mums, captured_at=moment, quantity=Decimal(42), sacks=3, rate=Decimal(10))
    charged(kumar, lakshmi, a_fee(shop, "coolie", "கூலி", "Coolie", "10"), "2026-03-06", 3)
    charged(kumar, lakshmi, a_fee(shop, "freight", "வாடகை", "Freight", "360"), "2026-03-06", 1)
    charged(kumar, lakshmi, a_fee(shop, "toll", "சுங்கம்", "Toll", "5"), "2026-03-06", 3)
    return lakshmi
