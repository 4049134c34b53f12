"""Writing into the accounts of the book. Steps: each is a part of somebody's unit of work."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, JournalKind, Mode
from ledger.models import Account, Buyer, Farmer, Transfer, VoucherCounter
from malar.accounts.models import Membership, Shop
from malar.kernel import formatting
from malar.kernel.errors import RuleBroken
from malar.kernel.transactions import step

MONEY_IN = {Mode.CASH: AccountKind.CASH, Mode.NONE: AccountKind.OPENING}
"""Where money of a mode is, or comes from; all others are the bank."""


@step
def account_of(
    shop: Shop, kind: AccountKind, *, farmer: Farmer | None = None, buyer: Buyer | None = None
) -> Account:
    """The shop's account of a kind, opened where there is none yet; two may open it at once."""
    belongs = {"shop": shop, "kind": kind, "farmer": farmer, "buyer": buyer}
    account = Account.objects.filter(**belongs).first()
    if account is None:
        Account.objects.bulk_create([Account(**belongs)], ignore_conflicts=True)
        account = Account.objects.get(**belongs)
    return account


@step
def money_account(shop: Shop, mode: str) -> Account:
    """Cash, bank, or for opening figures the account they are brought over from."""
    return account_of(shop, MONEY_IN.get(Mode(mode), AccountKind.BANK))


@step
def post(
    *,
    by: Membership,
    journal_kind: JournalKind,
    journal: UUID,
    debit: Account,
    credit: Account,
    amount: Decimal,
    day: dt.date,
    seq: int = 1,
    reverses: Transfer | None = None,
) -> Transfer:
    """Write one transfer of `amount` ₹ (above zero) from `credit` to `debit`, dated `day`.

    The same journal and number cannot be written twice: the database refuses (IntegrityError).
    """
    return Transfer.objects.create(
        shop=by.shop,
        journal_kind=journal_kind,
        journal=journal,
        seq=seq,
        debit=debit,
        credit=credit,
        amount=amount,
        value_date=day,
        reverses=reverses,
        created_by=by,
    )


@step
def post_back(
    transfer: Transfer, *, by: Membership, journal_kind: JournalKind, journal: UUID, day: dt.date
) -> Transfer:
    """Write the exact mirror of a transfer, dated `day`. A second mirror of it is refused by the database."""
    return post(
        by=by,
        journal_kind=journal_kind,
        journal=journal,
        debit=transfer.credit,
        credit=transfer.debit,
        amount=transfer.amount,
        day=day,
        seq=transfer.seq,
        reverses=transfer,
    )


@step
def next_voucher(shop: Shop, day: dt.date) -> str:
    """The next voucher number of the financial year (April to March) of `day`: V2627-0001.

    The counter's row is held until the commit: take it last.
    """
    (voucher,) = next_vouchers(shop, day, 1)
    return voucher


@step
def next_vouchers(shop: Shop, day: dt.date, count: int) -> list[str]:
    """So many numbers of that year, one after the other."""
    year = day.year if day.month >= 4 else day.year - 1
    VoucherCounter.objects.bulk_create([VoucherCounter(shop=shop, year=year, last=0)], ignore_conflicts=True)
    counter = VoucherCounter.objects.select_for_update().get(shop=shop, year=year)
    first = counter.last + 1
    counter.last += count
    counter.save(update_fields=["last"])
    return [f"V{year % 100:02}{(year + 1) % 100:02}-{n:04}" for n in range(first, first + count)]


@contextmanager
def closed_day_refused(day: dt.date, pointer: str = "/business_date") -> Iterator[None]:
    """Say it in words when the database refuses to write into a day that is closed (`ledger_day_is_open`).

    Raises RuleBroken `day_locked`; nothing of the unit of work is kept.
    """
    try:
        yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        if diagnosis is None or diagnosis.constraint_name != "day_is_open":
            raise
        raise day_locked(day, pointer) from error


def day_locked(day: dt.date, pointer: str) -> RuleBroken:
    """That nothing may be dated in a closed day, in words."""
    detail = _("%(day)s is closed. The owner can open it again.") % {"day": formatting.day(day)}
    return RuleBroken(detail, code="day_locked", pointer=pointer)
