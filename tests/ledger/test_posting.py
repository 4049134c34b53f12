"""The accounts of the book: what may be written, and what the database never lets anybody change."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from ledger.domain import AccountKind, JournalKind, Mode, MovementKind
from ledger.models import Account, DayClose, Expense, Farmer, Movement, Transfer
from ledger.services.posting import (
    account_of,
    closed_day_refused,
    money_account,
    next_voucher,
    post,
    post_back,
)
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 6)


@pytest.fixture
def transfer(meena: Membership, raja: Farmer) -> Transfer:
    """2,000.00 lent to Raja in cash."""
    with transaction.atomic():
        return post(
            by=meena,
            journal_kind=JournalKind.MOVEMENT,
            journal=uuid4(),
            debit=account_of(meena.shop, AccountKind.ADVANCE, farmer=raja),
            credit=money_account(meena.shop, Mode.CASH),
            amount=Decimal("2000.00"),
            day=DAY,
        )


def closed(by: Membership, day: dt.date) -> DayClose:
    nothing = Decimal(0)
    return DayClose.objects.create(
        shop=by.shop,
        business_date=day,
        opening_cash=nothing,
        receipts=nothing,
        payments=nothing,
        expenses=nothing,
        counted=nothing,
        closed_by=by,
    )


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        act()
    return str(caught.value)


def by_sql(statement: str) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def test_an_account_is_opened_once(meena: Membership, raja: Farmer) -> None:
    first = account_of(meena.shop, AccountKind.ADVANCE, farmer=raja)
    assert account_of(meena.shop, AccountKind.ADVANCE, farmer=raja) == first
    assert account_of(meena.shop, AccountKind.CASH) == money_account(meena.shop, Mode.CASH)
    assert money_account(meena.shop, Mode.UPI) == money_account(meena.shop, Mode.CHEQUE)
    assert Account.objects.count() == 3


def test_a_transfer_is_never_changed_by_the_orm(transfer: Transfer) -> None:
    transfer.amount = Decimal("1.00")
    assert "not changed" in refused(transfer.save)
    assert "not changed" in refused(lambda: Transfer.objects.update(value_date=DAY))
    assert "Cannot delete" in refused(transfer.delete)
    assert "Cannot delete" in refused(lambda: Transfer.objects.all().delete())


@pytest.mark.parametrize(
    "table", ["transfer", "movement", "charge", "buyersale", "buyerreceipt", "expense", "dayclose"]
)
def test_no_table_of_money_is_emptied(table: str) -> None:
    with connection.cursor() as cursor:
        # The tests' own set-up took these triggers off, so that tests with real commits can clean up.
        cursor.execute(
            "SELECT format('ALTER TABLE %I ENABLE TRIGGER %I', tgrelid::regclass, tgname)"
            " FROM pg_trigger WHERE tgname ~ 'keep_rows' AND NOT tgisinternal"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
    assert "never truncated" in refused(by_sql(f"TRUNCATE ledger_{table} CASCADE"))


def test_a_transfer_is_never_changed_by_sql_as_the_owner_of_the_table(transfer: Transfer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'ledger_transfer'")
        assert cursor.fetchone() == (True,)
    assert "not changed" in refused(by_sql("UPDATE ledger_transfer SET amount = amount + 1"))
    assert "Cannot delete" in refused(by_sql("DELETE FROM ledger_transfer"))
    transfer.refresh_from_db()
    assert transfer.amount == Decimal("2000.00")


def test_a_transfer_is_mirrored_once(transfer: Transfer, meena: Membership) -> None:
    def back() -> Transfer:
        return post_back(
            transfer, by=meena, journal_kind=JournalKind.MOVEMENT, journal=uuid4(), day=DAY + dt.timedelta(1)
        )

    mirror = back()
    assert (mirror.debit, mirror.credit, mirror.amount) == (transfer.credit, transfer.debit, transfer.amount)
    assert "reverses" in refused(back)


def test_a_journal_is_posted_once(transfer: Transfer, meena: Membership) -> None:
    assert "one_posting_of_a_journal" in refused(
        lambda: post(
            by=meena,
            journal_kind=JournalKind.MOVEMENT,
            journal=transfer.journal,
            debit=transfer.debit,
            credit=transfer.credit,
            amount=Decimal(1),
            day=DAY,
        )
    )


def test_no_account_of_another_shop_is_posted_to(transfer: Transfer, devi: Membership) -> None:
    def across() -> None:
        post(
            by=devi,
            journal_kind=JournalKind.MOVEMENT,
            journal=uuid4(),
            debit=money_account(devi.shop, Mode.CASH),
            credit=transfer.credit,
            amount=Decimal(1),
            day=DAY,
        )
        by_sql("SET CONSTRAINTS ALL IMMEDIATE")()

    assert "transfer_credit_id_of_shop" in refused(across)


def test_vouchers_are_counted_by_financial_year(meena: Membership, devi: Membership) -> None:
    assert [next_voucher(meena.shop, day) for day in (DAY, dt.date(2026, 3, 31), dt.date(2026, 4, 1))] == [
        "V2526-0001",
        "V2526-0002",
        "V2627-0001",
    ]
    assert next_voucher(devi.shop, DAY) == "V2526-0001"


def test_nothing_is_written_into_a_closed_day_of_that_shop(
    transfer: Transfer, meena: Membership, devi: Membership, raja: Farmer
) -> None:
    def spend(by: Membership, day: dt.date) -> None:
        with closed_day_refused(day):
            Expense.objects.create(
                shop=by.shop,
                amount=Decimal(10),
                business_date=day,
                mode=Mode.CASH,
                what="tea",
                voucher=next_voucher(by.shop, day),
                created_by=by,
            )

    close = closed(meena, DAY)
    with pytest.raises(RuleBroken) as caught, transaction.atomic():
        spend(meena, DAY)
    assert (caught.value.code, caught.value.faults[0].pointer) == ("day_locked", "/business_date")
    spend(meena, DAY + dt.timedelta(1))
    spend(devi, DAY)
    close.reopened_by, close.reopened_at, close.reopen_reason = meena, close.closed_at, "forgot the bus"
    close.save()
    spend(meena, DAY)


def test_a_waiting_movement_may_be_decided_and_nothing_else(meena: Membership, raja: Farmer) -> None:
    movement = Movement.objects.create(
        shop=meena.shop,
        farmer=raja,
        kind=MovementKind.ADVANCE,
        amount=Decimal(5000),
        business_date=DAY,
        mode=Mode.CASH,
        status="waiting",
        created_by=meena,
    )
    movement.amount = Decimal(1)
    assert "not changed" in refused(movement.save)
    movement.amount = Decimal(5000)
    movement.status, movement.voucher = "posted", "V2526-0001"
    movement.save()
    movement.status, movement.voucher = "waiting", ""
    assert "not changed" in refused(movement.save)
