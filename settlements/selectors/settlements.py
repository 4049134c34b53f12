"""Questions about settlements."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Case, F, QuerySet, Sum, When
from django.utils.translation import gettext as _

from ledger.domain import RowKind
from ledger.models import Charge, ClaimedRow, DailyEntry, Movement
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from malar.kernel.money import ZERO
from malar.kernel.wire import moment, money, quantity
from settlements.domain import LeftOut, RunStatus, Side
from settlements.models import Approval, Payment, Settlement, SettlementRun

Hold = Callable[[Shop, dt.date], Mapping[UUID | None, LeftOut]]
"""Why farmers are not settled up to a day that only a room above knows; None is every farmer."""
holds: list[Hold] = []
"""What the rooms above have to say (`malar.sync`: tablets that did not send, corrections nobody has decided)."""


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


def run_of(member: Membership, run_id: UUID) -> SettlementRun:
    """One run. Raises NotFound, also for another shop's."""
    run = SettlementRun.objects.filter(shop_id=member.shop_id, pk=run_id).first()
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


def waits_for(settlement: Settlement) -> list[Side]:
    """The sides that have not agreed to it as it is now."""
    agreed = standing_approvals(settlement)
    return [side for side in Side if side not in agreed]


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


# --- As programs read them -------------------------------------------------------------------------


def run_answer(run: SettlementRun) -> dict[str, Any]:
    """A run as /api/v1/ tells it."""
    return {
        "id": str(run.pk),
        "number": run.number,
        "period_start": run.period_start.isoformat(),
        "period_end": run.period_end.isoformat(),
        "status": run.status,
        "settled": run.settled,
        "settlements": [str(pk) for pk in run.settlements.order_by("reference").values_list("pk", flat=True)],
        "left_out": run.left_out,
        "fault": run.fault,
        "created_at": moment(run.created_at),
        "finished_at": moment(run.finished_at),
    }


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
                "quantity": str(charge.quantity.normalize()),
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
