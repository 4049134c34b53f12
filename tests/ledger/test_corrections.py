"""A slip the farmer holds is corrected in sight: a new version before settlement, two lines after it."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum

from ledger.models import DailyEntry, DayClose, Farmer
from ledger.selectors import entries as book
from ledger.selectors.entries import versions_of
from ledger.services import corrections
from ledger.services.corrections import correct_settled_entry
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.trail.models import Event
from malar.trail.services.answers import Answer
from pricing.models import Flower
from tests.cast import at, called, recorded
from tests.trail.test_answers import at_once

pytestmark = pytest.mark.django_db

EARLY = at("2026-03-06", "04:50")
TODAY = at("2026-03-09", "09:00")
Settle = Callable[..., None]


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Settle:
    """Let lines be settled: nothing else of settlements exists yet."""
    settled: set[UUID] = set()
    monkeypatch.setattr(
        book, "settled_among", lambda lines: {line.pk for line in lines if line.pk in settled}
    )
    return lambda *lines: settled.update(line.pk for line in lines)


def sold(by: Membership, farmer: Farmer, flower: Flower, **figures: Any) -> DailyEntry:
    """5.900 kg at ₹1,450 (domain.md §6.2)."""
    return recorded(by, farmer, flower, captured_at=EARLY, **{"rate": Decimal(1450), **figures})


def correct(by: Membership, entry: DailyEntry, changes: Any, **said: Any) -> Answer:
    key = said.pop("key", None) or uuid4()
    return correct_settled_entry(
        by=by,
        entry_id=entry.pk,
        changes=changes,
        key=key,
        **{"reason": "weight misread", "now": TODAY, **said},
    )


def pair(entry: DailyEntry) -> tuple[DailyEntry, DailyEntry]:
    return (
        DailyEntry.objects.get(corrects=entry.pk, kind="reversal"),
        DailyEntry.objects.get(corrects=entry.pk, kind="replacement"),
    )


LIGHTER = {"gross_quantity": Decimal("5.900")}


def test_correcting_5_900_to_5_700_kg_gives_minus_290_00_and_commission_826_50(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    """Once as a new version and once after settlement: the farmer loses the same (domain.md §6.2)."""
    open_line, settled_line = sold(kumar, raja, jasmine), sold(kumar, raja, jasmine)
    before = DailyEntry.objects.get(pk=open_line.pk)
    assert (before.amount, before.commission) == (Decimal("8555.00"), Decimal("855.50"))

    edited = edit_entry(by=kumar, entry_id=open_line.pk, version=1, changes={**LIGHTER})  # type: ignore[typeddict-item]
    assert (edited.amount, edited.commission) == (Decimal("8265.00"), Decimal("826.50"))
    assert edited.amount is not None
    assert edited.amount - Decimal("8555.00") == Decimal("-290.00")

    settle(settled_line)
    correct(kumar, settled_line, LIGHTER)
    reversal, replacement = pair(settled_line)
    assert (reversal.amount, replacement.amount) == (Decimal("-8555.00"), Decimal("8265.00"))
    assert reversal.amount is not None
    assert replacement.amount is not None
    assert reversal.amount + replacement.amount == Decimal("-290.00")
    assert (reversal.commission, replacement.commission) == (Decimal("-855.50"), Decimal("826.50"))


def test_the_settled_line_is_never_touched_and_the_pair_is_of_today(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(kumar, raja, jasmine, note="first sack")
    settle(entry)
    as_it_was = DailyEntry.objects.filter(pk=entry.pk).values().get()
    answer = correct(kumar, entry, LIGHTER)
    reversal, replacement = pair(entry)
    assert DailyEntry.objects.filter(pk=entry.pk).values().get() == as_it_was
    assert len(versions_of(entry)) == 1
    for line in (reversal, replacement):
        assert (line.business_date, line.corrects_date) == (dt.date(2026, 3, 9), dt.date(2026, 3, 6))
        assert [version.reason for version in versions_of(line)] == ["weight misread"]
    assert (reversal.slip_number, replacement.slip_number) == ("S1-0903-001", "S1-0903-002")
    assert (reversal.gross_quantity, reversal.tare, reversal.sacks) == (None, Decimal(0), 0)
    assert (reversal.quantity, replacement.quantity) == (Decimal("-5.900"), Decimal("5.700"))
    assert (replacement.note, replacement.sacks) == ("first sack", 1)
    assert answer.made == replacement.pk
    assert answer.body["original"] == str(entry.pk)
    assert answer.body["reversal"]["amount"] == "-8555.00"
    event = Event.objects.exclude(name="EntryRecorded").get()
    assert (event.name, event.payload["entry"]) == ("EntryCorrected", str(replacement.pk))


@pytest.mark.parametrize("kilograms", ["0.005", "1.005", "3.333", "12.347"])
def test_a_reversal_mirrors_its_line_to_the_paisa(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle, kilograms: str
) -> None:
    raja.commission_pct = Decimal("7.25")
    raja.save()
    entry = sold(kumar, raja, jasmine, quantity=Decimal(kilograms), rate=Decimal("101.01"))
    settle(entry)
    correct(kumar, entry, None)
    sums = DailyEntry.objects.aggregate(Sum("amount"), Sum("commission"), Sum("quantity"))
    assert set(sums.values()) == {Decimal(0)}


def test_a_line_can_be_taken_out_altogether(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    answer = correct(kumar, entry, None, reason="flowers taken back")
    assert answer.body["replacement"] is None
    assert Event.objects.exclude(name="EntryRecorded").get().name == "EntryVoided"


def test_commission_and_rate_stay_those_of_the_settled_line(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    called(jasmine, "1400", at("2026-03-06", "04:30"), meena)
    entry = sold(kumar, raja, jasmine, rate=None)
    settle(entry)
    raja.commission_pct = Decimal(5)
    raja.save()
    called(jasmine, "900", at("2026-03-09", "04:30"), meena)
    correct(kumar, entry, LIGHTER)
    for line in pair(entry):
        assert (line.rate, line.rate_source, line.commission_pct) == (Decimal(1400), "called", Decimal(10))


def test_a_rate_asked_anew_is_the_one_of_the_day_the_flowers_came(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    called(jasmine, "1400", at("2026-03-06", "04:30"), meena)
    called(jasmine, "900", at("2026-03-09", "04:30"), meena)
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    correct(kumar, entry, {"rate": None})
    assert pair(entry)[1].rate == Decimal(1400)


def test_the_wrong_farmer_gives_back_and_the_right_one_gets(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    correct(kumar, entry, {"farmer_id": lakshmi.pk})
    assert [line.farmer for line in pair(entry)] == [raja, lakshmi]


def test_a_line_is_reversed_once_and_its_correction_is_corrected_instead(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    correct(kumar, entry, LIGHTER)
    reversal, replacement = pair(entry)
    for line, code in ((entry, "corrected"), (reversal, "mirror"), (replacement, "not_settled")):
        with pytest.raises(Conflict) as refused:
            correct(kumar, line, LIGHTER)
        assert refused.value.code == code
    edit_entry(by=kumar, entry_id=replacement.pk, version=1, changes={"gross_quantity": Decimal("5.8")})
    settle(reversal, replacement)
    replacement.refresh_from_db()
    correct(kumar, replacement, {"gross_quantity": Decimal("5.7")})
    assert [line.quantity for line in pair(replacement)] == [Decimal("-5.600"), Decimal("5.500")]
    assert DailyEntry.objects.aggregate(total=Sum("quantity"))["total"] == Decimal("5.500")


def test_a_settled_or_corrected_line_is_neither_edited_nor_cancelled(
    kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = sold(kumar, raja, jasmine)
    # While it is settled, and also when its settlement was reversed after the correction.
    for settled, code in (({entry.pk}, "settled"), (set(), "corrected")):
        monkeypatch.setattr(book, "settled_among", lambda _lines, them=settled: them)
        with pytest.raises(Conflict) as refused:
            edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"note": "wet"})
        assert refused.value.code == code
        with pytest.raises(Conflict) as refused:
            void_entry(by=kumar, entry_id=entry.pk, reason="written twice")
        assert refused.value.code == code
        if settled:
            correct(kumar, entry, LIGHTER)


def test_a_reversal_is_cancelled_only_after_what_was_written_in_its_place(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    correct(kumar, entry, LIGHTER)
    reversal, replacement = pair(entry)
    with pytest.raises(Conflict) as refused:
        edit_entry(by=kumar, entry_id=reversal.pk, version=1, changes={"note": "wet"})
    assert refused.value.code == "mirror"
    with pytest.raises(Conflict) as refused:
        void_entry(by=kumar, entry_id=reversal.pk, reason="a mistake")
    assert refused.value.code == "has_replacement"
    void_entry(by=kumar, entry_id=replacement.pk, reason="a mistake")
    void_entry(by=kumar, entry_id=reversal.pk, reason="a mistake")
    correct(kumar, entry, LIGHTER)  # none stands any more, so it may be corrected again


def test_what_is_missing_or_closed_is_refused_and_nothing_is_kept(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle
) -> None:
    entry = sold(meena, raja, jasmine)
    settle(entry)
    with pytest.raises(NotAllowed):
        correct(kumar, entry, LIGHTER)
    for changes, reason, code in (
        (LIGHTER, " ", "required"),
        (LIGHTER, "x" * 201, "too_long"),
        ({}, "why", "nothing_changed"),
        ({"gross_quantity": Decimal(0)}, "why", "not_positive"),
    ):
        with pytest.raises(RuleBroken) as refused:
            correct(meena, entry, changes, reason=reason)
        assert refused.value.code == code
    DayClose.objects.create(
        shop=meena.shop,
        business_date=TODAY.date(),
        closed_by=meena,
        **dict.fromkeys(("opening_cash", "receipts", "payments", "expenses", "counted"), 0),
    )
    with pytest.raises(RuleBroken) as refused:
        correct(meena, entry, LIGHTER)
    assert refused.value.code == "day_locked"
    assert DailyEntry.objects.count() == 1


def test_the_same_key_corrects_once(kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle) -> None:
    entry, key = sold(kumar, raja, jasmine), uuid4()
    settle(entry)
    first, again = correct(kumar, entry, LIGHTER, key=key), correct(kumar, entry, LIGHTER, key=key)
    assert (again.replayed, again.body) == (True, first.body)
    assert DailyEntry.objects.count() == 3


# --- Two at once ----------------------------------------------------------------------------


def two_correct_at_once(
    by: Membership, entry: DailyEntry, monkeypatch: pytest.MonkeyPatch, *, patience: float
) -> list[str]:
    """Both look for a reversal before either writes one, if nothing keeps the second waiting; the first
    waits `patience` seconds for it."""
    looked = threading.Barrier(2)

    def slowly(line: DailyEntry) -> DailyEntry | None:
        found = book.correction_of(line)
        with contextlib.suppress(threading.BrokenBarrierError):
            looked.wait(timeout=patience)  # broken: the other one waits outside, as it should
        return found

    monkeypatch.setattr(corrections, "correction_of", slowly)
    said: list[str] = []

    def act() -> None:
        try:
            correct(by, entry, LIGHTER)
            said.append("done")
        except Conflict as refused:
            said.append(refused.code)

    at_once(2, act)
    return sorted(said)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_correct_the_same_line_at_once_reverse_it_once(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    assert two_correct_at_once(kumar, entry, monkeypatch, patience=0.5) == ["corrected", "done"]
    assert DailyEntry.objects.filter(corrects=entry.pk).count() == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_race_reverses_it_twice(
    kumar: Membership, raja: Farmer, jasmine: Flower, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    entry = sold(kumar, raja, jasmine)
    settle(entry)
    monkeypatch.setattr(corrections, "_hold", lambda _entry_id: None)
    assert two_correct_at_once(kumar, entry, monkeypatch, patience=20.0) == ["done", "done"]
    assert DailyEntry.objects.filter(corrects=entry.pk).count() == 4
