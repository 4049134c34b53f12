"""What a rate is and where it came from."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateSource(models.TextChoices):
    """Where a line's rate came from (domain.md §1.5). `day` and `average` come with the pricing engine."""

    MANUAL = "manual", _("typed")
    SLOT = "slot", _("slot rate")
    CALLED = "called", _("called rate")
    DAY = "day", _("day rate")
    AVERAGE = "average", _("average rate")


@dataclass(frozen=True)
class Quote:
    """The rate in force for a flower at a moment: ₹ per unit, its source, and the slot of that moment."""

    rate: Decimal | None
    source: RateSource | None
    slot_id: UUID | None


EVERY_DAY = 0b111_1111
"""Weekdays as bits, Monday the lowest."""


def bits_of(days: list[int]) -> int:
    """ISO weekdays (1 Monday … 7 Sunday) as bits."""
    return sum(1 << (day - 1) for day in set(days))


def days_of(bits: int) -> list[int]:
    """Bits as ISO weekdays."""
    return [day for day in range(1, 8) if bits >> (day - 1) & 1]
