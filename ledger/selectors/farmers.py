"""Questions about farmers."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.utils.translation import gettext as _

from ledger.models import DailyEntry, Farmer, FarmerQuerySet
from ledger.selectors.accounts import Balance, balances_of
from ledger.selectors.entries import Totals, totals_of
from ledger.selectors.habits import HABIT_DAYS, Habit, bare_name, habits_in, namesakes_among
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.errors import NotFound
from malar.kernel.quantities import TAMIL_DIGITS, Unit
from malar.kernel.sound import bones, spoken, words_of
from pricing.models import Flower

UNSEEN_DAYS = 30
REMEMBERED_DAYS = 366
"""How far back "last seen" looks: the days choose the partitions, and a book is years long."""
FLOWERS_SHOWN = 3


def farmers_seen_by(member: Membership) -> FarmerQuerySet:
    """The farmers a member may see: all of the shop's, or himself."""
    farmers = Farmer.objects.filter(shop_id=member.shop_id)
    return farmers.filter(member=member) if member.role == Role.FARMER else farmers


def farmer_of(member: Membership, farmer_id: UUID, *, lock: bool = False) -> Farmer:
    """One farmer. Raises NotFound, also for another shop's."""
    farmers = farmers_seen_by(member)
    farmer = (farmers.select_for_update(no_key=True) if lock else farmers).filter(pk=farmer_id).first()
    if farmer is None:
        raise NotFound(_("There is no such farmer."))
    return farmer


def farmers_by_phone(phone: str) -> list[Farmer]:
    """The farmers, in any shop, who sign in by a code to this number (E.164): it stands on their row.

    Not who is something else besides, here or in another shop: what a shop writes on its own farmer's row must not
    open another shop, nor the office. Nor whom his shop has closed the door to.
    """
    other = Membership.objects.filter(user=OuterRef("member__user")).exclude(pk=OuterRef("member"))
    bare = Q(member=None)
    own = Q(member__is_active=True, member__role=Role.FARMER, member__user__is_active=True)
    mayhap = own & Q(member__user__is_superuser=False) & ~Exists(other)
    found = Farmer.objects.active().filter(Q(phone=phone) | Q(whatsapp=phone)).filter(bare | mayhap)
    return list(found.select_related("shop").order_by("pk"))


def find_farmer(shop: Shop, words: str) -> Farmer | None:
    """The farmer meant by what somebody typed: his number or his code, alone or before his name.

    `14`, `௧௪`, `014`, `F014`, `f014`, `14 P. Raja`. None where nobody is meant.
    """
    first = words.translate(TAMIL_DIGITS).split(maxsplit=1)[0] if words.strip() else ""
    if first.isdecimal() and len(first) <= 4:
        farmer = shop.farmers.filter(number=int(first)).first()
        if farmer is not None:
            return farmer
    return shop.farmers.filter(code__iexact=first).first() if first else None


def farmers_listed(
    shop: Shop,
    *,
    words: str = "",
    is_active: bool | None = True,
    village: str = "",
    unseen_since: dt.date | None = None,
) -> FarmerQuerySet:
    """The shop's farmers in order of their numbers; `is_active` None is all of them.

    `village` is its name in either script. `unseen_since`: only who has brought nothing from that day on.
    """
    farmers = Farmer.objects.filter(shop=shop)
    if is_active is not None:
        farmers = farmers.filter(is_active=is_active)
    if village:
        farmers = farmers.filter(Q(village_ta=village) | Q(village_en=village))
    if unseen_since is not None:
        brought = DailyEntry.objects.filter(
            shop=shop, farmer_id=OuterRef("pk"), business_date__gte=unseen_since
        ).standing()
        farmers = farmers.filter(~Exists(brought.order_by()))
    return farmers.matching(words) if words.strip() else farmers


def villages_of(shop: Shop) -> list[str]:
    """The villages of the shop's farmers, each once, in the reader's language and its order. One query."""
    pairs = shop.farmers.order_by().values_list("village_ta", "village_en").distinct()
    return sorted({name for pair in pairs if (name := in_language(*pair))})


def village_in_other_script(shop: Shop, name: str) -> str:
    """How the shop writes a village in the other script, where it has somebody from there; else nothing."""
    pairs = shop.farmers.order_by().exclude(village_ta="").exclude(village_en="")
    pair = (
        pairs.filter(Q(village_ta=name) | Q(village_en__iexact=name))
        .values_list("village_ta", "village_en")
        .first()
    )
    if pair is None:
        return ""
    return pair[1] if pair[0] == name else pair[0]


@dataclass(frozen=True)
class KnownFarmer:
    """A farmer as the list shows him; `last_seen` None: not within a year."""

    farmer: Farmer
    last_seen: dt.date | None = None
    flowers: list[Flower] = field(default_factory=list)
    shares_name: bool = False
    balance: Balance = field(default_factory=Balance)


def known(shop: Shop, farmers: Collection[Farmer], day: dt.date) -> list[KnownFarmer]:
    """The farmers of a page with their usual flowers (most lines in sixty days), when they came last up to
    `day`, whether somebody else is called the same, and their balances. Seven queries, however many they are."""
    usual: dict[UUID, list[tuple[int, UUID]]] = {}
    seen: dict[UUID, dt.date] = {}
    for farmer_id, flower_id, lines, last in (
        DailyEntry.objects.filter(
            shop=shop,
            farmer__in=[farmer.pk for farmer in farmers],
            business_date__range=(day - dt.timedelta(days=REMEMBERED_DAYS), day),
        )
        .standing()
        .order_by()
        .values_list("farmer_id", "flower_id")
        .annotate(
            lines=Count("pk", filter=Q(business_date__gt=day - dt.timedelta(days=HABIT_DAYS))),
            last=Max("business_date"),
        )
    ):
        seen[farmer_id] = max(last, seen.get(farmer_id, last))
        if lines:
            usual.setdefault(farmer_id, []).append((lines, flower_id))
    flowers = shop.flowers.in_bulk()
    shared = sharing_a_name(shop)
    balances = balances_of(farmers)
    return [
        KnownFarmer(
            farmer=farmer,
            last_seen=seen.get(farmer.pk),
            flowers=[
                flowers[flower_id]
                for _, flower_id in sorted(usual.get(farmer.pk, []), key=lambda pair: (-pair[0], pair[1]))
            ][:FLOWERS_SHOWN],
            shares_name=farmer.pk in shared,
            balance=balances[farmer.pk],
        )
        for farmer in farmers
    ]


def sharing_a_name(shop: Shop) -> set[UUID]:
    """The shop's farmers whose name, initials left aside, another active one has too. One query."""
    return namesakes_among(
        shop.farmers.order_by().values_list("pk", "name_ta", "name_en", "is_active").iterator()
    )


# A row's xmin is the transaction that wrote it, in 32 bits: it is newer where it lies ahead of the other one on the
# circle. Freezing leaves it as it is.
WRITTEN_SINCE = "(xmin::text::bigint - %(transaction)s + 4294967296) %% 4294967296 < 2147483648"
CHANGED = f"""
    SELECT id, true FROM ledger_farmer WHERE shop_id = %(shop)s AND {WRITTEN_SINCE}
    UNION
    SELECT farmer_id, false FROM ledger_dailyentry
    WHERE shop_id = %(shop)s AND entry_date BETWEEN %(since)s AND %(day)s AND {WRITTEN_SINCE}
"""  # noqa: S608  # put together from constants


@dataclass(frozen=True)
class Changed:
    """Farmers who, or whose lines of sixty days, were written since; and every name, without initials, that who was
    changed himself has or ever had: whoever is called so may have become a namesake, or be none any more."""

    farmers: frozenset[UUID]
    names: frozenset[str]

    def touches(self, farmer_id: UUID, *names: str) -> bool:
        return farmer_id in self.farmers or any(bare_name(name) in self.names for name in names if name)


def farmers_changed(shop: Shop, transaction: int, day: dt.date) -> Changed:
    """Who was changed by `transaction` (an xid8 not more than 2³¹ ago) or one that began after it, up to `day`.

    A line that was moved to somebody else does not count for whom it was moved from. Two queries at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CHANGED,
            {
                "shop": shop.pk,
                "transaction": transaction % 2**32,
                "since": day - dt.timedelta(days=HABIT_DAYS - 1),
                "day": day,
            },
        )
        found = cursor.fetchall()
        themselves = [farmer_id for farmer_id, is_himself in found if is_himself]
        names: set[str] = set()
        if themselves:
            cursor.execute("SELECT name_ta, name_en FROM ledger_farmerevent WHERE id = ANY(%s)", [themselves])
            names = {bare_name(name) for pair in cursor for name in pair if name}
    return Changed(frozenset(farmer_id for farmer_id, _is_himself in found), frozenset(names))


def sound_of(name: str) -> str:
    """What a name without its initials sounds like in either script; short words keep their vowels."""
    heard = [(spoken(word), bones(spoken(word))) for word in words_of(bare_name(name))]
    return "".join(bare if len(bare) > 3 else whole for whole, bare in heard)


@dataclass(frozen=True)
class Namesake:
    """Somebody who is called the same (`by_sound`: written otherwise), and when he came last."""

    farmer: Farmer
    by_sound: bool
    last_seen: dt.date | None


def namesakes_of(
    shop: Shop, *, name_ta: str, name_en: str, day: dt.date, besides: Farmer | None = None
) -> list[Namesake]:
    """Who in the shop is called so, initials left aside, in either script or by sound; exact ones first.

    Three queries; only names are read of those who are called otherwise.
    """
    bare = {name for name in (bare_name(name_ta), bare_name(name_en)) if name}
    sounds = {sound_of(name) for name in bare} - {""}
    by_sound: dict[UUID, bool] = {}
    for pk, *names in shop.farmers.order_by().values_list("pk", "name_ta", "name_en") if bare else ():
        his = {name for name in map(bare_name, names) if name}
        if his & bare:
            by_sound[pk] = False
        elif sounds & {sound_of(name) for name in his}:
            by_sound[pk] = True
    if besides is not None:
        by_sound.pop(besides.pk, None)
    found = list(shop.farmers.filter(pk__in=by_sound))
    seen = last_seen_of(shop, found, day)
    found.sort(key=lambda farmer: (by_sound[farmer.pk], farmer.number))
    return [Namesake(farmer, by_sound[farmer.pk], seen.get(farmer.pk)) for farmer in found]


def last_seen_of(shop: Shop, farmers: Collection[Farmer], day: dt.date) -> dict[UUID, dt.date]:
    """When each came last within a year up to `day`; who did not is not in it. One query, or none."""
    if not farmers:
        return {}
    return dict(
        DailyEntry.objects.filter(
            shop=shop,
            farmer__in=[farmer.pk for farmer in farmers],
            business_date__range=(day - dt.timedelta(days=REMEMBERED_DAYS), day),
        )
        .standing()
        .order_by()
        .values_list("farmer_id")
        .annotate(last=Max("business_date"))
    )


@dataclass(frozen=True)
class Band:
    """What a farmer usually brings of a flower: in words (`8–15`, nothing under five lines), and where it lies on
    a picture 100 units wide."""

    flower: Flower
    lines: int
    usual: str = ""
    left: int = 0
    width: int = 0


def bands_of(farmer: Farmer, day: dt.date) -> list[Band]:
    """A farmer's flowers of sixty days, most lines first, each with its usual weight on one common scale.

    Kilograms and pieces have a scale each. Two queries.
    """
    habits = habits_in(farmer.shop, day, farmers=[farmer.pk])
    flowers = Flower.objects.filter(shop=farmer.shop).in_bulk([habit.flower_id for habit in habits])
    most: dict[str, Decimal] = {}
    for habit in habits:
        unit = flowers[habit.flower_id].unit
        most[unit] = max(most.get(unit, Decimal(0)), habit.high or Decimal(0))
    return [_band(habit, flowers[habit.flower_id], most) for habit in habits]


def _band(habit: Habit, flower: Flower, most: dict[str, Decimal]) -> Band:
    if habit.low is None or habit.high is None:
        return Band(flower, habit.lines)
    left, right = (int(100 * weight / most[flower.unit]) for weight in (habit.low, habit.high))
    ends = dict.fromkeys(f"{weight.normalize():f}" for weight in (habit.low, habit.high))
    # Somebody who always brings the same still gets a mark that can be seen.
    return Band(flower, habit.lines, "–".join(ends), left=min(left, 94), width=max(right - left, 6))


@dataclass(frozen=True)
class BroughtOnDay:
    """What a farmer brought on a day, in kilograms and ₹; `unpriced` lines are not in the amounts."""

    day: dt.date
    kilograms: Decimal
    amount: Decimal
    commission: Decimal
    lines: int
    unpriced: int

    @property
    def after_commission(self) -> Decimal:
        return self.amount - self.commission


def days_of(farmer: Farmer, first: dt.date, last: dt.date) -> list[BroughtOnDay]:
    """The days on which he brought something that stands, the last one first. One query."""
    sums = (
        DailyEntry.objects.filter(farmer=farmer, business_date__range=(first, last))
        .standing()
        .order_by()
        .values("business_date")
        .annotate(
            kilograms=Sum("quantity", filter=Q(unit=Unit.KG), default=Decimal(0)),
            brought=Sum("amount", default=Decimal(0)),
            taken=Sum("commission", default=Decimal(0)),
            lines=Count("pk"),
            unpriced=Count("pk", filter=Q(rate=None)),
        )
        .order_by("-business_date")
    )
    return [
        BroughtOnDay(
            day=each["business_date"],
            kilograms=each["kilograms"],
            amount=each["brought"],
            commission=each["taken"],
            lines=each["lines"],
            unpriced=each["unpriced"],
        )
        for each in sums
    ]


def brought_in_month(farmer: Farmer, day: dt.date) -> Totals:
    """What he brought from the first of `day`'s month up to it, in kilograms and ₹. One query."""
    return totals_of(DailyEntry.objects.filter(farmer=farmer, business_date__range=(day.replace(day=1), day)))
