"""What was weighed or counted, checked and put into the line's own terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from malar.kernel.errors import Fault, RuleBroken
from malar.kernel.quantities import Unit, significant_decimals
from pricing.models import Flower

GRAMS = "g"
LARGEST = Decimal("9999999.999")
MOST_SACKS = 9999


@dataclass(frozen=True)
class Weighed:
    """A quantity as it stands in the book: kilograms with three decimals, or a count."""

    gross_quantity: Decimal | None
    tare: Decimal
    quantity: Decimal
    unit: Unit
    sacks: int
    sack_weights: list[str] | None


def weighed(
    flower: Flower,
    *,
    gross_quantity: Decimal | None = None,
    tare: Decimal | None = None,
    quantity: Decimal | None = None,
    sacks: int | None = None,
    sack_weights: Sequence[Decimal] | None = None,
    unit: str | None = None,
) -> Weighed:
    """Check the figures of a line and derive its net quantity.

    Either `gross_quantity` (or `sack_weights`, whose sum it is) less `tare`, or `quantity` for what
    is counted. Grams become kilograms. Raises RuleBroken naming each refused field.
    """
    faults: list[Fault] = []

    def refuse(pointer: str, code: str, detail: str) -> None:
        faults.append(Fault(pointer, code, detail))

    unit = unit or flower.unit
    if unit == GRAMS and flower.unit == Unit.KG:
        gross_quantity, tare, quantity = (
            value / 1000 if value is not None else None for value in (gross_quantity, tare, quantity)
        )
        sack_weights = [weight / 1000 for weight in sack_weights] if sack_weights else sack_weights
        unit = Unit.KG
    elif unit not in Unit.values:
        refuse("/unit", "unknown_unit", _("This unit is not known."))
        unit = flower.unit

    if sack_weights:
        total = sum(sack_weights, Decimal(0))
        if gross_quantity is not None and gross_quantity != total:
            refuse("/gross_quantity", "not_the_sum", _("The weight is not the sum of the sacks."))
        gross_quantity = total
        sacks = len(sack_weights) if sacks is None else sacks
        if any(weight <= 0 for weight in sack_weights):
            refuse("/sack_weights", "not_positive", _("Each sack weighs more than 0."))

    counted = gross_quantity is None
    tare = tare or Decimal(0)
    sacks = sacks or 0
    named = "/quantity" if counted else "/gross_quantity"
    if gross_quantity is not None and quantity is not None and quantity != gross_quantity - tare:
        refuse("/quantity", "not_the_net", _("The quantity is not the weight with sack less the sack."))
    net = quantity if gross_quantity is None else gross_quantity - tare

    if net is None:
        refuse("/gross_quantity", "required", _("Enter the weight or the count."))
        raise RuleBroken(faults[0].detail, code="invalid_quantity", faults=faults)
    for pointer, value in (("/gross_quantity", gross_quantity), ("/tare", tare), ("/quantity", quantity)):
        if value is not None and significant_decimals(value) > (3 if unit == Unit.KG else 0):
            refuse(
                pointer,
                "too_precise",
                _("A weight has at most three decimals.")
                if unit == Unit.KG
                else _("A count has no decimals."),
            )
        if value is not None and value > LARGEST:
            refuse(pointer, "too_large", _("This number is too large."))
    if tare < 0:
        refuse("/tare", "negative", _("The sack cannot weigh less than nothing."))
    if counted and tare:
        refuse("/tare", "tare_without_gross", _("A sack weight needs the weight with sack."))
    if (gross_quantity if gross_quantity is not None else net) <= 0:
        refuse(
            named,
            "not_positive",
            _("Weight cannot be 0. Put the sack on the scale again.")
            if unit == Unit.KG
            else _("The count cannot be 0."),
        )
    elif net <= 0:
        refuse("/tare", "tare_too_large", _("The sack cannot weigh as much as the flowers in it."))
    if not 0 <= sacks <= MOST_SACKS:
        refuse("/sacks", "out_of_range", _("The number of sacks is not possible."))
    if faults:
        raise RuleBroken(faults[0].detail, code="invalid_quantity", faults=faults)
    return Weighed(
        gross_quantity=gross_quantity,
        tare=tare,
        quantity=net,
        unit=Unit(unit),
        sacks=sacks,
        sack_weights=[f"{weight:.3f}" for weight in sack_weights] if sack_weights else None,
    )
