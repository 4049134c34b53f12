"""Weights and counts. Weight is Decimal kilograms with three places; counted flowers have none."""

from decimal import Decimal, InvalidOperation

from django.db import models
from django.utils.translation import gettext_lazy as _

GRAM = Decimal("0.001")


class Unit(models.TextChoices):
    """How a flower is sold (domain: kilograms, bundles of 20 stems, pieces, bags)."""

    KG = "kg", _("kg")
    BUNDLE = "bundle", _("bundle")
    PIECE = "piece", _("piece")
    BAG = "bag", _("bag")

    @property
    def is_weighed(self) -> bool:
        return self is Unit.KG


def decimals_of(value: Decimal) -> int:
    """How many decimal places are written: 5.900 → 3, 60 → 0, 1E+2 → 0."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def significant_decimals(value: Decimal) -> int:
    """How many decimal places matter: 5.900 → 1, 5.1234 → 4."""
    return decimals_of(value.normalize()) if value.is_finite() else 0


TAMIL_DIGITS = str.maketrans("௦௧௨௩௪௫௬௭௮௯", "0123456789")


def read_decimal(text: str, *, comma_groups: bool = True) -> Decimal:
    """A number as people at the counter type it: `12,5`, `௧௨.௫`, `1,250.75`, ` 12.5 `.

    A comma that is the only separator is a decimal comma, unless three digits follow and
    `comma_groups`: ₹1,250 are a thousand, but 1,250 kg is what a scale shows for a kilo and a
    quarter. Other commas group thousands or lakhs. Raises ValueError for anything that is no number.
    """
    cleaned = text.strip().translate(TAMIL_DIGITS).replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    if cleaned.count(",") == 1 and "." not in cleaned:
        whole, fraction = cleaned.split(",")
        cleaned = f"{whole}{fraction}" if comma_groups and len(fraction) == 3 else f"{whole}.{fraction}"
    else:
        cleaned = cleaned.replace(",", "")
    try:
        value = Decimal(cleaned)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {text!r}") from error
    if not value.is_finite():
        raise ValueError(f"not a number: {text!r}")
    return value
