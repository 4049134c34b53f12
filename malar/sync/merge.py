"""Two people corrected the same line: what becomes of it, without a database (offline.md, d 37–42).

Three versions are compared: `base`, the line as the server had it when the tablet last saw it; `mine`, that line
with the tablet's correction; `theirs`, the line as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from malar.kernel.wire import money, quantity


class ConflictKind(models.TextChoices):
    """What a person must decide, because no rule can."""

    QUANTITY = "quantity", _("both corrected the weight")
    FARMER = "farmer", _("two farmers")
    FLOWER = "flower", _("two flowers")
    CANCEL = "cancel", _("to be cancelled, but corrected meanwhile")
    VOIDED = "voided", _("corrected, but cancelled meanwhile")
    SETTLED = "settled", _("settled already")
    CORRECTED = "corrected", _("settled and put right already")
    DAY_LOCKED = "day_locked", _("its day is closed")
    UNKNOWN_BASE = "unknown_base", _("the tablet saw another state of it")


class Choice(models.TextChoices):
    """How a person decides."""

    MINE = "mine", _("as the tablet has it")
    THEIRS = "theirs", _("as it stands in the book")
    ADJUST = "adjust", _("with another weight")


class Rule(models.TextChoices):
    """What decided about a field."""

    TAKEN = "taken", _("only the tablet changed it")
    ADDED = "added", _("both differences count")
    SERVER = "server", _("the book's stays")
    LAST = "last", _("the last one counts")
    SAME = "same", _("both wanted the same")
    MANUAL = "manual", _("a person decides")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A line as far as it can be corrected. kg with three places or a count, ₹ per unit, percent."""

    farmer: UUID
    flower: UUID
    unit: str
    gross_quantity: Decimal | None
    tare: Decimal
    quantity: Decimal
    sacks: int
    sack_weights: tuple[Decimal, ...]
    rate: Decimal | None
    rate_source: str
    rate_reason: str
    adjustments: tuple[Mapping[str, Any], ...]
    commission_pct: Decimal
    commission_per_unit: Decimal
    note: str
    status: str
    void_reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it travels and is kept: decimals as strings."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return said | {
            "farmer": str(self.farmer),
            "flower": str(self.flower),
            **{name: quantity(said[name]) for name in ("gross_quantity", "tare", "quantity")},
            **{name: money(said[name]) for name in ("rate", "commission_pct", "commission_per_unit")},
            "sack_weights": [quantity(weight) for weight in self.sack_weights],
            "adjustments": list(self.adjustments),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Facts:
        """What `as_json` wrote."""
        decimals = ("gross_quantity", "tare", "quantity", "rate", "commission_pct", "commission_per_unit")
        read: dict[str, Any] = {
            name: None if kept[name] is None else Decimal(kept[name]) for name in decimals
        }
        return cls(
            **{
                **kept,
                **read,
                "farmer": UUID(kept["farmer"]),
                "flower": UUID(kept["flower"]),
                "sack_weights": tuple(Decimal(weight) for weight in kept["sack_weights"]),
                "adjustments": tuple(kept["adjustments"]),
            }
        )


FIGURES = ("gross_quantity", "tare", "quantity", "sacks", "sack_weights")
RATE = ("rate", "rate_source", "rate_reason", "adjustments")


@dataclass(frozen=True)
class Merged:
    """What is to be changed in the line as it stands, by the names of `Facts`, and which rule decided what.

    `quantity` with no `gross_quantity` is a net: the sack is taken as it stands.
    """

    changes: dict[str, Any]
    rules: dict[str, str]


def merge(base: Facts, mine: Facts, theirs: Facts, *, most: Decimal) -> Merged | ConflictKind:
    """Put the tablet's correction over what the others did, or say what a person must decide.

    A weight that both corrected gets both differences, so that the order in which tablets come in does not matter;
    above `most`, or not above 0, nobody meant it. A rate, or a commission, that both changed stays the book's. Of
    two notes the last one to arrive counts. The amount follows, rounded once, where the line is written.
    """
    changes: dict[str, Any] = {}
    rules: dict[str, str] = {}
    for name, kind in (("farmer", ConflictKind.FARMER), ("flower", ConflictKind.FLOWER)):
        match _side(base, mine, theirs, name):
            case "mine":
                changes[name], rules[name] = getattr(mine, name), Rule.TAKEN
            case "same":
                rules[name] = Rule.SAME
            case "both":
                return kind
    figures = _figures(base, mine, theirs, most)
    if figures is None:
        return ConflictKind.QUANTITY
    changes |= figures.changes
    rules |= figures.rules
    match _side(base, mine, theirs, *RATE):
        case "mine":
            changes |= {name: getattr(mine, name) for name in _differing(base, mine, RATE)}
            rules["rate"] = Rule.TAKEN
        case "same":
            rules["rate"] = Rule.SAME
        case "both":
            rules["rate"] = Rule.SERVER
    for name in ("commission_pct", "commission_per_unit"):
        match _side(base, mine, theirs, name):
            case "mine":
                changes[name], rules[name] = getattr(mine, name), Rule.TAKEN
            case "same":
                rules[name] = Rule.SAME
            case "both":
                rules[name] = Rule.SERVER
    match _side(base, mine, theirs, "note"):
        case "mine":
            changes["note"], rules["note"] = mine.note, Rule.TAKEN
        case "same":
            rules["note"] = Rule.SAME
        case "both":
            changes["note"], rules["note"] = mine.note, Rule.LAST
    return Merged(changes, {name: str(rule) for name, rule in rules.items()})


def put_over(facts: Facts, changes: Mapping[str, Any]) -> Facts:
    """The line with a merge's changes in it."""
    after = replace(facts, **changes)
    if "quantity" in changes and "gross_quantity" not in changes and facts.gross_quantity is not None:
        after = replace(after, gross_quantity=after.quantity + after.tare)
    return after


def taken_over(base: Facts | None, mine: Facts, theirs: Facts) -> Facts:
    """The line as it stands with all that the tablet changed: what comes of deciding for the tablet.

    Without a `base` the tablet's correction was put over the line itself.
    """
    if base is None:
        return mine
    changed = set(_differing(base, mine, [field.name for field in fields(Facts)]))
    for group in (FIGURES, RATE):
        changed |= set(group) if changed & set(group) else set()
    return replace(theirs, **{name: getattr(mine, name) for name in changed})


def _figures(base: Facts, mine: Facts, theirs: Facts, most: Decimal) -> Merged | None:
    """Weights and sacks, which are one thing: None where a person must say what was meant."""
    if not _differing(base, mine, FIGURES):
        return Merged({}, {})
    if not _differing(base, theirs, FIGURES):
        # Whose unit another flower brought, a figure in the old one says nothing.
        if (
            len({base.unit, mine.unit, theirs.unit}) > 1
            and mine.unit != theirs.unit
            and theirs.unit != base.unit
        ):
            return None
        return Merged({name: getattr(mine, name) for name in FIGURES}, {"quantity": Rule.TAKEN})
    # The differences can be added where all three are one weight, or one count, of one unit.
    if len({(each.unit, each.gross_quantity is None) for each in (base, mine, theirs)}) > 1:
        return None
    if any(each.sack_weights for each in (base, mine, theirs)):
        return None
    changes: dict[str, Any] = {}
    rules: dict[str, str] = {}
    for name in ("tare", "sacks"):
        match _side(base, mine, theirs, name):
            case "mine":
                changes[name], rules[name] = getattr(mine, name), Rule.TAKEN
            case "same":
                rules[name] = Rule.SAME
            case "both":
                return None
    net = theirs.quantity + mine.quantity - base.quantity
    if not 0 < net <= most:
        return None
    if net != theirs.quantity or "tare" in changes:
        changes["quantity"] = net
    if mine.quantity != base.quantity:
        rules["quantity"] = Rule.ADDED if theirs.quantity != base.quantity else Rule.TAKEN
    return Merged(changes, rules)


def _side(base: Facts, mine: Facts, theirs: Facts, *names: str) -> str:
    """Who changed it: nobody whose change still matters (""), "mine" alone, both to the "same", or "both"."""
    if not _differing(base, mine, names):
        return ""
    if not _differing(base, theirs, names):
        return "mine"
    return "both" if _differing(mine, theirs, names) else "same"


def _differing(one: Facts, other: Facts, names: Sequence[str]) -> list[str]:
    return [name for name in names if getattr(one, name) != getattr(other, name)]
