"""What somebody should look at in a line from a tablet: perhaps a second one of it, perhaps another rate."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import lines_like
from ledger.selectors.history import history_of
from ledger.services.days import close_day
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.models import Membership
from malar.sync import services
from malar.sync.domain import unsure_by
from pricing.models import Flower
from pricing.services.rates import publish_rate
from tests.cast import a_slot, at, called, recorded
from tests.conftest import page_of
from tests.sync.test_ops import Tablet, ms

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(at(DAY, "10:00")):
        yield


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


@pytest.fixture
def other(meena: Membership) -> Tablet:
    return Tablet(meena)


def flags() -> list[list[str]]:
    return [list(line.review_reasons) for line in DailyEntry.objects.order_by("received_at")]


# --- Perhaps twice ---------------------------------------------------------------------------------


def test_one_delivery_entered_on_two_tablets_stays_twice_and_both_are_asked_about(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 60."""
    first, second = tablet.sale(raja, jasmine), other.sale(raja, jasmine)
    assert tablet.send(first)[0]["flags"] == []

    (result,) = other.send(second)

    assert "duplicate" in result["flags"]
    assert ["duplicate" in each for each in flags()] == [True, True]
    lines = DailyEntry.objects.all()
    assert [(line.version, line.is_voided, line.quantity) for line in lines] == [(1, False, Decimal(6))] * 2
    earlier = DailyEntry.objects.get(pk=first["entity_id"])
    assert earlier.slip_label == earlier.slip_number, "nothing of it was corrected"
    assert [deed.what for deed in history_of(earlier)] == ["Recorded"]
    (again,) = other.send(second)
    assert (again["status"], len(flags())) == ("duplicate", 2)


def test_a_flagged_line_is_corrected_and_cancelled_as_any_other(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 60: its tablet holds version 1, and that is what it still is."""
    first = tablet.sale(raja, jasmine)
    tablet.send(first)
    other.send(other.sale(raja, jasmine))

    mended = edit_entry(
        by=tablet.member, entry_id=first["entity_id"], version=1, changes={"gross_quantity": Decimal(7)}
    )
    assert (mended.version, "duplicate" in mended.review_reasons) == (2, True)
    undo = tablet.op("DELETE", entity_id=first["entity_id"], base_version=2, set={"reason": "twice"})
    assert tablet.send(undo)[0]["status"] == "applied"


@pytest.mark.parametrize(
    "said",
    [
        {"gross": "6.001"},
        {"minutes": 10},
        {"minutes": -10},
        {"farmer": "lakshmi"},
        {"flower": "lotus", "facts": {"gross_quantity": None, "quantity": "6"}},
    ],
    ids=["weight", "ten minutes after", "ten minutes before", "farmer", "flower"],
)
def test_what_is_otherwise_is_another_delivery(
    tablet: Tablet,
    other: Tablet,
    raja: Farmer,
    lakshmi: Farmer,
    jasmine: Flower,
    lotus: Flower,
    said: dict[str, Any],
) -> None:
    """Scenario 60, its negative."""
    now = timezone.now() - dt.timedelta(hours=1)
    tablet.send(tablet.sale(raja, jasmine, at=ms(now)))
    other.send(
        other.sale(
            {"lakshmi": lakshmi}.get(said.get("farmer", ""), raja),
            {"lotus": lotus}.get(said.get("flower", ""), jasmine),
            said.get("gross", "6.000"),
            at=ms(now + dt.timedelta(minutes=said.get("minutes", 9))),
            facts=said.get("facts", {}),
        )
    )
    assert not any("duplicate" in each for each in flags())


def test_nine_minutes_apart_are_perhaps_the_same(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    now = timezone.now() - dt.timedelta(hours=1)
    tablet.send(tablet.sale(raja, jasmine, at=ms(now)))
    other.send(other.sale(raja, jasmine, at=ms(now - dt.timedelta(minutes=9))))
    assert ["duplicate" in each for each in flags()] == [True, True]


def test_another_slot_is_another_delivery(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    a_slot(meena.shop, "04:00", "05:30")
    a_slot(meena.shop, "05:30", "07:00")
    tablet.send(tablet.sale(raja, jasmine, at=ms(at(DAY, "05:28"))))
    other.send(other.sale(raja, jasmine, at=ms(at(DAY, "05:32"))))
    assert not any("duplicate" in each for each in flags())


def test_twice_on_one_tablet_is_asked_about_otherwise(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    """Two sacks of the same weight are nothing rare: only the second is asked about, as at every door."""
    tablet.send(tablet.sale(raja, jasmine), tablet.sale(raja, jasmine))
    assert flags() == [[], ["look_alike"]]


def test_a_line_of_the_page_and_a_tablets_are_perhaps_the_same_and_a_cancelled_one_is_none(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(other.member, raja, jasmine, gross_quantity=Decimal(6))
    tablet.send(tablet.sale(raja, jasmine))
    assert ["duplicate" in each for each in flags()] == [True, True]
    for each in DailyEntry.objects.all():
        void_entry(by=other.member, entry_id=each.pk, reason="twice")
    (result,) = tablet.send(tablet.sale(raja, jasmine))
    assert (result["flags"], line.kind) == ([], "sale")


def test_a_line_of_a_day_closed_meanwhile_stays_as_it_is(
    tablet: Tablet, other: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    """Scenario 60: the second one, dated on the next day, says it alone."""
    yesterday = at("2026-03-05", "23:55")
    tablet.send(tablet.sale(raja, jasmine, at=ms(yesterday)))
    close_day(by=meena, key=uuid4(), day=yesterday.date(), denominations={})
    (result,) = other.send(other.sale(raja, jasmine, at=ms(yesterday)))
    assert {"duplicate", "day_locked"} <= set(result["flags"])
    assert ["duplicate" in each for each in flags()] == [False, True]


@pytest.mark.parametrize(
    "changes", [{"note": "x"}, {"quantity": 9, "gross_quantity": 9}, {"review_reasons": []}, {"rate": 1}]
)
def test_the_database_lets_nothing_else_in_without_a_version(
    tablet: Tablet, raja: Farmer, jasmine: Flower, changes: dict[str, Any]
) -> None:
    tablet.send(tablet.sale(raja, jasmine), tablet.sale(raja, jasmine))
    line = DailyEntry.objects.exclude(review_reasons=[])
    with pytest.raises(IntegrityError, match="version 1 after 1"), transaction.atomic():
        line.update(**changes)
    line.update(review_reasons=["look_alike", "duplicate"])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
def test_two_tablets_that_send_at_the_same_moment_see_each_other(
    tablet: Tablet,
    other: Tablet,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """Scenarios 60 and 71. Without the lock neither sees the other, and nobody is asked."""
    if not guarded:
        monkeypatch.setattr(services, "_hold_twins", lambda line: None)
    looked, may_commit = threading.Event(), threading.Event()

    def slowly(entry: DailyEntry) -> list[DailyEntry]:
        found = lines_like(entry)
        if entry.created_by_id == tablet.member.pk:
            looked.set()
            may_commit.wait(10)  # meanwhile the other one waits for us, or has come and gone
        return found

    monkeypatch.setattr(services, "lines_like", slowly)
    # With slip numbers of their own, as tablets have: else the shop's counter keeps them apart.
    ops = {
        by: by.sale(raja, jasmine, facts={"slip_number": f"{by.answer['series']}-0603-001"})
        for by in (tablet, other)
    }

    def send(by: Tablet) -> None:
        try:
            by.send(ops[by])
        finally:
            connection.close()

    first = threading.Thread(target=send, args=[tablet])
    second = threading.Thread(target=send, args=[other])
    first.start()
    assert looked.wait(10)
    second.start()
    second.join(1)
    assert second.is_alive() is guarded
    may_commit.set()
    first.join()
    second.join()

    assert ["duplicate" in each for each in flags()] == [guarded, guarded]


# --- Perhaps another rate --------------------------------------------------------------------------


@pytest.fixture
def slots(meena: Membership, jasmine: Flower) -> None:
    """900 until half past five, 820 from then on."""
    for start, end, rate in (("04:00", "05:30", "900"), ("05:30", "07:00", "820")):
        slot = a_slot(meena.shop, start, end)
        publish_rate(
            by=meena,
            key=uuid4(),
            flower=jasmine,
            slot=slot,
            rate=Decimal(rate),
            effective_from=at(DAY, "00:00"),
        )


def near(tablet: Tablet, raja: Farmer, jasmine: Flower, clock: str, **said: Any) -> dict[str, Any]:
    op = tablet.sale(raja, jasmine, at=ms(at(DAY, clock)), **said)
    (result,) = tablet.send(op)
    assert result["status"] == "applied"
    return result


def priced(result: dict[str, Any]) -> tuple[str, str | None, bool]:
    entity = result["entity"]
    return entity["rate"], entity["other_rate"], "time_unsure" in result["flags"]


@pytest.mark.parametrize(
    ("clock", "unc_ms", "expected"),
    [
        ("05:30:20", 30_000, ("900.00", "820.00", True)),
        ("05:29:40", 30_000, ("900.00", "820.00", True)),
        ("05:30:20", 10_000, ("820.00", None, False)),
        ("05:29:40", 10_000, ("900.00", None, False)),
        ("05:45", None, ("900.00", "820.00", True)),
        ("04:45", None, ("900.00", "820.00", True)),
        ("06:45", None, ("820.00", None, False)),  # and none after seven
        ("06:15", 30_000, ("820.00", None, False)),
        ("05:31", 10**15, ("900.00", "820.00", True)),
    ],
)
def test_near_a_boundary_the_earlier_slots_rate_is_taken_and_both_stand_there(
    tablet: Tablet,
    raja: Farmer,
    jasmine: Flower,
    slots: None,
    clock: str,
    unc_ms: int | None,
    expected: tuple[str, str | None, bool],
) -> None:
    """Scenario 64."""
    result = near(tablet, raja, jasmine, clock, unc_ms=unc_ms)
    assert priced(result) == expected


def test_a_clock_that_was_never_compared_is_not_certain(
    tablet: Tablet, raja: Farmer, jasmine: Flower, slots: None
) -> None:
    result = near(tablet, raja, jasmine, "05:45", offset_ms=None)
    assert priced(result) == ("900.00", "820.00", True)


def test_both_rates_are_on_the_lines_page(tablet: Tablet, raja: Farmer, jasmine: Flower, slots: None) -> None:
    """Scenario 64: also where the tablet showed the one that was taken."""
    quoted = {"rate": "900.00", "slot": None}
    result = near(tablet, raja, jasmine, "05:30:10", unc_ms=30_000, quoted=quoted)
    page = page_of(tablet.member).get(f"/ledger/entries/{result['entity']['id']}/").content.decode()
    assert "₹900.00" in page
    assert "If it was weighed after the rate changed, it is ₹820.00." in page


def test_a_rate_that_was_called_is_a_boundary_too_and_a_typed_one_is_a_fact(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    called(jasmine, "900", at(DAY, "05:00"), meena)
    called(jasmine, "820", at(DAY, "06:00"), meena)
    assert priced(near(tablet, raja, jasmine, "06:00:05", unc_ms=9_000)) == ("900.00", "820.00", True)
    typed = near(tablet, raja, jasmine, "06:00:05", unc_ms=9_000, facts={"rate": "850.00"})
    assert priced(typed) == ("850.00", None, False)


def test_the_same_rate_on_both_sides_leaves_nothing_to_ask(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    a_slot(meena.shop, "04:00", "05:30")
    a_slot(meena.shop, "05:30", "07:00")
    assert priced(near(tablet, raja, jasmine, "05:30:10", unc_ms=None)) == ("900.00", None, False)


def test_what_has_not_happened_yet_cannot_have_been_before_it(
    tablet: Tablet, raja: Farmer, jasmine: Flower, slots: None
) -> None:
    """A boundary after the line came here is none."""
    with time_machine.travel(at(DAY, "05:29:50")):
        result = near(tablet, raja, jasmine, "05:29:50", unc_ms=30_000)
    assert priced(result) == ("900.00", None, False)


@pytest.mark.parametrize(
    ("unc_ms", "age_s", "seconds"), [(20, 0, 0.02), (20, 3600, 2.02), (0, 43_200, 24), (20, None, 0.02)]
)
def test_uncertainty_grows_by_two_seconds_an_hour(unc_ms: int, age_s: int | None, seconds: float) -> None:
    """offline.md, d 47."""
    assert unsure_by(unc_ms, 0, age_s).total_seconds() == pytest.approx(seconds)


def test_the_age_of_the_comparison_counts(tablet: Tablet, raja: Farmer, jasmine: Flower, slots: None) -> None:
    """Scenario 64: twelve hours are 24 seconds."""
    op = tablet.sale(raja, jasmine, at=ms(at(DAY, "05:30:20")))
    clock = {"offset_ms": 0, "rtt_ms": 40, "age_s": 43_200, "jumps": 0}
    answer = tablet.post("ops", tablet.batch(op, clock=clock))
    assert priced(answer.json()["results"][0]) == ("900.00", "820.00", True)
