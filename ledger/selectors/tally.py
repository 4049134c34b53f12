"""A shop's accounts as TallyPrime takes them: a file of ledgers, and one of vouchers.

One voucher for each journal, with a leg for each account. A debited leg is `ISDEEMEDPOSITIVE` with an amount below
zero, a credited one is not, and the legs of a voucher sum to nothing (Tally's "Import of vouchers in XML"; design page
ledger.md, a). `REMOTEID` is the journal's: what is taken over twice is there once. Amounts are ₹.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from uuid import UUID
from xml.sax.saxutils import escape

from ledger.domain import AccountKind, JournalKind
from ledger.models import Account, BuyerReceipt, Expense, Movement, Transfer
from malar.accounts.models import Shop
from malar.kernel.money import ZERO

GROUPS = {
    AccountKind.PAYABLE: "Sundry Creditors",
    AccountKind.APPROVED: "Sundry Creditors",
    AccountKind.ADVANCE: "Loans & Advances (Asset)",
    AccountKind.HAND_LOAN: "Loans & Advances (Asset)",
    AccountKind.DRAW: "Loans & Advances (Asset)",
    AccountKind.BUYER: "Sundry Debtors",
    AccountKind.CASH: "Cash-in-Hand",
    AccountKind.BANK: "Bank Accounts",
    # Gross sales pass through: the shop's income is its commission and fees (domain.md §1.10).
    AccountKind.SALES: "Current Liabilities",
    AccountKind.COMMISSION: "Direct Incomes",
    AccountKind.FEES: "Direct Incomes",
    AccountKind.PASS_THROUGH: "Current Liabilities",
    AccountKind.ROUNDING: "Indirect Expenses",
    AccountKind.EXPENSES: "Indirect Expenses",
    AccountKind.CASH_DIFFERENCE: "Indirect Expenses",
    AccountKind.OPENING: "Capital Account",
}
"""The groups Tally has from the start."""
NAMES = {
    AccountKind.PAYABLE: "account",
    AccountKind.APPROVED: "settled",
    AccountKind.ADVANCE: "advance",
    AccountKind.HAND_LOAN: "hand loan",
    AccountKind.DRAW: "draw",
    AccountKind.BUYER: "",
    AccountKind.CASH: "Cash",
    AccountKind.BANK: "Bank",
    AccountKind.SALES: "Flower sales",
    AccountKind.COMMISSION: "Commission",
    AccountKind.FEES: "Fees",
    AccountKind.PASS_THROUGH: "Fees passed on",
    AccountKind.ROUNDING: "Rounding",
    AccountKind.EXPENSES: "Shop expenses",
    AccountKind.CASH_DIFFERENCE: "Cash difference",
    AccountKind.OPENING: "Opening balances",
}
MONEY = (AccountKind.CASH, AccountKind.BANK)
LONGEST_NAME = 60


def ledgers_as_tally(shop: Shop) -> Iterator[str]:
    """The accounts of a shop as ledgers, line by line: to be taken over before the vouchers."""
    yield from _opening(shop, "All Masters")
    for account in _accounts(shop):
        name, group = _quoted(name_of(account)), _said(GROUPS[AccountKind(account.kind)])
        yield '<TALLYMESSAGE xmlns:UDF="TallyUDF">'
        yield f'<LEDGER NAME="{name}" ACTION="Create"><NAME.LIST><NAME>{_said(name_of(account))}</NAME></NAME.LIST>'
        yield f"<PARENT>{group}</PARENT><OPENINGBALANCE>0</OPENINGBALANCE></LEDGER>"
        yield "</TALLYMESSAGE>"
    yield from _closing()


def vouchers_as_tally(shop: Shop, start: dt.date, end: dt.date) -> Iterator[str]:
    """What was written into the accounts from `start` to `end`, both included, line by line."""
    names = {account.pk: account for account in _accounts(shop)}
    transfers = shop.transfers.filter(value_date__range=(start, end)).order_by(
        "value_date", "journal_kind", "journal", "seq"
    )
    numbers = _voucher_numbers(shop, start, end)
    yield from _opening(shop, "Vouchers")
    # All transfers of a journal have one date.
    for (day, kind, journal), moved in groupby(
        transfers.iterator(chunk_size=2000), key=attrgetter("value_date", "journal_kind", "journal")
    ):
        yield from _voucher(day, JournalKind(kind), journal, list(moved), names, numbers.get(journal, ""))
    yield from _closing()


def name_of(account: Account) -> str:
    """A ledger's name, unique in the shop: `F014 P. Raja advance`."""
    what = NAMES[AccountKind(account.kind)]
    if account.farmer:
        whose = f"{account.farmer.code} {account.farmer.name_en or account.farmer.name_ta}"
        return f"{whose[:LONGEST_NAME]} {what}"
    if account.buyer:
        return f"B{account.buyer.number} {account.buyer.name_en or account.buyer.name_ta}"[:LONGEST_NAME]
    return what


def _accounts(shop: Shop) -> list[Account]:
    return list(shop.accounts.select_related("farmer", "buyer").order_by("id"))


def _voucher_numbers(shop: Shop, start: dt.date, end: dt.date) -> dict[UUID, str]:
    """The numbers on the papers behind the journals."""
    found: dict[UUID, str] = {}
    for model in (Movement, BuyerReceipt, Expense):
        rows = model.objects.filter(shop=shop, business_date__range=(start, end))
        found.update(rows.order_by().values_list("pk", "voucher"))
    return found


def _voucher(
    day: dt.date,
    kind: JournalKind,
    journal: UUID,
    moved: list[Transfer],
    names: dict[UUID, Account],
    number: str,
) -> Iterator[str]:
    legs: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for transfer in moved:
        legs[transfer.debit_id] -= transfer.amount
        legs[transfer.credit_id] += transfer.amount
    # Nothing of an account that gets back what it gave; a journal of which nothing is left is none.
    legs = {account: amount for account, amount in legs.items() if amount}
    if not legs:
        return
    said = _type_of(legs, names)
    yield '<TALLYMESSAGE xmlns:UDF="TallyUDF">'
    yield f'<VOUCHER REMOTEID="malar-{kind.value}-{journal}" VCHTYPE="{said}" ACTION="Create">'
    yield f"<DATE>{day:%Y%m%d}</DATE><EFFECTIVEDATE>{day:%Y%m%d}</EFFECTIVEDATE>"
    yield f"<VOUCHERTYPENAME>{said}</VOUCHERTYPENAME>"
    if number:
        yield f"<VOUCHERNUMBER>{_said(number)}</VOUCHERNUMBER>"
    yield f"<NARRATION>{kind.value.replace('_', ' ')} {journal}</NARRATION>"
    for account, amount in sorted(legs.items(), key=lambda leg: (leg[1], str(leg[0]))):
        yield (
            "<ALLLEDGERENTRIES.LIST>"
            f"<LEDGERNAME>{_said(name_of(names[account]))}</LEDGERNAME>"
            f"<ISDEEMEDPOSITIVE>{'Yes' if amount < 0 else 'No'}</ISDEEMEDPOSITIVE>"
            f"<AMOUNT>{amount:.2f}</AMOUNT>"
            "</ALLLEDGERENTRIES.LIST>"
        )
    yield "</VOUCHER>"
    yield "</TALLYMESSAGE>"


def _type_of(legs: dict[UUID, Decimal], names: dict[UUID, Account]) -> str:
    """What Tally calls it: money that goes out, that comes in, or neither."""
    money = [amount for account, amount in legs.items() if names[account].kind in MONEY]
    if len(money) == len(legs):
        return "Contra"
    if not money:
        return "Journal"
    return "Receipt" if sum(money) < 0 else "Payment"


def _opening(shop: Shop, report: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield "<ENVELOPE><HEADER><TALLYREQUEST>Import Data</TALLYREQUEST></HEADER><BODY><IMPORTDATA>"
    yield f"<REQUESTDESC><REPORTNAME>{report}</REPORTNAME><STATICVARIABLES>"
    yield f"<SVCURRENTCOMPANY>{_said(shop.name_en)}</SVCURRENTCOMPANY></STATICVARIABLES></REQUESTDESC><REQUESTDATA>"


def _closing() -> Iterator[str]:
    yield "</REQUESTDATA></IMPORTDATA></BODY></ENVELOPE>"


def _said(text: str) -> str:
    """Text in XML, without the characters XML forbids."""
    return escape("".join(letter for letter in text if letter >= " " or letter in "\t\n"))


def _quoted(text: str) -> str:
    return _said(text).replace('"', "&quot;")
