"""A day of the book as a whole: what it came to by flower, by farmer and by quarter of an hour."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, DateTimeField, F, Func, Q, Sum, Value

from ledger.models import DailyEntry, DailyEntryQuerySet, Farmer
from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.money import to_paisa
from malar.kernel.quantities import Unit
from pricing.models import Flower

QUARTER = dt.timedelta(minutes=15)
OPENS = dt.time(4, 0)
HOURS_SHOWN = 8
"""The string of a day shows the hours from four to noon, and more only where something came."""
SMALLEST = Decimal("0.2")
ZERO = Decimal(0)


class QuarterOf(Func):
    """The quarter of an hour a moment lies in. Kolkata's clock stands a whole number of quarters off UTC's."""

    function = "date_bin"
    output_field = DateTimeField()

    def __init__(self, moment: str) -> None:
        super().__init__(Value(QUARTER), F(moment), Value(dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))


@dataclass
class Sums:
    """What some lines come to: kilograms of what is weighed, ₹. Cancelled lines count for nothing."""

    lines: int = 0
    kilograms: Decimal = ZERO
    amount: Decimal = ZERO
    commission: Decimal = ZERO
    unpriced: int = 0
    to_look_at: int = 0

    def add(self, other: "Sums") -> None:
        for name in Sums.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(kw_only=True)
class FlowerOfDay(Sums):
    """One flower of a day. `quantity` and `priced` are in its unit, `priced` that of the lines with a rate."""

    flower: Flower
    quantity: Decimal = ZERO
    priced: Decimal = ZERO
    share: int = 0
    """Percent of the day's ₹, rounded."""

    @property
    def average(self) -> Decimal | None:
        """₹ per unit over the lines that have a rate; None while there are none."""
        return to_paisa(self.amount / self.priced) if self.priced else None


@dataclass(frozen=True)
class FarmerOfDay:
    """What a farmer brought on a day: kilograms of what is weighed, and ₹."""

    farmer: Farmer
    lines: int
    kilograms: Decimal
    amount: Decimal


@dataclass(kw_only=True)
class Bead(Sums):
    """A quarter of an hour on the string of the day; without lines it is bare thread."""

    at: dt.datetime
    glyph: str = ""
    """The picture of the flower most of it was."""
    is_now: bool = False
    most: Decimal = ZERO
    """Kilograms of the largest bead of the day."""

    @property
    def scale(self) -> str:
        """How wide it is beside the largest (0–1), so that the *area* of a bead goes with its kilograms.

        As SVG writes numbers, in every language. What would be too small to see, or takes back more than it
        brought, is drawn a fifth as wide.
        """
        part = max(self.kilograms / self.most, ZERO) if self.most > 0 else ZERO
        return f"{max(part.sqrt(), SMALLEST):.3f}" if self.most else "0"

    @property
    def ends(self) -> dt.datetime:
        return self.at + QUARTER


@dataclass(frozen=True)
class Day:
    """A day of a shop. `hours` are the beads of its string, four by four."""

    totals: Sums
    flowers: list[FlowerOfDay]
    farmers: list[FarmerOfDay]
    hours: list[list[Bead]]

    @property
    def beads(self) -> list[Bead]:
        """The quarters in which something came."""
        return [bead for hour in self.hours for bead in hour if bead.lines]

    @property
    def largest(self) -> Bead | None:
        """The quarter that brought most kilograms."""
        return max(
            (bead for bead in self.beads if bead.kilograms), key=lambda bead: bead.kilograms, default=None
        )


def state_of(shop: Shop, day: dt.date) -> str:
    """A word that is another one as soon as any line of the day was written, corrected or cancelled. One query.

    Lines are never deleted and their versions only grow, so count and sum of versions never come back.
    """
    lines = DailyEntry.objects.filter(shop=shop).on(day).order_by()
    known = lines.aggregate(count=Count("pk"), versions=Sum("version", default=0))
    return f"{known['count']}-{known['versions']}"


def day_of(shop: Shop, day: dt.date, now: dt.datetime) -> Day:
    """What a day came to. Four queries, however many lines; `now` marks its bead."""
    lines = DailyEntry.objects.filter(shop=shop).on(day).standing().order_by()
    flowers, quarters = _by_flower_and_quarter(shop, lines)
    totals = Sums()
    for flower in flowers:
        totals.add(flower)
    for flower in flowers:
        flower.share = round(flower.amount * 100 / totals.amount) if totals.amount else 0
    return Day(totals, flowers, _by_farmer(shop, lines), _hours(day, quarters, now))


def _by_flower_and_quarter(
    shop: Shop, lines: DailyEntryQuerySet
) -> tuple[list[FlowerOfDay], dict[dt.datetime, Bead]]:
    """Both from one question: flowers, most money first; beads by the moment their quarter begins."""
    weighed = Q(unit=Unit.KG)
    rows = list(
        lines.annotate(quarter=QuarterOf("captured_at"))
        .values("flower_id", "quarter")
        .annotate(
            lines=Count("pk"),
            brought=Sum("quantity"),
            kilograms=Sum("quantity", filter=weighed, default=ZERO),
            money=Sum("amount", default=ZERO),
            earned=Sum("commission", default=ZERO),
            unpriced=Count("pk", filter=Q(rate=None)),
            priced=Sum("quantity", filter=~Q(rate=None), default=ZERO),
            to_look_at=Count("pk", filter=~Q(review_reasons=[])),
        )
    )
    known = shop.flowers.in_bulk({row["flower_id"] for row in rows})
    flowers: dict[UUID, FlowerOfDay] = {pk: FlowerOfDay(flower=flower) for pk, flower in known.items()}
    quarters: dict[dt.datetime, Bead] = {}
    heaviest: dict[dt.datetime, Decimal] = defaultdict(lambda: Decimal(-1))
    for row in rows:
        sums = Sums(
            lines=row["lines"],
            kilograms=row["kilograms"],
            amount=row["money"],
            commission=row["earned"],
            unpriced=row["unpriced"],
            to_look_at=row["to_look_at"],
        )
        flower = flowers[row["flower_id"]]
        flower.add(sums)
        flower.quantity += row["brought"]
        flower.priced += row["priced"]
        bead = quarters.setdefault(row["quarter"], Bead(at=row["quarter"].astimezone(KOLKATA)))
        bead.add(sums)
        if row["kilograms"] > heaviest[row["quarter"]]:
            heaviest[row["quarter"]] = row["kilograms"]
            bead.glyph = flower.flower.glyph
    most_money_first = sorted(
        flowers.values(), key=lambda each: (-each.amount, -each.quantity, each.flower.position)
    )
    return most_money_first, quarters


def _by_farmer(shop: Shop, lines: DailyEntryQuerySet) -> list[FarmerOfDay]:
    """The day's farmers, most money first. Two queries."""
    rows = list(
        lines.values("farmer_id")
        .annotate(
            lines=Count("pk"),
            kilograms=Sum("quantity", filter=Q(unit=Unit.KG), default=ZERO),
            money=Sum("amount", default=ZERO),
        )
        .order_by("-money", "-kilograms", "farmer__number")
    )
    farmers = shop.farmers.in_bulk([row["farmer_id"] for row in rows])
    return [
        FarmerOfDay(farmers[row["farmer_id"]], row["lines"], row["kilograms"], row["money"]) for row in rows
    ]


def _hours(day: dt.date, quarters: dict[dt.datetime, Bead], now: dt.datetime) -> list[list[Bead]]:
    """The string from four o'clock, or from the first bead before it, to noon, or the last bead after it."""
    opens = dt.datetime.combine(day, OPENS, tzinfo=KOLKATA)
    starts = [moment.astimezone(KOLKATA) for moment in quarters]
    # From hour to hour, so that each piece of the string is one.
    first = min([opens, *starts]).replace(minute=0)
    last = max([opens + dt.timedelta(hours=HOURS_SHOWN - 1), *starts]).replace(minute=0)
    most = max((bead.kilograms for bead in quarters.values()), default=ZERO)
    hours = []
    while first <= last:
        hour = [first + QUARTER * number for number in range(4)]
        beads = [quarters.get(moment) or Bead(at=moment) for moment in hour]
        for bead in beads:
            bead.most, bead.is_now = most, bead.at <= now < bead.ends
        hours.append(beads)
        first += dt.timedelta(hours=1)
    return hours
