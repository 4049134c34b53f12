"""`check_books`: each invariant is broken by raw SQL, past triggers and constraints, and must be seen."""

from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import TestCase
from django.utils import timezone

from ledger.models import DailyEntry
from malar.accounts.domain import Role
from malar.accounts.models import Shop
from malar.ops.books import AT_MOST, LATE_AFTER, ask, broken, state_of_books
from malar.ops.invariants import invariants, kept, ties, tracked
from malar.ops.tasks import check_books
from malar.trail.models import BooksCheck
from tests import cast
from tests.book import a_whole_book


@dataclass(frozen=True)
class Breaker:
    """How an invariant is broken: SQL, in tables (without triggers and constraints) named before."""

    tables: str
    sql: str


ENTRY, CHARGE, MOVEMENT = "ledger_dailyentry", "ledger_charge", "ledger_movement"
ROLLUP = "ledger_dailyrollup"
MONTH = "ledger_monthlyrollup"
TRANSFER, ACCOUNT, RECEIPT, EXPENSE = (
    "ledger_transfer",
    "ledger_account",
    "ledger_buyerreceipt",
    "ledger_expense",
)
SETTLEMENT, APPROVAL, PAYMENT = "settlements_settlement", "settlements_approval", "settlements_payment"
CLAIM, ROW, COUNTER = "ledger_claim", "ledger_claimedrow", "settlements_settlementcounter"
TAKEN = f"id IN (SELECT r.row FROM {ROW} AS r WHERE NOT r.released)"
"""Of a row of the book: a settlement has it."""
STANDS, NUMBERED = "status IN ('pending', 'approved', 'paid')", "running = 1"
ONE = "(SELECT id FROM {table} WHERE {where} ORDER BY id LIMIT 1)"


def change(table: str, what: str, where: str = "TRUE") -> Breaker:
    """One row changed behind everybody's back."""
    return Breaker(table, f"UPDATE {table} SET {what} WHERE id = {ONE.format(table=table, where=where)}")


def drop(table: str, where: str = "TRUE") -> Breaker:
    return Breaker(table, f"DELETE FROM {table} WHERE id = {ONE.format(table=table, where=where)}")


def twin(table: str, where: str) -> Breaker:
    """A row a second time, under another id and with what is computed left out."""
    fields = apps.get_model(table.replace("_", ".", 1))._meta.concrete_fields
    columns = ", ".join(field.column for field in fields if not field.generated and field.column != "id")
    one = ONE.format(table=table, where=where)
    return Breaker(
        table,
        f"INSERT INTO {table} (id, {columns}) SELECT gen_random_uuid(), {columns} FROM {table} WHERE id = {one}",
    )


def of_journal(kind: str) -> str:
    return f"journal_kind = '{kind}' AND reverses_id IS NULL"


def other(table: str, column: str) -> str:
    """Another row than the one a column names."""
    return f"(SELECT o.id FROM {table} AS o WHERE o.id <> {column} ORDER BY o.id DESC LIMIT 1)"


def account(kind: str) -> str:
    return f"(SELECT a.id FROM ledger_account AS a WHERE a.kind = '{kind}' ORDER BY a.id LIMIT 1)"


MIRROR = "journal_kind = 'settlement' AND reverses_id IS NOT NULL"
FOREIGN_ACCOUNT = (
    "debit_id = (SELECT a.id FROM ledger_account AS a WHERE a.shop_id <> ledger_transfer.shop_id LIMIT 1)"
)
COMPUTED = "ALTER TABLE {table} ALTER COLUMN {column} DROP EXPRESSION; "


def wrong(table: str, column: str, sql: str = "", where: str = "TRUE") -> Breaker:
    """A generated column holds something else."""
    breaker = change(table, f"{column} = {sql or f'{column} + 0.01'}", where)
    return Breaker(table, COMPUTED.format(table=table, column=column) + breaker.sql)


BREAKERS: dict[str, list[Breaker]] = {
    "line_figures": [
        wrong(ENTRY, "amount", where="rate IS NOT NULL"),
        wrong(ENTRY, "commission", where="rate IS NOT NULL"),
        wrong(ENTRY, "commission", "0", where="rate IS NULL"),
    ],
    "net_quantity": [
        change(ENTRY, "quantity = quantity + 1", "gross_quantity IS NOT NULL"),
        change(ENTRY, "quantity = -quantity", "gross_quantity IS NULL"),
    ],
    "sacks": [
        change(ENTRY, 'sack_weights = \'["12.250", "9.751"]\'', "sack_weights IS NOT NULL"),
        change(ENTRY, "sacks = 3", "sack_weights IS NOT NULL"),
    ],
    "versions": [
        change(ENTRY, "version = version + 1"),
        Breaker("ledger_dailyentryevent", "UPDATE ledger_dailyentryevent SET version = 3 WHERE version = 2"),
    ],
    "slip_numbers": [change(ENTRY, "slip_is_taken = false", "slip_is_taken")],
    "rate_says_whence": [
        change(ENTRY, "rate = 901, called_rate = 901", "rate_source = 'called'"),
        change(ENTRY, "rate = rate - 1", "rate_source = 'called'"),
        change(ENTRY, "rate_source = ''", "rate IS NOT NULL"),
    ],
    "charge_figures": [wrong(CHARGE, "amount"), change(CHARGE, "quantity = -1")],
    "charge_basis": [
        change(CHARGE, "basis = 'per_kg'"),
        change(CHARGE, "income = 'pass_through'"),
        change(CHARGE, "rate = 6", "automatic"),
    ],
    "charges_of_lines": [
        Breaker(
            ENTRY, f"UPDATE {ENTRY} SET status = 'voided', void_reason = 'x' WHERE sack_weights IS NOT NULL"
        ),
        change(CHARGE, "quantity = 3", "automatic"),
        change(CHARGE, "business_date = business_date + 1", "automatic"),
        twin(CHARGE, "automatic"),
    ],
    "sums_of_days": [
        change(ROLLUP, "amount = amount + 0.01", "kind = 'farmer' AND lines > 0"),
        change(ROLLUP, "quantity = quantity - 1, lines = lines + 1", "kind = 'flower'"),
        change(ROLLUP, "low = low - 1", "kind = 'flower' AND low IS NOT NULL"),
        change(ROLLUP, "charges = 0", "kind = 'fee'"),
        change(ROLLUP, "business_date = business_date + 7"),
        drop(ROLLUP),
        drop(ENTRY, "rate IS NOT NULL"),
        change(CHARGE, "status = 'waived', reason = 'x'"),
        change(ENTRY, "status = 'voided', void_reason = 'x'", "status = 'confirmed'"),
    ],
    "sums_of_months": [
        change(MONTH, "amount = amount + 0.01", "kind = 'farmer' AND lines > 0"),
        change(MONTH, "days = days + 1", "kind = 'flower'"),
        change(MONTH, "low = low - 1", "kind = 'flower' AND low IS NOT NULL"),
        change(MONTH, "month = month - 31"),
        drop(MONTH),
        change(ROLLUP, "charges = 0", "kind = 'fee'"),
        drop(ROLLUP),
    ],
    "transfers": [
        change(TRANSFER, "amount = 0"),
        change(TRANSFER, "credit_id = debit_id"),
        change(TRANSFER, FOREIGN_ACCOUNT),
    ],
    "trial_balance": [
        change(TRANSFER, FOREIGN_ACCOUNT),
    ],
    "movements_posted": [
        change(TRANSFER, "amount = amount + 0.01", of_journal("movement")),
        change(TRANSFER, "value_date = value_date + 1", of_journal("movement")),
        drop(TRANSFER, of_journal("movement")),
        twin(TRANSFER, of_journal("movement")),
        change(TRANSFER, "debit_id = credit_id, credit_id = debit_id", of_journal("movement")),
        change(MOVEMENT, "kind = 'hand_loan'", "kind = 'draw'"),
        change(MOVEMENT, "mode = 'bank'", "mode = 'cash' AND status = 'posted'"),
        change(MOVEMENT, "status = 'refused'", "status = 'posted'"),
        change(MOVEMENT, "status = 'posted'", "status = 'waiting'"),
    ],
    "receipts_posted": [
        drop(TRANSFER, of_journal("buyer_receipt")),
        change(RECEIPT, "amount = amount + 1"),
    ],
    "expenses_posted": [
        change(TRANSFER, f"debit_id = {account('sales')}", of_journal("expense")),
        change(EXPENSE, "business_date = business_date + 1"),
    ],
    "sale_figures": [wrong("ledger_buyersale", "amount")],
    "sales_posted": [
        drop(TRANSFER, of_journal("buyer_sale")),
        change("ledger_buyersale", "status = 'voided'", "status = 'standing'"),
        change("ledger_buyersale", "status = 'standing'", "status = 'voided'"),
        twin(TRANSFER, of_journal("buyer_sale")),
    ],
    "transfers_have_origins": [
        drop("ledger_dayclose", "difference <> 0"),
        change(TRANSFER, "journal = gen_random_uuid()", of_journal("expense")),
    ],
    "reversed_lines": [
        change(ENTRY, "quantity = quantity - 1", "kind = 'reversal'"),
        change(ENTRY, "rate = rate + 1", "kind = 'reversal'"),
        change(ENTRY, "corrects = gen_random_uuid()", "kind = 'reversal'"),
        twin(ENTRY, "kind = 'reversal'"),
    ],
    "charges_not_forgotten": [change(CHARGE, "status = 'replaced'", "automatic")],
    "day_cash": [change("ledger_dayclose", "receipts = receipts + 1")],
    "next_opening": [
        change("ledger_dayclose", "opening_cash = opening_cash + 1", "business_date = '2026-03-05'")
    ],
    "reversed_transfers": [
        change(TRANSFER, "amount = amount - 0.01", "reverses_id IS NOT NULL"),
        change(TRANSFER, "debit_id = credit_id, credit_id = debit_id", "reverses_id IS NOT NULL"),
        change(TRANSFER, "value_date = '2026-03-01'", "reverses_id IS NOT NULL"),
        twin(TRANSFER, "reverses_id IS NOT NULL"),
    ],
    "reversed_movements": [
        change(MOVEMENT, "amount = amount - 1", "reverses_id IS NOT NULL"),
        change(MOVEMENT, "business_date = '2026-03-01'", "reverses_id IS NOT NULL"),
        change(TRANSFER, "reverses_id = NULL", "journal_kind = 'movement' AND reverses_id IS NOT NULL"),
    ],
    "reversed_receipts": [change(RECEIPT, "mode = 'cash'", "reverses_id IS NOT NULL")],
    "reversed_expenses": [change(EXPENSE, "what = 'bus'", "reverses_id IS NOT NULL")],
    "farmers_accounts": [
        change(TRANSFER, "amount = amount + 0.01", of_journal("movement")),
        change(MOVEMENT, "amount = amount + 0.01", "status = 'posted'"),
    ],
    "buyers_accounts": [
        change("ledger_buyersale", "status = 'voided'"),
        change(TRANSFER, "amount = amount + 1", of_journal("buyer_sale")),
    ],
    "nothing_overpaid": [
        drop(TRANSFER, "debit_id IN (SELECT id FROM ledger_account WHERE kind = 'hand_loan')")
    ],
    "voucher_numbers": [
        drop(EXPENSE, "reverses_id IS NOT NULL"),
        change(EXPENSE, "voucher = 'V2526-9'"),
        change(EXPENSE, "voucher = 'V2526-0099'"),
        change(EXPENSE, "voucher = 'V2526-0001'"),
        change(RECEIPT, "business_date = '2026-04-01'"),
        change("ledger_vouchercounter", "last = last + 1"),
        drop("settlements_payment"),
    ],
    "locked_days": [
        Breaker("ledger_dayclose", "UPDATE ledger_dayclose SET closed_at = closed_at - interval '1 hour'"),
    ],
    "day_arithmetic": [
        wrong("ledger_dayclose", "difference"),
        change("ledger_dayclose", 'denominations = \'{"50": 1, "coins": "8.00"}\''),
    ],
    "rates_apart": [
        change("pricing_marketrate", "effective_to = effective_to + interval '1 minute'", "rate = 900")
    ],
    "slots_apart": [change("pricing_timeslot", "\"end\" = '08:30'", "start = '05:00'")],
    "ways_of_pricing_apart": [change("pricing_pricingrule", "valid_to = NULL", "valid_to IS NOT NULL")],
    "fees_apart": [change("pricing_feerule", "valid_to = NULL", "valid_to IS NOT NULL")],
    "commissions_apart": [change("ledger_commissionrule", "farmer_id = NULL", "farmer_id IS NOT NULL")],
    "default_partition": [change(ENTRY, "entry_date = '2001-01-01'")],
    "months_ahead": [
        Breaker(
            "",
            "DO $$ BEGIN EXECUTE 'DROP TABLE ledger_dailyentry_'"
            " || to_char(now() AT TIME ZONE 'Asia/Kolkata' + interval '2 months', 'YYYY_MM'); END $$",
        )
    ],
    "claims_unchanged": [
        change(ENTRY, "rate = rate + 1", TAKEN),
        change(ENTRY, "commission_pct = commission_pct + 1", TAKEN),
        change(ENTRY, "version = version + 1", TAKEN),
        change(CHARGE, "quantity = quantity + 1", TAKEN),
        change(MOVEMENT, "amount = amount + 1", TAKEN),
        change(SETTLEMENT, "digest = '::'", STANDS),
    ],
    "claims_once": [
        Breaker(
            ROW,
            f"INSERT INTO {ROW} (claim_id, kind, row, released)"
            f" SELECT claim_id, kind, row, released FROM {ROW} WHERE NOT released LIMIT 1",
        ),
        change(ROW, "kind = 'charge'", "kind = 'line' AND NOT released"),
        change(ROW, "row = gen_random_uuid()", "NOT released"),
        change(ROW, "claim_id = gen_random_uuid()", "NOT released"),
        change(ENTRY, f"farmer_id = {other('ledger_farmer', 'farmer_id')}", TAKEN),
        change(MOVEMENT, "kind = 'advance'", TAKEN),
    ],
    "claims_of_settlements": [
        change(CLAIM, "state = 'held', posted_on = NULL", "state = 'posted'"),
        change(CLAIM, "posted_on = posted_on + 1", "state = 'posted'"),
        change(CLAIM, "recovery = recovery + 1"),
        change(SETTLEMENT, "status = 'cancelled'", "status = 'pending'"),
        change(ROW, "released = NOT released"),
        drop(SETTLEMENT),
        drop(CLAIM),
    ],
    "claims_stand": [
        change(ENTRY, "status = 'voided', void_reason = 'x'", TAKEN),
        change(ENTRY, "rate = NULL", TAKEN),
        change(CHARGE, "status = 'waived', reason = 'x'", TAKEN),
        change(MOVEMENT, "status = 'refused', voucher = ''", TAKEN),
    ],
    "settlement_sums": [
        *(
            change(SETTLEMENT, f"{column} = {column} + 1", STANDS)
            for column in ("lines", "late_lines", "gross", "commission", "charges", "passed_on", "draws")
        ),
        drop(ROW, "NOT released"),
    ],
    "settlement_figures": [
        change(SETTLEMENT, "net = net + 1"),
        change(SETTLEMENT, "net = net + 10, rounding = rounding + 10"),
        change(SETTLEMENT, "net = net + 0.5, rounding = rounding + 0.5"),
        change(SETTLEMENT, "recovery = recovery + 5000, net = net - 5000", "net < 5000"),
        change(SETTLEMENT, "carried = -1, net = net + 1"),
        change(SETTLEMENT, "advance_after = advance_after + 1"),
    ],
    "settlements_posted": [
        drop(TRANSFER, of_journal("settlement")),
        twin(TRANSFER, of_journal("settlement")),
        change(TRANSFER, "amount = amount + 0.01", of_journal("settlement")),
        change(TRANSFER, "value_date = value_date + 1", of_journal("settlement")),
        change(TRANSFER, "debit_id = credit_id, credit_id = debit_id", of_journal("settlement")),
        change(TRANSFER, f"credit_id = {account('opening')}", of_journal("settlement") + " AND seq = 2"),
        change(
            TRANSFER,
            "debit_id = (SELECT a.id FROM ledger_account AS a JOIN ledger_account AS d ON d.id = debit_id"
            " AND a.kind = d.kind AND a.shop_id = d.shop_id AND a.farmer_id <> d.farmer_id LIMIT 1)",
            of_journal("settlement") + " AND seq = 2",
        ),
        change(SETTLEMENT, "status = 'approved'", "status = 'pending'"),
        change(SETTLEMENT, "status = 'pending'", "status = 'approved'"),
    ],
    "settlements_taken_back": [
        change(SETTLEMENT, "reversal = gen_random_uuid()", "status = 'reversed'"),
        change(SETTLEMENT, "status = 'approved'", "status = 'reversed'"),
        drop(TRANSFER, MIRROR),
        change(TRANSFER, "value_date = value_date + 1", MIRROR),
        change(TRANSFER, "journal = gen_random_uuid()", MIRROR),
        change(TRANSFER, "reverses_id = NULL", MIRROR),
    ],
    "payments_posted": [
        drop(TRANSFER, of_journal("payment")),
        twin(TRANSFER, of_journal("payment")),
        change(TRANSFER, "journal_kind = 'payment'", of_journal("expense")),
        change(PAYMENT, "amount = amount + 1"),
        change(PAYMENT, "mode = 'bank'", "mode = 'cash'"),
        change(PAYMENT, f"settlement_id = {other(SETTLEMENT, 'settlement_id')}"),
        drop(PAYMENT),
    ],
    "reversed_payments": [
        change(PAYMENT, "amount = amount - 1", "reverses_id IS NOT NULL"),
        change(PAYMENT, f"settlement_id = {other(SETTLEMENT, 'settlement_id')}", "reverses_id IS NOT NULL"),
    ],
    "payable_moved": [
        change(SETTLEMENT, "brought_forward = brought_forward + 1", "status = 'approved'"),
        change(SETTLEMENT, "carried = carried - 1", "status = 'approved'"),
        change(TRANSFER, "amount = amount + 0.01", of_journal("settlement")),
    ],
    "outstanding": [
        change(SETTLEMENT, "status = 'paid'", "status = 'approved'"),
        change(SETTLEMENT, "status = 'approved'", "status = 'paid'"),
        change(SETTLEMENT, "status = 'reversed'", "status = 'paid'"),
        change(PAYMENT, "amount = amount + 10000", "reverses_id IS NULL"),
        change(TRANSFER, "amount = amount + 10000", of_journal("payment")),
    ],
    "settled_accounts": [
        change(TRANSFER, "amount = amount + 0.01", of_journal("settlement")),
        change(TRANSFER, "amount = amount + 0.01", of_journal("payment")),
        change(SETTLEMENT, "hand_loans = hand_loans + 1", "status = 'approved'"),
        change(SETTLEMENT, "status = 'cancelled'", "status = 'approved'"),
        drop(PAYMENT),
    ],
    "settled_and_not": [
        change(CLAIM, "state = 'held'", "state = 'posted'"),
        change(CLAIM, "state = 'posted'", "state = 'held'"),
        change(ROW, "released = true", "kind = 'line' AND NOT released"),
        change(TRANSFER, "amount = amount + 0.01", of_journal("settlement")),
        change(MOVEMENT, "amount = amount + 0.01", "kind = 'draw'"),
        drop(PAYMENT, "reverses_id IS NULL"),
    ],
    "promised": [
        change(CLAIM, "recovery = 10000", "state = 'held'"),
        change(CLAIM, "hand_loans = -1", "state = 'held'"),
    ],
    "settlement_numbers": [
        change(SETTLEMENT, "running = 7", NUMBERED),
        change(SETTLEMENT, "number = '2526-9'", NUMBERED),
        change(SETTLEMENT, "year = year + 1", NUMBERED),
        change(SETTLEMENT, "number = '2526-0009'", "number IS NULL"),
        change(COUNTER, "last = last + 1"),
        drop(COUNTER),
    ],
    "settlement_chain": [
        change(SETTLEMENT, "content_hash = repeat('0', 64)", NUMBERED),
        change(SETTLEMENT, "chain = repeat('0', 64)", "running = 2"),
        change(COUNTER, "head = repeat('0', 64)"),
    ],
    "content_hashes": [
        change(SETTLEMENT, "content_hash = repeat('0', 64)"),
        *(
            change(SETTLEMENT, f"{column} = {column} + 1")
            for column in ("net", "charges", "lines", "period_end", "brought_forward")
        ),
        change(SETTLEMENT, "reference = 'R9-F015'"),
        change(SETTLEMENT, f"farmer_id = {other('ledger_farmer', 'farmer_id')}"),
    ],
    "approvals": [
        drop(APPROVAL, "side = 'farmer'"),
        drop(APPROVAL, "side = 'shop'"),
        change(APPROVAL, "content_hash = repeat('0', 64)"),
        change(APPROVAL, "by_id = NULL", "method <> 'link'"),
        change(APPROVAL, "by_id = (SELECT created_by_id FROM ledger_movement LIMIT 1)", "side = 'shop'"),
        change(
            APPROVAL,
            f"by_id = (SELECT b.by_id FROM {APPROVAL} AS b WHERE b.side = 'shop'"
            f" AND b.settlement_id = {APPROVAL}.settlement_id)",
            "side = 'farmer'",
        ),
    ],
    "events_done": [change("trail_event", "at = at - interval '2 hours'", "done_at IS NULL")],
    "messages_have_events": [
        drop("trail_event", "id IN (SELECT event_id FROM notifications_message)"),
        change(
            "trail_event",
            'payload = \'{"farmer": "x"}\'',
            "id IN (SELECT event_id FROM notifications_message)",
        ),
    ],
    "answers": [drop(ENTRY)],
    **{
        kept(model).name: [
            Breaker(
                f"{model._meta.db_table}event",
                f"DELETE FROM {model._meta.db_table}event WHERE pgh_id ="
                f" (SELECT max(pgh_id) FROM {model._meta.db_table}event)",
            ),
            drop(model._meta.db_table),
        ]
        for model in tracked()
    },
    "one_shop": [],  # every pair of tables, below
}


def by_sql(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def unguarded(table: str) -> None:
    """Take off everything that keeps a table's rows true, and what other tables demand of it."""
    by_sql("SET CONSTRAINTS ALL IMMEDIATE")
    by_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    guards = by_sql(f"""
        SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname)
        FROM pg_constraint
        WHERE conparentid = 0 AND (conrelid = '{table}'::regclass AND contype IN ('c', 'f', 'u', 'x')
            OR confrelid = '{table}'::regclass)
    """)
    for (guard,) in guards:
        by_sql(guard)
    for (index,) in by_sql(f"""
        SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
        WHERE indrelid = '{table}'::regclass AND indisunique AND NOT indisprimary
    """):
        by_sql(index)


def apply(breaker: Breaker) -> None:
    for table in breaker.tables.split():
        unguarded(table)
    sql = breaker.sql
    for statement in sql.split("; ") if "DROP EXPRESSION" in sql else [sql]:
        by_sql(statement)


BY_NAME = {each.name: each for each in invariants()}


class TestBrokenBooks(TestCase):
    """Django's own class, because it writes the two books once for all its tests."""

    @classmethod
    def setUpTestData(cls) -> None:
        for name in ("Meena", "Devi"):
            a_whole_book(cast.a_member(cast.a_shop(name), name, Role.ADMIN))

    def test_a_book_in_order_breaks_nothing(self) -> None:
        assert broken() == []

    def test_every_table_of_money_is_tried(self) -> None:
        empty = [model._meta.label for model in tracked() if not model._default_manager.exists()]
        assert not empty, f"nothing of {empty} is in the whole book"

    def test_every_tie_to_another_shop_is_seen(self) -> None:
        assert len(ties()) > 35
        for model, field in ties():
            table, other = model._meta.db_table, field.related_model._meta.db_table
            with transaction.atomic():
                unguarded(table)
                foreign = f"(SELECT o.id FROM {other} AS o WHERE o.shop_id <> {table}.shop_id ORDER BY o.id LIMIT 1)"
                apply(change(table, f"{field.column} = {foreign}"))
                found = ask(BY_NAME["one_shop"])
                assert found is not None, f"{model._meta.label}.{field.name}"
                assert f"{model._meta.model_name}.{field.name}" in found.rows[0].found
                transaction.set_rollback(True)

    def test_the_command_names_the_invariant_and_the_row_and_fails(self) -> None:
        said = StringIO()
        call_command("check_books", stdout=said)
        assert said.getvalue() == f"All {len(invariants())} invariants hold.\n"

        line = DailyEntry.objects.filter(sack_weights__isnull=False).order_by("id")[0]
        apply(change(ENTRY, "sacks = 3", f"id = '{line.pk}'"))
        said = StringIO()
        with pytest.raises(CommandError, match="invariants are broken") as failed:
            call_command("check_books", stdout=said)
        assert failed.value.returncode == 1
        assert "2 sacks: The sacks of a line" in said.getvalue()
        assert f"{line.pk}  {line.slip_number} 3 22.000" in said.getvalue()

    def test_one_shop_is_asked_alone(self) -> None:
        mine, other = Shop.objects.order_by("id")
        apply(change(ENTRY, "sacks = 3", f"sack_weights IS NOT NULL AND shop_id = '{mine.pk}'"))
        assert {row.shop for finding in broken(mine.pk) for row in finding.rows} == {mine.pk}
        assert broken(other.pk) == []
        call_command("check_books", shop=other.pk, stdout=StringIO())
        with pytest.raises(CommandError):
            call_command("check_books", shop=mine.pk, stdout=StringIO())

    def test_a_broken_book_does_not_fill_the_screen(self) -> None:
        unguarded(ENTRY)
        line = DailyEntry.objects.order_by("id")[0]
        columns = ", ".join(
            f.column for f in DailyEntry._meta.concrete_fields if not f.generated and f.name != "id"
        )
        by_sql(f"""INSERT INTO {ENTRY} (id, {columns}) SELECT gen_random_uuid(), {columns}
                   FROM {ENTRY}, generate_series(1, 50) WHERE id = '{line.pk}'""")
        found = ask(BY_NAME["versions"])
        assert found is not None
        assert (len(found.rows), found.count) == (AT_MOST, 50)

    def test_what_was_found_is_kept(self) -> None:
        now = timezone.now()
        assert state_of_books(now) == "never"
        check_books()
        assert state_of_books(now) == "ok"
        assert state_of_books(now + LATE_AFTER + LATE_AFTER) == "late"
        apply(change(ENTRY, "sacks = 3", "sack_weights IS NOT NULL"))
        check_books()
        assert state_of_books(now) == "broken"
        last = BooksCheck.objects.first()
        assert last is not None
        assert last.checked == len(invariants())
        assert {finding["invariant"] for finding in last.findings} == {
            "sacks",
            "history_of_dailyentry",
            "charges_of_lines",
        }
        row = last.findings[0]["rows"][0]
        assert row.keys() == {"shop", "id", "found"}


def breaking(name: str, breaker: Breaker) -> Callable[[TestCase], None]:
    def test(self: TestCase) -> None:
        apply(breaker)
        assert ask(BY_NAME[name]) is not None

    return test


for each in BREAKERS:
    for n, breaker in enumerate(BREAKERS[each]):
        setattr(TestBrokenBooks, f"test_what_breaks_{each}_is_seen_{n}", breaking(each, breaker))


def test_every_invariant_is_broken_by_somebody() -> None:
    assert set(BREAKERS) == {each.name for each in invariants()}
