"""Two at the same line at the same moment. Each race is shown a second time with its guard off."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from ledger.models import DailyEntry, Farmer
from ledger.selectors import entries as selectors
from ledger.services import entries, repricing
from ledger.services.entries import edit_entry, void_entry
from ledger.services.repricing import price_entries
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken
from malar.trail.models import Event
from notifications import subscriptions
from notifications.models import Message
from notifications.services.queueing import react
from pricing.models import Flower, MarketRate
from pricing.services.rates import publish_rate
from tests.cast import at, called, recorded
from tests.stack import wait_until

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

EARLY = at("2026-03-06", "04:50")
BOTH_WAYS = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])


def patience(guarded: bool) -> float:
    """How long one waits for the other. With the guard the other cannot come, without it he surely does."""
    return 1.0 if guarded else 20.0


def together(*acts: Callable[[], object]) -> list[str]:
    """Run all at once, each in a connection of its own; the codes of what was refused, in order of the acts."""
    codes: dict[int, str] = {}

    def run(number: int, act: Callable[[], object]) -> None:
        try:
            act()
        except RuleBroken as refused:
            codes[number] = refused.code
        except BaseException as error:  # noqa: BLE001  # shown by the assertion on the codes
            codes[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [codes[number] for number in sorted(codes)]


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> Callable[[Any, str], None]:
    """Let two callers of a function wait for each other when they have what it answers."""
    met = threading.Barrier(2)

    def meet(module: Any, name: str) -> None:
        ask = getattr(module, name)

        def ask_and_wait(*arguments: Any, **named: Any) -> Any:
            found = ask(*arguments, **named)
            with contextlib.suppress(threading.BrokenBarrierError):
                met.wait(timeout=patience(guarded))
            return found

        monkeypatch.setattr(module, name, ask_and_wait)

    return meet


@pytest.fixture
def _lines_guard(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> Iterator[None]:
    """In the negative control a line is not locked when it is read, and the table does not count versions."""
    if guarded:
        yield
        return
    look = selectors.entry_of
    monkeypatch.setattr(entries, "entry_of", lambda by, pk, *, lock=False: look(by, pk))
    lines = repricing._lines
    monkeypatch.setattr(repricing, "_lines", lambda by, asked, *, lock: lines(by, asked, lock=False))
    (guard,) = [each.get_pgid(DailyEntry) for each in DailyEntry._meta.triggers if each.name == "guard_line"]  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ledger_dailyentry DISABLE TRIGGER {guard}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ledger_dailyentry ENABLE TRIGGER {guard}")


@BOTH_WAYS
@pytest.mark.usefixtures("_lines_guard")
def test_of_two_edits_at_once_none_is_lost(
    kumar: Membership, raja: Farmer, jasmine: Flower, meeting: Callable[[Any, str], None], guarded: bool
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    meeting(entries, "_locked")

    def edit(**changes: Any) -> Callable[[], object]:
        return lambda: edit_entry(by=kumar, entry_id=entry.pk, version=1, changes=changes)  # type: ignore[arg-type]

    refused = together(edit(gross_quantity=Decimal("5.200")), edit(note="wet"))
    now = DailyEntry.objects.get(pk=entry.pk)
    changed = (now.gross_quantity == Decimal("5.200"), now.note == "wet")
    assert now.version == 2
    assert sum(changed) == 1
    # Guarded, the second is told; without the guard one correction is gone and nobody knows.
    assert refused == (["stale"] if guarded else [])


@BOTH_WAYS
@pytest.mark.usefixtures("_lines_guard")
def test_a_line_cancelled_while_it_is_edited_stays_cancelled_or_the_one_who_cancels_is_told(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    read, cancelled = threading.Event(), threading.Event()
    correct = entries.put_in

    def correct_slowly(*arguments: Any) -> None:
        correct(*arguments)
        read.set()
        cancelled.wait(timeout=patience(guarded))

    monkeypatch.setattr(entries, "put_in", correct_slowly)

    def edit() -> None:
        edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"note": "wet"})

    def cancel() -> None:
        assert read.wait(timeout=20.0)
        try:
            void_entry(by=kumar, entry_id=entry.pk, version=1, reason="weighed twice")
        finally:
            cancelled.set()

    refused = together(edit, cancel)
    assert refused == (["stale"] if guarded else [])
    now = DailyEntry.objects.get(pk=entry.pk)
    # Without the guard he was told that it is cancelled, and it counts.
    assert (now.is_voided, now.note) == (False, "wet")


@BOTH_WAYS
@pytest.mark.usefixtures("_lines_guard")
def test_a_line_priced_while_it_is_edited_keeps_its_rate(
    meena: Membership,
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    read, priced = threading.Event(), threading.Event()
    correct = entries.put_in

    def correct_slowly(*arguments: Any) -> None:
        correct(*arguments)
        read.set()
        priced.wait(timeout=patience(guarded))

    monkeypatch.setattr(entries, "put_in", correct_slowly)

    def edit() -> None:
        edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})

    def price() -> None:
        assert read.wait(timeout=20.0)
        try:
            price_entries(
                by=meena,
                key=uuid4(),
                day=EARLY.date(),
                flower_id=jasmine.pk,
                from_time=dt.time(),
                to_time=dt.time(),
                rate=Decimal(900),
            )
        finally:
            priced.set()

    assert together(edit, price) == []
    now = DailyEntry.objects.get(pk=entry.pk)
    assert now.quantity == Decimal("5.000")
    # Without the guard the edit writes back the line as it read it, and the rate is gone.
    assert (now.rate, now.amount, now.version) == (
        (Decimal(900), Decimal(4500), 3) if guarded else (None, None, 2)
    )


@BOTH_WAYS
def test_a_line_written_while_a_rate_is_published_has_the_old_rate_or_the_new_one(
    meena: Membership,
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """The guard is that the old rate's end and the new one's beginning are one commit, and that a line asks once.

    In the negative control the end is committed by itself: the line falls between the two rates.
    """
    called(jasmine, "900", at("2026-03-06", "04:30"), meena)
    ended, written = threading.Event(), threading.Event()
    save = MarketRate.save

    def save_slowly(rate: MarketRate, *arguments: Any, **named: Any) -> None:
        if not guarded:
            connection.connection.commit()
        ended.set()
        written.wait(timeout=20.0)
        save(rate, *arguments, **named)

    monkeypatch.setattr(MarketRate, "save", save_slowly)
    made: list[UUID] = []

    def publish() -> None:
        moment = at("2026-03-06", "04:45")
        publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal(820), effective_from=moment)

    def write() -> None:
        assert ended.wait(timeout=20.0)
        try:
            made.append(recorded(kumar, raja, jasmine, captured_at=EARLY).pk)
        finally:
            written.set()

    assert together(publish, write) == []
    line = DailyEntry.objects.get(pk=made[0])
    assert line.rate == (Decimal(900) if guarded else None)
    # Who comes after the commit has the new one.
    assert recorded(kumar, raja, jasmine, captured_at=EARLY).rate == Decimal(820)


@BOTH_WAYS
def test_two_corrections_told_at_once_are_told_once(
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    meeting: Callable[[Any, str], None],
    guarded: bool,
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    react(event_id=Event.objects.get(name="EntryRecorded").pk)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    edit_entry(by=kumar, entry_id=entry.pk, version=2, changes={"gross_quantity": Decimal("5.100")})
    meeting(subscriptions, "last_told")
    if not guarded:
        monkeypatch.setattr(subscriptions, "one_by_one", lambda subject: None)
    first, second = Event.objects.undone().values_list("pk", flat=True)
    assert together(lambda: react(event_id=first), lambda: react(event_id=second)) == []
    assert Message.objects.filter(kind="entry_corrected").count() == (1 if guarded else 2)


@BOTH_WAYS
def test_a_line_that_was_waited_for_comes_with_the_names_of_now(
    guarded: bool, meena: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    """Joined to its flower of before the wait it would not be found: "there is no such slip"."""
    line = recorded(meena, raja, jasmine, captured_at=EARLY)
    found: list[Flower | None] = []

    def ask() -> None:
        try:
            with transaction.atomic():
                if guarded:
                    entry: DailyEntry | None = selectors.entry_of(meena, line.pk, lock=True)
                else:
                    lines = selectors.entries_seen_by(meena).with_names()
                    entry = lines.select_for_update(of=("self",)).filter(pk=line.pk).first()
                found.append(entry.flower if entry else None)
        finally:
            connection.close()

    other = threading.Thread(target=ask)
    with transaction.atomic():
        changes: Any = {"flower_id": lotus.pk, "quantity": Decimal(60)}
        entries.correct_line(meena, line.pk, 1, changes | {"gross_quantity": None, "tare": None})
        other.start()
        until_somebody_waits()
    other.join()
    assert found == [lotus if guarded else None]


def until_somebody_waits() -> None:
    """Until another connection waits for what this one holds."""

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            return bool(cursor.fetchone() != (0,))

    wait_until(waits, seconds=4, why="nobody waited")
