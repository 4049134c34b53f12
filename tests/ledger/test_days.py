"""The end of a day: expenses, counting, the lock, opening it again."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from ledger.domain import NOTES, AccountKind, JournalKind
from ledger.models import (
    Account,
    BuyerReceipt,
    BuyerSale,
    Charge,
    DailyEntry,
    DayClose,
    Expense,
    Farmer,
    Movement,
    Transfer,
)
from ledger.selectors.days_cash import cash_book_of, cash_moved, close_of, difference_words
from ledger.services import days, entries
from ledger.services.buyers import record_buyer_sale, record_receipt, reverse_receipt, void_buyer_sale
from ledger.services.charges import record_charge, waive_charge
from ledger.services.days import close_day, record_expense, reopen_day, reverse_expense
from ledger.services.entries import edit_entry, void_entry
from ledger.services.movements import record_movement, reverse_movement
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.ops.books import ask
from malar.ops.invariants import invariants
from malar.trail.models import Event
from malar.trail.services.answers import Answer
from pricing.models import Flower
from tests.cast import a_buyer_of, at, recorded
from tests.ledger.terms import a_fee

pytestmark = pytest.mark.django_db

BY_NAME = {each.name: each for each in invariants()}
DAY = dt.date(2026, 3, 6)
NEXT = DAY + dt.timedelta(1)
THEN = DAY + dt.timedelta(2)


def notes(rupees: str) -> dict[str, int | Decimal]:
    """A sum as it might be counted: the largest notes first, the paise as one sum."""
    left, counted = Decimal(rupees), dict[str, int | Decimal]()
    for note in NOTES:
        number, left = divmod(left, note)
        if number:
            counted[str(note)] = int(number)
    return counted | ({"coins": left} if left else {})


def closed(by: Membership, day: dt.date, rupees: str, **said: Any) -> DayClose:
    answer = close_day(by=by, day=day, denominations=notes(rupees), **{"key": uuid4(), **said})
    return DayClose.objects.get(pk=answer.made)


def spent(by: Membership, amount: str = "120", day: dt.date = DAY, **said: Any) -> Answer:
    said = {"key": uuid4(), "what": "tea", "mode": "cash", **said}
    return record_expense(by=by, amount=Decimal(amount), business_date=day, **said)


def given(by: Membership, farmer: Farmer, amount: str, day: dt.date = DAY, **said: Any) -> Answer:
    said = {"key": uuid4(), "kind": "advance", "mode": "cash", **said}
    return record_movement(by=by, farmer_id=farmer.pk, amount=Decimal(amount), business_date=day, **said)


def taken(by: Membership, buyer: UUID, amount: str, day: dt.date = DAY, **said: Any) -> Answer:
    said = {"key": uuid4(), "mode": "cash", **said}
    return record_receipt(by=by, buyer_id=buyer, amount=Decimal(amount), business_date=day, **said)


def cash(by: Membership, until: dt.date = dt.date(2099, 1, 1)) -> Decimal:
    return cash_moved(by.shop, after=None, before=until + dt.timedelta(1))


def balance(by: Membership, kind: AccountKind) -> Decimal:
    account = Account.objects.filter(shop=by.shop, kind=kind).first()
    return sum((row.amount for row in Transfer.objects.filter(debit=account)), Decimal(0)) - sum(
        (row.amount for row in Transfer.objects.filter(credit=account)), Decimal(0)
    )


def refusal(act: Callable[[], object]) -> RuleBroken:
    with pytest.raises(RuleBroken) as refused:
        act()
    return refused.value


# --- Expenses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "account"), [("cash", "cash"), ("upi", "bank")])
def test_an_expense_is_posted_with_a_voucher(kumar: Membership, mode: str, account: str) -> None:
    answer = spent(kumar, "85.50", mode=mode)
    moved = Transfer.objects.get(journal_kind=JournalKind.EXPENSE, journal=answer.made)
    assert (moved.debit.kind, moved.credit.kind, moved.amount) == ("expenses", account, Decimal("85.50"))
    assert (moved.value_date, answer.body["voucher"], answer.body["what"]) == (DAY, "V2526-0001", "tea")


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"amount": "0"}, "/amount", "not_positive"),
        ({"amount": "1.005"}, "/amount", "too_precise"),
        ({"what": "  "}, "/what", "required"),
        ({"what": "x" * 61}, "/what", "too_long"),
        ({"mode": "none"}, "/mode", "unknown_mode"),
        ({"day": dt.date(2099, 1, 1)}, "/business_date", "in_future"),
        ({"day": dt.date(1999, 1, 1)}, "/business_date", "too_old"),
    ],
)
def test_an_expense_that_cannot_be_is_refused_at_its_field(
    kumar: Membership, said: dict[str, Any], pointer: str, code: str
) -> None:
    refused = refusal(lambda: spent(kumar, **said))
    assert [(fault.pointer, fault.code) for fault in refused.faults] == [(pointer, code)]
    assert not Expense.objects.exists()


def test_an_expense_is_taken_back_once_by_its_mirror(kumar: Membership, meena: Membership) -> None:
    first = spent(kumar)
    back = reverse_expense(by=kumar, key=uuid4(), expense_id=first.made, reason="paid twice")
    mirror = Expense.objects.get(pk=back.made)
    assert (mirror.reverses_id, mirror.amount, mirror.note) == (first.made, Decimal(120), "paid twice")
    assert mirror.business_date > DAY
    assert balance(kumar, AccountKind.EXPENSES) == cash(kumar) == 0
    again = refusal(lambda: reverse_expense(by=meena, key=uuid4(), expense_id=first.made, reason="x"))
    assert again.code == "reversed"
    assert (
        refusal(lambda: reverse_expense(by=meena, key=uuid4(), expense_id=back.made, reason="x")).code
        == "reversal"
    )


def test_staff_take_back_only_their_own_expense_and_nobody_another_shops(
    kumar: Membership, meena: Membership, devi: Membership
) -> None:
    owners = spent(meena)
    with pytest.raises(NotAllowed):
        reverse_expense(by=kumar, key=uuid4(), expense_id=owners.made, reason="x")
    with pytest.raises(NotFound):
        reverse_expense(by=devi, key=uuid4(), expense_id=owners.made, reason="x")
    assert (
        refusal(lambda: reverse_expense(by=meena, key=uuid4(), expense_id=owners.made, reason=" ")).code
        == "required"
    )


# --- Closing -------------------------------------------------------------------------------------


def test_a_day_is_its_opening_cash_and_what_went_in_and_out_against_what_was_counted(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    buyer, *_rest = a_buyer_of(kumar, jasmine, DAY)  # pays 2,000 in cash
    taken(kumar, buyer, "300", mode="upi")
    given(kumar, raja, "1500")
    spent(kumar, "120.25")
    close = closed(kumar, DAY, "5360", opening_cash=Decimal(5000), note="one note is torn")
    assert (close.opening_cash, close.receipts, close.payments, close.expenses) == (
        Decimal("5000.00"),
        Decimal("2000.00"),
        Decimal("1500.00"),
        Decimal("120.25"),
    )
    assert close.opening_cash + close.receipts - close.payments - close.expenses == close.counted - (
        close.difference
    )
    assert close.difference == Decimal("-19.75")
    assert difference_words(close.difference) == "₹19.75 too little"
    assert close.denominations == {"500": 10, "200": 1, "100": 1, "50": 1, "10": 1}
    # The book says what is in the box, and where the rest went.
    assert cash(kumar) == close.counted == Decimal(5360)
    assert balance(kumar, AccountKind.CASH_DIFFERENCE) == Decimal("19.75")
    assert balance(kumar, AccountKind.OPENING) == Decimal(-5000)
    assert cash_book_of(kumar.shop, NEXT).opening == Decimal(5360)


@pytest.mark.parametrize(
    ("counted", "words"),
    [("5020", "₹20.00 too much"), ("4980.5", "₹19.50 too little"), ("5000", None)],
)
def test_the_difference_is_recorded_and_not_hidden(meena: Membership, counted: str, words: str) -> None:
    close = closed(meena, DAY, counted, opening_cash=Decimal(5000))
    assert difference_words(close.difference) == (words or "Nothing is missing, nothing is over")
    posted = Transfer.objects.filter(journal=close.pk, seq=1)
    assert [row.amount for row in posted] == ([abs(close.difference)] if words else [])
    assert cash(meena) == close.counted


def test_the_next_day_opens_with_what_was_counted_and_with_what_open_days_brought(
    meena: Membership, raja: Farmer
) -> None:
    closed(meena, DAY, "990", opening_cash=Decimal(1000))
    given(meena, raja, "100", NEXT)  # nobody closes this day
    close = closed(meena, THEN, "890")
    assert (close.opening_cash, close.difference) == (Decimal(890), Decimal(0))
    assert (
        refusal(lambda: closed(meena, THEN + dt.timedelta(1), "890", opening_cash=Decimal(900))).code
        == "opening_known"
    )


def test_without_a_typed_sum_a_first_close_opens_with_the_cash_account(
    meena: Membership, raja: Farmer
) -> None:
    given(meena, raja, "300", DAY - dt.timedelta(1))
    close = closed(meena, DAY, "0")
    assert (close.opening_cash, close.difference) == (Decimal(-300), Decimal(300))
    reopen_day(by=meena, close_id=close.pk, reason="the box was not empty")
    close = closed(meena, DAY, "700", opening_cash=Decimal(700))
    assert (close.opening_cash, close.difference, cash(meena)) == (Decimal(700), 0, Decimal(700))
    assert balance(meena, AccountKind.OPENING) == Decimal(-1000)


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"denominations": {"25": 1}}, "/denominations/25", "unknown_note"),
        ({"denominations": {"500": -1}}, "/denominations/500", "not_whole"),
        ({"denominations": {"500": Decimal("1.5")}}, "/denominations/500", "not_whole"),
        ({"denominations": {"coins": Decimal("-1")}}, "/denominations/coins", "negative"),
        ({"denominations": {"coins": Decimal("0.005")}}, "/denominations/coins", "too_precise"),
        ({"opening_cash": Decimal(-1)}, "/opening_cash", "negative"),
        ({"note": "x" * 201}, "/note", "too_long"),
        ({"day": dt.date(2099, 1, 1)}, "/day", "in_future"),
        ({"day": dt.date(1999, 1, 1)}, "/day", "too_old"),
    ],
)
def test_a_count_that_cannot_be_is_refused_at_its_field(
    meena: Membership, said: dict[str, Any], pointer: str, code: str
) -> None:
    said = {"key": uuid4(), "day": DAY, "denominations": {}, **said}
    refused = refusal(lambda: close_day(by=meena, **said))
    assert [(fault.pointer, fault.code) for fault in refused.faults] == [(pointer, code)]
    assert not DayClose.objects.exists()


def test_a_day_is_closed_once_and_a_retry_gives_the_first_answer(kumar: Membership, raja: Farmer) -> None:
    key = uuid4()
    first = close_day(by=kumar, key=key, day=DAY, denominations={"100": 2}, opening_cash=Decimal(200))
    again = close_day(by=kumar, key=key, day=DAY, denominations={"100": 2}, opening_cash=Decimal(200))
    assert (again.replayed, again.body) == (True, first.body)
    refused = refusal(lambda: closed(kumar, DAY, "200"))
    assert isinstance(refused, Conflict)
    assert (refused.code, refused.current["id"]) == ("closed", str(first.made))
    assert [event.payload for event in Event.objects.filter(name="DayClosed")] == [
        {"close": str(first.made), "day": "2026-03-06"}
    ]
    assert raja.member is not None
    grower = raja.member
    with pytest.raises(NotAllowed):
        closed(grower, NEXT, "0")


def test_complaint_3_the_day_close_lists_loudly_what_is_unpriced_and_what_waits(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:30"), rate=Decimal(0))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-07", "05:00"))
    meena.shop.advance_limit = Decimal(100)
    meena.shop.save()
    kumar.shop = meena.shop
    waits = given(kumar, raja, "5000")
    answer = close_day(by=kumar, key=uuid4(), day=DAY, denominations={})
    assert (answer.body["unpriced"], answer.body["unpriced_entries"]) == (1, [str(line.pk)])
    assert answer.body["waiting_movements"] == [str(waits.made)]
    assert DayClose.objects.get().unpriced == 1
    assert answer.body["payments"] == "0.00"  # what waits has not left the box


# --- The lock ------------------------------------------------------------------------------------


def test_no_door_writes_into_a_closed_day(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    fee = a_fee(meena.shop, "luggage", "per_trip", "40.00", automatic=False)

    def charged(key: UUID | None = None) -> Answer:
        return record_charge(
            by=meena, key=uuid4(), farmer_id=raja.pk, fee_id=fee.pk, business_date=DAY, quantity=Decimal(1)
        )

    charge = charged()
    buyer, sale, receipt = a_buyer_of(meena, jasmine, DAY)
    movement = given(meena, raja, "500")
    before = {
        model: model._base_manager.count()
        for model in (DailyEntry, Charge, Movement, BuyerSale, BuyerReceipt, Expense, Transfer)
    }
    close = closed(kumar, DAY, "1500")
    before[Transfer] += Transfer.objects.filter(journal=close.pk).count()

    def sold() -> Answer:
        return record_buyer_sale(
            by=meena,
            key=uuid4(),
            buyer_id=buyer,
            flower_id=jasmine.pk,
            business_date=DAY,
            quantity=Decimal(1),
            rate=Decimal(900),
        )

    doors: dict[str, Callable[[], object]] = {
        "entry": lambda: recorded(
            meena, raja, jasmine, captured_at=at("2026-03-06", "06:00"), rate=Decimal(900)
        ),
        "edit": lambda: edit_entry(
            by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("5.9")}, reason="x"
        ),
        "void": lambda: void_entry(by=meena, entry_id=line.pk, reason="x", key=uuid4()),
        "charge": charged,
        "waive": lambda: waive_charge(by=meena, key=uuid4(), charge_id=charge.made, reason="x"),
        "movement": lambda: given(meena, raja, "100"),
        "reversal": lambda: reverse_movement(
            by=meena, key=uuid4(), movement_id=movement.made, reason="x", business_date=DAY
        ),
        "sale": sold,
        "void of a sale": lambda: void_buyer_sale(by=meena, key=uuid4(), sale_id=sale, reason="x"),
        "receipt": lambda: taken(meena, buyer, "10"),
        "expense": lambda: spent(meena),
    }
    assert {name: refusal(door).code for name, door in doors.items()} == dict.fromkeys(doors, "day_locked")
    # A reversal dated today is no writing into the day.
    reverse_receipt(by=meena, key=uuid4(), receipt_id=receipt, reason="x")
    before[BuyerReceipt] += 1
    before[Transfer] += 1
    assert {model: model._base_manager.count() for model in before} == before
    # The other days are as open as before.
    given(meena, raja, "100", DAY - dt.timedelta(1))
    given(meena, raja, "100", NEXT)


def test_the_database_refuses_a_transfer_into_a_closed_day_whatever_a_program_does(
    meena: Membership, raja: Farmer
) -> None:
    movement = given(meena, raja, "500")
    moved = Transfer.objects.get(journal=movement.made)
    closed(meena, DAY, "0")
    for statement in (
        "INSERT INTO ledger_transfer (id, shop_id, journal_kind, journal, seq, debit_id, credit_id, amount,"
        " value_date, created_by_id, created_at) SELECT gen_random_uuid(), shop_id, journal_kind,"
        " gen_random_uuid(), seq, debit_id, credit_id, amount, value_date, created_by_id, now()"
        " FROM ledger_transfer WHERE id = %s",
        "UPDATE ledger_transfer SET amount = 1 WHERE id = %s",
    ):
        with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [moved.pk])
        assert "is closed" in str(refused.value)


# --- Opening it again ----------------------------------------------------------------------------


def test_only_the_owner_opens_a_day_again_and_it_leaves_a_trace(
    meena: Membership, kumar: Membership, devi: Membership, raja: Farmer
) -> None:
    close = closed(kumar, DAY, "480", opening_cash=Decimal(500))
    with pytest.raises(NotAllowed):
        reopen_day(by=kumar, close_id=close.pk, reason="forgot the bus")
    with pytest.raises(NotFound):
        reopen_day(by=devi, close_id=close.pk, reason="forgot the bus")
    assert refusal(lambda: reopen_day(by=meena, close_id=close.pk, reason="  ")).code == "required"
    assert reopen_day(by=meena, close_id=close.pk, reason="forgot the bus").body["reopened_by"] == str(
        meena.pk
    )
    close.refresh_from_db()
    assert (close.reopened_by, close.reopen_reason) == (meena, "forgot the bus")
    assert close.reopened_at is not None
    assert cash(meena) == balance(meena, AccountKind.CASH_DIFFERENCE) == 0
    assert Event.objects.filter(name="DayReopened").count() == 1
    versions = close.versions.order_by("pgh_id")  # type: ignore[attr-defined]  # pghistory hangs it on the model
    assert [row.reopen_reason for row in versions] == ["", "forgot the bus"]
    assert versions.last().pgh_context.metadata["reason"] == "forgot the bus"
    assert refusal(lambda: reopen_day(by=meena, close_id=close.pk, reason="x")).code == "reopened"

    # What was forgotten explains the difference; nothing counts twice.
    spent(kumar, "20")
    again = closed(kumar, DAY, "480", opening_cash=Decimal(500))
    assert (again.pk != close.pk, again.difference, cash(meena)) == (True, Decimal(0), Decimal(480))
    assert balance(meena, AccountKind.OPENING) == Decimal(-500)


def test_a_day_closed_again_or_late_must_come_to_what_the_later_day_opened_with(
    meena: Membership, raja: Farmer
) -> None:
    first = closed(meena, DAY, "990", opening_cash=Decimal(1000))
    given(meena, raja, "90", NEXT)
    closed(meena, THEN, "900")
    reopen_day(by=meena, close_id=first.pk, reason="an expense is missing")
    spent(meena, "10")
    refused = refusal(lambda: closed(meena, DAY, "980", opening_cash=Decimal(1000)))
    assert (refused.code, refused.faults[0].pointer) == ("next_day_opened", "/denominations")
    assert "₹990.00" in refused.detail
    again = closed(meena, DAY, "990", opening_cash=Decimal(1000))
    late = closed(meena, NEXT, "900")
    assert (again.difference, late.opening_cash, late.difference) == (0, Decimal(990), 0)
    assert cash(meena, DAY) == Decimal(990)
    assert cash(meena, NEXT) == cash(meena) == Decimal(900)


def test_no_day_is_closed_before_the_one_whose_cash_was_brought_into_the_book(meena: Membership) -> None:
    closed(meena, NEXT, "1000", opening_cash=Decimal(1000))
    assert refusal(lambda: closed(meena, DAY, "1000")).code == "before_first_close"


# --- What the nightly check says of days that were closed late or opened again --------------------------


@pytest.fixture
def later() -> Iterator[Callable[[], None]]:
    """Let ten minutes pass."""
    with time_machine.travel(timezone.now() - dt.timedelta(hours=3), tick=False) as clock:
        yield lambda: clock.shift(dt.timedelta(minutes=10))


def past_the_triggers(table: str, change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE {table} SET {change}")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_the_check_judges_an_opening_by_what_was_known_when_the_day_was_closed(
    meena: Membership, raja: Farmer, later: Callable[[], None]
) -> None:
    def sound() -> bool:
        later()
        return ask(BY_NAME["next_opening"]) is None

    first = closed(meena, DAY, "990", opening_cash=Decimal(1000))
    later()
    given(meena, raja, "90", NEXT)
    later()
    third = closed(meena, THEN, "900")
    assert sound()
    given(meena, raja, "40", NEXT)  # written down late, into a day that is open
    assert sound()
    reopen_day(by=meena, close_id=first.pk, reason="an expense is missing")
    assert sound()
    spent(meena, "10")
    assert sound()
    closed(meena, DAY, "1030", opening_cash=Decimal(1000))
    assert sound()
    closed(meena, NEXT, "900")
    assert sound()
    reopen_day(by=meena, close_id=third.pk, reason="counted wrong")
    assert sound()
    closed(meena, THEN, "905")
    assert sound()


@pytest.mark.parametrize("which", [DAY, NEXT, THEN])
def test_the_check_sees_a_close_that_does_not_fit_the_next_whichever_was_made_first(
    meena: Membership, raja: Farmer, later: Callable[[], None], which: dt.date
) -> None:
    closed(meena, DAY, "990", opening_cash=Decimal(1000))
    later()
    closed(meena, THEN, "990")
    later()
    close = {DAY: DAY, NEXT: closed(meena, NEXT, "990").business_date, THEN: THEN}[which]
    assert ask(BY_NAME["next_opening"]) is None
    past_the_triggers(
        "ledger_dayclose",
        f"counted = counted + 1, opening_cash = opening_cash + 1 WHERE business_date = '{close}'",
    )
    assert ask(BY_NAME["next_opening"]) is not None


def test_the_check_knows_that_opening_a_day_again_writes_mirrors_into_it(meena: Membership) -> None:
    """The mirrors are written a moment before the row says that the day is open."""
    close = closed(meena, DAY, "990", opening_cash=Decimal(1000))
    past_the_triggers("ledger_dayclose", "closed_at = closed_at - interval '1 hour'")
    past_the_triggers("ledger_transferevent", "pgh_created_at = pgh_created_at - interval '1 hour'")
    assert ask(BY_NAME["locked_days"]) is None
    reopen_day(by=meena, close_id=close.pk, reason="counted wrong")
    assert Transfer.objects.filter(reverses__isnull=False).count() == 2
    assert ask(BY_NAME["locked_days"]) is None


# --- Races ---------------------------------------------------------------------------------------


def together(*acts: Callable[[], object]) -> list[BaseException]:
    """Run each in a thread and connection of its own; what they raised."""
    errors: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # a thread's error would be lost
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


UNGUARDED = """
CREATE OR REPLACE FUNCTION ledger_day_is_open(shop uuid, day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_dayclose AS closed
               WHERE closed.shop_id = shop AND closed.business_date = day AND closed.reopened_at IS NULL) THEN
        RAISE EXCEPTION 'the day % is closed', day
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'day_is_open';
    END IF;
END $$
"""


@pytest.fixture
def without_the_writers_lock() -> Iterator[None]:
    """The guard as it would be if writers did not hold their day: it only looks whether the day is closed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('ledger_day_is_open(uuid, date)'::regprocedure)")
        ((guard,),) = cursor.fetchall()
        cursor.execute(UNGUARDED)
    yield
    with connection.cursor() as cursor:
        cursor.execute(guard)


def held_at(
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    reached: threading.Event,
    until: threading.Event,
    patience: float,
) -> None:
    """Stop a service of `module` when it has written everything and not committed, `patience` seconds at most."""
    tell = module.record

    def tell_and_wait(*arguments: Any, **named: Any) -> None:
        tell(*arguments, **named)
        reached.set()
        until.wait(timeout=patience)

    monkeypatch.setattr(module, "record", tell_and_wait)


def an_unpriced_line_against_a_close(
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    *,
    first: str,
    patience: float = 1.0,
) -> tuple[int, int, list[str]]:
    """Both at once, the `first` of them held before its commit. What the close counted, what stands in the
    day, and the codes of what was refused."""
    reached, done = threading.Event(), threading.Event()
    held_at(monkeypatch, entries if first == "entry" else days, reached, done, patience)

    def second(act: Callable[[], object]) -> None:
        reached.wait(timeout=20.0)
        try:
            act()
        finally:
            done.set()

    def write() -> None:
        recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"))

    def close() -> None:
        close_day(by=kumar, key=uuid4(), day=DAY, denominations={})

    errors = together(
        *((write, lambda: second(close)) if first == "entry" else (close, lambda: second(write)))
    )
    codes = [error.code if isinstance(error, RuleBroken) else repr(error) for error in errors]
    return DayClose.objects.get().unpriced, DailyEntry.objects.count(), codes


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_entry_being_written_is_in_the_close_or_is_refused(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert an_unpriced_line_against_a_close(kumar, raja, jasmine, monkeypatch, first="entry") == (1, 1, [])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_entry_that_comes_when_the_day_is_being_closed_is_refused(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = an_unpriced_line_against_a_close(kumar, raja, jasmine, monkeypatch, first="close")
    assert found == (0, 0, ["day_locked"])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_the_writers_lock")
@pytest.mark.parametrize("first", ["entry", "close"])
def test_without_the_lock_an_entry_slips_in_between(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """The negative control: the line stands in a closed day whose close has not counted it."""
    found = an_unpriced_line_against_a_close(kumar, raja, jasmine, monkeypatch, first=first, patience=20.0)
    assert found == (0, 1, [])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the lock", "negative control"])
def test_of_two_closes_at_once_the_second_is_told_that_the_day_is_closed(
    kumar: Membership, meena: Membership, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the lock both find the day open, and only the table's own rule stops the second."""
    looked = threading.Barrier(2)
    look = close_of

    def look_and_wait(*arguments: Any) -> Any:
        found = look(*arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            looked.wait(timeout=1.0 if guarded else 20.0)
        return found

    monkeypatch.setattr(days, "close_of", look_and_wait)
    if not guarded:
        monkeypatch.setattr(days, "hold_day", lambda shop, day: None)
    (error,) = together(
        lambda: close_day(by=kumar, key=uuid4(), day=DAY, denominations={}),
        lambda: close_day(by=meena, key=uuid4(), day=DAY, denominations={}),
    )
    if guarded:
        assert isinstance(error, Conflict)
        assert error.code == "closed"
    else:
        assert "a_day_is_closed_once" in str(error)
    assert DayClose.objects.count() == 1
