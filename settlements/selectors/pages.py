"""What the pages of settlements ask."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _

from ledger.models import Charge, DailyEntry, Farmer
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from malar.kernel.money import ZERO
from malar.kernel.quantities import Unit
from settlements.domain import OPEN, OVER, LeftOut, RunStatus, Side, Status
from settlements.models import Approval, Payment, Settlement, SettlementRun
from settlements.selectors.settlements import (
    SIGNED,
    is_single_handed,
    paid_of,
    progress_of,
    settlements_seen_by,
    waits_for,
)

# --- Lists -----------------------------------------------------------------------------------------


def settlements_shown(
    member: Membership,
    *,
    farmer: Farmer | None = None,
    statuses: Collection[str] = (),
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> QuerySet[Settlement]:
    """Those a member may see, newest first: of a farmer, in one of these states, with a day of their period from
    `start` to `end`."""
    found = settlements_seen_by(member)
    if farmer:
        found = found.filter(farmer=farmer)
    if statuses:
        found = found.filter(status__in=statuses)
    if start:
        found = found.filter(period_end__gte=start)
    if end:
        found = found.filter(period_start__lte=end)
    return found.order_by("-created_at", "farmer__number")


@dataclass(frozen=True)
class Tally:
    """How many settlements, what those that stand come to, and what is still to be paid of them, in ₹."""

    count: int
    net: Decimal
    to_pay: Decimal


def tally_of(found: QuerySet[Settlement]) -> Tally:
    """Three queries."""
    standing = found.exclude(status__in=OVER)
    approved = found.filter(status=Status.APPROVED)
    paid = Payment.objects.filter(settlement__in=approved.order_by().values("pk")).aggregate(sum=Sum(SIGNED))
    return Tally(
        count=found.count(),
        net=standing.aggregate(sum=Sum("net"))["sum"] or ZERO,
        to_pay=(approved.aggregate(sum=Sum("net"))["sum"] or ZERO) - (paid["sum"] or ZERO),
    )


@dataclass(frozen=True)
class Listed:
    """A settlement in a list. `waits` are the sides that have not agreed to one that is sent for approval,
    `to_pay` what is outstanding of an approved one, in ₹."""

    settlement: Settlement
    waits: Sequence[Side]
    to_pay: Decimal

    @property
    def waiting(self) -> str:
        """Who has not agreed, in words."""
        return ", ".join(str(side.label) for side in self.waits)


def listed(settlements: Iterable[Settlement]) -> list[Listed]:
    """These settlements as a list shows them. Two queries, however many."""
    shown = list(settlements)
    pending = {each.pk: each.content_hash for each in shown if each.status == Status.PENDING}
    agreed = defaultdict(set)
    said = Approval.objects.filter(settlement__in=pending).values_list("settlement", "content_hash", "side")
    for settlement, content, side in said:
        if content == pending[settlement]:
            agreed[settlement].add(side)
    paid = paid_of([each.pk for each in shown if each.status == Status.APPROVED])
    return [
        Listed(
            each,
            [side for side in Side if side not in agreed[each.pk]] if each.pk in pending else [],
            each.net - paid[each.pk] if each.status == Status.APPROVED else ZERO,
        )
        for each in shown
    ]


def next_for(member: Membership, settlement: Settlement) -> Settlement | None:
    """Another settlement of the same run that this member may approve for the shop, by the farmers' numbers."""
    waiting = Settlement.objects.filter(run=settlement.run_id, status=Status.PENDING)
    if not is_single_handed(member.shop):
        waiting = waiting.exclude(created_by=member)
    approved = Approval.objects.filter(side=Side.SHOP, settlement__run=settlement.run_id)
    waiting = waiting.exclude(
        pk__in=approved.filter(content_hash=F("settlement__content_hash")).values("settlement")
    )
    others = waiting.exclude(pk=settlement.pk).select_related("farmer").order_by("farmer__number")
    return others.filter(farmer__number__gt=settlement.farmer.number).first() or others.first()


# --- One settlement --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """An approval, and whether it still stands: after a change of the content it does not."""

    approval: Approval
    stands: bool


def approvals_of(settlement: Settlement) -> list[Said]:
    """Who agreed to it, in that order; one query."""
    return [
        Said(each, each.content_hash == settlement.content_hash)
        for each in settlement.approvals.select_related("by__user")
    ]


def payments_of(settlement: Settlement) -> QuerySet[Payment]:
    """What was paid of it, each with the one that took it back or that it takes back."""
    return settlement.payments.select_related("reverses", "reversal", "created_by__user")


def payment_seen_by(member: Membership, payment_id: UUID) -> Payment:
    """One payment with its settlement and farmer. Raises NotFound, also for another shop's or another farmer's."""
    seen = settlements_seen_by(member)
    payment = (
        Payment.objects.filter(
            shop=member.shop_id, settlement__in=seen.order_by().values("pk"), pk=payment_id
        )
        .select_related("settlement__farmer", "reverses", "reversal", "created_by__user")
        .first()
    )
    if payment is None:
        raise NotFound(_("There is no such payment."))
    return payment


@dataclass(frozen=True)
class FeeSum:
    """What a fee came to over the period, in ₹, for so many units."""

    name: str
    quantity: Decimal
    amount: Decimal


def fees_of(charges: Iterable[Charge]) -> list[FeeSum]:
    """Charges by fee, in the order in which they first occur."""
    by_fee: dict[UUID, list[Charge]] = {}
    for charge in charges:
        by_fee.setdefault(charge.fee_id, []).append(charge)
    return [
        FeeSum(
            each[0].fee.name,
            sum((charge.quantity for charge in each), Decimal(0)),
            sum((charge.amount for charge in each), ZERO),
        )
        for each in by_fee.values()
    ]


@dataclass(frozen=True)
class Bead:
    """A day of the week on the string: what came, by glyph, and how many kg."""

    day: dt.date
    glyphs: Sequence[str]
    kilograms: Decimal


LONGEST_STRING = 7
"""Days that fit beside each other on a phone."""
GLYPHS_ON_A_BEAD = 2


def string_of(settlement: Settlement, lines: Iterable[DailyEntry]) -> list[Bead]:
    """The days of a short period with what he brought on each; empty for a longer one, and for a single day."""
    days = (settlement.period_end - settlement.period_start).days + 1
    if not 1 < days <= LONGEST_STRING:
        return []
    by_day: dict[dt.date, list[DailyEntry]] = defaultdict(list)
    for line in lines:
        by_day[line.business_date].append(line)
    beads = []
    for number in range(days):
        day = settlement.period_start + dt.timedelta(days=number)
        glyphs = list(dict.fromkeys(line.flower.glyph for line in by_day[day] if line.flower.glyph))
        beads.append(Bead(day, glyphs[:GLYPHS_ON_A_BEAD], kilograms_of(by_day[day])))
    return beads


def kilograms_of(lines: Iterable[DailyEntry]) -> Decimal:
    """The weight of those lines that are weighed."""
    return sum((line.quantity for line in lines if line.unit == Unit.KG), Decimal(0))


def is_farmer_asked(settlement: Settlement) -> bool:
    """Whether the farmer's answer is still wanted."""
    return settlement.status == Status.PENDING and Side.FARMER in waits_for(settlement)


# --- Runs ------------------------------------------------------------------------------------------


def last_runs(shop: Shop, most: int = 5) -> QuerySet[SettlementRun]:
    """The newest runs."""
    return SettlementRun.objects.filter(shop=shop).select_related("created_by__user")[:most]


def runs_under_way(shop: Shop) -> list[tuple[SettlementRun, int]]:
    """Runs that are not made yet, each with its percent."""
    runs = SettlementRun.objects.filter(shop=shop, status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    return [(run, progress_of(run)) for run in runs]


@dataclass(frozen=True)
class Away:
    """A farmer who is left out, and why."""

    code: str
    name_ta: str
    name_en: str
    reason: LeftOut


def by_reason(left_out: Iterable[Mapping[str, str]]) -> list[tuple[LeftOut, list[Away]]]:
    """Who was left out of a run (`SettlementRun.left_out`), by reason; those with nothing to settle come last."""
    found: dict[LeftOut, list[Away]] = {reason: [] for reason in LeftOut}
    for each in left_out:
        reason = LeftOut(each["reason"])
        found[reason].append(Away(each["code"], each["name_ta"], each["name_en"], reason))
    return [(reason, who) for reason, who in found.items() if who]


def drafts_of(run: SettlementRun) -> int:
    """How many settlements of a run were not sent for approval yet."""
    return run.settlements.filter(status=Status.DRAFT).count()


MOST_AT_ONCE = 100
"""So many settlements are approved by one button; then it stands there again."""


def approvable(member: Membership, run: SettlementRun) -> list[Settlement]:
    """The settlements of a run to which the farmer has agreed, and to which this member may say yes for the shop now,
    by the farmers' numbers. Two queries."""
    waiting = run.settlements.filter(status=Status.PENDING)
    said = Approval.objects.filter(settlement__run=run, content_hash=F("settlement__content_hash"))
    agreed, approved = said.filter(side=Side.FARMER), said.filter(side=Side.SHOP)
    if not is_single_handed(member.shop):  # as `check_may_approve` has it
        waiting, agreed = waiting.exclude(created_by=member), agreed.exclude(by=member)
    waiting = waiting.filter(pk__in=agreed.values("settlement")).exclude(pk__in=approved.values("settlement"))
    return list(waiting.order_by("farmer__number"))


STATES: Mapping[str, Collection[str]] = {
    "open": OPEN,
    **{status.value: (status.value,) for status in Status},
}
"""What a list can be asked for, as the address names it, and the states that are meant."""
