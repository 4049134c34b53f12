"""Questions about lines in the book."""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from ledger.domain import LOOK_ALIKE_WITHIN, EarlierLine, EntryKind
from ledger.models import Charge, DailyEntry, DailyEntryQuerySet, Farmer
from ledger.selectors.charges import Item, charges_on, items_of, sum_of
from ledger.selectors.claims import live_rows
from ledger.selectors.commission import NEAREST_RULE, nearest_commission
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from pricing.domain import Quote
from pricing.models import Flower
from pricing.selectors.rates import QUOTE, quote_from, quote_question
from pricing.selectors.terms import ADJUSTMENTS, WITH_EVERY_LINE, Fee, adjustments_from, fees_from

BAND_DAYS = 30
BAND_LINES = 20


def entries_seen_by(member: Membership) -> DailyEntryQuerySet:
    """The lines a member may see: all of the shop's, or a farmer's own."""
    entries = DailyEntry.objects.filter(shop_id=member.shop_id)
    if member.role == Role.FARMER:
        return entries.filter(farmer__member=member)
    return entries


def entry_of(member: Membership, entry_id: UUID, *, lock: bool = False) -> DailyEntry:
    """One line with its names. Raises NotFound, also for another shop's."""
    entries = entries_seen_by(member).filter(pk=entry_id)
    if lock:
        # By itself: joined to its names of before the wait, a line that got another flower meanwhile is not found.
        entries.select_for_update(of=("self",)).values_list("pk").first()
    entry = entries.with_names().first()
    if entry is None:
        raise NotFound(_("There is no such slip."))
    return entry


def may_change(member: Membership, entry: DailyEntry) -> bool:
    """Whether a member may correct or cancel a line: the owner any, staff what they entered themselves."""
    return member.role == Role.ADMIN or (member.role == Role.STAFF and entry.created_by_id == member.pk)


def settled_among(entries: Iterable[DailyEntry]) -> set[UUID]:
    """Which of these lines a settlement has taken, approved or not, by id: they are never changed then, only
    corrected by others (architecture §5.6). One question, however many they are."""
    return set(live_rows([entry.pk for entry in entries]).values_list("row", flat=True))


def is_settled(entry: DailyEntry) -> bool:
    """Whether a settlement has taken the line."""
    return entry.pk in settled_among([entry])


def correction_of(entry: DailyEntry) -> DailyEntry | None:
    """The standing line that reverses this one; None where it counts as it stands."""
    later = DailyEntry.objects.filter(shop_id=entry.shop_id, business_date__gte=entry.business_date)
    return later.standing().filter(corrects=entry.pk, kind=EntryKind.REVERSAL).first()


def corrected_among(entries: Collection[DailyEntry]) -> set[UUID]:
    """Which of these lines have a standing reversal, by id: they stay as they are, also when the settlement that
    had taken them is reversed. One question."""
    if not entries:
        return set()
    mirrors = DailyEntry.objects.filter(
        shop_id__in={entry.shop_id for entry in entries},
        business_date__gte=min(entry.business_date for entry in entries),
        kind=EntryKind.REVERSAL,
        corrects__in=[entry.pk for entry in entries],
    )
    return {pk for pk in mirrors.standing().values_list("corrects", flat=True) if pk}


LINE_QUESTION = f"""
    SELECT farmer.id, farmer.is_active, farmer.commission_pct,
           flower.id, flower.is_active, flower.unit,
           (SELECT coalesce(json_agg(line), '[]')::text FROM (
                SELECT quantity::text, captured_at FROM ledger_dailyentry
                WHERE farmer_id = %(farmer)s AND flower_id = %(flower)s AND status <> 'voided'
                  AND kind <> 'reversal' AND entry_date BETWEEN %(since)s AND %(day)s
                ORDER BY captured_at DESC LIMIT {BAND_LINES}) AS line),
           {WITH_EVERY_LINE}, {ADJUSTMENTS}, rule.farmer_id, rule.pct, rule.per_unit, quote.*
    FROM ({QUOTE}) AS quote (slot_id, called, slotted, mode)
    LEFT JOIN ledger_farmer AS farmer ON farmer.shop_id = %(shop)s AND farmer.id = %(farmer)s
    LEFT JOIN pricing_flower AS flower ON flower.shop_id = %(shop)s AND flower.id = %(flower)s
    LEFT JOIN LATERAL ({NEAREST_RULE}) AS rule ON true
"""  # noqa: S608  # put together from constants


@dataclass(frozen=True)
class LineBackground:
    """What a new line needs to know; farmer or flower None where the shop has no such row."""

    farmer: Farmer | None
    flower: Flower | None
    earlier: list[EarlierLine]
    quote: Quote
    fees: Sequence[Fee]
    """Those charged with every line of the day."""
    adjustments: list[dict[str, Any]]
    """Those that were asked for and that the shop has, in that order (`ledger.services.entries.Priced`)."""
    commission: tuple[Decimal, Decimal]
    """Percent and ₹ per unit."""
    after: Quote | None = None
    """Where the rate may have changed meanwhile for all the line's clock can tell: the one after the change."""


def line_background(
    shop: Shop,
    farmer_id: UUID | None,
    flower_id: UUID | None,
    moment: dt.datetime,
    day: dt.date,
    adjustments: Sequence[UUID] = (),
) -> LineBackground:
    """Farmer, flower, his last lines of it in the thirty days up to `day`, the rate at `moment`, the fees
    and the commission of the day, and the adjustments asked for.

    One statement, in SQL because every sale waits for it. The farmer and the flower come with the
    columns named in it and no others.
    """
    asked = list(adjustments)
    with connection.cursor() as cursor:
        cursor.execute(
            LINE_QUESTION, _question(shop, farmer_id, flower_id, moment, day) | {"adjustments": asked}
        )
        return _background(shop, asked, cursor.fetchone())


@dataclass(frozen=True)
class LineAsked:
    """Whom and what a new line is about, as `line_background` is asked."""

    farmer_id: UUID | None
    flower_id: UUID | None
    moment: dt.datetime
    day: dt.date
    adjustments: Sequence[UUID] = ()


ASKED_TYPES = {
    "farmer": "uuid",
    "flower": "uuid",
    "at": "timestamptz",
    "day": "date",
    "since": "date",
    "clock": "time",
    "weekday": "int",
    "adjustments": "text",
}
LINES_QUESTION = f"""
    SELECT question.* FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in ASKED_TYPES.items())})
        WITH ORDINALITY AS asked ({", ".join(ASKED_TYPES)}, n)
    CROSS JOIN LATERAL ({LINE_QUESTION % ({name: f"asked.{name}" for name in ASKED_TYPES} | {"shop": "%(shop)s"})})
        AS question
    ORDER BY asked.n
"""  # noqa: S608  # put together from constants
"""LINE_QUESTION itself, asked for many lines at once."""


def line_backgrounds(shop: Shop, lines: Sequence[LineAsked]) -> list[LineBackground]:
    """`line_background` of many lines, in their order. One statement, however many they are."""
    questions = [
        _question(shop, line.farmer_id, line.flower_id, line.moment, line.day)
        | {"adjustments": f"{{{','.join(map(str, line.adjustments))}}}"}
        for line in lines
    ]
    asked = {name: [question[name] for question in questions] for name in ASKED_TYPES}
    with connection.cursor() as cursor:
        cursor.execute(LINES_QUESTION, asked | {"shop": shop.pk})
        return [
            _background(shop, list(line.adjustments), row)
            for line, row in zip(lines, cursor.fetchall(), strict=True)
        ]


def _question(
    shop: Shop, farmer_id: UUID | None, flower_id: UUID | None, moment: dt.datetime, day: dt.date
) -> dict[str, Any]:
    since = day - dt.timedelta(days=BAND_DAYS)
    return quote_question(shop.pk, flower_id, moment, day) | {"farmer": farmer_id, "since": since}


def _background(shop: Shop, asked: list[UUID], row: Sequence[Any]) -> LineBackground:
    """The row of LINE_QUESTION."""
    his_id, he_stays, pct, its_id, it_is_sold, unit, lines, fees, adjusting, *rest = row
    rule, quoted = rest[:3], rest[3:]
    return LineBackground(
        farmer=Farmer(id=his_id, shop=shop, is_active=he_stays, commission_pct=pct) if his_id else None,
        flower=_flower(its_id, shop.pk, it_is_sold, unit) if its_id else None,
        earlier=[
            EarlierLine(Decimal(line["quantity"]), dt.datetime.fromisoformat(line["captured_at"]))
            for line in json.loads(lines)
        ],
        quote=quote_from(*quoted),
        fees=fees_from(fees),
        adjustments=adjustments_from(adjusting, asked),
        commission=nearest_commission(shop, pct, *rule),
    )


@lru_cache(maxsize=1024)
def _flower(pk: UUID, shop: UUID, is_active: bool, unit: str) -> Flower:
    """A flower as far as a sale needs it. Kept, because making a translated row costs as much as three others."""
    return Flower(id=pk, shop_id=shop, is_active=is_active, unit=unit)


def lines_beside(entry: DailyEntry) -> list[EarlierLine]:
    """The farmer's other lines of that flower in the thirty days up to the line's own, newest first."""
    since = entry.business_date - dt.timedelta(days=BAND_DAYS)
    lines = (
        DailyEntry.objects.standing()
        .exclude(kind=EntryKind.REVERSAL)
        .filter(farmer=entry.farmer, flower=entry.flower, business_date__range=(since, entry.business_date))
        .exclude(pk=entry.pk)
        .order_by("-captured_at")
        .values_list("quantity", "captured_at")[:BAND_LINES]
    )
    return [EarlierLine(*line) for line in lines]


# Both in SQL, because every sale from a tablet waits for them, and the ORM takes four times as long to put the
# question as the database to answer it.
LINES_LIKE = """
    SELECT * FROM ledger_dailyentry
    WHERE shop_id = %(shop)s AND farmer_id = %(farmer)s AND flower_id = %(flower)s
      AND entry_date BETWEEN %(day_before)s AND %(day_after)s AND status <> 'voided' AND kind = 'sale'
      AND slot_id IS NOT DISTINCT FROM %(slot)s AND quantity = %(quantity)s
      AND captured_at > %(after)s AND captured_at < %(before)s AND id <> %(id)s
    ORDER BY captured_at, id
"""
HAS_SLIP = """
    SELECT EXISTS (
        SELECT FROM ledger_dailyentry WHERE shop_id = %s AND entry_date = %s AND slip_number = %s)
"""


def lines_like(entry: DailyEntry) -> list[DailyEntry]:
    """Standing lines that may be the same delivery: of the same farmer, flower, slot and quantity, weighed less than
    ten minutes before or after it."""
    day, span = entry.business_date, dt.timedelta(days=1)
    asked = {
        "id": entry.pk,
        "shop": entry.shop_id,
        "farmer": entry.farmer_id,
        "flower": entry.flower_id,
        "slot": entry.slot_id,
        "quantity": entry.quantity,
        "day_before": day - span,
        "day_after": day + span,
        "after": entry.captured_at - LOOK_ALIKE_WITHIN,
        "before": entry.captured_at + LOOK_ALIKE_WITHIN,
    }
    return list(DailyEntry.objects.raw(LINES_LIKE, asked))


def has_slip(shop: Shop, day: dt.date, number: str) -> bool:
    """Whether a line of the day has the slip number."""
    with connection.cursor() as cursor:
        cursor.execute(HAS_SLIP, [shop.pk, day, number])
        (has,) = cursor.fetchone()
    return bool(has)


@dataclass(frozen=True)
class Version:
    """A line as it stood: who made it so, by which door, and when."""

    entry: Any
    by: str
    door: str
    at: dt.datetime
    reason: str


def versions_of(entry: DailyEntry | Farmer) -> list[Version]:
    """Every version of a line, or of a farmer, first to last, from the database's own history. Two queries.

    That somebody should look at a line makes no version of it.
    """
    rows = list(entry.versions.select_related("pgh_context").order_by("pgh_id"))  # type: ignore[union-attr]
    if isinstance(entry, DailyEntry):
        rows = [
            row for number, row in enumerate(rows) if not number or row.version != rows[number - 1].version
        ]
    contexts = [row.pgh_context.metadata if row.pgh_context else {} for row in rows]
    names = dict(
        Membership.objects.filter(pk__in=[context["member"] for context in contexts if context.get("member")])
        .select_related("user")
        .values_list("pk", "user__name")
    )
    return [
        Version(
            entry=row,
            by=names.get(UUID(context["member"]), "") if context.get("member") else "",
            door=context.get("door", ""),
            at=row.pgh_created_at,
            reason=context.get("reason", ""),
        )
        for row, context in zip(rows, contexts, strict=True)
    ]


def version_of(entry: DailyEntry, number: int) -> Any:
    """The line as it stood in a version; None where there was no such one."""
    return entry.versions.filter(version=number).first()  # type: ignore[attr-defined]  # made by keep_history


@dataclass(frozen=True)
class Totals:
    """What a set of lines comes to: ₹ and kilograms; cancelled lines count for nothing."""

    lines: int = 0
    farmers: int = 0
    kilograms: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    unpriced: int = 0

    @property
    def after_commission(self) -> Decimal:
        """₹ that are left for the farmers before anything else is taken off."""
        return self.amount - self.commission


def totals_of(entries: DailyEntryQuerySet) -> Totals:
    """One query."""
    sums = entries.standing().aggregate(
        lines=Count("pk"),
        farmers=Count("farmer_id", distinct=True),
        kilograms=Sum("quantity", filter=Q(unit="kg"), default=Decimal(0)),
        amount=Sum("amount", default=Decimal(0)),
        commission=Sum("commission", default=Decimal(0)),
        unpriced=Count("pk", filter=Q(rate=None)),
    )
    return Totals(**sums)


@dataclass(frozen=True)
class Slip:
    """A farmer's paper for a day (சிட்டை): every standing line and charge, and what they come to."""

    farmer: Farmer
    day: dt.date
    entries: list[DailyEntry]
    totals: Totals
    charges: list[Charge]

    @property
    def items(self) -> list[Item]:
        """The charges as the paper names them."""
        return items_of(self.charges)

    @property
    def charged(self) -> Decimal:
        """₹ of all charges."""
        return sum_of(self.charges)

    @property
    def left(self) -> Decimal:
        """₹ that are left for the farmer after commission and charges, or that he owes (`is_owed`)."""
        return abs(self.totals.after_commission - self.charged)

    @property
    def is_owed(self) -> bool:
        """Whether the charges are more than his flowers brought so far."""
        return self.charged > self.totals.after_commission

    @property
    def commission_pct(self) -> Decimal | None:
        """The percentage, where all lines have the same one and nothing beside it."""
        percentages = {entry.commission_pct for entry in self.entries}
        per_unit = any(entry.commission_per_unit for entry in self.entries)
        return percentages.pop() if len(percentages) == 1 and not per_unit else None


def slips_on(shop: Shop, day: dt.date, *, farmer: Farmer | None = None) -> list[Slip]:
    """The day's papers in order of the farmers' numbers. Two queries.

    A farmer who brought nothing has none, though he may be charged something that day.
    """
    entries = DailyEntry.objects.filter(shop=shop).on(day).standing().with_names()
    if farmer is not None:
        entries = entries.filter(farmer=farmer)
    slips: dict[UUID, list[DailyEntry]] = {}
    for entry in entries.order_by("farmer__number", "captured_at", "pk"):
        slips.setdefault(entry.farmer_id, []).append(entry)
    charges: dict[UUID, list[Charge]] = {}
    for charge in charges_on(shop, day, farmer=farmer):
        charges.setdefault(charge.farmer_id, []).append(charge)
    return [
        Slip(
            farmer=lines[0].farmer,
            day=day,
            entries=lines,
            totals=Totals(
                lines=len(lines),
                farmers=1,
                kilograms=sum((line.quantity for line in lines if line.unit == "kg"), Decimal(0)),
                amount=sum((line.amount for line in lines if line.amount is not None), Decimal(0)),
                commission=sum(
                    (line.commission for line in lines if line.commission is not None), Decimal(0)
                ),
                unpriced=sum(line.rate is None for line in lines),
            ),
            charges=charges.get(pk, []),
        )
        for pk, lines in slips.items()
    ]
