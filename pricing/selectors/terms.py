"""What pricing lends to the question a sale asks (docs/adr/0005-hot-path-in-sql.md): fees charged with
every line, and adjustments of a rate. One row each, as JSON, so that a sale asks for them together with the rest."""

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from malar.accounts.models import Shop

WITH_EVERY_LINE = """
    (SELECT coalesce(json_agg(fee), '[]')::text FROM (
        SELECT id, code, basis, rate::text, income FROM pricing_feerule
        WHERE shop_id = %(shop)s AND automatic AND is_active AND basis NOT IN ('per_trip', 'per_settlement')
          AND (valid_from IS NULL OR valid_from <= %(day)s) AND (valid_to IS NULL OR valid_to > %(day)s)
        ORDER BY code) AS fee)
"""
"""The fees charged with every line of a business day. `fees_from` reads it."""

ADJUSTMENTS = """
    (SELECT coalesce(json_agg(adjustment), '[]')::text FROM (
        SELECT id, code, name_ta, name_en, basis, value::text FROM pricing_rateadjustment
        WHERE shop_id = %(shop)s AND is_active AND id = ANY(%(adjustments)s::uuid[])) AS adjustment)
"""
"""Those of the named adjustments that the shop has. `adjustments_from` reads it."""


@dataclass(frozen=True)
class Fee:
    """A fee as it is frozen on a charge: `rate` is ₹ for one of what `basis` says, or a percentage."""

    id: UUID
    code: str
    basis: str
    rate: Decimal
    income: str


@lru_cache(maxsize=256)
def fees_from(row: str) -> tuple[Fee, ...]:
    """The row of WITH_EVERY_LINE. Kept: line after line has the same."""
    return tuple(
        Fee(UUID(fee["id"]), fee["code"], fee["basis"], Decimal(fee["rate"]), fee["income"])
        for fee in json.loads(row)
    )


def adjustments_from(row: str, asked: list[UUID]) -> list[dict[str, Any]]:
    """The row of ADJUSTMENTS in the order they were asked for, each as a line keeps it but for its ₹."""
    found = {UUID(each["id"]): each for each in json.loads(row)}
    return [found[pk] for pk in asked if pk in found]


def fees_with_every_line(shop: Shop, day: dt.date) -> tuple[Fee, ...]:
    """The fees that are charged with every line of a business day, by code. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {WITH_EVERY_LINE}", {"shop": shop.pk, "day": day})  # a constant
        return fees_from(cursor.fetchone()[0])


def adjustments_named(shop: Shop, asked: list[UUID]) -> list[dict[str, Any]]:
    """Those of the named adjustments that the shop has, as a line keeps them but for their ₹. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ADJUSTMENTS}", {"shop": shop.pk, "adjustments": asked})  # a constant
        return adjustments_from(cursor.fetchone()[0], asked)
