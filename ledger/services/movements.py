"""Giving money to farmers and taking it back, kept apart by kind: the one place that decides about it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import (
    ACCOUNT_MOVED,
    OPENINGS,
    PAID_BACK,
    AccountKind,
    JournalKind,
    Mode,
    MovementKind,
    MovementStatus,
    farmer_is_debited,
)
from ledger.events import MovementPosted, MovementRefused, MovementReversed, MovementWaits
from ledger.models import Account, Farmer, Movement, Transfer
from ledger.selectors.accounts import Balance, balance_of, owed_words
from ledger.selectors.answers import movement_answer
from ledger.selectors.claims import promised_of
from ledger.selectors.movements import may_reverse, movement_of, reversal_of
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
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.formatting import day as in_words
from malar.kernel.formatting import rupees
from malar.kernel.ids import new_id
from malar.kernel.money import ZERO
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record

NOBODY = UUID(int=0)
LARGEST = Decimal("999999999999.99")


def record_movement(
    *,
    by: Membership,
    key: UUID,
    farmer_id: UUID | None,
    kind: str,
    amount: Decimal | None,
    business_date: dt.date,
    mode: str,
    reference: str = "",
    note: str = "",
    id: UUID | None = None,
) -> Answer:
    """Write down that `amount` ₹ moved between the shop and a farmer (`MovementKind`), and post it.

    By staff over the owner's limit it waits for him instead. The answer is `movement_answer`.
    Raises NotAllowed for a farmer, and for an opening figure by staff; RuleBroken naming each refused
    field, `more_than_outstanding` or `day_locked`; Conflict `id_exists`. Nothing is kept then.
    """
    demand_staff(by)
    made = id or new_id()
    said: dict[str, Any] = {
        "farmer_id": farmer_id,
        "kind": kind,
        "amount": amount,
        "business_date": business_date,
        "mode": mode,
        "reference": reference,
        "note": note,
    }
    effect = partial(move_money, by, **said, id=made)
    return once(by=by, key=key, body=movement_request(**said, id=id), made=made, effect=effect)


def movement_request(
    *,
    farmer_id: UUID | None,
    kind: str,
    amount: Decimal | None,
    business_date: dt.date,
    mode: str,
    id: UUID | None,
    reference: str = "",
    note: str = "",
) -> dict[str, Any]:
    """What two requests for a movement are compared by, whatever door they come to."""
    # The names under which requests were compared before must stay: one that comes again is the same.
    return {
        "farmer": farmer_id,
        "kind": kind,
        "amount": amount,
        "business_date": business_date,
        "mode": mode,
        "reference": reference,
        "note": note,
        "id": id,
    }


@step
def move_money(
    by: Membership,
    *,
    farmer_id: UUID | None,
    kind: str,
    amount: Decimal | None,
    business_date: dt.date,
    mode: str,
    id: UUID,
    reference: str = "",
    note: str = "",
) -> dict[str, Any]:
    """What `record_movement` does, as a part of somebody's unit of work; answers `movement_answer`."""
    said: dict[str, Any] = {
        "kind": kind,
        "amount": amount,
        "business_date": business_date,
        "mode": mode,
        "reference": reference,
        "note": note,
    }
    farmer = by.shop.farmers.filter(pk=farmer_id or NOBODY).first()
    if farmer is None:
        unknown = _("This farmer is not in your shop's list.")
        raise refusal([Fault("/farmer", "unknown_farmer", unknown), *movement_faults(by.shop, **said)])
    if amount is None:
        raise refusal(movement_faults(by.shop, **said))
    return movement_answer(write_movement(by=by, farmer=farmer, **said, id=id))


@step
def write_movement(
    *,
    by: Membership,
    farmer: Farmer,
    kind: str,
    amount: Decimal,
    business_date: dt.date,
    mode: str,
    reference: str = "",
    note: str = "",
    id: UUID | None = None,
) -> Movement:
    """Post a movement of `amount` ₹ with its voucher number, or leave it waiting for the owner.

    Holds the farmer's money (`hold_farmer`) and the shop's voucher counter until the commit.
    Raises what `record_movement` raises.
    """
    demand_staff(by)
    if faults := movement_faults(
        by.shop,
        kind=kind,
        amount=amount,
        business_date=business_date,
        mode=mode,
        reference=reference,
        note=note,
    ):
        raise refusal(faults)
    if kind in OPENINGS and by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may bring over opening figures."))
    movement = Movement(
        id=id or new_id(),
        shop=by.shop,
        farmer=farmer,
        kind=kind,
        amount=amount,
        business_date=business_date,
        mode=mode,
        reference=reference,
        note=note,
        created_by=by,
    )
    hold_farmer(farmer)
    if kind in PAID_BACK:
        _check_is_outstanding(movement)
    with closed_day_refused(business_date):
        if by.role != Role.ADMIN and is_over_limit(by.shop, farmer, kind, amount):
            movement.status = MovementStatus.WAITING
            movement.save(force_insert=True)
            record(MovementWaits(movement=movement.pk, farmer=farmer.pk), shop=by.shop)
        else:
            _post(movement, by)
    return movement


def approve_movement(*, by: Membership, movement_id: UUID, note: str = "", key: UUID | None = None) -> Answer:
    """Let a waiting movement into the book; if its own day is closed by now, it is dated today.

    With a `key` the same request twice is answered alike. The answer is `movement_answer`. Raises
    NotAllowed unless `by` is the owner, NotFound, Conflict `decided` with the movement as it stands,
    RuleBroken `day_locked` where today is closed too.
    """

    def approve(movement: Movement) -> None:
        _post(movement, by)

    return _decide(by, movement_id, note, key, "approve", approve)


def refuse_movement(*, by: Membership, movement_id: UUID, note: str, key: UUID | None = None) -> Answer:
    """Say no to a waiting movement, with the reason. Raises what `approve_movement` raises, and RuleBroken
    without a `note`."""

    def refuse(movement: Movement) -> None:
        movement.status = MovementStatus.REFUSED
        movement.save()
        record(MovementRefused(movement=movement.pk, farmer=movement.farmer_id), shop=by.shop)

    return _decide(by, movement_id, note, key, "refuse", refuse)


def _decide(
    by: Membership,
    movement_id: UUID,
    note: str,
    key: UUID | None,
    what: str,
    effect: Callable[[Movement], None],
) -> Answer:
    def decide() -> dict[str, Any]:
        if by.role != Role.ADMIN:
            raise NotAllowed(_("Only the owner may decide about this."))
        reason = reason_said(note, "/note") if what == "refuse" else note.strip()
        movement = _held(by, movement_id)
        if movement.status != MovementStatus.WAITING:
            raise Conflict(
                _("This was decided already. Look at it again."),
                code="decided",
                current=movement_answer(movement),
            )
        movement.decided_by, movement.decided_at, movement.decision_note = by, timezone.now(), reason
        if is_closed(by.shop, movement.business_date):
            movement.business_date = _today(by.shop)
        with closed_day_refused(movement.business_date):
            effect(movement)
        return movement_answer(movement)

    body = {what: movement_id, "note": note}
    return once(by=by, key=key or new_id(), body=body, made=new_id(), effect=decide, reason=note)


def reverse_movement(
    *, by: Membership, key: UUID, movement_id: UUID, reason: str, business_date: dt.date | None = None
) -> Answer:
    """Take a posted movement back by its mirror, dated today or, where it is given, an open day since then.

    `made` is the reversing movement, the answer `movement_answer` of the one that was taken back. Raises
    NotFound, NotAllowed for staff unless they wrote it today, Conflict `reversed` or `waiting`,
    RuleBroken `reversal`, `required` without a reason, `repaid` where he would then owe less than nothing,
    `over_limit` where he would owe more than staff may lend, `in_future`, `before_movement`, `day_locked`.
    """
    made = new_id()
    said = {"reverse": movement_id, "reason": reason, "business_date": business_date}
    effect = partial(_take_back, by, movement_id, reason, business_date, made)
    return once(by=by, key=key, body=said, made=made, effect=effect, reason=reason)


@step
def _take_back(
    by: Membership, movement_id: UUID, reason: str, business_date: dt.date | None, made: UUID
) -> dict[str, Any]:
    demand_staff(by)
    reason = reason_said(reason)
    movement = _held(by, movement_id)
    if not may_reverse(by, movement):
        raise NotAllowed(_("Only the owner may take this back: staff only what they wrote themselves today."))
    _check_stands(movement)
    today = _today(by.shop)
    day = business_date or today
    if day > today:
        raise RuleBroken(_("This day has not come yet."), code="in_future", pointer="/business_date")
    if day < movement.business_date:
        raise RuleBroken(
            _("It cannot be taken back before it was made, on %(day)s.")
            % {"day": in_words(movement.business_date)},
            code="before_movement",
            pointer="/business_date",
        )
    _check_may_be_missing(by, movement)
    transfer = Transfer.objects.get(journal_kind=JournalKind.MOVEMENT, journal=movement.pk)
    with closed_day_refused(day):
        post_back(transfer, by=by, journal_kind=JournalKind.MOVEMENT, journal=made, day=day)
        reversal = Movement(
            id=made,
            shop=by.shop,
            farmer=movement.farmer,
            kind=movement.kind,
            amount=movement.amount,
            business_date=day,
            mode=movement.mode,
            reference=movement.reference,
            note=reason,
            reverses=movement,
            created_by=by,
            voucher=next_voucher(by.shop, day),
        )
        reversal.save(force_insert=True)
    record(MovementReversed(movement=movement.pk, farmer=movement.farmer_id), shop=by.shop)
    return movement_answer(movement)


@step
def hold_farmer(farmer: Farmer) -> None:
    """Let no other movement of this farmer be written until the commit: what he owes must not change meanwhile.

    The row holds no amount. Its bucket is taken with it, before the voucher counter, in the order of
    locks of architecture §5.11.
    """
    Farmer.objects.select_for_update(no_key=True).get(pk=farmer.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(1, hashtext(%s) & 1023)", [str(farmer.pk)])


@dataclass(frozen=True)
class Outlook:
    """What a movement would do, before it is written: what he owes of its kind now and after it, in ₹ (None of an
    opening balance, which is no loan), his balance now and the net after it, and whether it would wait."""

    balance: Balance
    owed: Decimal | None
    owed_after: Decimal | None
    after: Decimal
    waits: bool
    limit: Decimal | None

    @property
    def after_words(self) -> str:
        """The net after it with who owes whom; nothing where it stays as it is."""
        return owed_words(self.after) if self.after != self.balance.signed else ""


def outlook_of(by: Membership, farmer: Farmer, kind: str, amount: Decimal) -> Outlook:
    """What a movement of `amount` ₹ would do; nothing is checked and nothing written."""
    balance = balance_of(farmer)
    account = ACCOUNT_MOVED[MovementKind(kind)]
    change = amount if kind not in PAID_BACK else -amount
    is_loan = account in (AccountKind.ADVANCE, AccountKind.HAND_LOAN)
    owed = _owed(balance, kind) if account != AccountKind.PAYABLE else None
    on_account = ZERO if is_loan else (-amount if account == AccountKind.DRAW else amount)
    return Outlook(
        balance=balance,
        owed=owed,
        owed_after=None if owed is None else owed + change,
        after=balance.signed + on_account,
        waits=by.role != Role.ADMIN and is_over_limit(by.shop, farmer, kind, amount),
        limit=limit_of(by.shop, kind),
    )


def is_over_limit(shop: Shop, farmer: Farmer, kind: str, amount: Decimal) -> bool:
    """Whether the farmer would owe more of this kind, after `amount` ₹ more, than staff may let him."""
    limit = limit_of(shop, kind)
    return limit is not None and owed_of(farmer, kind) + amount > limit


def limit_of(shop: Shop, kind: str) -> Decimal | None:
    """Up to how many ₹ of a kind one farmer may owe by staff's own decision; None: there is no limit."""
    match kind:
        case MovementKind.ADVANCE:
            return shop.advance_limit
        case MovementKind.HAND_LOAN:
            return shop.hand_loan_limit
        case MovementKind.DRAW:
            return shop.draw_limit
    return None


def owed_of(farmer: Farmer, kind: str) -> Decimal:
    """What the farmer owes, in ₹, of what a movement of this kind is about. Four queries."""
    return _owed(balance_of(farmer), kind)


def _owed(balance: Balance, kind: str) -> Decimal:
    return {
        AccountKind.ADVANCE: balance.advance,
        AccountKind.HAND_LOAN: balance.hand_loan,
        AccountKind.DRAW: balance.unsettled.draws,
        AccountKind.PAYABLE: -balance.payable,
    }[ACCOUNT_MOVED[MovementKind(kind)]]


def movement_faults(
    shop: Shop,
    *,
    kind: str,
    amount: Decimal | None,
    business_date: dt.date,
    mode: str,
    reference: str = "",
    note: str = "",
) -> list[Fault]:
    """What is wrong with a movement as far as it can be told without its farmer."""
    faults = []
    is_opening = kind in OPENINGS
    if kind not in MovementKind.values:
        faults.append(Fault("/kind", "unknown_kind", _("Choose what kind of money it is.")))
    if amount is None or (amount <= 0 and not (kind == MovementKind.OPENING_BALANCE and amount < 0)):
        faults.append(Fault("/amount", "not_positive", _("Enter the amount: more than 0.")))
    elif significant_decimals(amount) > 2:
        faults.append(Fault("/amount", "too_precise", _("An amount has at most two decimals.")))
    elif abs(amount) > LARGEST:
        faults.append(Fault("/amount", "too_large", _("This number is too large.")))
    if mode not in Mode.values or (mode == Mode.NONE) != is_opening:
        moves_none = _("No money moves with an opening figure.")
        wrong = moves_none if is_opening else _("Say how it was paid: cash, UPI, bank or cheque.")
        faults.append(Fault("/mode", "unknown_mode", wrong))
    faults += day_faults(shop, business_date)
    faults += length_faults("/reference", reference, LONGEST_REFERENCE) + length_faults("/note", note)
    return faults


def is_closed(shop: Shop, day: dt.date) -> bool:
    """Whether a day is counted and locked."""
    return shop.day_closes.filter(business_date=day, reopened_at=None).exists()


@step
def _post(movement: Movement, by: Membership) -> None:
    """Write the movement's one transfer, give it its number, and say so."""
    his = account_of(by.shop, ACCOUNT_MOVED[MovementKind(movement.kind)], farmer=movement.farmer)
    debit, credit = _sides(movement, his, money_account(by.shop, movement.mode))
    post(
        by=by,
        journal_kind=JournalKind.MOVEMENT,
        journal=movement.pk,
        debit=debit,
        credit=credit,
        amount=abs(movement.amount),
        day=movement.business_date,
    )
    movement.status, movement.voucher = MovementStatus.POSTED, next_voucher(by.shop, movement.business_date)
    movement.save(force_insert=movement._state.adding)
    record(MovementPosted(movement=movement.pk, farmer=movement.farmer_id), shop=by.shop)


def _sides(movement: Movement, his: Account, other: Account) -> tuple[Account, Account]:
    """Debit and credit."""
    return (his, other) if farmer_is_debited(movement.kind, movement.amount) else (other, his)


@step
def _held(by: Membership, movement_id: UUID) -> Movement:
    """A movement as it stands while its farmer's money is held. Raises NotFound."""
    hold_farmer(movement_of(by, movement_id).farmer)
    return movement_of(by, movement_id)


def _check_is_outstanding(movement: Movement) -> None:
    outstanding = owed_of(movement.farmer, movement.kind) - _promised(movement)
    if movement.amount > outstanding:
        left = _("Only %(amount)s is outstanding.") % {"amount": rupees(outstanding)}
        nothing = _("Nothing is outstanding.")
        raise RuleBroken(
            left if outstanding > 0 else nothing, code="more_than_outstanding", pointer="/amount"
        )


def _promised(movement: Movement) -> Decimal:
    """What his open settlement takes of what he owes of this kind, in ₹: nobody else may take it meanwhile."""
    promised = promised_of(movement.farmer)
    return {
        AccountKind.ADVANCE: promised.recovery,
        AccountKind.HAND_LOAN: promised.hand_loans,
        AccountKind.DRAW: promised.draws,
        AccountKind.PAYABLE: ZERO,
    }[ACCOUNT_MOVED[MovementKind(movement.kind)]]


def _check_stands(movement: Movement) -> None:
    """Raise unless the movement is in the book and may have its first mirror."""
    if movement.reverses_id:
        raise RuleBroken(
            _("This takes another one back. Write a new one instead of taking it back."), code="reversal"
        )
    if reversal_of(movement):
        raise Conflict(_("This was taken back already."), code="reversed", current=movement_answer(movement))
    if movement.status != MovementStatus.POSTED:
        raise Conflict(
            _("This is not in the book: the owner says yes or no to it."),
            code="not_posted",
            current=movement_answer(movement),
        )


def _check_may_be_missing(by: Membership, movement: Movement) -> None:
    """Raise where the account would not be possible without the movement, or not by staff."""
    if movement.kind == MovementKind.OPENING_BALANCE:
        return
    owed = owed_of(movement.farmer, movement.kind) - _promised(movement)
    kind = ACCOUNT_MOVED[MovementKind(movement.kind)]
    if farmer_is_debited(movement.kind, movement.amount):
        if owed < movement.amount:
            settled = _("This draw is settled. Correct it with the settlement.")
            repaid = _("%(amount)s of it is paid back already. Take that back first.") % {
                "amount": rupees(movement.amount - owed)
            }
            raise RuleBroken(settled if kind == AccountKind.DRAW else repaid, code="repaid")
    elif by.role != Role.ADMIN and is_over_limit(by.shop, movement.farmer, kind, movement.amount):
        raise RuleBroken(
            _("He would owe more than the limit then. Only the owner may do this."), code="over_limit"
        )


def demand_staff(by: Membership) -> None:
    """Raise NotAllowed unless `by` is the owner or staff."""
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may write down money."))


def _today(shop: Shop) -> dt.date:
    return business_date_of(timezone.now(), shop.turnover_hour)
