"""Paying what was approved."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, JournalKind, Mode
from ledger.models import Transfer
from ledger.services.faults import LONGEST_REFERENCE, day_faults, length_faults, reason_said, refusal
from ledger.services.movements import demand_staff
from ledger.services.posting import (
    account_of,
    closed_day_refused,
    money_account,
    next_voucher,
    post,
    post_back,
)
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, Fault, NotAllowed, NotFound, RuleBroken
from malar.kernel.formatting import rupees
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record
from settlements.domain import Status
from settlements.events import PaymentBounced, SettlementPaid
from settlements.models import Payment, Settlement
from settlements.selectors.settlements import outstanding_of, settlement_answer
from settlements.services.approvals import held, move_to


def record_payment(
    *,
    by: Membership,
    key: UUID,
    settlement_id: UUID,
    amount: Decimal | None,
    mode: str,
    reference: str = "",
    note: str = "",
    business_date: dt.date | None = None,
    id: UUID | None = None,
) -> Answer:
    """Pay `amount` ₹ of an approved settlement, all or a part, with a voucher; today unless a day is given.

    `made` is the payment, the answer `settlement_answer`. Raises NotAllowed for a farmer, NotFound, Conflict
    `not_approved` and `id_exists`, RuleBroken naming each refused field, `more_than_outstanding`, `day_locked`.
    """
    demand_staff(by)
    made = id or new_id()
    day = business_date or business_date_of(timezone.now(), by.shop.turnover_hour)
    said = {
        "settlement": settlement_id,
        "amount": amount,
        "mode": mode,
        "reference": reference,
        "note": note,
        "business_date": business_date,
        "id": id,
    }

    def effect() -> dict[str, Any]:
        settlement = held(by, settlement_id)
        if settlement.status != Status.APPROVED:
            words = (
                _("It is paid already.")
                if settlement.status == Status.PAID
                else _("Only an approved settlement can be paid.")
            )
            raise Conflict(words, code="not_approved", current=settlement_answer(settlement))
        if faults := _faults(by, settlement, amount, mode, reference, note, day):
            raise refusal(faults)
        _pay(by, settlement, amount or Decimal(0), mode, reference, note, day, made)
        return settlement_answer(settlement)

    return once(by=by, key=key, body=said, made=made, effect=effect)


@step
def _pay(
    by: Membership,
    settlement: Settlement,
    amount: Decimal,
    mode: str,
    reference: str,
    note: str,
    day: dt.date,
    id: UUID,
) -> None:
    with closed_day_refused(day):
        post(
            by=by,
            journal_kind=JournalKind.PAYMENT,
            journal=id,
            debit=account_of(by.shop, AccountKind.APPROVED, farmer=settlement.farmer),
            credit=money_account(by.shop, mode),
            amount=amount,
            day=day,
        )
        payment = Payment.objects.create(
            id=id,
            shop=by.shop,
            settlement=settlement,
            amount=amount,
            business_date=day,
            mode=mode,
            reference=reference,
            note=note,
            voucher=next_voucher(by.shop, day),
            created_by=by,
        )
    if outstanding_of(settlement) == 0:
        move_to(settlement, Status.PAID)
    record(
        SettlementPaid(settlement=settlement.pk, farmer=settlement.farmer_id, payment=payment.pk),
        shop=by.shop,
    )


def bounce_payment(*, by: Membership, key: UUID, payment_id: UUID, reason: str) -> Answer:
    """Write that a payment did not arrive, by its mirror dated today: it is owed again.

    `made` is the reversing payment, the answer `settlement_answer`. Raises NotAllowed unless `by` is the owner,
    NotFound, Conflict `reversed`, RuleBroken `required` without a reason, `reversal`, `day_locked`.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may take a payment back."))
    made = new_id()

    def effect() -> dict[str, Any]:
        said = reason_said(reason)
        payment = Payment.objects.filter(shop=by.shop, pk=payment_id).first()
        if payment is None:
            raise NotFound(_("There is no such payment."))
        settlement = held(by, payment.settlement_id)
        if payment.reverses_id:
            raise RuleBroken(_("This takes another one back."), code="reversal")
        if Payment.objects.filter(reverses=payment).exists():
            raise Conflict(
                _("This was taken back already."), code="reversed", current=settlement_answer(settlement)
            )
        _bounce(by, settlement, payment, said, made)
        return settlement_answer(settlement)

    return once(
        by=by, key=key, body={"bounce": payment_id, "reason": reason}, made=made, effect=effect, reason=reason
    )


@step
def _bounce(by: Membership, settlement: Settlement, payment: Payment, reason: str, id: UUID) -> None:
    day = business_date_of(timezone.now(), by.shop.turnover_hour)
    transfer = Transfer.objects.get(journal_kind=JournalKind.PAYMENT, journal=payment.pk)
    with closed_day_refused(day, ""):
        post_back(transfer, by=by, journal_kind=JournalKind.PAYMENT, journal=id, day=day)
        Payment.objects.create(
            id=id,
            shop=by.shop,
            settlement=settlement,
            amount=payment.amount,
            business_date=day,
            mode=payment.mode,
            reference=payment.reference,
            note=reason,
            reverses=payment,
            voucher=next_voucher(by.shop, day),
            created_by=by,
        )
    if settlement.status == Status.PAID:
        move_to(settlement, Status.APPROVED)
    record(
        PaymentBounced(settlement=settlement.pk, farmer=settlement.farmer_id, payment=payment.pk),
        shop=by.shop,
    )


def _faults(
    by: Membership,
    settlement: Settlement,
    amount: Decimal | None,
    mode: str,
    reference: str,
    note: str,
    day: dt.date,
) -> list[Fault]:
    faults = []
    if amount is None or amount <= 0:
        faults.append(Fault("/amount", "not_positive", _("Enter the amount: more than 0.")))
    elif significant_decimals(amount) > 2:
        faults.append(Fault("/amount", "too_precise", _("An amount has at most two decimals.")))
    elif amount > (left := outstanding_of(settlement)):
        words = _("Only %(amount)s is outstanding.") % {"amount": rupees(left)}
        faults.append(Fault("/amount", "more_than_outstanding", words))
    if mode not in Mode.values or mode == Mode.NONE:
        faults.append(Fault("/mode", "unknown_mode", _("Say how it was paid: cash, UPI, bank or cheque.")))
    if settlement.posted_on and day < settlement.posted_on:
        faults.append(
            Fault("/business_date", "before_approval", _("It cannot be paid before it was approved."))
        )
    faults += day_faults(by.shop, day)
    return [
        *faults,
        *length_faults("/reference", reference, LONGEST_REFERENCE),
        *length_faults("/note", note),
    ]
