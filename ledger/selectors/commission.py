"""What the shop keeps of a sale."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from malar.accounts.models import Shop

NEAREST_RULE = """
    SELECT farmer_id, pct, per_unit FROM ledger_commissionrule
    WHERE shop_id = %(shop)s AND (farmer_id = %(farmer)s OR farmer_id IS NULL)
      AND (flower_id = %(flower)s OR flower_id IS NULL)
      AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
    ORDER BY farmer_id NULLS LAST, flower_id NULLS LAST LIMIT 1
"""
"""The rule that stands nearest to a farmer and a flower on a business day: farmer and flower, the farmer,
the flower, the shop. No row where there is none. `nearest_commission` reads it."""


def nearest_commission(
    shop: Shop,
    his_pct: Decimal | None,
    rule_farmer: UUID | None,
    rule_pct: Decimal | None,
    rule_per_unit: Decimal | None,
) -> tuple[Decimal, Decimal]:
    """Percent and ₹ per unit, from NEAREST_RULE and the farmer's own percentage.

    A rule that names the farmer goes before his own percentage, which goes before rules that do not.
    """
    if rule_pct is not None and rule_per_unit is not None and (rule_farmer is not None or his_pct is None):
        return rule_pct, rule_per_unit
    return (shop.commission_pct if his_pct is None else his_pct), Decimal(0)


def commission_for(shop: Shop, farmer_id: UUID, flower_id: UUID, day: dt.date) -> tuple[Decimal, Decimal]:
    """What a line of a business day is charged, percent of the amount and ₹ per unit. One query."""
    asked: dict[str, Any] = {"shop": shop.pk, "farmer": farmer_id, "flower": flower_id, "day": day}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT farmer.commission_pct, rule.* FROM ledger_farmer AS farmer"  # noqa: S608  # a constant
            f" LEFT JOIN LATERAL ({NEAREST_RULE}) AS rule ON true WHERE farmer.id = %(farmer)s",
            asked,
        )
        return nearest_commission(shop, *(cursor.fetchone() or (None, None, None, None)))
