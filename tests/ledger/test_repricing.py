"""Rate-later: weighed now, priced when the owner knows the rate."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import DailyEntry, DayClose, Farmer
from ledger.selectors import pending
from ledger.selectors.entries import versions_of
from ledger.selectors.history import history_of
from ledger.services import repricing
from ledger.services.entries import edit_entry, void_entry
from ledger.services.repricing import price_entries
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.trail.models import Event
from malar.trail.services.answers import Answer
from pricing.models import Flower, TimeSlot
from tests.cast import a_farmer, a_slot, at, recorded
from tests.ledger.terms import an_adjustment

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
EARLY, LATER = at(DAY, "04:50"), at(DAY, "07:10")


def price(by: Membership, flower: Flower, rate: str = "1450", **asked: Any) -> Answer:
    """The whole day at 1,450 unless told otherwise."""
    return price_entries(
        by=by,
        key=asked.pop("key", None) or uuid4(),
        day=dt.date.fromisoformat(DAY),
        flower_id=flower.pk,
        from_time=dt.time.fromisoformat(asked.pop("start", "00:00")),
        to_time=dt.time.fromisoformat(asked.pop("end", "00:00")),
        rate=Decimal(rate),
        **asked,
    )


def fresh(entry: DailyEntry) -> DailyEntry:
    return DailyEntry.objects.get(pk=entry.pk)


def test_a_line_that_waited_gets_the_rate_of_the_day(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    answer = price(meena, jasmine, reason="auction at eight").body
    priced = fresh(entry)
    assert (priced.rate, priced.called_rate, priced.rate_source) == (Decimal(1450), Decimal(1450), "day")
    assert (priced.amount, priced.commission, priced.version) == (Decimal("8555.00"), Decimal("855.50"), 2)
    assert answer["entries"] == [
        {
            "id": str(entry.pk),
            "slip_number": "S1-0603-001",
            "farmer": str(raja.pk),
            "version": 2,
            "quantity": "5.900",
            "rate_before": None,
            "rate": "1450.00",
            "amount_before": None,
            "amount": "8555.00",
        }
    ]
    assert answer["farmers"] == [
        {
            "farmer": str(raja.pk),
            "lines": 1,
            "quantity": "5.900",
            "amount_before": "0.00",
            "amount": "8555.00",
        }
    ]
    event = Event.objects.get(name="EntryPriced")
    assert event.payload == {
        "entry": str(entry.pk),
        "farmer": str(raja.pk),
        "version": "2",
        "before": "",
        "after": "1450.00",
    }
    assert [(version.entry.version, version.reason) for version in versions_of(priced)] == [
        (1, ""),
        (2, "auction at eight"),
    ]
    assert history_of(priced)[-1].what == "Priced"


def test_only_lines_of_the_window_the_day_and_the_flower_are_priced(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:59"))
    first = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    last = recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:59"))
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "07:00"))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:30"))
    recorded(kumar, raja, lotus, quantity=Decimal(60), captured_at=at(DAY, "05:30"))
    answer = price(meena, jasmine, start="05:00", end="07:00")
    assert {entry["id"] for entry in answer.body["entries"]} == {str(first.pk), str(last.pk)}
    assert set(DailyEntry.objects.exclude(rate=None)) == {first, last}


def test_a_window_may_reach_until_midnight_and_over_it(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    meena.shop.turnover_hour = 3
    meena.shop.save()
    kumar.shop.refresh_from_db()
    evening = recorded(kumar, raja, jasmine, captured_at=at(DAY, "23:30"))
    night = recorded(kumar, raja, jasmine, captured_at=at("2026-03-07", "01:30"))
    priced = [
        price(meena, jasmine, start=start, end=end, dry_run=True).body["lines"]
        for start, end in (("23:00", "00:00"), ("23:00", "02:00"), ("00:00", "02:00"))
    ]
    assert (evening.business_date, night.business_date) == (dt.date(2026, 3, 6), dt.date(2026, 3, 6))
    assert priced == [1, 2, 1]


def test_cancelled_lines_and_typed_rates_are_left_alone(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    struck = recorded(kumar, raja, jasmine, captured_at=EARLY)
    void_entry(by=kumar, entry_id=struck.pk, reason="written twice")
    agreed = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(1300), rate_reason="agreed")
    waiting = recorded(kumar, raja, jasmine, captured_at=LATER)
    for again in (False, True):
        answer = price(meena, jasmine, again=again, reason="auction")
        assert [entry["id"] for entry in answer.body["entries"]] == [str(waiting.pk)]
    assert (fresh(agreed).rate, fresh(agreed).version, fresh(struck).rate) == (Decimal(1300), 1, None)


def test_a_pricing_is_put_right_by_another_one(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    price(meena, jasmine, "145")
    with pytest.raises(RuleBroken) as refused:
        price(meena, jasmine)
    assert refused.value.code == "nothing_to_price"
    with pytest.raises(RuleBroken) as refused:
        price(meena, jasmine, again=True)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/reason", "required")]
    answer = price(meena, jasmine, again=True, reason="a nought was missing")
    (line,) = answer.body["entries"]
    assert (line["rate_before"], line["rate"], line["amount_before"]) == ("145.00", "1450.00", "855.50")
    assert (fresh(entry).amount, fresh(entry).version) == (Decimal("8555.00"), 3)
    events = Event.objects.filter(name="EntryPriced").order_by("id")
    assert [(event.payload["before"], event.payload["after"]) for event in events] == [
        ("", "145.00"),
        ("145.00", "1450.00"),
    ]


def test_a_settled_line_is_never_priced_again(
    meena: Membership,
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled = recorded(kumar, raja, jasmine, captured_at=EARLY)
    price(meena, jasmine, "145")
    waiting = recorded(kumar, raja, jasmine, captured_at=LATER)
    monkeypatch.setattr(repricing, "settled_among", lambda entries: {settled.pk})
    price(meena, jasmine, again=True, reason="a nought was missing")
    assert (fresh(settled).rate, fresh(waiting).rate) == (Decimal(145), Decimal(1450))


def test_a_dry_run_says_the_same_and_keeps_nothing(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY, gross_quantity=Decimal("1.005"))
    key = uuid4()
    preview = price(meena, jasmine, "100.5", key=key, dry_run=True).body
    assert (fresh(entry).version, fresh(entry).rate) == (1, None)
    assert Event.objects.filter(name="EntryPriced").count() == 0
    done = price(meena, jasmine, "100.5", key=key).body
    assert done == preview | {"dry_run": False}


def test_the_same_key_prices_once(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    key = uuid4()
    first = price(meena, jasmine, key=key)
    later = recorded(kumar, raja, jasmine, captured_at=LATER)
    again = price(meena, jasmine, key=key)
    assert (again.replayed, again.body) == (True, first.body)
    assert fresh(later).rate is None


def test_lines_that_came_after_the_preview_are_not_priced_unseen(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    seen = price(meena, jasmine, dry_run=True).body["seen"]
    late = recorded(kumar, raja, jasmine, captured_at=LATER)
    with pytest.raises(Conflict) as refused:
        price(meena, jasmine, seen=seen)
    assert (refused.value.code, fresh(late).rate) == ("stale", None)
    assert "2 lines" in refused.value.detail
    seen = price(meena, jasmine, dry_run=True).body["seen"]
    assert price(meena, jasmine, seen=seen).body["lines"] == 2


def test_only_the_owner_prices(kumar: Membership, jasmine: Flower) -> None:
    with pytest.raises(NotAllowed):
        price(kumar, jasmine, dry_run=True)


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"rate": "-1"}, "/rate", "negative"),
        ({"rate": "1.005"}, "/rate", "too_precise"),
        ({"start": "05:00", "end": "05:00"}, "/to_time", "empty_window"),
        ({"reason": "x" * 201}, "/reason", "too_long"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    meena: Membership, jasmine: Flower, asked: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        price(meena, jasmine, **asked)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]


def test_another_shops_flower_is_unknown(meena: Membership, mullai: Flower) -> None:
    with pytest.raises(RuleBroken) as refused:
        price(meena, mullai)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/flower", "unknown_flower")]


def close(by: Membership) -> DayClose:
    return DayClose.objects.create(
        shop=by.shop,
        business_date=dt.date.fromisoformat(DAY),
        opening_cash=0,
        receipts=0,
        payments=0,
        expenses=0,
        counted=0,
        closed_by=by,
    )


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_closed_day_is_not_priced_nor_previewed(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, dry_run: bool
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    close(meena)
    with pytest.raises(RuleBroken) as refused:
        price(meena, jasmine, dry_run=dry_run)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/date", "day_locked")]
    assert fresh(entry).rate is None


def test_flowers_that_fetched_nothing_are_priced_with_0_and_wait_no_longer(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    price(meena, jasmine, "0")
    assert (fresh(entry).rate, fresh(entry).amount) == (Decimal(0), Decimal("0.00"))
    assert pending.pending_of(meena.shop).lines == 0


def test_a_rate_far_from_the_last_one_is_said_to_be(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    assert (
        price(meena, jasmine, "14500", dry_run=True).body["rate_is_far"] is False
    )  # nothing to compare with
    yesterday = recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"))
    price_entries(
        by=meena,
        key=uuid4(),
        day=yesterday.business_date,
        flower_id=jasmine.pk,
        from_time=dt.time(),
        to_time=dt.time(),
        rate=Decimal(1400),
    )
    asked = {rate: price(meena, jasmine, rate, dry_run=True).body for rate in ("1450", "14500")}
    assert {rate: body["rate_is_far"] for rate, body in asked.items()} == {"1450": False, "14500": True}
    assert asked["14500"]["last_rate"] == "1400.00"


def test_an_edit_of_a_priced_line_keeps_its_rate(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    price(meena, jasmine)
    edit_entry(by=kumar, entry_id=entry.pk, version=2, changes={"gross_quantity": Decimal("5.900")})
    assert (fresh(entry).rate, fresh(entry).rate_source, fresh(entry).amount) == (
        Decimal(1450),
        "day",
        Decimal("8265.00"),
    )


def test_five_hundred_lines_take_as_many_statements_as_one(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    first = recorded(kumar, raja, jasmine, captured_at=EARLY)
    with CaptureQueriesContext(connection) as one:
        price(meena, jasmine)
    template = {
        field.attname: getattr(first, field.attname)
        for field in DailyEntry._meta.concrete_fields
        if not field.generated and field.name != "id"
    }
    DailyEntry.objects.bulk_create(
        [DailyEntry(**{**template, "slip_number": f"S1-0603-{n:03}"}) for n in range(2, 502)]
    )
    with CaptureQueriesContext(connection) as many:
        answer = price(meena, jasmine)
    assert answer.body["lines"] == 500
    assert len(many) == len(one)
    assert Event.objects.filter(name="EntryPriced").count() == 501


# --- What waits -----------------------------------------------------------------------------


def a_window(slots: list[tuple[str, str]], clock: str) -> tuple[str, str]:
    rows = [TimeSlot(start=dt.time.fromisoformat(a), end=dt.time.fromisoformat(b)) for a, b in slots]
    window = pending.window_of(dt.time.fromisoformat(clock), rows)
    return f"{window.start:%H:%M}", f"{window.end:%H:%M}"


@pytest.mark.parametrize(
    ("clock", "window"),
    [
        ("05:29", ("05:00", "05:30")),
        ("05:30", ("05:30", "07:15")),
        ("07:14", ("05:30", "07:15")),
        ("07:15", ("07:15", "08:00")),
        ("11:05", ("11:00", "12:00")),
        ("23:10", ("23:00", "00:00")),
    ],
)
def test_a_window_is_a_slot_or_what_no_slot_takes_of_an_hour(clock: str, window: tuple[str, str]) -> None:
    assert a_window([("05:30", "07:15")], clock) == window


def test_what_waits_is_listed_oldest_first_by_flower_and_window(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "06:00")
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:10"))
    recorded(kumar, lakshmi, jasmine, captured_at=at(DAY, "05:50"))
    recorded(kumar, lakshmi, jasmine, captured_at=at(DAY, "06:10"))
    recorded(kumar, raja, lotus, quantity=Decimal(60), captured_at=at("2026-03-04", "04:10"))
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:10"), rate=Decimal(0))
    found = pending.pending_of(meena.shop)
    assert (found.lines, found.farmers, found.kilograms) == (4, 2, Decimal("17.700"))
    assert [
        (f"{day.day:%d/%m}", wait.flower, wait.window.slot, wait.lines, wait.farmers, wait.quantity)
        for day in found.days
        for wait in day.waits
    ] == [
        ("04/03", lotus, slot, 1, 1, Decimal(60)),
        ("06/03", jasmine, slot, 2, 2, Decimal("11.800")),
        ("06/03", jasmine, None, 1, 1, Decimal("5.900")),
    ]


def test_every_window_of_the_list_prices_just_its_lines(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    a_slot(meena.shop, "05:30", "07:15")
    for clock in ("05:10", "05:29", "05:30", "07:14", "07:15", "23:59"):
        recorded(kumar, raja, jasmine, captured_at=at(DAY, clock))
    waits = pending.pending_of(meena.shop).days[0].waits
    assert [wait.lines for wait in waits] == [2, 2, 1, 1]
    for wait in waits:
        window = {"start": f"{wait.window.start:%H:%M}", "end": f"{wait.window.end:%H:%M}"}
        assert price(meena, jasmine, **window).body["lines"] == wait.lines
    assert pending.pending_of(meena.shop).days == []


def test_a_closed_day_that_waits_is_marked_and_other_shops_are_not_seen(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, devi: Membership
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    close(meena)
    assert [day.is_closed for day in pending.pending_of(meena.shop).days] == [True]
    assert pending.pending_of(devi.shop).days == []


def test_the_list_asks_four_questions_however_much_waits(
    meena: Membership, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    for number in range(1, 8):
        farmer = a_farmer(meena.shop, number, f"விவசாயி {number}", f"Farmer {number}")
        recorded(kumar, farmer, jasmine, captured_at=at(f"2026-03-{number:02}", "05:00"))
        recorded(kumar, farmer, lotus, quantity=Decimal(9), captured_at=at(f"2026-03-{number:02}", "05:00"))
    with CaptureQueriesContext(connection) as asked:
        assert pending.pending_of(meena.shop).lines == 14
    assert len(asked) == 4


def test_a_rate_that_adjustments_would_take_below_zero_is_refused_and_names_the_entry(
    meena: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    wet = an_adjustment(meena.shop, "wet", "per_unit", "-15.00")
    first = recorded(meena, lakshmi, jasmine, captured_at=EARLY)
    entry = recorded(meena, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk])
    with pytest.raises(RuleBroken) as refused:
        price(meena, jasmine, "10")
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/rate", "below_zero")]
    assert entry.slip_number in refused.value.detail
    assert (fresh(first).rate, fresh(entry).rate) == (None, None)
    price(meena, jasmine, "40")
    assert (fresh(first).rate, fresh(entry).rate) == (Decimal(40), Decimal(25))
