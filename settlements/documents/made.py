"""The papers' statement of settlements in the database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import Model

from ledger.domain import EntryKind, RowKind
from ledger.models import Charge, ClaimedRow, DailyEntry, Movement
from malar.kernel.money import ZERO
from settlements.documents.squares import upi_order
from settlements.documents.statement import (
    Statement,
    StatementCharge,
    StatementDraw,
    StatementLine,
    StatementPayment,
)
from settlements.domain import Status
from settlements.models import Payment, Settlement

Row = TypeVar("Row", bound=Model)
CORRECTION = {EntryKind.REVERSAL: "reversal", EntryKind.REPLACEMENT: "replacement"}


def statement_of(settlement: Settlement, link: str = "") -> Statement:
    """One settlement; `link` is his page, "" for none."""
    (made,) = statements_of([settlement], {settlement.pk: link})
    return made


def statements_of(
    settlements: Sequence[Settlement], links: Mapping[UUID, str] | None = None
) -> list[Statement]:
    """Settlements in this order, each with its rows in the order of his slips. Five queries, however many."""
    ids = [each.pk for each in settlements]
    until = max((each.period_end for each in settlements), default=None)
    claims = _claims(ids)
    lines = _by_claim(
        claims[RowKind.LINE],
        lambda rows: (
            DailyEntry.objects.filter(pk__in=rows, business_date__lte=until)
            .select_related("flower")
            .order_by("business_date", "captured_at", "pk")
        ),
    )
    charges = _by_claim(
        claims[RowKind.CHARGE],
        lambda rows: (
            Charge.objects.filter(pk__in=rows)
            .select_related("fee")
            .order_by("business_date", "created_at", "pk")
        ),
    )
    draws = _by_claim(
        claims[RowKind.DRAW],
        lambda rows: Movement.objects.filter(pk__in=rows).order_by("business_date", "created_at", "pk"),
    )
    payments: dict[UUID, list[Payment]] = defaultdict(list)
    for payment in Payment.objects.filter(settlement__in=ids, reverses=None, reversal=None):
        payments[payment.settlement_id].append(payment)
    return [
        _statement(
            each,
            lines[each.pk],
            charges[each.pk],
            draws[each.pk],
            payments[each.pk],
            (links or {}).get(each.pk, ""),
        )
        for each in settlements
    ]


def _claims(settlements: Sequence[UUID]) -> dict[str, dict[UUID, list[UUID]]]:
    """Rows by kind, each with the settlements it was in: one that was freed may be in a later one too."""
    found: dict[str, dict[UUID, list[UUID]]] = defaultdict(lambda: defaultdict(list))
    for kind, row, claim in ClaimedRow.objects.filter(claim__in=settlements).values_list(
        "kind", "row", "claim_id"
    ):
        found[kind][row].append(claim)
    return found


def _by_claim(
    claims: Mapping[UUID, list[UUID]], ask: Callable[[Iterable[UUID]], Iterable[Row]]
) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in ask(list(claims)):
        for claim in claims[row.pk]:
            found[claim].append(row)
    return found


def _statement(
    settlement: Settlement,
    lines: Sequence[DailyEntry],
    charges: Sequence[Charge],
    draws: Sequence[Movement],
    payments: Sequence[Payment],
    link: str,
) -> Statement:
    shop, farmer = settlement.shop, settlement.farmer
    return Statement(
        shop_name_ta=shop.name_ta,
        shop_name_en=shop.name_en,
        shop_address=shop.address,
        shop_phone=shop.phones,
        farmer_code=farmer.code,
        farmer_number=farmer.number,
        farmer_name_ta=farmer.name_ta,
        farmer_name_en=farmer.name_en or farmer.name_ta,
        village_ta=farmer.village_ta,
        village_en=farmer.village_en or farmer.village_ta,
        number=settlement.number,
        reference=settlement.reference,
        status=settlement.status,
        period_start=settlement.period_start,
        period_end=settlement.period_end,
        made_at=settlement.created_at,
        lines=tuple(
            StatementLine(
                entry_id=line.pk,
                business_date=line.business_date,
                slip_number=line.slip_label,
                flower_ta=line.flower.name_ta or line.flower.name_en or "",
                flower_en=line.flower.name_en or line.flower.name_ta or "",
                unit=line.unit,
                quantity=line.quantity,
                rate=line.rate or ZERO,
                amount=line.amount,
                commission_pct=line.commission_pct,
                commission=line.commission,
                is_late=line.business_date < settlement.period_start,
                correction=CORRECTION.get(EntryKind(line.kind), ""),
            )
            for line in lines
        ),
        charge_lines=tuple(
            StatementCharge(
                business_date=charge.business_date,
                name_ta=charge.fee.name_ta or charge.fee.name_en or "",
                name_en=charge.fee.name_en or charge.fee.name_ta or "",
                quantity=charge.quantity,
                rate=charge.rate,
                amount=charge.amount,
            )
            for charge in charges
        ),
        draw_lines=tuple(
            StatementDraw(
                business_date=draw.business_date,
                kind=draw.kind,
                reference=draw.voucher,
                amount=-draw.amount if draw.reverses_id else draw.amount,
            )
            for draw in draws
        ),
        payments=tuple(
            StatementPayment(
                at=payment.created_at, mode=payment.mode, reference=payment.reference, amount=payment.amount
            )
            for payment in payments
        ),
        gross=settlement.gross,
        commission=settlement.commission,
        charges=settlement.charges,
        draws=settlement.draws,
        hand_loans=settlement.hand_loans,
        recovery=settlement.recovery,
        brought_forward=settlement.brought_forward,
        rounding=settlement.rounding,
        carried=settlement.carried,
        net=settlement.net,
        advance_before=settlement.advance_before,
        advance_after=settlement.advance_after,
        content_hash=settlement.content_hash,
        link=link,
        upi=_upi(settlement),
    )


def _upi(settlement: Settlement) -> str:
    """The order to pay him what is approved; "" where he has no UPI address or there is nothing to pay."""
    farmer = settlement.farmer
    if settlement.status != Status.APPROVED or not farmer.upi:
        return ""
    name = farmer.name_en or farmer.name_ta
    return upi_order(address=farmer.upi, name=name, amount=settlement.net, note=str(settlement))
