"""The end of a day: what was spent, what was counted, the lock, and opening it again."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import COINS, NOTES, AccountKind, JournalKind, Mode, counted_of
from ledger.events import DayClosed, DayReopened
from ledger.models import DayClose, Expense, Transfer
from ledger.selectors.days_cash import (
    BROUGHT,
    DIFFERENCE,
    CashBook,
    cash_book_of,
    close_of,
    day_close_answer,
    expense_answer,
    expense_of,
    later_of,
    may_take_back_expense,
    unpriced_on,
)
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
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, Fault, NotAllowed, NotFound, RuleBroken
from malar.kernel.formatting import day as in_words
from malar.kernel.formatting import rupees
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record

LARGEST = Decimal("999999999999.99")
MOST_NOTES = 1_000_000
LONGEST_WHAT = 60


# --- Expenses ------------------------------------------------------------------------------------


def record_expense(
    *,
    by: Membership,
    key: UUID,
    amount: Decimal | None,
    what: str,
    business_date: dt.date,
    mode: str,
    reference: str = "",
    note: str = "",
    id: UUID | None = None,
) -> Answer:
    """Write down that the shop spent `amount` ₹ for `what`, with a voucher number, and post it.

    The answer is `expense_answer`. Raises NotAllowed for a farmer, RuleBroken naming each refused field
    or `day_locked`, Conflict `id_exists`.
    """
    _demand_staff(by)
    what = what.strip()
    said = {
        "expense": amount,
        "what": what,
        "business_date": business_date,
        "mode": mode,
        "reference": reference,
        "note": note,
        "id": id,
    }
    made = id or new_id()

    def write() -> dict[str, Any]:
        faults = _amount_faults(amount) + day_faults(by.shop, business_date)
        if not what:
            faults.append(Fault("/what", "required", _("Say what it was for: tea, bus, thread.")))
        if mode not in Mode.values or mode == Mode.NONE:
            how = _("Say how it was paid: cash, UPI, bank or cheque.")
            faults.append(Fault("/mode", "unknown_mode", how))
        faults += length_faults("/what", what, LONGEST_WHAT)
        faults += length_faults("/reference", reference, LONGEST_REFERENCE)
        faults += length_faults("/note", note)
        if amount is None or faults:
            raise refusal(faults)
        expense = Expense(
            id=made,
            shop=by.shop,
            amount=amount,
            what=what,
            business_date=business_date,
            mode=mode,
            reference=reference,
            note=note,
            created_by=by,
        )
        with closed_day_refused(business_date):
            post(
                by=by,
                journal_kind=JournalKind.EXPENSE,
                journal=made,
                debit=account_of(by.shop, AccountKind.EXPENSES),
                credit=money_account(by.shop, mode),
                amount=amount,
                day=business_date,
            )
            expense.voucher = next_voucher(by.shop, business_date)
            expense.save(force_insert=True)
        return expense_answer(expense)

    return once(by=by, key=key, body=said, made=made, effect=write)


def reverse_expense(*, by: Membership, key: UUID, expense_id: UUID, reason: str) -> Answer:
    """Take an expense back by its mirror, dated today. `made` is the reversing one, the answer its `expense_answer`.

    Raises NotFound, NotAllowed for staff unless they wrote it today, Conflict `reversed`, RuleBroken
    `reversal`, `required` without a reason, `day_locked`.
    """
    made = new_id()
    said = {"reverse_expense": expense_id, "reason": reason}
    effect = partial(_take_back, by, expense_id, reason, made)
    return once(by=by, key=key, body=said, made=made, effect=effect, reason=reason)


@step
def _take_back(by: Membership, expense_id: UUID, reason: str, made: UUID) -> dict[str, Any]:
    _demand_staff(by)
    why = reason_said(reason)
    # Two at once: the second waits here and sees the first one's mirror.
    Expense.objects.select_for_update(no_key=True).filter(shop=by.shop, pk=expense_id).first()
    expense = expense_of(by, expense_id)
    if not may_take_back_expense(by, expense):
        raise NotAllowed(_("Only the owner may take this back: staff only what they wrote themselves today."))
    if expense.reverses_id:
        raise RuleBroken(
            _("This takes another one back. Write a new one instead of taking it back."), code="reversal"
        )
    if Expense.objects.filter(reverses=expense).exists():
        raise Conflict(_("This was taken back already."), code="reversed", current=expense_answer(expense))
    today = _today(by.shop)
    moved = Transfer.objects.get(journal_kind=JournalKind.EXPENSE, journal=expense.pk)
    with closed_day_refused(today, ""):
        post_back(moved, by=by, journal_kind=JournalKind.EXPENSE, journal=made, day=today)
        mirror = Expense(
            id=made,
            shop=by.shop,
            amount=expense.amount,
            what=expense.what,
            business_date=today,
            mode=expense.mode,
            reference=expense.reference,
            note=why,
            reverses=expense,
            created_by=by,
            voucher=next_voucher(by.shop, today),
        )
        mirror.save(force_insert=True)
    return expense_answer(mirror)


# --- Closing -------------------------------------------------------------------------------------


def close_day(
    *,
    by: Membership,
    key: UUID,
    day: dt.date,
    denominations: Mapping[str, int | Decimal],
    opening_cash: Decimal | None = None,
    note: str = "",
) -> Answer:
    """Count the cash of a day and lock it: from now on nothing is dated in it (domain.md §1.10).

    `denominations` is {"500": 12, …, "coins": Decimal("0.75")}: notes by their value, the paise as one sum
    in ₹. `opening_cash`, in ₹, is for the first close of a shop only: later days open with what was counted.
    The difference is recorded and posted, so that the book says what is in the box. Lines without a rate
    and money that waits hinder nobody: the answer, `day_close_answer`, names them.

    Raises NotAllowed for a farmer, Conflict `closed` with the close that stands, RuleBroken naming each
    refused field, `opening_known`, `next_day_opened` where a later day opened with another sum than was
    counted, `before_first_close`.
    """
    _demand_staff(by)
    said = {"close": day, "denominations": denominations, "opening_cash": opening_cash, "note": note}
    made = new_id()
    effect = partial(_close, by, day, denominations, opening_cash, note.strip(), made)
    return once(by=by, key=key, body=said, made=made, effect=effect)


@step
def _close(
    by: Membership,
    day: dt.date,
    denominations: Mapping[str, int | Decimal],
    typed_opening: Decimal | None,
    note: str,
    made: UUID,
) -> dict[str, Any]:
    faults = day_faults(by.shop, day, "/day") + _count_faults(denominations)
    faults += length_faults("/note", note)
    if typed_opening is not None:
        faults += _cash_faults(typed_opening, "/opening_cash")
    if faults:
        raise refusal(faults)
    hold_day(by.shop, day)
    if standing := close_of(by.shop, day):
        raise Conflict(
            _("%(day)s is closed already.") % {"day": in_words(day)},
            code="closed",
            current=day_close_answer(standing),
        )
    book = cash_book_of(by.shop, day)
    counted = counted_of(denominations)
    opening = _opening(book, typed_opening)
    _check_next_opening(by.shop, day, counted)
    close = DayClose(
        id=made,
        shop=by.shop,
        business_date=day,
        opening_cash=opening,
        receipts=book.receipts,
        payments=book.payments,
        expenses=book.expenses,
        counted=counted,
        denominations=_kept(denominations),
        unpriced=unpriced_on(by.shop, day).count(),
        note=note,
        closed_by=by,
    )
    # The transfers first: with the row the day is closed to them, too.
    _bring(close, BROUGHT, AccountKind.OPENING, opening - book.opening)
    _bring(close, DIFFERENCE, AccountKind.CASH_DIFFERENCE, counted - book.expected - opening + book.opening)
    close.save(force_insert=True)
    close.refresh_from_db()
    record(DayClosed(close=close.pk, day=day.isoformat()), shop=by.shop)
    return day_close_answer(close)


@step
def hold_day(shop: Shop, day: dt.date) -> None:
    """Wait until nobody is writing into a day, and let nobody begin until the commit.

    The writers' side is `ledger_day_is_open`. What is asked after this sees all that they wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(3, hashtext(%s::uuid::text || %s::date::text))", [shop.pk, day]
        )


def _opening(book: CashBook, typed: Decimal | None) -> Decimal:
    """The opening cash in ₹: what the book says, or for a first close what was typed."""
    if typed is None or typed == book.opening:
        return book.opening
    if not book.is_first:
        raise RuleBroken(
            _("This day opens with %(amount)s: so much was counted the day before.")
            % {"amount": rupees(book.opening)},
            code="opening_known",
            pointer="/opening_cash",
        )
    return typed


def _check_next_opening(shop: Shop, day: dt.date, counted: Decimal) -> None:
    """Raise where a later day was counted on another morning's sum than this evening's.

    A day that is closed late, or again, cannot change what the box held on a later morning.
    """
    later = later_of(shop, day)
    if later is None:
        return
    if later.known is None:
        raise RuleBroken(
            _("The cash was counted for the first time on %(day)s. Days before it stay open.")
            % {"day": in_words(later.day)},
            code="before_first_close",
            pointer="/day",
        )
    if counted != later.known:
        raise RuleBroken(
            _("%(later)s was opened with what was in the box on this evening: count %(amount)s.")
            % {"later": in_words(later.day), "amount": rupees(later.known)},
            code="next_day_opened",
            pointer="/denominations",
        )


@step
def _bring(close: DayClose, seq: int, kind: AccountKind, amount: Decimal) -> None:
    """Post `amount` ₹ from the account of a kind into cash; below zero the other way round, zero not at all."""
    if not amount:
        return
    cash = money_account(close.shop, Mode.CASH)
    other = account_of(close.shop, kind)
    debit, credit = (cash, other) if amount > 0 else (other, cash)
    post(
        by=close.closed_by,
        journal_kind=JournalKind.DAY_CLOSE,
        journal=close.pk,
        debit=debit,
        credit=credit,
        amount=abs(amount),
        day=close.business_date,
        seq=seq,
    )


def reopen_day(*, by: Membership, close_id: UUID, reason: str, key: UUID | None = None) -> Answer:
    """Open a closed day again. The close stays, with who, when and why; what it posted is mirrored back in
    its day, so that closing the day again counts nothing twice.

    With a `key` the same request twice is answered alike. The answer is `day_close_answer`. Raises
    NotAllowed unless `by` is the owner, NotFound, Conflict `reopened`, RuleBroken `required` without a reason.
    """
    said = {"reopen": close_id, "reason": reason}
    effect = partial(_reopen, by, close_id, reason)
    return once(by=by, key=key or new_id(), body=said, made=new_id(), effect=effect, reason=reason)


@step
def _reopen(by: Membership, close_id: UUID, reason: str) -> dict[str, Any]:
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may open a closed day again."))
    why = reason_said(reason)
    close = by.shop.day_closes.filter(pk=close_id).first()
    if close is None:
        raise NotFound(_("There is no such day."))
    hold_day(by.shop, close.business_date)
    close.refresh_from_db()
    if close.reopened_at:
        raise Conflict(
            _("%(day)s is open already.") % {"day": in_words(close.business_date)},
            code="reopened",
            current=day_close_answer(close),
        )
    close.reopened_by, close.reopened_at, close.reopen_reason = by, timezone.now(), why
    close.save(update_fields=["reopened_by", "reopened_at", "reopen_reason"])
    journal = new_id()
    for moved in Transfer.objects.filter(journal_kind=JournalKind.DAY_CLOSE, journal=close.pk):
        post_back(moved, by=by, journal_kind=JournalKind.DAY_CLOSE, journal=journal, day=close.business_date)
    record(DayReopened(close=close.pk, day=close.business_date.isoformat()), shop=by.shop)
    return day_close_answer(close)


# --- What cannot be ------------------------------------------------------------------------------


def _count_faults(denominations: Mapping[str, int | Decimal]) -> list[Fault]:
    """What is wrong with a count: notes are whole, the paise have two decimals, nothing is below zero."""
    faults = []
    for name, number in denominations.items():
        if name == COINS:
            faults += _cash_faults(Decimal(number), "/denominations/coins")
        elif name not in map(str, NOTES):
            faults.append(Fault(f"/denominations/{name}", "unknown_note", _("There is no such note.")))
        elif number < 0 or number != int(number) or number > MOST_NOTES:
            whole = _("₹%(note)s: enter how many there are, a whole number.") % {"note": name}
            faults.append(Fault(f"/denominations/{name}", "not_whole", whole))
    return faults


def _kept(denominations: Mapping[str, int | Decimal]) -> dict[str, int | str]:
    """A count as it is kept: only what there was, the largest note first."""
    notes: dict[str, int | str] = {
        str(note): int(denominations[str(note)]) for note in NOTES if denominations.get(str(note))
    }
    coins = denominations.get(COINS)
    return notes | ({COINS: f"{Decimal(coins):.2f}"} if coins else {})


def _cash_faults(amount: Decimal, pointer: str) -> list[Fault]:
    if amount < 0:
        return [Fault(pointer, "negative", _("Cash cannot be less than 0."))]
    if significant_decimals(amount) > 2:
        return [Fault(pointer, "too_precise", _("An amount has at most two decimals."))]
    return [Fault(pointer, "too_large", _("This number is too large."))] if amount > LARGEST else []


def _amount_faults(amount: Decimal | None) -> list[Fault]:
    if amount is None or amount <= 0:
        return [Fault("/amount", "not_positive", _("Enter the amount: more than 0."))]
    return _cash_faults(amount, "/amount")


def _demand_staff(by: Membership) -> None:
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may write down money."))


def _today(shop: Shop) -> dt.date:
    return business_date_of(timezone.now(), shop.turnover_hour)
