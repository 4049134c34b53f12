"""What stands between a farmer and the shop: the one derivation of every balance (architecture §5.4).

A balance is the union of the transfers on his accounts and the rows of the book that no settlement has
taken yet. Everybody who needs one asks here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from ledger.domain import INTO_ACCOUNTS, AccountKind, ChargeStatus, ClaimState, Direction, JournalKind
from ledger.models import (
    Account,
    Charge,
    Claim,
    DailyEntry,
    DailyEntryQuerySet,
    Farmer,
    Movement,
    Transfer,
)
from ledger.selectors.claims import in_accounts
from malar.kernel import formatting
from malar.kernel.money import ZERO
from malar.kernel.quantities import Unit
from pricing.models import FeeRule

FOR_FLOWERS = (AccountKind.PAYABLE, AccountKind.APPROVED)
"""What is owed for flowers: settled or brought over, until it is paid."""


@dataclass(frozen=True)
class Unsettled:
    """What no settlement has taken yet, in ₹, each as the papers say it. `unpriced`: lines without a rate,
    which are in none of the sums."""

    gross: Decimal = ZERO
    commission: Decimal = ZERO
    charges: Decimal = ZERO
    draws: Decimal = ZERO
    unpriced: int = 0

    @property
    def value(self) -> Decimal:
        """What it comes to: above zero the shop owes it."""
        return self.gross - self.commission - self.charges - self.draws


@dataclass(frozen=True)
class Balance:
    """A farmer's account in ₹. `payable`, above zero, is owed to him for what is settled or was brought over.
    `advance` and `hand_loan` are what he owes of each; they stand beside the net and are not in it."""

    payable: Decimal = ZERO
    advance: Decimal = ZERO
    hand_loan: Decimal = ZERO
    unsettled: Unsettled = field(default_factory=Unsettled)
    as_of: dt.date | None = None

    @property
    def signed(self) -> Decimal:
        """The net as a number to reckon with: above zero the shop owes, below the farmer. Never to be shown."""
        return self.payable + self.unsettled.value

    @property
    def net(self) -> Decimal:
        """How much is owed, without a sign; `direction` says by whom."""
        return abs(self.signed)

    @property
    def direction(self) -> Direction:
        """Who owes the net."""
        return direction_of(self.signed)

    @property
    def brought_over(self) -> Row:
        """What is owed beside all that is unsettled, as a row with its direction."""
        return Row(self.as_of or dt.date.min, "opening", ZERO, balance=self.payable)

    def __str__(self) -> str:
        return owed_words(self.signed)


def direction_of(signed: Decimal) -> Direction:
    """Who owes: above zero the shop."""
    if signed > 0:
        return Direction.SHOP_OWES
    return Direction.FARMER_OWES if signed < 0 else Direction.EVEN


def owed_words(signed: Decimal) -> str:
    """Who owes whom how much, as people say it: `The farmer must pay us ₹27.00`."""
    words = str(direction_of(signed).label)
    return f"{words} {formatting.rupees(abs(signed))}" if signed else words


def balance_of(farmer: Farmer, on: dt.date | None = None) -> Balance:
    """A farmer's balance at the end of the day `on`, or with all that is written. Four queries."""
    return balances_of([farmer], on)[farmer.pk]


def balances_of(farmers: Collection[Farmer], on: dt.date | None = None) -> dict[UUID, Balance]:
    """The balances of farmers by their ids; who has no row yet is even. Four queries, however many they are."""
    ids = [farmer.pk for farmer in farmers]
    owed = _owed_to(ids, on)
    lines = {
        row["farmer_id"]: row
        for row in unsettled_lines(ids, on)
        .order_by()
        .values("farmer_id")
        .annotate(
            gross=Sum("amount", default=ZERO),
            earned=Sum("commission", default=ZERO),
            unpriced=Count("pk", filter=Q(rate=None)),
        )
    }
    charges = dict(
        unsettled_charges(ids, on)
        .order_by()
        .values_list("farmer_id")
        .annotate(charged=Sum("amount", default=ZERO))
    )
    return {
        pk: Balance(
            payable=sum((owed[pk, kind] for kind in FOR_FLOWERS), ZERO),
            advance=-owed[pk, AccountKind.ADVANCE],
            hand_loan=-owed[pk, AccountKind.HAND_LOAN],
            unsettled=Unsettled(
                gross=lines[pk]["gross"] if pk in lines else ZERO,
                commission=lines[pk]["earned"] if pk in lines else ZERO,
                charges=charges.get(pk, ZERO),
                draws=-owed[pk, AccountKind.DRAW],
                unpriced=lines[pk]["unpriced"] if pk in lines else 0,
            ),
            as_of=on,
        )
        for pk in ids
    }


def owed_for_flowers(farmer: Farmer) -> Decimal:
    """What the shop owes a farmer, in ₹ with its sign, beside what is approved and beside what is not settled: what
    the next settlement brings forward. Two queries."""
    return _owed_to([farmer.pk], None)[farmer.pk, AccountKind.PAYABLE]


def unsettled_lines(farmers: Collection[UUID], on: dt.date | None = None) -> DailyEntryQuerySet:
    """The farmers' lines that stand and are in no settlement that is in the accounts, at the end of the day `on`."""
    lines = DailyEntry.objects.filter(farmer__in=farmers, **_until("business_date", on)).standing()
    return lines.exclude(in_accounts(on))


def unsettled_charges(farmers: Collection[UUID], on: dt.date | None = None) -> QuerySet[Charge]:
    """The farmers' charges that stand and are in no settlement that is in the accounts, at the end of the day `on`."""
    charges = Charge.objects.filter(
        farmer__in=farmers, status=ChargeStatus.STANDING, **_until("business_date", on)
    )
    return charges.exclude(in_accounts(on))


def _until(column: str, day: dt.date | None) -> dict[str, dt.date]:
    return {} if day is None else {f"{column}__lte": day}


def _owed_to(farmers: Collection[UUID], on: dt.date | None) -> dict[tuple[UUID, str], Decimal]:
    """Credits less debits on each account of the farmers, in ₹: above zero he is owed it. Two queries."""
    owed: dict[tuple[UUID, str], Decimal] = defaultdict(lambda: ZERO)
    for side, sign in (("credit", 1), ("debit", -1)):
        sums = (
            Transfer.objects.filter(**{f"{side}__farmer__in": farmers}, **_until("value_date", on))
            .order_by()
            .values_list(f"{side}__farmer", f"{side}__kind")
            .annotate(moved=Sum("amount"))
        )
        for farmer, kind, moved in sums:
            owed[farmer, kind] += sign * moved
    return owed


# --- The running account ------------------------------------------------------------------------

RUNNING = (*FOR_FLOWERS, AccountKind.DRAW)
"""The accounts whose transfers the running account shows; lines and charges stand beside them."""


@dataclass(frozen=True)
class Row:
    """One dated row of an account. `change` and the `balance` after it are in ₹, above zero where the one
    whom the account is about is owed more: on the running account the farmer, on a loan the shop.

    `kind` says which of the rest is filled: "lines" (a day's lines as one; `gross` and `commission` of those
    that have a rate), "charges" (a day's charges of one fee), else what wrote the transfer (`JournalKind`).
    """

    day: dt.date
    kind: str
    change: Decimal
    balance: Decimal = ZERO
    lines: int = 0
    unpriced: int = 0
    kilograms: Decimal = ZERO
    gross: Decimal = ZERO
    commission: Decimal = ZERO
    fee: FeeRule | None = None
    quantity: Decimal = ZERO
    movement: Movement | None = None

    @property
    def up(self) -> Decimal | None:
        """The change where the balance rises."""
        return self.change if self.change > 0 else None

    @property
    def down(self) -> Decimal | None:
        """The change where the balance falls, without its sign."""
        return -self.change if self.change < 0 else None

    @property
    def net(self) -> Decimal:
        """The balance without its sign."""
        return abs(self.balance)

    @property
    def direction(self) -> Direction:
        """Who owes the balance; of the running account only."""
        return direction_of(self.balance)

    @property
    def what(self) -> str:
        """What it is about, in a word or two."""
        if self.kind == "lines":
            return _("Flowers")
        if self.fee:
            return self.fee.name
        if self.movement:
            kind = str(self.movement.get_kind_display()).capitalize()
            return _("Taken back: %(what)s") % {"what": kind} if self.movement.reverses_id else kind
        return str(JournalKind(self.kind).label).capitalize()


@dataclass(frozen=True)
class Section:
    """An account over some days in ₹: what stood before, the rows, what stands after. Opening and changes
    come to the closing figure."""

    opening: Decimal
    rows: list[Row]

    @property
    def closing(self) -> Decimal:
        return self.rows[-1].balance if self.rows else self.opening

    @property
    def is_empty(self) -> bool:
        """Nothing is owed and nothing happened."""
        return not self.rows and not self.opening


@dataclass(frozen=True)
class Statement:
    """A farmer's running account from `start` to `end`, both included, with his advance and hand loan beside it."""

    farmer: Farmer
    start: dt.date
    end: dt.date
    running: Section
    advance: Section
    hand_loan: Section

    @property
    def opening(self) -> Decimal:
        """Above zero the shop owed it on the morning of `start`."""
        return self.running.opening

    @property
    def rows(self) -> list[Row]:
        return self.running.rows

    @property
    def closing(self) -> Decimal:
        """Above zero the shop owes it at the end of `end`: the balance of that day."""
        return self.running.closing

    @property
    def opens(self) -> Row:
        """What stood before, as a row of its own."""
        return Row(self.start, "opening", ZERO, balance=self.opening)

    @property
    def closes(self) -> Row:
        """What stands after, as a row of its own."""
        return Row(self.end, "closing", ZERO, balance=self.closing)

    @property
    def unpriced(self) -> int:
        """Lines of these days without a rate; they are in no sum."""
        return sum(row.unpriced for row in self.rows)


def statement_of(farmer: Farmer, start: dt.date, end: dt.date) -> Statement:
    """A farmer's account from `start` to `end`, both included. Eleven queries, however many rows; more where a
    settlement was taken back.

    Its closing figures are those of `balance_of` on the day `end`.
    """
    # Before the first day that can be written there is nothing.
    before = balance_of(farmer, start - dt.timedelta(days=1)) if start > dt.date.min else Balance()
    days = (start, end)
    # By the accounts' ids, each side by its own index: a join with an "or" would read the whole table.
    accounts = list(Account.objects.filter(farmer=farmer).values_list("pk", flat=True))
    transfers = list(
        Transfer.objects.filter(Q(debit__in=accounts) | Q(credit__in=accounts), value_date__range=days)
        .select_related("debit", "credit")
        .order_by("created_at", "seq")
    )
    movements = (
        Movement.objects.filter(farmer=farmer)
        .select_related("reverses", "created_by__user")
        .in_bulk([moved.journal for moved in transfers if moved.journal_kind == JournalKind.MOVEMENT])
    )
    flowers = [
        *_days_of_lines(farmer, days),
        *_days_of_charges(farmer, days),
        *_changed_since_settled(farmer, days),
    ]

    def section(opening: Decimal, kinds: Collection[str], sign: int, more: list[Row]) -> Section:
        rows = more + [
            Row(moved.value_date, moved.journal_kind, sign * change, movement=movements.get(moved.journal))
            for moved in transfers
            # Its lines and charges stand on their own days, settled or not.
            if not (moved.journal_kind == JournalKind.SETTLEMENT and moved.seq in INTO_ACCOUNTS)
            and (change := _credited(moved, farmer, kinds))
        ]
        # A day's flowers first, then what is taken off them, then money in the order it was written.
        rows.sort(key=lambda row: row.day)
        balance, running = opening, []
        for row in rows:
            balance += row.change
            running.append(replace(row, balance=balance))
        return Section(opening, running)

    return Statement(
        farmer=farmer,
        start=start,
        end=end,
        running=section(before.signed, RUNNING, 1, flowers),
        advance=section(before.advance, (AccountKind.ADVANCE,), -1, []),
        hand_loan=section(before.hand_loan, (AccountKind.HAND_LOAN,), -1, []),
    )


def _changed_since_settled(farmer: Farmer, days: tuple[dt.date, dt.date]) -> list[Row]:
    """By what rows are another sum than a settlement put into the accounts, where it was taken back and they were
    corrected after that: a row for each settlement that one end of these days knows, and the other does not."""
    start, end = days
    rows = []
    for claim in Claim.objects.filter(shop=farmer.shop_id, state=ClaimState.RELEASED).filter(
        Q(posted_on__lt=start, released_on__range=days) | Q(posted_on__range=days, released_on__gt=end)
    ):
        taken = claim.rows.values("row")
        lines = farmer.daily_entries.standing().filter(pk__in=taken)
        sums = lines.aggregate(gross=Sum("amount", default=ZERO), commission=Sum("commission", default=ZERO))
        charges = farmer.charges.filter(pk__in=taken, status=ChargeStatus.STANDING)
        now = sums["gross"] - sums["commission"] - charges.aggregate(sum=Sum("amount", default=ZERO))["sum"]
        journal = Transfer.objects.filter(
            journal_kind=JournalKind.SETTLEMENT, journal=claim.pk, seq__in=INTO_ACCOUNTS
        ).select_related("debit", "credit")
        was = sum((_credited(moved, farmer, RUNNING) for moved in journal), ZERO)
        if now == was or claim.posted_on is None or claim.released_on is None:
            continue
        if claim.posted_on < start:
            rows.append(Row(claim.released_on, JournalKind.SETTLEMENT, now - was))
        else:
            rows.append(Row(claim.posted_on, JournalKind.SETTLEMENT, was - now))
    return rows


def _credited(moved: Transfer, farmer: Farmer, kinds: Collection[str]) -> Decimal:
    """What a transfer credits to the farmer's accounts of these kinds, less what it debits, in ₹."""
    change = ZERO
    for account, sign in ((moved.credit, 1), (moved.debit, -1)):
        if account.farmer_id == farmer.pk and account.kind in kinds:
            change += sign * moved.amount
    return change


def _days_of_lines(farmer: Farmer, days: tuple[dt.date, dt.date]) -> list[Row]:
    """The farmer's lines, those of a day as one row. One query."""
    found = (
        farmer.daily_entries.standing()
        .filter(business_date__range=days)
        .order_by()
        .values("business_date")
        .annotate(
            lines=Count("pk"),
            unpriced=Count("pk", filter=Q(rate=None)),
            kilograms=Sum("quantity", filter=Q(unit=Unit.KG), default=ZERO),
            gross=Sum("amount", default=ZERO),
            earned=Sum("commission", default=ZERO),
        )
    )
    return [
        Row(
            day=row["business_date"],
            kind="lines",
            change=row["gross"] - row["earned"],
            lines=row["lines"],
            unpriced=row["unpriced"],
            kilograms=row["kilograms"],
            gross=row["gross"],
            commission=row["earned"],
        )
        for row in found
    ]


def _days_of_charges(farmer: Farmer, days: tuple[dt.date, dt.date]) -> list[Row]:
    """The farmer's charges, those of a day and fee as one row. Two queries."""
    found = list(
        farmer.charges.filter(status=ChargeStatus.STANDING, business_date__range=days)
        .order_by()
        .values("business_date", "fee_id")
        .annotate(charged=Sum("amount"), number=Sum("quantity"), first=Min("created_at"))
        .order_by("first")
    )
    fees = FeeRule.objects.filter(shop=farmer.shop_id).in_bulk({row["fee_id"] for row in found})
    return [
        Row(
            day=row["business_date"],
            kind="charges",
            change=-row["charged"],
            fee=fees[row["fee_id"]],
            quantity=row["number"],
        )
        for row in found
    ]
