"""Recording, correcting and cancelling lines."""

import datetime as dt
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from ledger.models import DailyEntry, Farmer, SlipCounter
from ledger.selectors.entries import versions_of
from ledger.services.entries import Changes, corrected_entry, edit_entry, record_entry, void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.kernel.transactions import through
from malar.trail.models import AnsweredRequest, Event
from pricing.models import Flower
from tests.cast import a_flower, a_member, a_slot, at, called, recorded

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"


def everything_written() -> tuple[int, ...]:
    counters = sum(SlipCounter.objects.values_list("last", flat=True))
    return (
        DailyEntry.objects.count(),
        Event.objects.count(),
        AnsweredRequest.objects.count(),
        counters,
    )


def test_a_line_takes_the_rate_called_at_or_before_its_moment_and_keeps_it(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    early = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:29"))
    called(jasmine, "820", at(DAY, "05:30"), meena)
    late = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:31"))

    assert (early.rate, early.amount, early.rate_source) == (Decimal("900.00"), Decimal("5310.00"), "called")
    assert late.rate == Decimal("820.00")

    edited = edit_entry(by=kumar, entry_id=early.pk, version=1, changes={"gross_quantity": Decimal("7.100")})
    assert (edited.quantity, edited.rate, edited.amount) == (
        Decimal("6.900"),
        Decimal("900.00"),
        Decimal("6210.00"),
    )


def test_a_line_at_the_very_moment_of_a_call_takes_the_new_rate(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    called(jasmine, "820", at(DAY, "05:30"), meena)
    assert recorded(meena, raja, jasmine, captured_at=at(DAY, "05:30")).rate == Decimal("820.00")


def test_a_line_without_any_rate_is_kept_unpriced_with_null_and_not_zero(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    assert (line.rate, line.amount, line.commission, line.rate_source) == (None, None, None, "")


def test_a_typed_rate_is_a_fact_and_the_board_is_kept_beside_it(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    line = recorded(
        kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal("1450"), rate_reason="agreed"
    )
    assert (line.rate, line.rate_source, line.called_rate) == (Decimal("1450"), "manual", Decimal("900.00"))
    assert "rate_far" in line.review_reasons


def test_the_rate_of_the_slot_is_taken_where_nothing_was_called(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    from pricing.services.rates import publish_rate

    slot = a_slot(meena.shop, "04:00", "05:30")
    publish_rate(
        by=meena, key=uuid4(), flower=jasmine, slot=slot, rate=Decimal(880), effective_from=at(DAY, "00:00")
    )
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:29"))
    assert (line.rate, line.rate_source, line.slot) == (Decimal("880.00"), "slot", slot)
    assert recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:30")).rate is None


@pytest.mark.parametrize(
    ("gross", "tare", "rate", "amount", "commission"),
    [
        ("3.433", "0.100", "97.50", "324.97", "32.50"),  # 324.9675 and 32.497: halves up
        ("10.200", "0.200", "0", "0.00", "0.00"),  # unsold, kept at zero
        ("6.100", "0.200", "1450", "8555.00", "855.50"),
    ],
)
def test_amount_and_commission_are_the_databases_own_to_the_paisa(
    kumar: Membership,
    raja: Farmer,
    jasmine: Flower,
    gross: str,
    tare: str,
    rate: str,
    amount: str,
    commission: str,
) -> None:
    line = recorded(
        kumar, raja, jasmine, gross_quantity=Decimal(gross), tare=Decimal(tare), rate=Decimal(rate)
    )
    assert (line.amount, line.commission) == (Decimal(amount), Decimal(commission))


def test_the_farmers_own_commission_goes_before_the_shops(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    raja.commission_pct = Decimal("7.5")
    raja.save()
    assert recorded(kumar, raja, jasmine, rate=Decimal(100)).commission == Decimal("44.25")


def test_slip_numbers_run_by_day(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    numbers = [
        recorded(kumar, raja, jasmine, captured_at=at(day, "05:00")).slip_number
        for day in (DAY, DAY, "2026-03-07")
    ]
    assert numbers == ["S1-0603-001", "S1-0603-002", "S1-0703-001"]


def test_a_running_number_above_999_keeps_its_digits(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    SlipCounter.objects.update(last=999)
    assert recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00")).slip_number == "S1-0603-1000"


def test_a_tablets_own_slip_number_is_kept_and_flagged_when_it_comes_twice(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    first = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), slip="A1-0603-018")
    second = recorded(kumar, raja, jasmine, captured_at=at(DAY, "06:00"), slip="A1-0603-018")
    assert (first.slip_number, first.slip_is_taken) == ("A1-0603-018", False)
    assert (second.slip_number, second.slip_is_taken) == ("A1-0603-018", True)
    assert "slip_taken" in second.review_reasons


def test_the_weights_of_the_sacks_are_kept_and_sum_to_the_gross(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(
        kumar, raja, jasmine, sack_weights=[Decimal("12.5"), Decimal("8.25")], tare=Decimal("0.4")
    )
    assert (line.gross_quantity, line.quantity, line.sacks) == (Decimal("20.750"), Decimal("20.350"), 2)
    assert line.sack_weights == ["12.500", "8.250"]


def test_grams_become_kilograms(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    line = recorded(kumar, raja, jasmine, gross_quantity=Decimal(1250), unit="g")
    assert (line.quantity, line.unit) == (Decimal("1.250"), "kg")


def test_counted_flowers_have_no_sack_and_no_gross(kumar: Membership, raja: Farmer, lotus: Flower) -> None:
    line = recorded(kumar, raja, lotus, quantity=Decimal(60), rate=Decimal(12))
    assert (line.gross_quantity, line.amount) == (None, Decimal("720.00"))


def test_a_line_months_old_makes_its_month_first_and_is_only_flagged_late(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=at("2019-07-01", "05:00"))
    assert line.business_date == dt.date(2019, 7, 1)
    assert line.review_reasons == ["late"]


@pytest.mark.parametrize(
    ("figures", "pointer", "code"),
    [
        ({"gross_quantity": Decimal(0)}, "/gross_quantity", "not_positive"),
        ({"gross_quantity": Decimal("-1")}, "/gross_quantity", "not_positive"),
        ({"gross_quantity": Decimal("0.2"), "tare": Decimal("0.2")}, "/tare", "tare_too_large"),
        ({"gross_quantity": Decimal("1"), "tare": Decimal("1.2")}, "/tare", "tare_too_large"),
        ({"gross_quantity": Decimal("1"), "tare": Decimal("-0.1")}, "/tare", "negative"),
        ({"gross_quantity": Decimal("5.1234")}, "/gross_quantity", "too_precise"),
        ({"gross_quantity": Decimal("99999999")}, "/gross_quantity", "too_large"),
        ({"quantity": Decimal(0)}, "/quantity", "not_positive"),
        ({"gross_quantity": Decimal(2), "quantity": Decimal(1)}, "/quantity", "not_the_net"),
        ({"gross_quantity": Decimal(2), "rate": Decimal("10.001")}, "/rate", "too_precise"),
        ({"gross_quantity": Decimal(2), "rate": Decimal("-1")}, "/rate", "negative"),
        ({"gross_quantity": Decimal(2), "sacks": -1}, "/sacks", "out_of_range"),
        ({"gross_quantity": Decimal(2), "unit": "litre"}, "/unit", "unknown_unit"),
        ({"gross_quantity": Decimal(2), "slip": "S1-0603-001"}, "/slip_number", "reserved_series"),
        ({"gross_quantity": Decimal(2), "slip": "nonsense"}, "/slip_number", "malformed"),
        (
            {"gross_quantity": Decimal(2), "captured_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)},
            "/captured_at",
            "in_future",
        ),
        (
            {"gross_quantity": Decimal(2), "captured_at": dt.datetime(1999, 1, 1, tzinfo=dt.UTC)},
            "/captured_at",
            "too_old",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_field_and_nothing_is_written(
    kumar: Membership, raja: Farmer, jasmine: Flower, figures: dict[str, Any], pointer: str, code: str
) -> None:
    before = everything_written()
    with pytest.raises(RuleBroken) as refused:
        record_entry(by=kumar, key=uuid4(), farmer_id=raja.pk, flower_id=jasmine.pk, **figures)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]
    assert everything_written() == before


def test_every_refused_field_is_named_at_once(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    with pytest.raises(RuleBroken) as refused:
        record_entry(
            by=kumar,
            key=uuid4(),
            farmer_id=raja.pk,
            flower_id=jasmine.pk,
            gross_quantity=Decimal(0),
            rate=Decimal(-1),
            captured_at=timezone.now() + dt.timedelta(days=1),
        )
    assert {fault.pointer for fault in refused.value.faults} == {"/gross_quantity", "/rate", "/captured_at"}


def test_another_shops_farmer_and_flower_are_unknown(
    kumar: Membership, raja: Farmer, jasmine: Flower, selvi: Farmer, mullai: Flower
) -> None:
    before = everything_written()
    with pytest.raises(RuleBroken) as refused:
        record_entry(
            by=kumar, key=uuid4(), farmer_id=selvi.pk, flower_id=mullai.pk, gross_quantity=Decimal(1)
        )
    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == {
        ("/farmer", "unknown_farmer"),
        ("/flower", "unknown_flower"),
    }
    assert everything_written() == before


def test_who_has_left_and_what_is_no_longer_sold_is_refused(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    raja.is_active = False
    raja.save()
    with pytest.raises(RuleBroken) as refused:
        recorded(kumar, raja, jasmine)
    assert refused.value.code == "inactive_farmer"


def test_a_farmer_records_nothing(raja: Farmer, jasmine: Flower) -> None:
    assert raja.member is not None
    with pytest.raises(NotAllowed):
        recorded(raja.member, raja, jasmine)


def test_a_second_line_of_the_same_weight_within_ten_minutes_is_kept_and_questioned(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    now = timezone.now()
    recorded(kumar, raja, jasmine, captured_at=now - dt.timedelta(minutes=9))
    assert recorded(kumar, raja, jasmine, captured_at=now).review_reasons == ["look_alike"]


def test_the_same_weight_half_an_hour_later_is_not_questioned(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    now = timezone.now()
    recorded(kumar, raja, jasmine, captured_at=now - dt.timedelta(minutes=30))
    assert recorded(kumar, raja, jasmine, captured_at=now).review_reasons == []


def test_a_weight_far_from_his_last_five_is_questioned(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    now = timezone.now()
    for n in range(5):
        recorded(
            kumar,
            raja,
            jasmine,
            gross_quantity=Decimal(10 + n),
            captured_at=now - dt.timedelta(hours=n + 1),
        )
    assert recorded(kumar, raja, jasmine, gross_quantity=Decimal(43), captured_at=now).needs_review
    assert recorded(kumar, raja, jasmine, gross_quantity=Decimal(3), captured_at=now).needs_review
    assert not recorded(kumar, raja, jasmine, gross_quantity=Decimal(42), captured_at=now).needs_review


def test_an_edit_with_a_stale_version_changes_nothing_and_shows_the_present_line(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine)
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"note": "wet"})
    with pytest.raises(Conflict) as refused:
        edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"note": "dry"})
    assert (refused.value.code, refused.value.current["version"]) == ("stale", 2)
    line.refresh_from_db()
    assert (line.note, line.version) == ("wet", 2)


def test_another_flower_takes_its_own_rate_and_another_farmer_his_own_commission(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    from tests.cast import a_flower

    pichi = a_flower(meena.shop, "PIC", "பிச்சி", "Pichi")
    lakshmi.commission_pct = Decimal(5)
    lakshmi.save()
    called(jasmine, "900", at(DAY, "04:00"), meena)
    called(pichi, "520", at(DAY, "04:00"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    edited = edit_entry(
        by=kumar, entry_id=line.pk, version=1, changes={"flower_id": pichi.pk, "farmer_id": lakshmi.pk}
    )
    assert (edited.rate, edited.amount) == (Decimal("520.00"), Decimal("3068.00"))
    assert edited.commission == Decimal("153.40")


@pytest.mark.parametrize(
    "changes",
    [
        {"gross_quantity": Decimal("7.125")},
        {"rate": Decimal("333.33")},
        {"rate": None},
        {"tare": Decimal("0.275"), "rate": Decimal("0.01")},
        {"farmer": "lakshmi"},
        {"flower": "rose"},
        {"flower": "rose", "rate": Decimal("41.5")},
        {"note": "wet"},
    ],
    ids=str,
)
def test_a_correction_comes_to_what_was_said_before_it_was_saved(
    meena: Membership,
    kumar: Membership,
    raja: Farmer,
    lakshmi: Farmer,
    jasmine: Flower,
    changes: dict[str, Any],
) -> None:
    """The preview computes in Python, the book in the database: they agree to the paisa, and nothing is written."""
    rose = a_flower(kumar.shop, "ROS", "ரோஜா", "Rose")
    lakshmi.commission_pct = Decimal("7.35")
    lakshmi.save()
    called(jasmine, "877.77", at("2026-03-06", "04:00"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "04:50"))
    said = cast(
        Changes,
        {
            {"farmer": "farmer_id", "flower": "flower_id"}.get(name, name): {
                "lakshmi": lakshmi.pk,
                "rose": rose.pk,
            }.get(value, value)
            for name, value in changes.items()
        },
    )
    before = everything_written()
    preview = corrected_entry(by=kumar, entry_id=line.pk, changes=said)
    assert everything_written() == before
    line.refresh_from_db()
    assert line.version == 1

    saved = edit_entry(by=kumar, entry_id=line.pk, version=1, changes=said)
    figures = ("quantity", "rate", "amount", "commission", "commission_pct", "farmer_id", "flower_id", "note")
    assert [getattr(preview, name) for name in figures] == [getattr(saved, name) for name in figures]


def test_nobody_is_told_what_another_s_line_would_come_to(
    meena: Membership, devi: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(meena, raja, jasmine)
    anbu = a_member(meena.shop, "Anbu", Role.STAFF)
    with pytest.raises(NotAllowed):
        corrected_entry(by=anbu, entry_id=line.pk, changes={})
    with pytest.raises(NotFound):
        corrected_entry(by=devi, entry_id=line.pk, changes={})


def test_a_typed_rate_survives_another_flower(kumar: Membership, meena: Membership, raja: Farmer) -> None:
    from tests.cast import a_flower

    jasmine, pichi = (a_flower(meena.shop, code, code, code) for code in ("MAL", "PIC"))
    line = recorded(kumar, raja, jasmine, rate=Decimal(500))
    edited = edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"flower_id": pichi.pk})
    assert (edited.rate, edited.rate_source) == (Decimal("500.00"), "manual")


def test_a_correction_asks_again(meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"))
    far = edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"rate": Decimal(90)})
    assert far.review_reasons == ["late", "rate_far"]
    right = edit_entry(by=kumar, entry_id=line.pk, version=2, changes={"rate": Decimal(910)})
    assert right.review_reasons == ["late"]


def test_staff_change_their_own_lines_and_the_owner_any(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    murugan = a_member(meena.shop, "Murugan", Role.STAFF)
    line = recorded(kumar, raja, jasmine)
    with pytest.raises(NotAllowed):
        edit_entry(by=murugan, entry_id=line.pk, version=1, changes={"note": "x"})
    with pytest.raises(NotAllowed):
        void_entry(by=murugan, entry_id=line.pk, reason="x")
    edit_entry(by=meena, entry_id=line.pk, version=1, changes={"note": "x"})
    void_entry(by=kumar, entry_id=line.pk, reason="weighed twice", version=2)


def test_another_shops_line_is_not_there(
    devi: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine)
    with pytest.raises(NotFound):
        edit_entry(by=devi, entry_id=line.pk, version=1, changes={"note": "x"})
    with pytest.raises(NotFound):
        void_entry(by=devi, entry_id=line.pk, reason="x")


def test_a_cancelled_line_stays_with_its_reason_and_is_not_changed_again(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine)
    voided = void_entry(by=kumar, entry_id=line.pk, reason="weighed twice")
    assert (voided.status, voided.void_reason, voided.version) == ("voided", "weighed twice", 2)
    with pytest.raises(Conflict) as refused:
        edit_entry(by=kumar, entry_id=line.pk, version=2, changes={"note": "x"})
    assert refused.value.code == "voided"
    with pytest.raises(RuleBroken):
        void_entry(by=kumar, entry_id=line.pk, reason="  ")


def test_cancelling_twice_with_one_key_is_one_cancelling(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line, key = recorded(kumar, raja, jasmine), uuid4()
    first = void_entry(by=kumar, entry_id=line.pk, reason="twice", key=key)
    again = void_entry(by=kumar, entry_id=line.pk, reason="twice", key=key)
    assert first.version == again.version == 2


def test_the_history_names_who_by_which_door_and_why(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    with through("page"):
        line = recorded(kumar, raja, jasmine)
    with through("api"):
        edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal(7)})
    with through("sync"):
        void_entry(by=kumar, entry_id=line.pk, reason="weighed twice")
    versions = versions_of(line)
    assert [(v.by, v.door, v.reason, v.entry.version) for v in versions] == [
        ("Kumar", "page", "", 1),
        ("Meena", "api", "", 2),
        ("Kumar", "sync", "weighed twice", 3),
    ]
    assert [v.entry.gross_quantity for v in versions] == [Decimal("6.100"), Decimal(7), Decimal(7)]


def test_each_step_in_a_lines_life_is_an_event(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    line = recorded(kumar, raja, jasmine)
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"note": "x"})
    void_entry(by=kumar, entry_id=line.pk, reason="x")
    assert list(Event.objects.order_by("id").values_list("name", flat=True)) == [
        "EntryRecorded",
        "EntryCorrected",
        "EntryVoided",
    ]


def test_what_a_sale_asks_and_writes_is_prepared_from_the_fifth_on(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    for minute in range(7):
        recorded(kumar, raja, jasmine, captured_at=at(DAY, f"05:{minute:02}"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = " ".join(statement for (statement,) in cursor.fetchall())
    for told in (
        "ledger_commissionrule",
        "INSERT INTO ledger_slipcounter",
        "INSERT INTO trail_answeredrequest",
    ):
        assert told in prepared
