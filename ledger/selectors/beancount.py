"""A shop's whole book as text for beancount, an engine for accounts that knows nothing of our code.

Every transfer is a transaction. What no settlement has taken yet is kept in accounts of its own, under
`Unsettled`, so that gross, commission and charges are added up by the other engine, too: lines and charges come
in on their day, and leave on the day from which a settlement's sums are in the accounts. The assertions say what
`balances_of` says: of every farmer at the end of each month and of the last day, of all other accounts at the
end. Amounts are ₹.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from ledger.domain import AccountKind, ChargeStatus, RowKind
from ledger.models import Account, Charge, Claim, ClaimedRow, DailyEntry, Farmer, Transfer
from ledger.selectors.accounts import Balance, balances_of
from malar.accounts.models import Shop
from malar.kernel.money import ZERO

NAMES = {
    AccountKind.PAYABLE: "Liabilities:Farmers:{farmer}:Payable",
    AccountKind.APPROVED: "Liabilities:Farmers:{farmer}:Approved",
    AccountKind.ADVANCE: "Assets:Advances:{farmer}",
    AccountKind.HAND_LOAN: "Assets:HandLoans:{farmer}",
    AccountKind.DRAW: "Assets:Draws:{farmer}",
    AccountKind.BUYER: "Assets:Buyers:{buyer}",
    AccountKind.CASH: "Assets:Cash",
    AccountKind.BANK: "Assets:Bank",
    AccountKind.SALES: "Income:Sales",
    AccountKind.COMMISSION: "Income:Commission",
    AccountKind.FEES: "Income:Fees",
    AccountKind.PASS_THROUGH: "Liabilities:PassThrough",
    AccountKind.ROUNDING: "Expenses:Rounding",
    AccountKind.EXPENSES: "Expenses:Shop",
    AccountKind.CASH_DIFFERENCE: "Expenses:CashDifference",
    AccountKind.OPENING: "Equity:Opening",
}
OWED = "Liabilities:Farmers:{farmer}"
"""Above what is settled and what is approved: their sum is what the selector calls payable."""
GROSS, COMMISSION, CHARGES = (
    f"Liabilities:Unsettled:{{farmer}}:{what}" for what in ("Gross", "Commission", "Charges")
)
MEMO = "Equity:Unsettled"
OF_A_FARMER = (
    OWED,
    *(NAMES[kind] for kind in (AccountKind.ADVANCE, AccountKind.HAND_LOAN, AccountKind.DRAW)),
    *(GROSS, COMMISSION, CHARGES),
)
EXACTLY = "~ 0.001"
"""Without it beancount forgives a paisa."""


def book_as_beancount(shop: Shop) -> Iterator[str]:
    """The book of a shop, line by line. `bean-check` finds no error in it, or our sums are wrong."""
    farmers = list(shop.farmers.order_by("number"))
    accounts = list(shop.accounts.select_related("farmer", "buyer").order_by("id"))
    names = {account.pk: name_of(account) for account in accounts}
    lines = list(shop.daily_entries.standing().select_related("farmer").order_by("pk"))
    charges = list(
        shop.charges.filter(status=ChargeStatus.STANDING)
        .select_related("farmer", "fee")
        .order_by("business_date", "pk")
    )
    claims = shop.claims.exclude(posted_on=None).in_bulk()
    transfers = list(shop.transfers.order_by("value_date", "created_at", "pk"))
    days = sorted(
        {each.value_date for each in transfers}
        | {each.business_date for each in lines}
        | {each.business_date for each in charges}
        | {day for each in claims.values() for day in (each.posted_on, each.released_on) if day}
    )
    if not days:
        return
    yield 'option "operating_currency" "INR"'
    opened = [in_account(of, farmer) for of in OF_A_FARMER for farmer in farmers]
    for name in sorted({MEMO, *names.values(), *opened}):
        yield f"{days[0]} open {name} INR"
    for moved in transfers:
        yield from _transaction(
            moved.value_date,
            f"{moved.journal_kind} {moved.journal} {moved.seq}",
            [(names[moved.debit_id], moved.amount), (names[moved.credit_id], -moved.amount)],
        )
    yield from _unsettled(lines, charges)
    yield from _settled(claims, lines, charges)
    for day in ends_of_months(days):
        for farmer, balance in _balances(farmers, day):
            yield from _assertions(farmer, balance, day + dt.timedelta(1))
    yield from _totals(shop, accounts, names, days[-1] + dt.timedelta(1))


def name_of(account: Account) -> str:
    """An account as beancount names it: farmers and buyers by their numbers."""
    name = NAMES[AccountKind(account.kind)]
    if account.farmer:
        return in_account(name, account.farmer)
    return name.format(buyer=f"B{account.buyer.number}") if account.buyer else name


def in_account(name: str, farmer: Farmer) -> str:
    return name.format(farmer=f"F{farmer.number}")


def ends_of_months(days: list[dt.date]) -> list[dt.date]:
    """The last of `days` in each of their months."""
    return sorted({(day.year, day.month): day for day in days}.values())


def _transaction(day: dt.date, says: str, legs: Iterable[tuple[str, Decimal]]) -> Iterator[str]:
    yield f'{day} * "{says}"'
    for account, amount in legs:
        yield f"  {account}  {amount} INR"


def _unsettled(lines: list[DailyEntry], charges: list[Charge]) -> Iterator[str]:
    for line in lines:
        if line.amount is None or line.commission is None:
            yield f"; {line.business_date} {line.slip_label}: {line.quantity} {line.unit}, no rate yet"
            continue
        yield from _transaction(
            line.business_date,
            f"line {line.pk} {line.version}",
            [
                (in_account(GROSS, line.farmer), -line.amount),
                (in_account(COMMISSION, line.farmer), line.commission),
                (MEMO, line.amount - line.commission),
            ],
        )
    for charge in charges:
        yield from _transaction(
            charge.business_date,
            f"charge {charge.pk}",
            [(in_account(CHARGES, charge.farmer), charge.amount), (MEMO, -charge.amount)],
        )


def _settled(claims: dict[UUID, Claim], lines: list[DailyEntry], charges: list[Charge]) -> Iterator[str]:
    """What settlements took out of `Unsettled` on the day they were approved, and back into it when taken back."""
    sums: dict[tuple[UUID, Farmer], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
    of_line, of_charge = {line.pk: line for line in lines}, {charge.pk: charge for charge in charges}
    rows = ClaimedRow.objects.filter(claim__in=claims).exclude(kind=RowKind.DRAW).order_by("id")
    for claim, row in rows.values_list("claim", "row"):
        if line := of_line.get(row):
            taken = sums[claim, line.farmer]
            taken[0] += line.amount or ZERO
            taken[1] += line.commission or ZERO
        elif charge := of_charge.get(row):
            sums[claim, charge.farmer][2] += charge.amount
    for (claim, farmer), (gross, commission, charged) in sums.items():
        for day, sign, says in (
            (claims[claim].posted_on, 1, "settled"),
            (claims[claim].released_on, -1, "taken back"),
        ):
            if day is not None:
                yield from _transaction(
                    day,
                    f"{says} {claim}",
                    [
                        (in_account(GROSS, farmer), sign * gross),
                        (in_account(COMMISSION, farmer), -sign * commission),
                        (in_account(CHARGES, farmer), -sign * charged),
                        (MEMO, sign * (commission + charged - gross)),
                    ],
                )


def _balances(farmers: list[Farmer], day: dt.date) -> Iterator[tuple[Farmer, Balance]]:
    balances = balances_of(farmers, day)
    for farmer in farmers:
        yield farmer, balances[farmer.pk]


def _assertions(farmer: Farmer, balance: Balance, morning: dt.date) -> Iterator[str]:
    unsettled = balance.unsettled
    says = (
        (OWED, -balance.payable),
        (NAMES[AccountKind.ADVANCE], balance.advance),
        (NAMES[AccountKind.HAND_LOAN], balance.hand_loan),
        (NAMES[AccountKind.DRAW], unsettled.draws),
        (GROSS, -unsettled.gross),
        (COMMISSION, unsettled.commission),
        (CHARGES, unsettled.charges),
    )
    for name, amount in says:
        yield f"{morning} balance {in_account(name, farmer)}  {amount} {EXACTLY} INR"


def _totals(shop: Shop, accounts: list[Account], names: dict[UUID, str], morning: dt.date) -> Iterator[str]:
    """What the accounts say that are not of a farmer."""
    moved: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for side, sign in (("debit", 1), ("credit", -1)):
        for account, amount in (
            Transfer.objects.filter(shop=shop).order_by().values_list(side).annotate(Sum("amount"))
        ):
            moved[account] += sign * amount
    for account in accounts:
        if account.farmer_id is None:
            yield f"{morning} balance {names[account.pk]}  {moved[account.pk]} {EXACTLY} INR"
