"""Money given to farmers and taken back: what is posted, what waits, what is refused."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from ledger.domain import AccountKind, Mode, MovementKind
from ledger.models import DayClose, Farmer, Movement, Transfer
from ledger.selectors.accounts import balance_of
from ledger.services import movements
from ledger.services.movements import (
    approve_movement,
    record_movement,
    refuse_movement,
    reverse_movement,
    write_movement,
)
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.trail.models import Event
from malar.trail.services.answers import Answer

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 6)


def moved(by: Membership, farmer: Farmer, kind: str = "advance", amount: str = "2000", **said: Any) -> Answer:
    """A movement on DAY in cash, unless told otherwise."""
    opening = kind in ("opening_balance", "opening_advance")
    said = {"key": uuid4(), "business_date": DAY, "mode": "none" if opening else "cash", **said}
    return record_movement(by=by, farmer_id=farmer.pk, kind=kind, amount=Decimal(amount), **said)


def refusal(act: Callable[[], object]) -> RuleBroken:
    with pytest.raises(RuleBroken) as refused:
        act()
    return refused.value


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


# --- Postings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "amount", "debit", "credit"),
    [
        ("advance", "2000", "advance", "cash"),
        ("hand_loan", "500", "hand_loan", "cash"),
        ("draw", "3000", "draw", "cash"),
        ("opening_balance", "750", "opening", "payable"),
        ("opening_balance", "-750", "payable", "opening"),
        ("opening_advance", "15000", "advance", "opening"),
    ],
)
def test_each_kind_is_posted_between_its_accounts(
    meena: Membership, raja: Farmer, kind: str, amount: str, debit: str, credit: str
) -> None:
    answer = moved(meena, raja, kind, amount)
    transfer = Transfer.objects.get(journal=answer.made)
    assert (transfer.debit.kind, transfer.credit.kind) == (debit, credit)
    assert transfer.amount == abs(Decimal(amount))
    assert (answer.body["status"], answer.body["voucher"]) == ("posted", "V2526-0001")
    assert Event.objects.get().payload == {"movement": str(answer.made), "farmer": str(raja.pk)}


@pytest.mark.parametrize("kind", ["advance", "hand_loan"])
def test_what_is_paid_back_goes_the_other_way(meena: Membership, raja: Farmer, kind: str) -> None:
    moved(meena, raja, kind, "2000")
    answer = moved(meena, raja, f"{kind}_repayment", "1999.50", mode="upi")
    transfer = Transfer.objects.get(journal=answer.made)
    assert (transfer.debit.kind, transfer.credit.kind) == (AccountKind.BANK, kind)
    assert getattr(balance_of(raja), kind) == Decimal("0.50")


def test_nobody_pays_back_more_than_is_outstanding(meena: Membership, raja: Farmer, lakshmi: Farmer) -> None:
    moved(meena, raja, "advance", "2000")
    moved(meena, raja, "hand_loan", "9000")
    moved(meena, lakshmi, "advance", "9000")
    refused = refusal(lambda: moved(meena, raja, "advance_repayment", "2000.01"))
    assert (refused.code, refused.faults[0].pointer) == ("more_than_outstanding", "/amount")
    assert refused.detail == "Only ₹2,000.00 is outstanding."
    moved(meena, raja, "advance_repayment", "2000")
    assert refusal(lambda: moved(meena, raja, "advance_repayment", "1")).detail == "Nothing is outstanding."


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"amount": "0"}, "/amount", "not_positive"),
        ({"amount": "-5"}, "/amount", "not_positive"),
        ({"amount": "10.005"}, "/amount", "too_precise"),
        ({"amount": "1000000000000"}, "/amount", "too_large"),
        ({"kind": "gift"}, "/kind", "unknown_kind"),
        ({"mode": "none"}, "/mode", "unknown_mode"),
        ({"mode": "gold"}, "/mode", "unknown_mode"),
        ({"kind": "opening_advance", "mode": "cash"}, "/mode", "unknown_mode"),
        ({"kind": "opening_balance", "amount": "0"}, "/amount", "not_positive"),
        ({"kind": "opening_advance", "amount": "-1"}, "/amount", "not_positive"),
        ({"business_date": dt.date(2099, 1, 1)}, "/business_date", "in_future"),
        ({"business_date": dt.date(1999, 1, 1)}, "/business_date", "too_old"),
        ({"reference": "x" * 41}, "/reference", "too_long"),
        ({"note": "x" * 201}, "/note", "too_long"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    meena: Membership, raja: Farmer, said: dict[str, Any], pointer: str, code: str
) -> None:
    refused = refusal(lambda: moved(meena, raja, **said))
    assert [(fault.pointer, fault.code) for fault in refused.faults] == [(pointer, code)]
    assert not Movement.objects.exists()


def test_only_a_farmer_of_the_shop_is_given_money(meena: Membership, selvi: Farmer) -> None:
    assert refusal(lambda: moved(meena, selvi)).code == "unknown_farmer"


def test_opening_figures_are_the_owners_and_money_is_not_the_farmers_to_write(
    kumar: Membership, raja: Farmer
) -> None:
    assert raja.member is not None
    grower = raja.member
    with pytest.raises(NotAllowed):
        moved(kumar, raja, "opening_advance")
    with pytest.raises(NotAllowed):
        moved(grower, raja)


def test_nothing_moves_on_a_closed_day(meena: Membership, raja: Farmer) -> None:
    closed(meena, DAY)
    refused = refusal(lambda: moved(meena, raja))
    assert (refused.code, refused.faults[0].pointer) == ("day_locked", "/business_date")
    assert moved(meena, raja, business_date=DAY + dt.timedelta(1)).body["status"] == "posted"


def test_complaint_10_a_retry_posts_nothing_twice(kumar: Membership, raja: Farmer) -> None:
    key = uuid4()
    first = moved(kumar, raja, key=key)
    again = moved(kumar, raja, key=key)
    assert (again.replayed, again.body) == (True, first.body)
    back = uuid4()
    for replayed in (False, True):
        answer = reverse_movement(by=kumar, key=back, movement_id=first.made, reason="wrong farmer")
        assert answer.replayed is replayed
    assert (Movement.objects.count(), Transfer.objects.count()) == (2, 2)
    assert refusal(lambda: moved(kumar, raja, id=first.made)).code == "id_exists"


def test_complaint_11_an_advance_touches_no_flower_money_and_no_other_kind(
    meena: Membership, raja: Farmer, lakshmi: Farmer
) -> None:
    moved(meena, raja, "opening_balance", "500")
    before = balance_of(raja)
    moved(meena, raja, "advance", "2000")
    moved(meena, raja, "advance_repayment", "300")
    after = balance_of(raja)
    assert (after.net, after.hand_loan, after.unsettled) == (before.net, Decimal(0), before.unsettled)
    assert after.advance == Decimal(1700)
    assert balance_of(lakshmi).advance == 0


# --- Limits -----------------------------------------------------------------------------------


@pytest.fixture
def limits(meena: Membership) -> None:
    """5,000 of advances, 1,000 of hand loans, 3,000 of draws."""
    shop = meena.shop
    shop.advance_limit, shop.hand_loan_limit, shop.draw_limit = Decimal(5000), Decimal(1000), Decimal(3000)
    shop.save()


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("kind", "limit"), [("advance", "5000"), ("hand_loan", "1000"), ("draw", "3000")])
def test_over_the_limit_staff_wait_and_the_owner_does_not(
    kumar: Membership, meena: Membership, raja: Farmer, kind: str, limit: str
) -> None:
    kumar.shop = meena.shop
    assert moved(kumar, raja, kind, limit).body["status"] == "posted"
    waiting = moved(kumar, raja, kind, "0.01")
    assert (waiting.body["status"], waiting.body["voucher"]) == ("waiting", "")
    assert not Transfer.objects.filter(journal=waiting.made).exists()
    assert list(Event.objects.values_list("name", flat=True).order_by("at")) == [
        "MovementPosted",
        "MovementWaits",
    ]
    assert moved(meena, raja, kind, "99").body["status"] == "posted"


@pytest.fixture
def waiting(limits: None, kumar: Membership, meena: Membership, raja: Farmer) -> Movement:
    """6,000 of advance that Kumar asked for."""
    kumar.shop = meena.shop
    return Movement.objects.get(pk=moved(kumar, raja, amount="6000").made)


def test_the_owner_lets_it_into_the_book(waiting: Movement, meena: Membership, kumar: Membership) -> None:
    with pytest.raises(NotAllowed):
        approve_movement(by=kumar, movement_id=waiting.pk)
    answer = approve_movement(by=meena, movement_id=waiting.pk, note="he is good for it")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.voucher, waiting.decided_by) == ("posted", "V2526-0001", meena)
    assert waiting.decision_note == "he is good for it"
    assert answer.body["decided_by"] == str(meena.pk)
    assert balance_of(waiting.farmer).advance == Decimal(6000)
    for decide in (approve_movement, refuse_movement):
        refused = refusal(lambda decide=decide: decide(by=meena, movement_id=waiting.pk, note="x"))  # type: ignore[misc]
        assert (refused.code, refused.current["status"]) == ("decided", "posted")


def test_the_owner_says_no_and_why(waiting: Movement, meena: Membership) -> None:
    assert refusal(lambda: refuse_movement(by=meena, movement_id=waiting.pk, note=" ")).code == "required"
    refuse_movement(by=meena, movement_id=waiting.pk, note="ask his brother first")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.voucher, waiting.decision_note) == (
        "refused",
        "",
        "ask his brother first",
    )
    assert balance_of(waiting.farmer).advance == 0
    assert refusal(lambda: approve_movement(by=meena, movement_id=waiting.pk)).code == "decided"


@pytest.mark.parametrize("decide", [approve_movement, refuse_movement])
def test_a_decision_after_the_days_close_is_dated_today(
    waiting: Movement, meena: Membership, decide: Callable[..., Answer]
) -> None:
    closed(meena, DAY)
    answer = decide(by=meena, movement_id=waiting.pk, note="late")
    assert answer.body["business_date"] == movements._today(meena.shop).isoformat()


def test_what_waits_is_not_taken_back(waiting: Movement, meena: Membership) -> None:
    refused = refusal(lambda: reverse_movement(by=meena, key=uuid4(), movement_id=waiting.pk, reason="x"))
    assert (refused.code, refused.status) == ("not_posted", 409)


@pytest.mark.usefixtures("limits")
def test_taking_a_repayment_back_does_not_get_staff_over_the_limit(
    kumar: Membership, meena: Membership, raja: Farmer
) -> None:
    kumar.shop = meena.shop
    moved(kumar, raja, amount="5000")
    repaid = moved(kumar, raja, "advance_repayment", "1000")
    moved(kumar, raja, amount="1000")

    def back(by: Membership) -> Answer:
        return reverse_movement(by=by, key=uuid4(), movement_id=repaid.made, reason="not paid after all")

    assert refusal(lambda: back(kumar)).code == "over_limit"
    back(meena)
    assert balance_of(raja).advance == Decimal(6000)


def together(*acts: Callable[[], object]) -> None:
    """Run all at once, each in a thread and connection of its own."""
    start = threading.Barrier(len(acts))
    errors: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:  # noqa: BLE001  # told below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the lock", "negative control"])
def test_two_at_once_cannot_both_slip_under_the_limit(
    limits: None,
    kumar: Membership,
    meena: Membership,
    raja: Farmer,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """Each asks what is owed, waits for the other to have asked too, and writes."""
    kumar.shop = meena.shop
    asked = threading.Barrier(2)
    ask = movements.owed_of

    def ask_and_wait(farmer: Farmer, kind: str) -> Decimal:
        owed = ask(farmer, kind)
        # With the lock the second cannot have asked: the first goes on after the wait.
        with contextlib.suppress(threading.BrokenBarrierError):
            asked.wait(timeout=1.0 if guarded else 20.0)
        return owed

    monkeypatch.setattr(movements, "owed_of", ask_and_wait)
    if not guarded:
        monkeypatch.setattr(movements, "hold_farmer", lambda farmer: None)
    together(*[lambda: moved(kumar, raja, amount="3000")] * 2)
    statuses = sorted(Movement.objects.values_list("status", flat=True))
    assert statuses == (["posted", "waiting"] if guarded else ["posted", "posted"])
    assert balance_of(raja).advance == (3000 if guarded else 6000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the lock", "negative control"])
def test_two_at_once_cannot_pay_back_more_than_is_outstanding(
    meena: Membership, raja: Farmer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    moved(meena, raja, amount="1000")
    asked = threading.Barrier(2)
    ask = movements.owed_of

    def ask_and_wait(farmer: Farmer, kind: str) -> Decimal:
        owed = ask(farmer, kind)
        with contextlib.suppress(threading.BrokenBarrierError):
            asked.wait(timeout=1.0 if guarded else 20.0)
        return owed

    def repay() -> None:
        with contextlib.suppress(RuleBroken):
            moved(meena, raja, "advance_repayment", "1000")

    monkeypatch.setattr(movements, "owed_of", ask_and_wait)
    if not guarded:
        monkeypatch.setattr(movements, "hold_farmer", lambda farmer: None)
    together(repay, repay)
    assert balance_of(raja).advance == (0 if guarded else -1000)


# --- Taken back -------------------------------------------------------------------------------


def test_a_mirror_dated_today_takes_a_movement_back(meena: Membership, raja: Farmer) -> None:
    first = moved(meena, raja, "draw", "3000", mode="upi")
    answer = reverse_movement(by=meena, key=uuid4(), movement_id=first.made, reason="wrong farmer")
    mirror = Movement.objects.get(pk=answer.made)
    assert answer.body["reversed_by"] == str(mirror.pk)
    assert (mirror.kind, mirror.amount, mirror.mode, mirror.note) == (
        "draw",
        Decimal(3000),
        "upi",
        "wrong farmer",
    )
    assert mirror.business_date == movements._today(meena.shop)
    original, back = Transfer.objects.order_by("created_at")
    assert (back.debit, back.credit, back.amount, back.reverses) == (
        original.credit,
        original.debit,
        original.amount,
        original,
    )
    assert back.value_date == mirror.business_date
    assert balance_of(raja).unsettled.draws == 0
    assert Event.objects.filter(name="MovementReversed").count() == 1


@pytest.mark.parametrize("amount", ["500", "-500"])
def test_an_opening_balance_is_taken_back_on_either_side(
    meena: Membership, raja: Farmer, amount: str
) -> None:
    first = moved(meena, raja, "opening_balance", amount)
    reverse_movement(by=meena, key=uuid4(), movement_id=first.made, reason="from the wrong page")
    assert balance_of(raja).direction == "even"


def test_nothing_is_taken_back_twice_nor_what_takes_back(meena: Membership, raja: Farmer) -> None:
    first = moved(meena, raja)

    def back(movement_id: Any) -> Answer:
        return reverse_movement(by=meena, key=uuid4(), movement_id=movement_id, reason="x")

    mirror = back(first.made)
    twice = refusal(lambda: back(first.made))
    assert (twice.code, twice.status) == ("reversed", 409)
    assert refusal(lambda: back(mirror.made)).code == "reversal"
    assert refusal(
        lambda: reverse_movement(by=meena, key=uuid4(), movement_id=first.made, reason="")
    ).code == ("required")


def test_what_was_repaid_is_not_taken_back(meena: Membership, raja: Farmer) -> None:
    first = moved(meena, raja, amount="2000")
    repaid = moved(meena, raja, "advance_repayment", "500")

    def back(movement_id: Any) -> Answer:
        return reverse_movement(by=meena, key=uuid4(), movement_id=movement_id, reason="x")

    refused = refusal(lambda: back(first.made))
    assert (refused.code, refused.detail) == (
        "repaid",
        "₹500.00 of it is paid back already. Take that back first.",
    )
    back(repaid.made)
    back(first.made)
    assert balance_of(raja).advance == 0


def test_it_is_taken_back_on_an_open_day_since_then(meena: Membership, raja: Farmer) -> None:
    first = moved(meena, raja)

    def back(day: dt.date) -> Answer:
        return reverse_movement(by=meena, key=uuid4(), movement_id=first.made, reason="x", business_date=day)

    assert refusal(lambda: back(DAY - dt.timedelta(1))).code == "before_movement"
    assert refusal(lambda: back(dt.date(2099, 1, 1))).code == "in_future"
    closed(meena, DAY)
    assert refusal(lambda: back(DAY)).code == "day_locked"
    closed(meena, movements._today(meena.shop))
    locked = refusal(lambda: reverse_movement(by=meena, key=uuid4(), movement_id=first.made, reason="x"))
    assert locked.code == "day_locked"
    assert Movement.objects.count() == 1


def test_staff_take_back_what_they_wrote_today(
    meena: Membership, kumar: Membership, raja: Farmer, time_machine: Any
) -> None:
    def back(by: Membership, movement_id: Any) -> Answer:
        return reverse_movement(by=by, key=uuid4(), movement_id=movement_id, reason="x")

    time_machine.move_to(dt.datetime(2026, 3, 6, 4, 0, tzinfo=dt.UTC))
    owners, his, older = moved(meena, raja), moved(kumar, raja), moved(kumar, raja)
    with pytest.raises(NotAllowed):
        back(kumar, owners.made)
    back(kumar, his.made)
    time_machine.move_to(dt.datetime(2026, 3, 7, 4, 0, tzinfo=dt.UTC))
    with pytest.raises(NotAllowed):
        back(kumar, older.made)
    back(meena, older.made)


def test_another_shop_sees_no_movement(meena: Membership, raja: Farmer, devi: Membership) -> None:
    first = moved(meena, raja)
    refused = refusal(lambda: reverse_movement(by=devi, key=uuid4(), movement_id=first.made, reason="x"))
    assert refused.code == "not_found"


def test_the_step_writes_inside_somebodys_unit_of_work(meena: Membership, raja: Farmer) -> None:
    with transaction.atomic():
        written = write_movement(
            by=meena,
            farmer=raja,
            kind=MovementKind.OPENING_ADVANCE,
            amount=Decimal(15000),
            business_date=DAY,
            mode=Mode.NONE,
        )
    assert (written.status, balance_of(raja).advance) == ("posted", Decimal(15000))
