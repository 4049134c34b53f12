"""How a line gets its rate: the way its flower is priced, and named adjustments, which are never hidden."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.domain import EntryKind
from ledger.models import DailyEntry, Farmer
from ledger.selectors.answers import entry_answer
from ledger.selectors.entries import slips_on, totals_of
from ledger.selectors.habits import habits_in
from ledger.services.entries import edit_entry, record_entry, void_entry
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, RuleBroken
from pricing.models import Flower, PricingRule, RateAdjustment
from tests.cast import a_flower, at, called, recorded
from tests.conftest import page_of
from tests.ledger.terms import an_adjustment

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
EARLY = at(DAY, "05:00")


@pytest.fixture
def wet(jasmine: Flower) -> RateAdjustment:
    return an_adjustment(jasmine.shop, "wet", "percent", "-10.00")


@pytest.fixture
def fine(jasmine: Flower) -> RateAdjustment:
    return an_adjustment(jasmine.shop, "fine", "per_unit", "15.00")


@pytest.fixture
def board(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)


def priced_by(mode: str, by: Membership, flower: Flower | None = None) -> None:
    PricingRule.objects.create(
        shop=by.shop, flower=flower, mode=mode, valid_from=dt.date(2026, 3, 1), made_by=by
    )


def rates(line: DailyEntry) -> tuple[str | None, str | None, str]:
    """What the board said, the rate, and where it came from."""
    said, rate = (None if each is None else f"{each:.2f}" for each in (line.called_rate, line.rate))
    return said, rate, line.rate_source


def changes_of(line: DailyEntry) -> list[tuple[str, str | None]]:
    return [(each["code"], each["per_unit"]) for each in line.adjustments]


# --- The way a flower is priced -------------------------------------------------------------


@pytest.mark.parametrize("mode", ["lot", "day"])
def test_what_is_not_priced_by_the_board_waits_though_the_board_says_something(
    meena: Membership, raja: Farmer, jasmine: Flower, lotus: Flower, board: None, mode: str
) -> None:
    priced_by(mode, meena, jasmine)
    called(lotus, "9", at(DAY, "04:00"), meena)
    waits = recorded(meena, raja, jasmine, captured_at=EARLY)
    typed = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(850))
    assert rates(waits) == ("900.00", None, "")
    assert waits.amount is None
    assert rates(typed) == ("900.00", "850.00", "manual")
    assert rates(recorded(meena, raja, lotus, captured_at=EARLY, quantity=Decimal(5))) == (
        "9.00",
        "9.00",
        "called",
    )


def test_a_way_of_pricing_counts_from_its_day(
    meena: Membership, raja: Farmer, jasmine: Flower, board: None
) -> None:
    called(jasmine, "700", at("2026-02-28", "04:00"), meena)
    priced_by("lot", meena)
    before = recorded(meena, raja, jasmine, captured_at=at("2026-02-28", "05:00"))
    assert rates(before) == ("700.00", "700.00", "called")
    assert rates(recorded(meena, raja, jasmine, captured_at=EARLY))[1] is None


def test_asking_the_board_again_where_rates_are_typed_leaves_the_line_waiting(
    meena: Membership, raja: Farmer, jasmine: Flower, board: None
) -> None:
    priced_by("lot", meena)
    line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(850))
    assert rates(edit_entry(by=meena, entry_id=line.pk, version=1, changes={"rate": None})) == (
        "900.00",
        None,
        "",
    )


# --- Adjustments ----------------------------------------------------------------------------


def test_adjustments_are_applied_to_the_called_rate_and_frozen(
    kumar: Membership, raja: Farmer, jasmine: Flower, board: None, wet: RateAdjustment, fine: RateAdjustment
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk, fine.pk])
    RateAdjustment.objects.filter(pk=wet.pk).update(is_active=False, value=Decimal(-50))

    assert rates(line) == ("900.00", "825.00", "called")
    assert changes_of(line) == [("wet", "-90.00"), ("fine", "15.00")]
    assert line.amount == Decimal("4867.50")
    told = entry_answer(DailyEntry.objects.get(pk=line.pk))
    assert (told["called_rate"], told["rate"]) == ("900.00", "825.00")
    assert told["adjustments"][0] == {
        "id": str(wet.pk),
        "code": "wet",
        "name_ta": "ஈரம்",
        "name_en": "Wet",
        "basis": "percent",
        "value": "-10.00",
        "per_unit": "-90.00",
    }
    other_way = recorded(kumar, raja, jasmine, captured_at=EARLY, adjustments=[fine.pk])
    assert rates(other_way) == ("900.00", "915.00", "called")


def test_on_an_unpriced_line_they_wait_with_it_and_come_with_the_board(
    meena: Membership, raja: Farmer, jasmine: Flower, wet: RateAdjustment
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk])
    assert (rates(line), changes_of(line)) == ((None, None, ""), [("wet", None)])
    called(jasmine, "900", at(DAY, "04:00"), meena)
    line = edit_entry(by=meena, entry_id=line.pk, version=1, changes={"rate": None})
    assert (rates(line), changes_of(line)) == (("900.00", "810.00", "called"), [("wet", "-90.00")])


def test_a_rate_below_zero_is_refused(meena: Membership, raja: Farmer, jasmine: Flower, board: None) -> None:
    much = an_adjustment(meena.shop, "much", "per_unit", "-5000.00")
    with pytest.raises(RuleBroken) as refused:
        recorded(meena, raja, jasmine, captured_at=EARLY, adjustments=[much.pk])
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/adjustments", "below_zero")]
    assert not DailyEntry.objects.exists()


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("foreign", "unknown_adjustment"),
        ("gone", "unknown_adjustment"),
        ("nothing", "unknown_adjustment"),
        ("twice", "twice"),
        ("typed", "rate_is_typed"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    kumar: Membership,
    devi: Membership,
    raja: Farmer,
    jasmine: Flower,
    board: None,
    wet: RateAdjustment,
    which: str,
    code: str,
) -> None:
    asked = {
        "foreign": [an_adjustment(devi.shop, "wet", "percent", "-10.00").pk],
        "gone": [an_adjustment(kumar.shop, "old", "percent", "-10.00", is_active=False).pk],
        "nothing": [wet.pk, uuid4()],
        "twice": [wet.pk, wet.pk],
        "typed": [wet.pk],
    }[which]
    said = {"rate": Decimal(800)} if which == "typed" else {}
    with pytest.raises(RuleBroken) as refused:
        recorded(kumar, raja, jasmine, captured_at=EARLY, adjustments=asked, **said)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/adjustments", code)]
    assert not DailyEntry.objects.exists()

    line = recorded(kumar, raja, jasmine, captured_at=EARLY, **said)
    with pytest.raises(RuleBroken) as refused:
        edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"adjustments": asked})
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/adjustments", code)]


def test_adjustments_are_corrected_over_the_frozen_rate(
    meena: Membership, raja: Farmer, jasmine: Flower, board: None, wet: RateAdjustment, fine: RateAdjustment
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk])
    called(jasmine, "100", EARLY, meena)
    wet.is_active = False
    wet.save()

    def with_them(version: int, asked: list[UUID]) -> tuple[Any, ...]:
        line.refresh_from_db()
        edited = edit_entry(by=meena, entry_id=line.pk, version=version, changes={"adjustments": asked})
        return rates(edited)[1], changes_of(edited)

    # What the line has it keeps, though nobody may put it on a new line any more.
    assert with_them(1, [wet.pk, fine.pk]) == ("825.00", [("wet", "-90.00"), ("fine", "15.00")])
    assert with_them(2, [fine.pk]) == ("915.00", [("fine", "15.00")])
    assert with_them(3, []) == ("900.00", [])


def test_another_flower_is_adjusted_alike_and_a_typed_rate_is_not(
    meena: Membership, raja: Farmer, jasmine: Flower, board: None, wet: RateAdjustment
) -> None:
    mullai = a_flower(meena.shop, "MUL", "முல்லை", "Mullai")
    called(mullai, "500", at(DAY, "04:00"), meena)
    line = recorded(meena, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk])
    moved = edit_entry(by=meena, entry_id=line.pk, version=1, changes={"flower_id": mullai.pk})
    assert (rates(moved)[1], changes_of(moved)) == ("450.00", [("wet", "-50.00")])
    heavier = edit_entry(by=meena, entry_id=line.pk, version=2, changes={"gross_quantity": Decimal("7.1")})
    assert (rates(heavier)[1], changes_of(heavier)) == ("450.00", [("wet", "-50.00")])
    typed = edit_entry(by=meena, entry_id=line.pk, version=3, changes={"rate": Decimal(480)})
    assert (rates(typed), changes_of(typed)) == (("500.00", "480.00", "manual"), [])


def test_a_request_without_them_is_the_same_request_as_before_there_were_any(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    key = uuid4()

    def sent(**more: Any) -> bool:
        said = {"farmer_id": raja.pk, "flower_id": jasmine.pk, "captured_at": EARLY, "quantity": Decimal(5)}
        return record_entry(by=kumar, key=key, **said, **more).replayed  # type: ignore[arg-type]

    assert [sent(), sent(adjustments=[]), sent(commission_pct=None)] == [False, True, True]


# --- Corrections of settled lines -----------------------------------------------------------


def mirrored(line: DailyEntry, kind: EntryKind, **figures: Any) -> DailyEntry:
    """What takes a settled line back, or stands in its place (architecture §5.6)."""
    copy = DailyEntry.objects.get(pk=line.pk)
    copy.pk, copy.kind, copy.corrects, copy.corrects_date = uuid4(), kind, line.pk, line.business_date
    copy.slip_number = f"{line.slip_number}/{kind[:4]}"
    for name, value in figures.items():
        setattr(copy, name, value)
    copy.save(force_insert=True)
    return DailyEntry.objects.get(pk=copy.pk)


def test_what_was_taken_back_is_changed_no_more_and_its_replacement_is(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(1450))
    back = mirrored(
        line, EntryKind.REVERSAL, quantity=-line.quantity, gross_quantity=None, tare=Decimal(0), sacks=0
    )
    instead = mirrored(line, EntryKind.REPLACEMENT)
    assert back.amount == Decimal("-8555.00")

    for other in (back, line):
        with pytest.raises(Conflict):
            edit_entry(by=meena, entry_id=other.pk, version=1, changes={"note": "x"})
        with pytest.raises(Conflict):
            void_entry(by=meena, entry_id=other.pk, reason="x")
    edited = edit_entry(by=meena, entry_id=instead.pk, version=1, changes={"gross_quantity": Decimal("5.9")})
    assert edited.amount == Decimal("8265.00")


def test_totals_count_what_takes_back_as_less(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(1450))
    mirrored(line, EntryKind.REVERSAL, quantity=-line.quantity, gross_quantity=None, tare=Decimal(0), sacks=0)
    mirrored(line, EntryKind.REPLACEMENT, gross_quantity=Decimal("5.9"), quantity=Decimal("5.7"))
    totals = totals_of(DailyEntry.objects.filter(shop=meena.shop))
    assert (totals.kilograms, totals.amount, totals.commission) == (
        Decimal("5.700"),
        Decimal("8265.00"),
        Decimal("826.50"),
    )
    (slip,) = slips_on(meena.shop, line.business_date)
    assert (slip.totals.amount, slip.left) == (Decimal("8265.00"), Decimal("7438.50"))
    (habit,) = habits_in(meena.shop, line.business_date)
    assert habit.lines == 2
    for address in ("/", "/ledger/entries/", f"/ledger/slips/{DAY}/"):
        page = page_of(meena).get(address, {"day": DAY})
        assert page.status_code == 200
        assert "₹8,265.00" in page.content.decode()


def test_a_day_that_only_takes_back_can_still_be_drawn(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(meena, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(1450))
    copied = mirrored(
        line,
        EntryKind.REVERSAL,
        quantity=-line.quantity,
        gross_quantity=None,
        tare=Decimal(0),
        sacks=0,
        business_date=EARLY.date(),
        captured_at=EARLY,
    )
    assert copied.business_date == EARLY.date()
    assert page_of(meena).get("/", {"day": DAY}).status_code == 200
