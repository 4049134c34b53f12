"""Fees and adjustments for tests of lines, put straight into the tables."""

from decimal import Decimal
from typing import Any

from malar.accounts.models import Shop
from pricing.models import FeeRule, RateAdjustment


def a_fee(shop: Shop, code: str, basis: str, rate: str, *, automatic: bool = True, **fields: Any) -> FeeRule:
    fee = FeeRule(shop=shop, code=code, basis=basis, rate=Decimal(rate), automatic=automatic, **fields)
    fee.name_ta, fee.name_en = {"coolie": "கூலி"}.get(code, "கட்டணம்"), code.capitalize()
    fee.save()
    return fee


def an_adjustment(shop: Shop, code: str, basis: str, value: str, **fields: Any) -> RateAdjustment:
    adjustment = RateAdjustment(shop=shop, code=code, basis=basis, value=Decimal(value), **fields)
    adjustment.name_ta, adjustment.name_en = "ஈரம்", code.capitalize()
    adjustment.save()
    return adjustment
