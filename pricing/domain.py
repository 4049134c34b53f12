"""What a rate is and where it came from."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from malar.kernel.errors import RuleBroken
from malar.kernel.money import to_paisa


class RateSource(models.TextChoices):
    """Where a line's rate came from (domain.md §1.5). `average` is kept for shops that pay the day's average."""

    MANUAL = "manual", _("typed")
    SLOT = "slot", _("slot rate")
    CALLED = "called", _("called rate")
    DAY = "day", _("day rate")
    AVERAGE = "average", _("average rate")


class PricingMode(models.TextChoices):
    """How a flower gets its rate (domain.md §1.5, modes A to C)."""

    LOT = "lot", _("typed for each lot")
    CALLED = "called", _("called on the board")
    DAY = "day", _("one rate for the day, called afterwards")


class AdjustmentBasis(models.TextChoices):
    """What a named adjustment of a rate is measured in."""

    PERCENT = "percent", _("percent of the rate")
    PER_UNIT = "per_unit", _("₹ per unit")


class FeeBasis(models.TextChoices):
    """What a fee is charged for (domain.md §1.7)."""

    PER_SACK = "per_sack", _("per sack")
    PER_KG = "per_kg", _("per kg")
    PER_TRIP = "per_trip", _("per trip")
    PER_PIECE = "per_piece", _("per piece")
    PERCENT = "percent", _("percent of the amount")
    PER_SETTLEMENT = "per_settlement", _("per settlement")


class FeeIncome(models.TextChoices):
    """Whose money a fee is: the shop's income, or only passed on to whoever did the work."""

    SHOP = "shop", _("the shop's income")
    PASS_THROUGH = "pass_through", _("passed on")


class Glyph(models.TextChoices):
    """The drawings of flowers (static/images/flowers.svg); the value is the symbol's id."""

    MALLI = "malli", _("jasmine (malli)")
    PICHI = "pichi", _("pichi")
    MULLAI = "mullai", _("mullai")
    KANAKAM = "kanakam", _("crossandra")
    ARALI = "arali", _("oleander")
    SAMPANGI = "sampangi", _("tuberose")
    SEVANTHI = "sevanthi", _("chrysanthemum")
    ROJA = "roja", _("rose")
    SENDU = "sendu", _("marigold")
    KOZHI = "kozhi", _("cockscomb")
    MARI = "mari", _("davana")
    THAMARAI = "thamarai", _("lotus")
    KAKARATTAN = "kakarattan", _("kakkarattan")
    PANNEER = "panneer", _("paneer rose")
    BUTTON = "button", _("button rose")
    POO = "poo", _("any other flower")


@dataclass(frozen=True)
class Quote:
    """The rate in force for a flower at a moment: ₹ per unit, its source, and the slot of that moment.

    `mode` is how the flower is priced on that day: only `called` takes the board's rate by itself.
    """

    rate: Decimal | None
    source: RateSource | None
    slot_id: UUID | None
    mode: PricingMode = PricingMode.CALLED


EVERY_DAY = 0b111_1111
"""Weekdays as bits, Monday the lowest."""


def bits_of(days: list[int]) -> int:
    """ISO weekdays (1 Monday … 7 Sunday) as bits."""
    return sum(1 << (day - 1) for day in set(days))


def days_of(bits: int) -> list[int]:
    """Bits as ISO weekdays."""
    return [day for day in range(1, 8) if bits >> (day - 1) & 1]


class Stretch(Protocol):
    """A part of the day on some weekdays, from a day until before another; None is open."""

    start: dt.time
    end: dt.time
    weekdays: int
    valid_from: dt.date | None
    valid_to: dt.date | None


def overlaps(one: Stretch, other: Stretch) -> bool:
    """Whether two slots would hold at one moment, as the database's constraint says."""
    return (
        one.start < other.end
        and other.start < one.end
        and bool(one.weekdays & other.weekdays)
        and (one.valid_to or dt.date.max) > (other.valid_from or dt.date.min)
        and (other.valid_to or dt.date.max) > (one.valid_from or dt.date.min)
    )


FAR = Decimal("0.5")
"""A rate that differs by more than this share of the known one is asked about."""
SLIPS = (Decimal("0.1"), Decimal(10), Decimal("0.01"), Decimal(100))
"""What a finger does to a rate: a digit too many or too few, a point forgotten or too much."""


def is_far(rate: Decimal, known: Decimal | None) -> bool:
    """Whether a rate (₹) is more than half off a known one. Nothing is far from an unknown rate, or from 0."""
    return bool(known) and abs(rate - (known or 0)) > FAR * (known or 0)


def meant_by(rate: Decimal, known: Decimal) -> Decimal | None:
    """The rate (₹) that was probably meant: a slip of the finger away from the one typed and not far from
    the known one. None where no slip explains it, or where it would need parts of a paisa.
    """
    for slip in SLIPS:
        meant = rate * slip
        if meant and not is_far(meant, known) and meant == meant.quantize(Decimal("0.01")):
            return meant
    return None


def adjusted(rate: Decimal, adjustments: Sequence[Mapping[str, Any]]) -> tuple[Decimal, list[dict[str, Any]]]:
    """A rate (₹ per unit) after named adjustments, and these with the signed ₹ per unit each came to, as text.

    An adjustment has at least `basis` and `value`, as RateAdjustment. Each is computed from the rate given, not
    from what the others left of it, so that their order does not matter; a percentage to the paisa.
    Raises RuleBroken `below_zero` (`/adjustments`) where nothing would be left of the rate and more.
    """
    applied = []
    for adjustment in adjustments:
        value = Decimal(adjustment["value"])
        change = to_paisa(rate * value / 100 if adjustment["basis"] == AdjustmentBasis.PERCENT else value)
        applied.append({**adjustment, "per_unit": f"{change + 0:.2f}"})  # + 0: no minus before 0.00
    final = rate + sum((Decimal(each["per_unit"]) for each in applied), Decimal(0))
    if final < 0:
        raise RuleBroken(
            gettext("With these adjustments the rate would be below zero. Take off one of them."),
            code="below_zero",
            pointer="/adjustments",
        )
    return final, applied
