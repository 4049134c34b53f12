"""Selling to buyers on credit and taking their money: the one place that decides about it."""

import datetime as dt
from decimal import Decimal
from typing import Any, TypedDict
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, JournalKind, Mode, SaleStatus
from ledger.models import Buyer, BuyerReceipt, BuyerSale, DailyEntry
from ledger.selectors.buyers import (
    buyer_answer,
    buyer_of,
    may_take_back,
    posted_by,
    receipt_answer,
    receipt_of,
    sale_answer,
    sale_of,
)
from ledger.services.farmers import faults_in, hold_list, put_on
from ledger.services.faults import LONGEST_REFERENCE, day_faults, length_faults, reason_said, refusal
from ledger.services.posting import (
    account_of,
    closed_day_refused,
    money_account,
    next_voucher,
    post,
    post_back,
)
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.money import line_amount
from malar.kernel.quantities import Unit, significant_decimals
from malar.kernel.transactions import unit_of_work
from malar.trail.services.answers import Answer, once
from pricing.models import Flower

NOBODY = UUID(int=0)
LARGEST = Decimal("999999999999.99")
LARGEST_QUANTITY = Decimal("9999999.999")
LARGEST_RATE = Decimal("9999999999.99")


class BuyerParticulars(TypedDict, total=False):
    """What is known of a buyer."""

    number: int
    name_ta: str
    name_en: str
    place_ta: str
    place_en: str
    phone: str
    is_active: bool


def add_buyer(*, by: Membership, key: UUID, particulars: BuyerParticulars, id: UUID | None = None) -> Answer:
    """Take a buyer into the book; without a number the next free one is taken. The answer is `buyer_answer`.

    Raises NotAllowed, RuleBroken naming each refused field.
    """
    _demand_staff(by)
    made = id or new_id()

    def add() -> dict[str, Any]:
        hold_list(by)
        buyer = Buyer(id=made, shop=by.shop)
        buyer.number = particulars.get("number") or _next_number(by)
        _take(buyer, particulars)
        buyer.save(force_insert=True)
        return buyer_answer(buyer)

    return once(by=by, key=key, body={**particulars, "id": id}, made=made, effect=add)


@unit_of_work
def edit_buyer(*, by: Membership, buyer_id: UUID, version: int, particulars: BuyerParticulars) -> Buyer:
    """Change what is known of a buyer. Raises NotFound, NotAllowed, Conflict `stale`, RuleBroken."""
    _demand_staff(by)
    hold_list(by)
    buyer = buyer_of(by, buyer_id, lock=True)
    if buyer.version != version:
        raise Conflict(
            _("Somebody changed this buyer meanwhile. Look at it and change it again."),
            code="stale",
            current=buyer_answer(buyer),
        )
    _take(buyer, particulars)
    buyer.version += 1
    buyer.save()
    return buyer


def record_buyer_sale(
    *,
    by: Membership,
    key: UUID,
    buyer_id: UUID | None,
    flower_id: UUID | None,
    business_date: dt.date,
    quantity: Decimal | None,
    rate: Decimal | None,
    entry_id: UUID | None = None,
    note: str = "",
    id: UUID | None = None,
) -> Answer:
    """Write down that a buyer took `quantity` (the flower's unit) at `rate` ₹ per unit on credit, and post it.

    `entry_id` names the lot it came from; neither flower nor quantity must match it (domain.md §1.4). What is
    worth nothing is kept and posts nothing. The answer is `sale_answer`. Raises NotAllowed, RuleBroken
    naming each refused field or `day_locked`, Conflict `id_exists`.
    """
    _demand_staff(by)
    said = {
        "buyer": buyer_id,
        "flower": flower_id,
        "business_date": business_date,
        "quantity": quantity,
        "rate": rate,
        "entry": entry_id,
        "note": note,
        "id": id,
    }
    made = id or new_id()

    def write() -> dict[str, Any]:
        buyer = by.shop.buyers.filter(pk=buyer_id or NOBODY).first()
        flower = Flower.objects.filter(shop_id=by.shop_id, pk=flower_id or NOBODY).first()
        faults = _buyer_faults(buyer)
        if flower is None:
            faults.append(Fault("/flower", "unknown_flower", _("This flower is not in your shop's list.")))
        if entry_id and not DailyEntry.objects.filter(shop_id=by.shop_id, pk=entry_id).exists():
            faults.append(Fault("/entry", "unknown_entry", _("There is no such lot in your shop.")))
        faults += _quantity_faults(quantity, flower)
        faults += _amount_faults(rate, "/rate", LARGEST_RATE, zero=True)
        if quantity is not None and rate is not None and not faults and line_amount(quantity, rate) > LARGEST:
            faults.append(Fault("/rate", "too_large", _("This number is too large.")))
        faults += day_faults(by.shop, business_date) + length_faults("/note", note)
        if buyer is None or flower is None or quantity is None or rate is None or faults:
            raise refusal(faults)
        with closed_day_refused(business_date):
            sale = BuyerSale(
                id=made,
                shop=by.shop,
                buyer=buyer,
                flower=flower,
                entry_id=entry_id,
                business_date=business_date,
                quantity=quantity,
                unit=flower.unit,
                rate=rate,
                note=note,
                created_by=by,
            )
            sale.save(force_insert=True)
            sale.refresh_from_db(fields=["amount"])
            if sale.amount:
                post(
                    by=by,
                    journal_kind=JournalKind.BUYER_SALE,
                    journal=sale.pk,
                    debit=account_of(by.shop, AccountKind.BUYER, buyer=buyer),
                    credit=account_of(by.shop, AccountKind.SALES),
                    amount=sale.amount,
                    day=business_date,
                )
        return sale_answer(sale)

    return once(by=by, key=key, body=said, made=made, effect=write)


def void_buyer_sale(*, by: Membership, key: UUID, sale_id: UUID, reason: str) -> Answer:
    """Cancel a sale to a buyer; its mirror is dated today. The answer is `sale_answer`.

    Raises NotFound, NotAllowed for staff unless they wrote it today, Conflict `voided`, RuleBroken `required`
    without a reason, `day_locked` where its day or today is closed.
    """
    _demand_staff(by)
    made = new_id()

    def void() -> dict[str, Any]:
        why = reason_said(reason)
        sale = sale_of(by, sale_id, lock=True)
        _demand_may_take_back(by, sale)
        if sale.status == SaleStatus.VOIDED:
            raise Conflict(_("This sale was cancelled already."), code="voided", current=sale_answer(sale))
        sale.status, sale.void_reason, sale.version = SaleStatus.VOIDED, why, sale.version + 1
        with closed_day_refused(sale.business_date):
            sale.save(update_fields=["status", "void_reason", "version"])
        today = _today(by)
        with closed_day_refused(today):
            if moved := posted_by(JournalKind.BUYER_SALE, sale.pk):
                post_back(moved, by=by, journal_kind=JournalKind.BUYER_SALE, journal=made, day=today)
        return sale_answer(sale)

    said = {"void_buyer_sale": sale_id, "reason": reason}
    return once(by=by, key=key, body=said, made=made, effect=void, reason=reason)


def record_receipt(
    *,
    by: Membership,
    key: UUID,
    buyer_id: UUID | None,
    amount: Decimal | None,
    business_date: dt.date,
    mode: str,
    reference: str = "",
    note: str = "",
    id: UUID | None = None,
) -> Answer:
    """Write down that a buyer paid `amount` ₹, with a voucher number, and post it; more than he owes is kept too.

    The answer is `receipt_answer`. Raises NotAllowed, RuleBroken naming each refused field or `day_locked`,
    Conflict `id_exists`.
    """
    _demand_staff(by)
    said = {
        "buyer": buyer_id,
        "amount": amount,
        "business_date": business_date,
        "mode": mode,
        "reference": reference,
        "note": note,
        "id": id,
    }
    made = id or new_id()

    def write() -> dict[str, Any]:
        buyer = by.shop.buyers.filter(pk=buyer_id or NOBODY).first()
        faults = [] if buyer else _buyer_faults(buyer)
        faults += _amount_faults(amount, "/amount", LARGEST)
        if mode not in Mode.values or mode == Mode.NONE:
            how = _("Say how it was paid: cash, UPI, bank or cheque.")
            faults.append(Fault("/mode", "unknown_mode", how))
        faults += day_faults(by.shop, business_date) + length_faults("/note", note)
        faults += length_faults("/reference", reference, LONGEST_REFERENCE)
        if buyer is None or amount is None or faults:
            raise refusal(faults)
        with closed_day_refused(business_date):
            post(
                by=by,
                journal_kind=JournalKind.BUYER_RECEIPT,
                journal=made,
                debit=money_account(by.shop, mode),
                credit=account_of(by.shop, AccountKind.BUYER, buyer=buyer),
                amount=amount,
                day=business_date,
            )
            receipt = BuyerReceipt(
                id=made,
                shop=by.shop,
                buyer=buyer,
                amount=amount,
                business_date=business_date,
                mode=mode,
                reference=reference,
                note=note,
                created_by=by,
                voucher=next_voucher(by.shop, business_date),
            )
            receipt.save(force_insert=True)
        return receipt_answer(receipt)

    return once(by=by, key=key, body=said, made=made, effect=write)


def reverse_receipt(*, by: Membership, key: UUID, receipt_id: UUID, reason: str) -> Answer:
    """Take a receipt back by its mirror, dated today. `made` is the reversing receipt, the answer its `receipt_answer`.

    Raises NotFound, NotAllowed for staff unless they wrote it today, Conflict `reversed`, RuleBroken `reversal`,
    `required` without a reason, `day_locked`. Of two at once the database refuses one.
    """
    _demand_staff(by)
    made = new_id()

    def back() -> dict[str, Any]:
        why = reason_said(reason)
        receipt = receipt_of(by, receipt_id)
        _demand_may_take_back(by, receipt)
        if receipt.reverses_id:
            raise RuleBroken(
                _("This takes another one back. Write a new one instead of taking it back."), code="reversal"
            )
        buyer_of(by, receipt.buyer_id, lock=True)
        if BuyerReceipt.objects.filter(reverses=receipt).exists():
            raise Conflict(
                _("This was taken back already."), code="reversed", current=receipt_answer(receipt)
            )
        today = _today(by)
        moved = posted_by(JournalKind.BUYER_RECEIPT, receipt.pk)
        with closed_day_refused(today):
            if moved is not None:
                post_back(moved, by=by, journal_kind=JournalKind.BUYER_RECEIPT, journal=made, day=today)
            mirror = BuyerReceipt(
                id=made,
                shop=by.shop,
                buyer=receipt.buyer,
                amount=receipt.amount,
                business_date=today,
                mode=receipt.mode,
                reference=receipt.reference,
                note=why,
                reverses=receipt,
                created_by=by,
                voucher=next_voucher(by.shop, today),
            )
            mirror.save(force_insert=True)
        return receipt_answer(mirror)

    said = {"reverse_receipt": receipt_id, "reason": reason}
    return once(by=by, key=key, body=said, made=made, effect=back, reason=reason)


def _demand_staff(by: Membership) -> None:
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may write about buyers."))


def _demand_may_take_back(by: Membership, row: BuyerSale | BuyerReceipt) -> None:
    if not may_take_back(by, row):
        raise NotAllowed(_("Only the owner may take this back: staff only what they wrote themselves today."))


def _today(by: Membership) -> dt.date:
    return business_date_of(timezone.now(), by.shop.turnover_hour)


def _next_number(by: Membership) -> int:
    highest: int = by.shop.buyers.aggregate(highest=Max("number"))["highest"] or 0
    if highest >= 9999:
        raise RuleBroken(_("Give a number that is free."), code="no_number_left", pointer="/number")
    return highest + 1


def _take(buyer: Buyer, particulars: BuyerParticulars) -> None:
    faults = put_on(buyer, particulars)
    try:
        buyer.full_clean()
    except ValidationError as error:
        faults += faults_in(error)
    if faults:
        raise refusal(faults)


def _buyer_faults(buyer: Buyer | None) -> list[Fault]:
    if buyer is None:
        return [Fault("/buyer", "unknown_buyer", _("This buyer is not in your shop's list."))]
    if not buyer.is_active:
        return [Fault("/buyer", "inactive_buyer", _("This buyer is no longer active."))]
    return []


def _quantity_faults(quantity: Decimal | None, flower: Flower | None) -> list[Fault]:
    if quantity is None or quantity <= 0:
        return [Fault("/quantity", "not_positive", _("Enter the quantity: more than 0."))]
    if quantity > LARGEST_QUANTITY:
        return [Fault("/quantity", "too_large", _("This number is too large."))]
    decimals = 3 if flower is None or Unit(flower.unit).is_weighed else 0
    if significant_decimals(quantity) > decimals:
        whole = _("This flower is counted: enter a whole number.")
        grams = _("A weight has at most three decimals.")
        return [Fault("/quantity", "too_precise", grams if decimals else whole)]
    return []


def _amount_faults(
    amount: Decimal | None, pointer: str, largest: Decimal, *, zero: bool = False
) -> list[Fault]:
    if amount is None or amount < 0 or (amount == 0 and not zero):
        rate, more = _("Enter the rate."), _("Enter the amount: more than 0.")
        return [Fault(pointer, "not_positive", rate if zero else more)]
    if significant_decimals(amount) > 2:
        return [Fault(pointer, "too_precise", _("An amount has at most two decimals."))]
    return [Fault(pointer, "too_large", _("This number is too large."))] if amount > largest else []
