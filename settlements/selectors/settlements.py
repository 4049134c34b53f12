"""Questions about settlements."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.core.cache import cache
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Sum, When
from django.utils.translation import gettext as _

from ledger.domain import Cadence, RowKind
from ledger.models import Charge, ClaimedRow, DailyEntry, Farmer, Movement
from ledger.selectors.answers import charge_quantity
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotAllowed, NotFound
from malar.kernel.money import ZERO
from malar.kernel.wire import moment, money, quantity
from settlements.domain import LeftOut, RunStatus, Side, Status, period_until
from settlements.models import Approval, Payment, Settlement, SettlementRun

Hold = Callable[[Shop, dt.date], Mapping[UUID | None, LeftOut]]
"""Why farmers are not settled up to a day that only a room above knows; None is every farmer."""
holds: list[Hold] = []
"""What the rooms above have to say (`malar.sync`: tablets that did not send, corrections nobody has decided)."""
DUE = UUID("5c1f6a0e-1c57-4f0e-9a54-8d1f2f0b7a61")
"""The namespace of the ids of runs that begin by themselves, and of what is said about them."""


def settlements_seen_by(member: Membership) -> QuerySet[Settlement]:
    """The settlements a member may see, newest first: all of the shop's, or a farmer's own once they were shown
    to him."""
    settlements = Settlement.objects.filter(shop_id=member.shop_id).select_related(
        "farmer", "run", "created_by__user"
    )
    if member.role == Role.FARMER:
        return settlements.filter(farmer__member=member).exclude(status="draft")
    return settlements


def settlement_of(member: Membership, settlement_id: UUID) -> Settlement:
    """One settlement with its names. Raises NotFound, also for another shop's."""
    settlement = settlements_seen_by(member).filter(pk=settlement_id).first()
    if settlement is None:
        raise NotFound(_("There is no such settlement."))
    return settlement


def settlements_asked(
    member: Membership,
    *,
    farmer: UUID | None = None,
    status: str | None = None,
    run: UUID | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> QuerySet[Settlement]:
    """Those a member may see that fit what he asks: of one farmer, in one state, of one run, with any day of their
    period from `start` to `end`."""
    asked = {
        "farmer": farmer,
        "status": status,
        "run": run,
        "period_end__gte": start,
        "period_start__lte": end,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    return settlements_seen_by(member).filter(**wanted)


def payment_of(settlement: Settlement, payment_id: UUID) -> Payment:
    """One payment of a settlement. Raises NotFound."""
    payment = settlement.payments.filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("There is no such payment."))
    return payment


def runs_seen_by(member: Membership) -> QuerySet[SettlementRun]:
    """The shop's runs, newest first. Raises NotAllowed for a farmer: they name others."""
    if member.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Settlement runs are for the shop's own people."))
    return SettlementRun.objects.filter(shop_id=member.shop_id)


def run_of(member: Membership, run_id: UUID) -> SettlementRun:
    """One run. Raises NotAllowed for a farmer, NotFound, also for another shop's."""
    run = runs_seen_by(member).filter(pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such settlement run."))
    return run


# --- What a settlement took ------------------------------------------------------------------------


def _rows(settlement: Settlement, kind: RowKind) -> QuerySet[ClaimedRow, UUID]:
    # Of one that was called off or taken back too: its paper stays readable.
    return ClaimedRow.objects.filter(claim=settlement.pk, kind=kind).values_list("row", flat=True)


def lines_of(settlement: Settlement) -> QuerySet[DailyEntry]:
    """Its lines in the order of his slips."""
    lines = DailyEntry.objects.filter(
        pk__in=_rows(settlement, RowKind.LINE), business_date__lte=settlement.period_end
    )
    return lines.select_related("flower").order_by("business_date", "captured_at", "pk")


def charges_of(settlement: Settlement) -> QuerySet[Charge]:
    """Its charges by day."""
    charges = Charge.objects.filter(pk__in=_rows(settlement, RowKind.CHARGE))
    return charges.select_related("fee").order_by("business_date", "created_at", "pk")


def draws_of(settlement: Settlement) -> QuerySet[Movement]:
    """Its draws by day, those that were taken back with the sign turned round by `reverses`."""
    draws = Movement.objects.filter(pk__in=_rows(settlement, RowKind.DRAW))
    return draws.order_by("business_date", "created_at", "pk")


# --- Approved and paid -----------------------------------------------------------------------------


def standing_approvals(settlement: Settlement) -> dict[str, Approval]:
    """Who agreed to its content as it is now, by side."""
    return {
        each.side: each
        for each in settlement.approvals.filter(content_hash=settlement.content_hash).select_related(
            "by__user"
        )
    }


def waiting_for_farmer(farmer: Farmer) -> list[Settlement]:
    """His settlements that wait for his answer, the oldest first."""
    pending = Settlement.objects.filter(farmer=farmer, status=Status.PENDING).order_by("created_at", "pk")
    return [each for each in pending if Side.FARMER in waits_for(each)]


def waits_for(settlement: Settlement) -> list[Side]:
    """The sides that have not agreed to it as it is now."""
    agreed = standing_approvals(settlement)
    return [side for side in Side if side not in agreed]


def is_asked(settlement_id: UUID, *, version: int | None) -> bool:
    """Whether the farmer's yes to it is still waited for; with `version`, to it as it was then. One query."""
    agreed = Approval.objects.filter(
        settlement=OuterRef("pk"), side=Side.FARMER, content_hash=OuterRef("content_hash")
    )
    asked = Settlement.objects.filter(~Exists(agreed), pk=settlement_id, status=Status.PENDING)
    return asked.exists() if version is None else asked.filter(version=version).exists()


SIGNED = Case(When(reverses=None, then=F("amount")), default=-F("amount"))


def paid_of(settlements: Collection[UUID]) -> Mapping[UUID, Decimal]:
    """What was paid of settlements and did not bounce, in ₹. One query."""
    paid: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    sums = Payment.objects.filter(settlement__in=settlements).order_by().values_list("settlement_id")
    paid.update(sums.annotate(paid=Sum(SIGNED)))
    return paid


def outstanding_of(settlement: Settlement) -> Decimal:
    """What is still to be paid of an approved settlement, in ₹."""
    return settlement.net - paid_of([settlement.pk])[settlement.pk]


def is_single_handed(shop: Shop) -> bool:
    """Whether one person alone keeps the shop: nobody else could approve what he made (api.md, Roles)."""
    return shop.memberships.active().filter(role__in=ALLOWED[Role.STAFF]).count() == 1


# --- Runs ------------------------------------------------------------------------------------------


def progress_of(run: SettlementRun) -> int:
    """How far a run is, in percent. It is told through the cache while nothing of it is kept yet; with Redis away
    nobody knows, and it is 0 until it is done."""
    if run.status in (RunStatus.DONE, RunStatus.FAILED):
        return 100
    return int(cache.get(f"run:{run.pk}") or 0)


def tell_progress(run_id: UUID, percent: int) -> None:
    """Say how far a run is."""
    cache.set(f"run:{run_id}", percent, timeout=3600)


def period_due(shop: Shop, cadence: str, today: dt.date) -> tuple[dt.date, dt.date] | None:
    """The last whole period of a cadence that ended before `today`: its first and last day; None where there is
    none. A Tamil month is what the shop's own table says: from its beginning until the next one's."""
    if cadence != Cadence.TAMIL_MONTH:
        return period_until(cadence, today)
    begun = list(
        shop.tamil_months.filter(starts_on__lte=today)
        .order_by("-starts_on")
        .values_list("starts_on", flat=True)[:2]
    )
    if len(begun) < 2:
        return None
    present, before = begun
    return before, present - dt.timedelta(days=1)


def due_id(shop: Shop, cadence: str, end: dt.date) -> UUID:
    """The id of the run that begins by itself for a cadence's period that ends on a day."""
    return uuid5(DUE, f"{shop.pk} {cadence} {end.isoformat()}")


# --- As programs read them -------------------------------------------------------------------------


def run_summary(run: SettlementRun) -> dict[str, Any]:
    """A run in a list, as /api/v1/ tells it."""
    return {
        "id": str(run.pk),
        "number": run.number,
        "period_start": run.period_start.isoformat(),
        "period_end": run.period_end.isoformat(),
        "status": run.status,
        "progress": progress_of(run),
        "settled": run.settled,
        "left_out": [left_out_answer(each) for each in run.left_out],
        "fault": run.fault,
        "created_at": moment(run.created_at),
        "finished_at": moment(run.finished_at),
    }


def run_answer(run: SettlementRun) -> dict[str, Any]:
    """A run with what it made, as /api/v1/ tells it."""
    made = run.settlements.order_by("reference").values_list("pk", flat=True)
    return {**run_summary(run), "settlements": [str(pk) for pk in made]}


def left_out_answer(said: Mapping[str, str]) -> dict[str, str]:
    """A farmer who was left out, with the reason in the reader's words too."""
    return {**said, "words": str(LeftOut(said["reason"]).label)}


FIGURES = (
    *("gross", "commission", "charges", "draws", "hand_loans", "recovery"),
    *("brought_forward", "rounding", "net", "carried", "advance_after"),
)


def summary_answer(settlement: Settlement) -> dict[str, Any]:
    """A settlement in a list, as /api/v1/ tells it."""
    return {
        "id": str(settlement.pk),
        "number": settlement.number,
        "reference": settlement.reference,
        "farmer": str(settlement.farmer_id),
        "run": str(settlement.run_id),
        "period_start": settlement.period_start.isoformat(),
        "period_end": settlement.period_end.isoformat(),
        "status": settlement.status,
        **{name: money(getattr(settlement, name)) for name in FIGURES},
        "content_hash": settlement.content_hash,
        "version": settlement.version,
    }


def preview_answer(
    start: dt.date,
    end: dt.date,
    settlements: Collection[Settlement],
    left_out: Iterable[Mapping[str, str]],
) -> dict[str, Any]:
    """What a run would make, as /api/v1/ tells it: nothing of it has an id."""
    return {
        "dry_run": True,
        "period_start": start.isoformat(),
        "period_end": end.isoformat(),
        "settled": len(settlements),
        "net": money(sum((each.net for each in settlements), ZERO)),
        "settlements": [
            {
                "farmer": str(each.farmer_id),
                "code": each.farmer.code,
                "name_ta": each.farmer.name_ta,
                "name_en": each.farmer.name_en,
                "lines": each.lines,
                "late_lines": each.late_lines,
                **{name: money(getattr(each, name)) for name in FIGURES},
            }
            for each in settlements
        ],
        "left_out": [left_out_answer(each) for each in left_out],
    }


def settlement_answer(settlement: Settlement) -> dict[str, Any]:
    """A settlement with all that is in it, as /api/v1/ tells it. Six queries."""
    return {
        **summary_answer(settlement),
        "lines": [
            {
                "entry": str(line.pk),
                "slip_number": line.slip_number,
                "business_date": line.business_date.isoformat(),
                "flower": str(line.flower_id),
                "quantity": quantity(line.quantity),
                "unit": line.unit,
                "rate": money(line.rate),
                "amount": money(line.amount),
                "commission": money(line.commission),
                "late": line.business_date < settlement.period_start,
                "corrects": str(line.corrects) if line.corrects else None,
            }
            for line in lines_of(settlement)
        ],
        "charge_lines": [
            {
                "charge": str(charge.pk),
                "business_date": charge.business_date.isoformat(),
                "fee": str(charge.fee_id),
                "code": charge.fee.code,
                "quantity": charge_quantity(charge),
                "rate": money(charge.rate),
                "amount": money(charge.amount),
            }
            for charge in charges_of(settlement)
        ],
        "draw_lines": [
            {
                "movement": str(draw.pk),
                "voucher": draw.voucher,
                "business_date": draw.business_date.isoformat(),
                "amount": money(draw.amount if draw.reverses_id is None else -draw.amount),
            }
            for draw in draws_of(settlement)
        ],
        "approvals": [
            {
                "role": "farmer" if each.side == Side.FARMER else (each.by.role if each.by else "staff"),
                "by": str(each.by.user) if each.by else None,
                "method": each.method,
                "at": moment(each.at),
                "stands": each.content_hash == settlement.content_hash,
            }
            for each in settlement.approvals.select_related("by__user")
        ],
        "payments": [
            {
                "id": str(payment.pk),
                "amount": money(payment.amount),
                "mode": payment.mode,
                "reference": payment.reference,
                "business_date": payment.business_date.isoformat(),
                "voucher": payment.voucher,
                "reverses": str(payment.reverses_id) if payment.reverses_id else None,
            }
            for payment in settlement.payments.all()
        ],
        "reason": settlement.reason,
    }
