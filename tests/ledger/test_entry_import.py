"""Lines of an older book, taken over in one go: what `record_entry` would have written, and nothing else."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ledger.models import Charge, DailyEntry, Farmer, SlipCounter
from ledger.selectors.accounts import balances_of
from ledger.selectors.entries import versions_of
from ledger.services import entry_import
from ledger.services.commission import set_commission
from ledger.services.days import close_day
from ledger.services.entries import NewLine, record_entry
from ledger.services.entry_import import import_entries
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.kernel.transactions import through
from malar.ops.books import broken
from malar.trail.models import AnsweredRequest, Event
from malar.trail.services.answers import Answer
from notifications.models import Message
from notifications.services.queueing import react
from pricing.domain import PricingMode
from pricing.models import Flower, PricingRule
from pricing.services.rates import publish_rate
from tests.cast import a_flower, a_slot, at, called, recorded
from tests.ledger.terms import a_fee, an_adjustment

OF_A_TABLET = {"quoted_rate", "already_weighed", "clock_was_ahead", "unsure_by"}
"""What is only said of a line that a tablet has sent."""
pytestmark = pytest.mark.django_db

NOW = at("2026-03-20", "09:00")
DAY = "2026-03-06"


@pytest.fixture
def shop_with_terms(
    meena: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> tuple[list[Farmer], list[Flower], list[UUID]]:
    """A shop in which every rule says something: modes, slots, calls, fees, adjustments, commissions."""
    marigold = a_flower(meena.shop, "SEN", "செண்டு", "Marigold")
    slot = a_slot(meena.shop, "04:00", "05:30")
    publish_rate(
        by=meena, key=uuid4(), flower=jasmine, slot=slot, rate=Decimal(880), effective_from=at(DAY, "00:00")
    )
    called(jasmine, "900", at("2026-03-07", "04:00"), meena)
    called(jasmine, "821.50", at("2026-03-07", "05:15"), meena)
    called(lotus, "3.75", at("2026-03-06", "02:00"), meena)
    first = dt.date(2026, 3, 7)
    PricingRule.objects.create(
        shop=meena.shop, flower=marigold, mode=PricingMode.LOT, valid_from=first, made_by=meena
    )
    a_fee(meena.shop, "coolie", "per_sack", "10")
    a_fee(meena.shop, "cess", "percent", "1.25", valid_from=first)
    a_fee(meena.shop, "weighing", "per_kg", "0.35")
    a_fee(meena.shop, "count", "per_piece", "0.05", income="pass_through")
    adjustments = [an_adjustment(meena.shop, "wet", "percent", "-7.5").pk]
    adjustments.append(an_adjustment(meena.shop, "old", "per_unit", "-1.25").pk)
    lakshmi.commission_pct = Decimal("7.5")
    lakshmi.save()
    for farmer, flower, pct, per_unit in ((None, jasmine, "9.25", "0.50"), (raja, lotus, "4", "0")):
        set_commission(
            by=meena,
            key=uuid4(),
            pct=Decimal(pct),
            per_unit=Decimal(per_unit),
            farmer=farmer,
            flower=flower,
            valid_from=first,
        )
    return [raja, lakshmi], [jasmine, lotus, marigold], adjustments


@st.composite
def lines(draw: st.DrawFn, whom: list[Farmer], what: list[Flower], adjustments: list[UUID]) -> NewLine:
    flower = draw(st.sampled_from(what))
    minutes = draw(st.integers(0, 3 * 24 * 12)) * 5
    said: dict[str, Any] = {}
    if flower.unit == "kg":
        # Few weights, so that the same one comes twice within ten minutes.
        gross = draw(st.sampled_from(["0.905", "6.100", "6.100", "3.333", "48.750"]))
        match draw(st.sampled_from(["gross", "grams", "sacks"])):
            case "gross":
                said = {"gross_quantity": Decimal(gross), "tare": Decimal("0.200"), "sacks": 1}
            case "grams":
                said = {"gross_quantity": Decimal(gross) * 1000, "unit": "g"}
            case _:
                said = {"sack_weights": [Decimal(gross), Decimal("1.250")], "tare": Decimal("0.400")}
    else:
        said = {"quantity": Decimal(draw(st.integers(1, 400)))}
    if draw(st.booleans()):
        said["rate"] = draw(st.decimals(0, 2000, places=2))
        said["rate_reason"] = draw(st.sampled_from(["", "wet"]))
    else:
        said["adjustments"] = draw(st.lists(st.sampled_from(adjustments), unique=True))
    if draw(st.integers(0, 4)) == 0:
        said["commission_pct"] = draw(st.decimals(0, 100, places=2))
    return NewLine(
        farmer_id=draw(st.sampled_from(whom)).pk,
        flower_id=flower.pk,
        captured_at=at(DAY, "00:00") + dt.timedelta(minutes=minutes),
        slip=draw(st.sampled_from(["", "", "A1-0603-001", "A1-0703-002"])),
        note=draw(st.sampled_from(["", "ஈரம்"])),
        **said,
    )


def one_by_one(by: Membership, rows: list[NewLine]) -> None:
    for row in rows:
        said = {name: value for name, value in vars(row).items() if name not in OF_A_TABLET}
        record_entry(by=by, key=uuid4(), now=NOW, **said)


def in_one_go(by: Membership, rows: list[NewLine], **said: Any) -> Answer:
    said = {"key": uuid4(), "now": NOW, **said}
    return import_entries(by=by, rows=dict(enumerate(rows, start=2)), **said)


def everything(shop: Any, whom: list[Farmer]) -> list[Any]:
    """All that is in the book of lines, but for what is new each time: ids, and when charges were written."""
    entries = list(DailyEntry.objects.filter(shop=shop).order_by("business_date", "slip_number", "pk"))
    found: list[Any] = []
    for entry in sorted(
        entries, key=lambda each: (each.business_date, each.slip_number, str(each.captured_at))
    ):
        row = {field.attname: getattr(entry, field.attname) for field in DailyEntry._meta.concrete_fields}
        charges = [
            {field.attname: getattr(charge, field.attname) for field in Charge._meta.concrete_fields}
            for charge in entry.charges.order_by("fee__code")
        ]
        for charge in charges:
            del charge["id"], charge["entry_id"], charge["created_at"]
        del row["id"]
        versions = [(each.entry.amount, each.entry.commission, each.by) for each in versions_of(entry)]
        found.append((row, charges, versions))
    # Of lines with the same number on a day, the one that came first has it; order the rest by what they say.
    found.sort(key=lambda each: (each[0]["business_date"], each[0]["slip_number"], repr(each)))
    counters = sorted(SlipCounter.objects.filter(shop=shop).values_list("business_date", "series", "last"))
    return [found, counters, balances_of(whom)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_import_writes_what_recording_each_line_would_have_written(
    meena: Membership,
    shop_with_terms: tuple[list[Farmer], list[Flower], list[UUID]],
    data: st.DataObject,
) -> None:
    whom, what, adjustments = shop_with_terms
    before = data.draw(st.lists(lines(whom, what, adjustments), max_size=4))
    rows = data.draw(st.lists(lines(whom, what, adjustments), min_size=1, max_size=24))
    start = transaction.savepoint()
    one_by_one(meena, before)
    middle = transaction.savepoint()
    one_by_one(meena, rows)
    wanted = everything(meena.shop, whom)
    transaction.savepoint_rollback(middle)
    unsound = {finding.invariant.name for finding in broken()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry_import, "BATCH", data.draw(st.sampled_from([1, 7, 5000])))
        in_one_go(meena, rows)
    found = everything(meena.shop, whom)
    now_unsound = {finding.invariant.name for finding in broken()}
    transaction.savepoint_rollback(start)

    for reason in {reason for row, _charges, _versions in wanted[0] for reason in row["review_reasons"]}:
        event(str(reason))
    assert found == wanted
    assert now_unsound == unsound


def a_row(farmer: Farmer, flower: Flower, **said: Any) -> NewLine:
    said = {"captured_at": at(DAY, "05:00"), "quantity": Decimal(2), "rate": Decimal(100), **said}
    return NewLine(farmer_id=farmer.pk, flower_id=flower.pk, **said)


def kept() -> tuple[int, ...]:
    counters = sum(SlipCounter.objects.values_list("last", flat=True))
    return (
        DailyEntry.objects.count(),
        Charge.objects.count(),
        Event.objects.count(),
        AnsweredRequest.objects.count(),
        counters,
    )


def test_each_refused_row_is_named_and_nothing_is_kept(
    meena: Membership, raja: Farmer, selvi: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_import, "BATCH", 2)
    before = kept()
    rows = [
        a_row(raja, jasmine),
        a_row(raja, jasmine),
        a_row(selvi, jasmine, rate=Decimal(-1)),
        a_row(raja, jasmine, captured_at=at("2026-03-21", "05:00")),
        a_row(raja, jasmine, slip="S1-0603-001"),
        a_row(raja, jasmine, quantity=Decimal(0)),
    ]
    with pytest.raises(RuleBroken) as refused:
        in_one_go(meena, rows)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/rows/4/rate", "negative"),
        ("/rows/4/farmer", "unknown_farmer"),
        ("/rows/5/captured_at", "in_future"),
        ("/rows/6/slip_number", "reserved_series"),
        ("/rows/7/quantity", "not_positive"),
    ]
    assert refused.value.faults[0].detail == "Row 4: A rate cannot be below zero."
    assert kept() == before


def test_a_row_of_a_closed_day_is_refused_by_name(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    close_day(by=meena, key=uuid4(), day=dt.date(2026, 3, 6), denominations={}, opening_cash=Decimal(0))
    before = kept()
    with pytest.raises(RuleBroken) as refused:
        in_one_go(meena, [a_row(raja, jasmine, captured_at=at("2026-03-07", "05:00")), a_row(raja, jasmine)])
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/rows/3/captured_at", "day_locked")
    ]
    assert kept() == before


def test_the_database_refuses_a_day_that_was_closed_after_it_was_asked(
    meena: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_day(by=meena, key=uuid4(), day=dt.date(2026, 3, 6), denominations={}, opening_cash=Decimal(0))
    monkeypatch.setattr(entry_import, "closed_days", lambda shop, days: set())
    with pytest.raises(RuleBroken) as refused:
        in_one_go(meena, [a_row(raja, jasmine)])
    assert refused.value.code == "day_locked"
    assert not DailyEntry.objects.exists()


def test_the_same_request_twice_writes_once(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    key, rows = uuid4(), [a_row(raja, jasmine), a_row(raja, jasmine, captured_at=at("2026-03-08", "05:00"))]
    first = in_one_go(meena, rows, key=key)
    again = in_one_go(meena, rows, key=key)
    assert first.body == {"lines": 2, "first": "2026-03-06", "last": "2026-03-08"}
    assert (again.replayed, again.body, DailyEntry.objects.count()) == (True, first.body, 2)
    with pytest.raises(RuleBroken) as refused:
        in_one_go(meena, [replace(rows[0], note="other")], key=key)
    assert refused.value.code == "idempotency_key_reused"


def test_the_id_of_a_line_taken_over_is_not_used_again_on_another_day(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    in_one_go(meena, [a_row(raja, jasmine)])
    taken = DailyEntry.objects.get()
    with pytest.raises(Conflict) as refused:
        recorded(meena, raja, jasmine, id=taken.pk, captured_at=at("2026-03-08", "05:00"), now=NOW)
    assert refused.value.code == "id_exists"


def test_farmers_are_not_told_of_the_past(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    in_one_go(meena, [a_row(raja, jasmine), a_row(raja, jasmine, captured_at=at("2026-03-08", "05:00"))])
    happened = Event.objects.get()
    assert (happened.name, happened.payload["lines"]) == ("EntriesImported", "2")
    assert react(event_id=happened.pk) == []
    assert not Message.objects.exists()

    recorded(meena, raja, jasmine)  # the control: a line of today is told
    for waiting in Event.objects.filter(done_at=None):
        react(event_id=waiting.pk)
    assert Message.objects.count() == 1


def test_history_says_who_and_by_which_door(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    with through("command"):
        in_one_go(meena, [a_row(raja, jasmine)])
    (version,) = versions_of(DailyEntry.objects.get())
    assert (version.by, version.door, version.entry.amount) == ("Meena", "command", Decimal("200.00"))


def test_only_the_owner_takes_an_older_book_over(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    with pytest.raises(NotAllowed):
        in_one_go(kumar, [a_row(raja, jasmine)])


@pytest.mark.parametrize(("most", "count", "code"), [(2, 0, "empty"), (2, 3, "too_many_rows")])
def test_nothing_and_too_much_are_refused(
    meena: Membership,
    raja: Farmer,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    count: int,
    code: str,
) -> None:
    monkeypatch.setattr(entry_import, "MOST_LINES", most)
    with pytest.raises(RuleBroken) as refused:
        in_one_go(meena, [a_row(raja, jasmine)] * count)
    assert refused.value.code == code


def test_a_month_that_nobody_wrote_into_is_made_first(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    in_one_go(meena, [a_row(raja, jasmine, captured_at=at("2018-11-30", "05:00"))])
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM ledger_dailyentry")
        assert cursor.fetchall() == [("ledger_dailyentry_2018_11",)]


@pytest.mark.parametrize("batch", [2, 100])
def test_a_line_is_questioned_by_the_rows_before_it_in_its_batch_and_in_others(
    meena: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(entry_import, "BATCH", batch)
    usual = [a_row(raja, jasmine, captured_at=at(f"2026-03-0{n}", "05:00")) for n in range(1, 6)]
    far = a_row(raja, jasmine, quantity=Decimal(20))
    in_one_go(meena, [*usual, far])
    line = DailyEntry.objects.get(quantity=20)
    assert line.review_reasons == ["late", "weight_far"]
