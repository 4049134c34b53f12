"""The cash book of a day: what was in the box in the morning, what went in and out of it, what should be there."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, EntryKind, JournalKind, MovementStatus
from ledger.models import Account, BuyerReceipt, DailyEntry, DayClose, Expense, Movement, Transfer
from ledger.selectors.pending import LOOKED_BACK, waiting_lines
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotFound
from malar.kernel.formatting import rupees
from malar.kernel.money import ZERO
from malar.kernel.wire import moment, money

DIFFERENCE, BROUGHT = 1, 2
"""The numbers of a close's transfers: the difference, and the opening cash of a shop's first close."""


@dataclass(frozen=True)
class CashRow:
    """One amount in ₹ that went into the box (`is_in`) or out of it; `kind` is receipt, payment or expense."""

    at: dt.datetime
    kind: str
    amount: Decimal
    what: str
    voucher: str = ""
    note: str = ""
    by: str = ""
    paper: Movement | BuyerReceipt | Expense | None = None

    @property
    def is_in(self) -> bool:
        return self.kind == "receipt"

    @property
    def about(self) -> str:
        """What its paper is: movement, buyerreceipt or expense; empty where it has none of these."""
        return self.paper._meta.model_name or "" if self.paper else ""


@dataclass(frozen=True)
class CashBook:
    """A day's cash in ₹. `opening` is what the last close counted and the open days since then brought; of a
    shop that never closed a day, what its cash account says (`is_first`)."""

    day: dt.date
    opening: Decimal
    is_first: bool
    rows: list[CashRow] = field(default_factory=list)

    def _sum(self, kind: str) -> Decimal:
        return sum((row.amount for row in self.rows if row.kind == kind), ZERO)

    @property
    def receipts(self) -> Decimal:
        return self._sum("receipt")

    @property
    def payments(self) -> Decimal:
        return self._sum("payment")

    @property
    def expenses(self) -> Decimal:
        return self._sum("expense")

    @property
    def expected(self) -> Decimal:
        """What should be in the box in the evening."""
        return self.opening + self.receipts - self.payments - self.expenses


def cash_book_of(shop: Shop, day: dt.date) -> CashBook:
    """The cash book of a day as it stands. Seven queries, however many rows."""
    last = last_close_before(shop, day)
    start = last.counted if last else ZERO
    since = cash_moved(shop, after=last.business_date if last else None, before=day)
    return CashBook(day=day, opening=start + since, is_first=last is None, rows=_rows(shop, day))


def last_close_before(shop: Shop, day: dt.date) -> DayClose | None:
    """The close that stands next before a day."""
    return standing_closes(shop).filter(business_date__lt=day).order_by("-business_date").first()


def standing_closes(shop: Shop) -> QuerySet[DayClose]:
    """The shop's closes that were not opened again."""
    return DayClose.objects.filter(shop=shop, reopened_at=None)


def close_of(shop: Shop, day: dt.date) -> DayClose | None:
    """The close that stands of a day; None while it is open."""
    return (
        standing_closes(shop)
        .filter(business_date=day)
        .select_related("closed_by__user", "reopened_by__user")
        .first()
    )


def is_locked(shop: Shop, day: dt.date) -> bool:
    """Whether a day is closed: nothing is dated in it. One query."""
    return standing_closes(shop).filter(business_date=day).exists()


def first_open_day(shop: Shop, day: dt.date) -> dt.date:
    """The day itself, or the first one after it that is not closed. One query."""
    # In SQL, because every sale from a tablet waits for it.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT business_date FROM ledger_dayclose"
            " WHERE shop_id = %s AND business_date >= %s AND reopened_at IS NULL",
            [shop.pk, day],
        )
        closed = {each for (each,) in cursor.fetchall()}
    while day in closed:
        day += dt.timedelta(1)
    return day


def reopened_closes_of(shop: Shop, day: dt.date) -> list[DayClose]:
    """The closes of a day that were opened again, the newest first."""
    return list(
        DayClose.objects.filter(shop=shop, business_date=day, reopened_at__isnull=False)
        .select_related("closed_by__user", "reopened_by__user")
        .order_by("-closed_at")
    )


def closed_days(shop: Shop, days: Collection[dt.date]) -> set[dt.date]:
    """Those of some days that are closed. One query."""
    return set(
        standing_closes(shop).filter(business_date__in=set(days)).values_list("business_date", flat=True)
    )


def cash_moved(shop: Shop, *, before: dt.date, after: dt.date | None) -> Decimal:
    """What the cash account gained in ₹ on the days between, neither end included. Three queries."""
    cash = _cash(shop)
    if cash is None:
        return ZERO
    days = {"value_date__lt": before} | ({"value_date__gt": after} if after else {})
    gained, lost = (
        Transfer.objects.filter(**{side: cash}, **days).aggregate(moved=Sum("amount", default=ZERO))["moved"]
        for side in ("debit", "credit")
    )
    return Decimal(gained - lost)


@dataclass(frozen=True)
class Later:
    """The next day that is closed. It was opened with what was in the box on the evening in question: `known`, in
    ₹; None where that day's close brought its cash into the book, so that nothing before it was ever counted."""

    day: dt.date
    known: Decimal | None


def later_of(shop: Shop, day: dt.date) -> Later | None:
    """What the next closed day says about the evening of a day; None where there is none. Five queries at most."""
    later = standing_closes(shop).filter(business_date__gt=day).order_by("business_date").first()
    if later is None:
        return None
    brought = Transfer.objects.filter(journal_kind=JournalKind.DAY_CLOSE, journal=later.pk, seq=BROUGHT)
    if brought.exists():
        return Later(later.business_date, None)
    moved = cash_moved(shop, after=day, before=later.business_date)
    return Later(later.business_date, later.opening_cash - moved)


def _cash(shop: Shop) -> Account | None:
    return Account.objects.filter(shop=shop, kind=AccountKind.CASH).first()


def _rows(shop: Shop, day: dt.date) -> list[CashRow]:
    """Everything that went through the box on a day, as it was written; counting it moved nothing."""
    cash = _cash(shop)
    if cash is None:
        return []
    transfers = list(
        Transfer.objects.filter(Q(debit=cash) | Q(credit=cash), value_date=day)
        .exclude(journal_kind=JournalKind.DAY_CLOSE)
        .select_related("created_by__user")
        .order_by("created_at", "seq")
    )
    journals = [moved.journal for moved in transfers]
    movements = Movement.objects.select_related("farmer").in_bulk(journals)
    receipts = BuyerReceipt.objects.select_related("buyer").in_bulk(journals)
    expenses = Expense.objects.in_bulk(journals)
    return [_row(moved, cash, movements, receipts, expenses) for moved in transfers]


def _row(
    moved: Transfer,
    cash: Account,
    movements: Mapping[UUID, Movement],
    receipts: Mapping[UUID, BuyerReceipt],
    expenses: Mapping[UUID, Expense],
) -> CashRow:
    went_out = "expense" if moved.journal_kind == JournalKind.EXPENSE else "payment"
    what = str(JournalKind(moved.journal_kind).label).capitalize()
    paper: Movement | BuyerReceipt | Expense | None = None
    if movement := movements.get(moved.journal):
        what, paper = f"{movement.get_kind_display()} · {movement.farmer.name}", movement
    elif receipt := receipts.get(moved.journal):
        what, paper = receipt.buyer.name, receipt
    elif expense := expenses.get(moved.journal):
        what, paper = expense.what, expense
    what = what[:1].upper() + what[1:]
    return CashRow(
        at=moved.created_at,
        # What is taken back comes back into the box, whatever it was; a receipt taken back leaves it.
        kind="receipt" if moved.debit_id == cash.pk else went_out,
        amount=moved.amount,
        what=_("Taken back: %(what)s") % {"what": what} if moved.reverses_id else what,
        voucher=paper.voucher if paper else "",
        note=paper.note if paper else "",
        by=moved.created_by.user.name,
        paper=paper,
    )


# --- What a close must say loudly ----------------------------------------------------------------


def unpriced_on(shop: Shop, day: dt.date) -> QuerySet[DailyEntry]:
    """The day's lines without a rate, by the clock: they are in no sum."""
    return waiting_lines(shop).filter(business_date=day).order_by("captured_at", "pk")


def waiting_on(shop: Shop, day: dt.date) -> QuerySet[Movement]:
    """Money of the day that waits for the owner: it is in no cash book."""
    return (
        Movement.objects.filter(shop=shop, business_date=day, status=MovementStatus.WAITING)
        .select_related("farmer", "created_by__user")
        .order_by("created_at")
    )


# --- The days ------------------------------------------------------------------------------------


@dataclass
class DayState:
    """A day as the list shows it: lines and those without a rate, its close and how often it was opened again."""

    day: dt.date
    lines: int = 0
    unpriced: int = 0
    close: DayClose | None = None
    reopened: int = 0

    @property
    def difference(self) -> str:
        """The difference of its close in words; empty while it is open."""
        return difference_words(self.close.difference) if self.close else ""


def days_of(shop: Shop, start: dt.date, end: dt.date) -> list[DayState]:
    """The days from `start` to `end`, both included, in which something happened, the newest first. Four queries."""
    days: dict[dt.date, DayState] = {}

    def state(day: dt.date) -> DayState:
        return days.setdefault(day, DayState(day))

    lines = (
        DailyEntry.objects.filter(shop=shop, business_date__range=(start, end))
        .standing()
        .order_by()
        .values("business_date")
        .annotate(lines=Count("pk"), unpriced=Count("pk", filter=Q(rate=None) & ~Q(kind=EntryKind.REVERSAL)))
    )
    for row in lines:
        found = state(row["business_date"])
        found.lines, found.unpriced = row["lines"], row["unpriced"]
    moved = Transfer.objects.filter(shop=shop, value_date__range=(start, end)).order_by()
    for day in moved.values_list("value_date", flat=True).distinct():
        state(day)
    closes = DayClose.objects.filter(shop=shop, business_date__range=(start, end))
    for close in closes.select_related("closed_by__user"):
        found = state(close.business_date)
        if close.reopened_at:
            found.reopened += 1
        else:
            found.close = close
    return sorted(days.values(), key=lambda found: found.day, reverse=True)


# --- Expenses ------------------------------------------------------------------------------------


def expense_of(member: Membership, expense_id: UUID) -> Expense:
    """One expense of the member's shop. Raises NotFound."""
    expense = (
        Expense.objects.filter(shop=member.shop, pk=expense_id)
        .select_related("created_by__user", "reverses", "reversal")
        .first()
    )
    if expense is None:
        raise NotFound(_("There is no such expense."))
    return expense


@dataclass(frozen=True)
class Spent:
    """An expense, and whether the reader may take it back."""

    expense: Expense
    may_take_back: bool


def spent_on(member: Membership, day: dt.date) -> list[Spent]:
    """The expenses of a day, as they were written, those that were taken back too. One query."""
    expenses = (
        Expense.objects.filter(shop=member.shop, business_date=day)
        .select_related("created_by__user", "reverses", "reversal")
        .order_by("created_at")
    )
    return [
        Spent(
            expense,
            expense.reverses is None
            and getattr(expense, "reversal", None) is None
            and may_take_back_expense(member, expense),
        )
        for expense in expenses
    ]


def spent_on_before(shop: Shop) -> list[str]:
    """What the shop spends money on, as it was written, for a list to choose from. One query."""
    return list(
        Expense.objects.filter(shop=shop, business_date__gt=timezone.now().date() - LOOKED_BACK)
        .order_by("what")
        .values_list("what", flat=True)
        .distinct()[:50]
    )


def may_take_back_expense(member: Membership, expense: Expense) -> bool:
    """The owner takes everything back; staff what they wrote themselves on this business day."""
    turnover = member.shop.turnover_hour
    is_todays = business_date_of(expense.created_at, turnover) == business_date_of(timezone.now(), turnover)
    return member.role == Role.ADMIN or (expense.created_by_id == member.pk and is_todays)


# --- In words and on the wire --------------------------------------------------------------------


def difference_words(difference: Decimal) -> str:
    """How the counted cash differs from what should be there, without a sign: `₹20.00 too little`."""
    if not difference:
        return _("Nothing is missing, nothing is over")
    words = _("%(amount)s too much") if difference > 0 else _("%(amount)s too little")
    return words % {"amount": rupees(abs(difference))}


def cash_words(amount: Decimal) -> str:
    """What is in the box; where the book paid out more than there was, how much it is short of."""
    return rupees(amount) if amount >= 0 else _("%(amount)s short") % {"amount": rupees(-amount)}


def expense_answer(expense: Expense) -> dict[str, Any]:
    """An expense. `amount` is in ₹ and above zero, also of one that takes another back."""
    return {
        "id": str(expense.pk),
        "voucher": expense.voucher,
        "what": expense.what,
        "amount": money(expense.amount),
        "business_date": expense.business_date.isoformat(),
        "mode": expense.mode,
        "reference": expense.reference,
        "note": expense.note,
        "reverses": str(expense.reverses_id) if expense.reverses_id else None,
        "created_by": str(expense.created_by_id),
        "created_at": moment(expense.created_at),
    }


def day_close_answer(close: DayClose) -> dict[str, Any]:
    """A close, with what it says loudly as it is now. Amounts in ₹; the difference has its sign: below zero
    it was too little. Two queries."""
    unpriced = unpriced_on(close.shop, close.business_date)
    waiting = waiting_on(close.shop, close.business_date)
    return {
        "id": str(close.pk),
        "day": close.business_date.isoformat(),
        "opening_cash": money(close.opening_cash),
        "receipts": money(close.receipts),
        "payments": money(close.payments),
        "expenses": money(close.expenses),
        "counted": money(close.counted),
        "denominations": close.denominations,
        "difference": money(close.difference),
        "unpriced": close.unpriced,
        "unpriced_entries": [str(pk) for pk in unpriced.values_list("pk", flat=True)],
        "waiting_movements": [str(pk) for pk in waiting.values_list("pk", flat=True)],
        "note": close.note,
        "closed_by": str(close.closed_by_id),
        "closed_at": moment(close.closed_at),
        "reopened_by": str(close.reopened_by_id) if close.reopened_by_id else None,
        "reopened_at": moment(close.reopened_at),
        "reopen_reason": close.reopen_reason,
    }
