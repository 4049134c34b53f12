"""Two at the same settlement, or at the same rows, at the same moment. Each race is shown a second time with its guard
off, where it must go wrong."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection, transaction

from ledger.domain import AccountKind, Cadence
from ledger.models import DailyEntry, Farmer
from ledger.selectors.claims import owed_on, sums_of
from ledger.services.claims import take_rows
from ledger.services.entries import correct_line, edit_entry
from ledger.services.movements import hold_farmer
from ledger.services.posting import account_of
from malar.accounts.models import Membership, Shop
from malar.trail.services.answers import Answer
from pricing.models import Flower
from settlements.domain import LeftOut, Method, chained
from settlements.models import Approval, Payment, Settlement, SettlementCounter, SettlementRun
from settlements.selectors.months import runs_by_day
from settlements.selectors.settlements import period_due, settlement_of
from settlements.services import approvals, due, months, payments, runs
from settlements.services.runs import begin_run, make_run
from tests import cast
from tests.cast import at, recorded
from tests.ledger.test_races import BOTH_WAYS, meeting, patience, together, until_somebody_waits
from tests.settlements.acts import WEEK, agreed, settled, settlement_for, unsound

__all__ = ["meeting"]

pytestmark = [
    pytest.mark.race,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sunday"),
]

EARLY = at("2026-03-06", "04:50")
Meet = Callable[[Any, str], None]


@pytest.fixture
def line(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    return recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(100))


@pytest.fixture
def waits(line: DailyEntry, raja: Farmer, meena: Membership, kumar: Membership) -> Settlement:
    """Raja's, of ₹ 531: it waits for approval."""
    settlement = settlement_for(raja, settled(meena))
    approvals.submit(by=meena, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement


def approving(settlement: Settlement, by: Membership, *, for_farmer: bool = False) -> Callable[[], Answer]:
    method = Method.PAPER if for_farmer else Method.PAGE
    content = settlement.content_hash
    return lambda: approvals.approve(
        by=by, settlement_id=settlement.pk, content_hash=content, for_farmer=for_farmer, method=method
    )


def unlocked(monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
    """A settlement is read, and nobody is kept waiting."""
    for module in modules:
        monkeypatch.setattr(module, "held", settlement_of)


def begun(by: Membership) -> UUID:
    return begin_run(by=by, key=uuid4(), order=WEEK).made


# --- Running ---------------------------------------------------------------------------------------


@BOTH_WAYS
def test_of_two_runs_at_once_one_settles_all(
    line: DailyEntry, meena: Membership, meeting: Meet, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    first, second = begun(meena), begun(meena)
    meeting(runs, "_left_out")
    if not guarded:
        monkeypatch.setattr(runs, "hold_runs", lambda shop: None)
        monkeypatch.setattr(runs, "hold_book", lambda farmers: None)
    refused = together(lambda: make_run(first), lambda: make_run(second))
    assert Settlement.objects.count() == 1
    done = sorted(SettlementRun.objects.values_list("status", "settled"))
    if guarded:
        assert refused == []
        assert done == [("done", 0), ("done", 1)]
    else:
        # Every lock forgotten, the index refuses the second; it was told nothing that a person understands.
        assert ["a_row_is_taken_once" in said for said in refused] == [True]
        assert done == [("done", 1), ("running", 0)]
    assert unsound() == {}


def test_a_run_asked_for_twice_at_once_is_one(line: DailyEntry, meena: Membership) -> None:
    key = uuid4()
    answers: list[Answer] = []
    asked = [lambda: answers.append(begin_run(by=meena, key=key, order=WEEK))] * 2
    assert together(*asked) == []
    assert len({answer.made for answer in answers}) == SettlementRun.objects.count() == 1
    assert sorted(answer.replayed for answer in answers) == [False, True]


@BOTH_WAYS
def test_two_workers_at_one_run_make_it_once(
    line: DailyEntry, meena: Membership, meeting: Meet, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    run = begun(meena)
    meeting(runs, "order_of")
    if not guarded:
        monkeypatch.setattr(runs, "_alone", lambda run_id: True)
    assert together(lambda: make_run(run), lambda: make_run(run)) == []
    assert Settlement.objects.count() == 1
    made = SettlementRun.objects.get()
    # Without the guard the second writes over what the first made: nobody was settled, it says.
    assert (made.status, made.settled, len(made.left_out)) == (("done", 1, 0) if guarded else ("done", 0, 1))


def test_a_run_that_a_clerk_keeps_waiting_too_long_is_made_later(
    line: DailyEntry, raja: Farmer, meena: Membership
) -> None:
    run = begun(meena)

    def impatient() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        make_run(run)

    with transaction.atomic():
        hold_farmer(raja)
        assert together(impatient) == []
        assert not Settlement.objects.exists()
    assert SettlementRun.objects.get().status == "running"
    make_run(run)
    assert SettlementRun.objects.get().settled == Settlement.objects.count() == 1


@pytest.fixture
def panguni(raja: Farmer, meena: Membership) -> UUID:
    """It has begun, Raja is settled by it, and nobody has run the month before."""
    raja.cadence = Cadence.TAMIL_MONTH
    raja.save()
    for name, day in (("தை", "2026-01-15"), ("மாசி", "2026-02-06"), ("பங்குனி", "2026-03-08")):
        month = months.add_month(by=meena, key=uuid4(), name=name, starts_on=dt.date.fromisoformat(day))
    return month.made


@BOTH_WAYS
def test_a_month_that_is_moved_while_its_run_is_to_begin(
    meena: Membership, panguni: UUID, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The owner moves it after the run was reckoned and before it is asked for. Unguarded, its lines are run twice."""
    period = period_due(meena.shop, Cadence.TAMIL_MONTH, dt.date(2026, 3, 8))

    def moved(shop: Shop, until: dt.date) -> dict[UUID | None, LeftOut]:
        months.move_month(by=meena, key=uuid4(), month_id=panguni, starts_on=dt.date(2026, 3, 7))
        return {}

    with time_machine.travel(at("2026-03-08", "06:10")):
        monkeypatch.setattr(due, "holds", [moved])
        if not guarded:
            monkeypatch.setattr(
                due, "period_due", lambda *asked: period if asked[1] == "tamil_month" else None
            )
        due.settle_due(meena.shop)
        monkeypatch.setattr(due, "holds", [])
        monkeypatch.setattr(due, "period_due", period_due)
        due.settle_due(meena.shop)
    ends = [str(run.period_end) for run in SettlementRun.objects.order_by("number")]
    assert ends == (["2026-03-06"] if guarded else ["2026-03-07", "2026-03-06"])


@BOTH_WAYS
def test_a_run_that_begins_while_its_month_is_moved(
    meena: Membership, panguni: UUID, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The run is asked for after the table was found free, and before the month has its other day."""
    look, looked = runs_by_day, []
    settling = threading.Thread(target=lambda: together(lambda: due.settle_due(meena.shop)))

    def overtaken(shop: Shop) -> Mapping[dt.date, SettlementRun]:
        looked.append(look(shop))
        if len(looked) == 2:  # for the month that is moved, then for the day it is moved to
            settling.start()
            until_somebody_waits() if guarded else settling.join()
        return looked[-1]

    monkeypatch.setattr(months, "runs_by_day", overtaken)
    if not guarded:
        monkeypatch.setattr(months, "hold_runs", lambda shop: None)
    with time_machine.travel(at("2026-03-08", "06:10")):
        months.move_month(by=meena, key=uuid4(), month_id=panguni, starts_on=dt.date(2026, 3, 7))
        settling.join()
    ends = [str(run.period_end) for run in SettlementRun.objects.order_by("number")]
    assert ends == ([] if guarded else ["2026-03-07"]), "the next hour looks again"


@BOTH_WAYS
def test_a_line_that_is_being_edited_is_waited_for(
    line: DailyEntry, meena: Membership, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    edited, made = threading.Event(), threading.Event()
    if not guarded:
        monkeypatch.setattr(runs, "hold_book", lambda farmers: None)

    def edit() -> None:
        with transaction.atomic():
            correct_line(meena, line.pk, 1, {"gross_quantity": Decimal("5.200")})
            edited.set()
            made.wait(timeout=patience(guarded))

    def run() -> None:
        assert edited.wait(timeout=20.0)
        settled(meena)
        made.set()

    assert together(edit, run) == []
    settlement = Settlement.objects.get()
    assert settlement.gross == (Decimal(500) if guarded else Decimal(590))
    assert set(unsound()) == (set() if guarded else {"claims_unchanged", "settlement_sums"})


@BOTH_WAYS
def test_an_edit_of_what_is_being_claimed_waits_and_is_refused(
    line: DailyEntry, meena: Membership, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    summed, edited = threading.Event(), threading.Event()

    def owed_then(*said: Any) -> Any:
        summed.set()
        edited.wait(timeout=patience(guarded))
        return owed_on(*said)

    monkeypatch.setattr(runs, "owed_on", owed_then)
    if not guarded:
        monkeypatch.setattr(runs, "hold_book", lambda farmers: None)

    def edit() -> None:
        assert summed.wait(timeout=20.0)
        try:
            edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
        finally:
            edited.set()

    assert together(lambda: settled(meena), edit) == (["settled"] if guarded else [])
    assert set(unsound()) == (set() if guarded else {"claims_unchanged", "settlement_sums"})


@pytest.mark.parametrize(
    ("locked", "summed_first"),
    [(True, False), (False, False), (False, True)],
    ids=["guarded", "claims alone", "negative control"],
)
def test_a_line_that_comes_while_a_run_is_made_is_neither_lost_nor_doubled(
    line: DailyEntry,
    raja: Farmer,
    jasmine: Flower,
    meena: Membership,
    kumar: Membership,
    monkeypatch: pytest.MonkeyPatch,
    locked: bool,
    summed_first: bool,
) -> None:
    """The lock keeps it waiting. Without it, what is summed is still what was claimed; summed first and claimed
    after that, the line is claimed and in no sum."""
    taken, written = threading.Event(), threading.Event()
    found: dict[str, Any] = {}

    def take(*said: Any) -> None:
        if summed_first:
            with transaction.atomic():
                take_rows(*said)
                found["sums"] = sums_of(list(said[1].values()), WEEK.start, WEEK.end)
                transaction.set_rollback(True)
        else:
            take_rows(*said)
        taken.set()
        written.wait(timeout=patience(locked))
        if summed_first:
            take_rows(*said)

    monkeypatch.setattr(runs, "take_rows", take)
    if summed_first:
        monkeypatch.setattr(runs, "sums_of", lambda *said: found["sums"])
    if not locked:
        monkeypatch.setattr(runs, "hold_book", lambda farmers: None)

    def write() -> None:
        assert taken.wait(timeout=20.0)
        try:
            recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(77))
        finally:
            written.set()

    assert together(lambda: settled(meena), write) == []
    settlement = Settlement.objects.get()
    assert (settlement.lines, settlement.gross) == (1, Decimal(590))
    if summed_first:
        assert set(unsound()) == {"claims_unchanged", "settlement_sums"}
        return
    assert unsound() == {}
    monkeypatch.undo()
    agreed(settlement, meena, kumar)
    later = settlement_for(raja, settled(meena))
    assert (later.lines, later.gross, later.brought_forward) == (1, Decimal("454.30"), Decimal(0))
    assert unsound() == {}


# --- Agreeing --------------------------------------------------------------------------------------


@BOTH_WAYS
def test_approved_or_called_off_but_not_both(
    waits: Settlement,
    meena: Membership,
    kumar: Membership,
    meeting: Meet,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    approving(waits, meena, for_farmer=True)()
    if not guarded:
        unlocked(monkeypatch, approvals)
    meeting(approvals, "held")
    refused = together(approving(waits, kumar), lambda: approvals.cancel(by=meena, settlement_id=waits.pk))
    waits.refresh_from_db()
    assert len(refused) == 1
    if guarded:
        assert refused == [{"approved": "not_open", "cancelled": "not_pending"}[waits.status]]
    else:
        # Both saw it pending; the table's own guard stops the second, in no words for people.
        assert "IntegrityError" in refused[0]
    assert unsound() == {}


@BOTH_WAYS
def test_both_sides_at_once_are_both_seen(
    waits: Settlement,
    meena: Membership,
    kumar: Membership,
    meeting: Meet,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    if not guarded:
        unlocked(monkeypatch, approvals)
    meeting(approvals, "standing_approvals")
    assert together(approving(waits, kumar), approving(waits, meena, for_farmer=True)) == []
    waits.refresh_from_db()
    assert Approval.objects.count() == 2
    # Without the guard each waits for the other, for ever.
    assert waits.status == ("approved" if guarded else "pending")


@BOTH_WAYS
def test_approved_twice_at_once_is_approved_once(
    waits: Settlement,
    meena: Membership,
    kumar: Membership,
    meeting: Meet,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    approving(waits, meena, for_farmer=True)()
    if not guarded:
        unlocked(monkeypatch, approvals)
    meeting(approvals, "held")
    refused = together(*[approving(waits, kumar)] * 2)
    assert len(refused) == 1
    assert refused == ["not_pending"] if guarded else "a_side_approves_a_content_once" in refused[0]
    assert unsound() == {}


@BOTH_WAYS
def test_eight_approvals_at_once_have_the_numbers_one_to_eight(
    meena: Membership, kumar: Membership, jasmine: Flower, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    for number in range(8):
        farmer = cast.a_farmer(meena.shop, 20 + number, f"விவசாயி {number}", f"Farmer {number}")
        recorded(kumar, farmer, jasmine, captured_at=EARLY, rate=Decimal(100 + number))
    # The first ever makes the counter and the shop's accounts, for which the others wait anyway.
    SettlementCounter.objects.create(shop=meena.shop, year=2025)
    with transaction.atomic():
        for kind in (AccountKind.SALES, AccountKind.COMMISSION, AccountKind.ROUNDING):
            account_of(meena.shop, kind)
    acts = []
    for settlement in settled(meena).settlements.all():
        approvals.submit(by=meena, settlement_id=settlement.pk)
        approving(settlement, meena, for_farmer=True)()
        acts.append(approving(settlement, kumar))
    if not guarded:
        read = threading.Barrier(8)

        def all_have_read(*said: str) -> str:
            read.wait(timeout=20.0)
            return chained(*said)

        monkeypatch.setattr(approvals, "chained", all_have_read)
        monkeypatch.setattr(
            SettlementCounter.objects, "select_for_update", lambda: SettlementCounter.objects.all()
        )
    refused = together(*acts)
    numbers = list(
        Settlement.objects.exclude(number=None).order_by("number").values_list("number", flat=True)
    )
    assert numbers == [f"2526-{n:04}" for n in range(1, 9 if guarded else 2)]
    assert len(refused) == (0 if guarded else 7)
    assert unsound() == {}


# --- Paying ----------------------------------------------------------------------------------------


def paying(settlement: Settlement, by: Membership, amount: str, key: UUID) -> Callable[[], Answer]:
    return lambda: payments.record_payment(
        by=by, key=key, settlement_id=settlement.pk, amount=Decimal(amount), mode="cash"
    )


@BOTH_WAYS
def test_no_more_is_paid_by_two_than_is_outstanding(
    waits: Settlement,
    meena: Membership,
    kumar: Membership,
    meeting: Meet,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    settlement = agreed_by(waits, meena, kumar)
    assert settlement.net == 531
    if not guarded:
        unlocked(monkeypatch, payments)
    meeting(payments, "held")
    refused = together(*[paying(settlement, kumar, "300", uuid4()) for _ in range(2)])
    assert refused == (["more_than_outstanding"] if guarded else [])
    assert Payment.objects.count() == (1 if guarded else 2)
    assert set(unsound()) == (set() if guarded else {"outstanding"})


@BOTH_WAYS
def test_a_payment_sent_twice_at_once_is_paid_once(
    waits: Settlement, meena: Membership, kumar: Membership, guarded: bool
) -> None:
    """The guard is the request's key."""
    settlement = agreed_by(waits, meena, kumar)
    key = uuid4()
    asked = [paying(settlement, kumar, "100", key if guarded else uuid4()) for _ in range(2)]
    answers: list[Answer] = []
    assert together(*[lambda ask=ask: answers.append(ask()) for ask in asked]) == []
    assert Payment.objects.count() == len({answer.made for answer in answers}) == (1 if guarded else 2)
    assert unsound() == {}


def agreed_by(settlement: Settlement, owner: Membership, clerk: Membership) -> Settlement:
    approving(settlement, owner, for_farmer=True)()
    approving(settlement, clerk)()
    settlement.refresh_from_db()
    return settlement
