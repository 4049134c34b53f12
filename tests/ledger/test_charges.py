"""Fees that farmers bear: with lines by themselves, and by hand."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.domain import ChargeStatus
from ledger.models import Charge, DailyEntry, DayClose, Farmer
from ledger.selectors.answers import entry_answer
from ledger.selectors.asked import version_answers
from ledger.services.charges import record_charge, waive_charge
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.trail.models import Event
from pricing.models import FeeRule, Flower
from tests.cast import a_member, at, recorded
from tests.ledger.terms import a_fee

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 6)
EARLY = at("2026-03-06", "05:00")


def charged(entry: DailyEntry, status: str = "standing") -> list[tuple[str, str, str]]:
    """Code, quantity and ₹ of a line's charges."""
    charges = entry.charges.filter(status=status, quantity__gt=0).select_related("fee").order_by("fee__code")
    return [(each.fee.code, f"{each.quantity:f}", f"{each.amount:.2f}") for each in charges]


def closed(shop: Any, by: Membership, day: dt.date = DAY) -> DayClose:
    nothing = dict.fromkeys(("opening_cash", "receipts", "payments", "expenses", "counted"), Decimal(0))
    return DayClose.objects.create(shop=shop, business_date=day, closed_by=by, **nothing)


# --- With lines -----------------------------------------------------------------------------


def test_each_basis_is_charged_for_what_a_line_has_of_it(
    kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    for code, basis, rate in (
        ("coolie", "per_sack", "10.00"),
        ("kg", "per_kg", "0.55"),
        ("piece", "per_piece", "0.05"),
        ("cess", "percent", "1.50"),
        ("trip", "per_trip", "40.00"),
        ("paper", "per_settlement", "5.00"),
    ):
        a_fee(kumar.shop, code, basis, rate)

    weighed = recorded(
        kumar, raja, jasmine, gross_quantity=Decimal("6.1"), tare=Decimal("0.2"), sacks=2, rate=Decimal(1450)
    )
    counted = recorded(kumar, raja, lotus, quantity=Decimal(60), rate=Decimal("9.50"))

    # 5.900 × 0.55 = 3.245, halves up; 8555.00 × 1.5 % = 128.325.
    assert charged(weighed) == [
        ("cess", "8555.000", "128.33"),
        ("coolie", "2.000", "20.00"),
        ("kg", "5.900", "3.25"),
    ]
    assert charged(counted) == [("cess", "570.000", "8.55"), ("piece", "60.000", "3.00")]


def test_a_fee_is_judged_by_the_business_date_and_frozen(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    old = a_fee(kumar.shop, "coolie", "per_sack", "8.00", valid_to=DAY)
    new = a_fee(kumar.shop, "coolie", "per_sack", "10.00", valid_from=DAY)
    a_fee(kumar.shop, "toll", "per_sack", "5.00", is_active=False)
    a_fee(kumar.shop, "sack", "per_sack", "15.00", automatic=False)

    before = recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"))
    since = recorded(kumar, raja, jasmine, captured_at=EARLY)
    FeeRule.objects.filter(pk=new.pk).update(automatic=False, rate=Decimal(99))
    corrected = edit_entry(by=kumar, entry_id=since.pk, version=1, changes={"sacks": 3})

    assert charged(before) == [("coolie", "1.000", "8.00")]
    assert before.charges.get().fee == old
    assert charged(corrected) == [("coolie", "3.000", "30.00")]
    assert charged(recorded(kumar, raja, jasmine, captured_at=EARLY)) == []


def test_unpriced_and_zero_rate_lines_bear_their_fees_too(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    a_fee(kumar.shop, "cess", "percent", "1.50")
    unpriced = recorded(kumar, raja, jasmine)
    unsold = recorded(kumar, raja, jasmine, rate=Decimal(0))
    assert charged(unpriced) == charged(unsold) == [("coolie", "1.000", "10.00")]

    priced = edit_entry(by=kumar, entry_id=unpriced.pk, version=1, changes={"rate": Decimal(100)})
    assert charged(priced) == [("cess", "590.000", "8.85"), ("coolie", "1.000", "10.00")]


def test_a_correction_replaces_what_it_changes_and_leaves_the_rest(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    a_fee(kumar.shop, "kg", "per_kg", "1.00")
    line = recorded(kumar, raja, jasmine, rate=Decimal(100))
    coolie, kg = line.charges.order_by("fee__code")

    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("7.1")})
    coolie.refresh_from_db()
    kg.refresh_from_db()
    assert (coolie.status, coolie.version, kg.status, kg.version) == ("standing", 1, "replaced", 2)
    assert charged(line) == [("coolie", "1.000", "10.00"), ("kg", "6.900", "6.90")]

    edit_entry(by=kumar, entry_id=line.pk, version=2, changes={"note": "wet"})
    assert line.charges.count() == 3

    edit_entry(by=kumar, entry_id=line.pk, version=3, changes={"sacks": 0})
    assert charged(line) == [("kg", "6.900", "6.90")]
    edit_entry(by=kumar, entry_id=line.pk, version=4, changes={"sacks": 2})
    assert charged(line) == [("coolie", "2.000", "20.00"), ("kg", "6.900", "6.90")]

    edit_entry(by=kumar, entry_id=line.pk, version=5, changes={"farmer_id": lakshmi.pk})
    assert charged(line) == [("coolie", "2.000", "20.00"), ("kg", "6.900", "6.90")]
    assert set(line.charges.filter(status="standing").values_list("farmer", flat=True)) == {lakshmi.pk}


def test_what_was_waived_stays_waived_when_the_sacks_change(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    line = recorded(kumar, raja, jasmine, rate=Decimal(100))
    waive_charge(by=kumar, key=uuid4(), charge_id=line.charges.get().pk, reason="his own porter")
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"sacks": 4})
    assert charged(line) == []
    assert charged(line, "waived") == [("coolie", "1.000", "10.00")]


def test_cancelling_a_line_cancels_its_charges_with_its_reason(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    line = recorded(kumar, raja, jasmine)
    void_entry(by=kumar, entry_id=line.pk, reason="written twice")
    assert line.charges.values_list("status", "reason").get() == ("voided", "written twice")
    assert entry_answer(DailyEntry.objects.get(pk=line.pk))["charges"] == []


def test_a_refused_line_leaves_no_charge(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    closed(kumar.shop, kumar)
    with pytest.raises(RuleBroken):
        recorded(kumar, raja, jasmine, captured_at=EARLY)
    assert not Charge.objects.exists()


def test_a_shop_without_automatic_fees_pays_no_statement_for_them(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            recorded(kumar, raja, jasmine, captured_at=EARLY)
        return len(captured)

    recorded(kumar, raja, jasmine, captured_at=EARLY)
    without = statements()
    for code in ("coolie", "toll"):
        a_fee(kumar.shop, code, "per_sack", "10.00")
    assert statements() == without + 1


def test_every_version_tells_the_charges_it_had(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    line = recorded(kumar, raja, jasmine, rate=Decimal(100))
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"sacks": 3})
    void_entry(by=kumar, entry_id=line.pk, reason="written twice")

    told = [
        [charge["amount"] for charge in version["entry"]["charges"]]
        for version in version_answers(DailyEntry.objects.get(pk=line.pk))
    ]
    assert told == [["10.00"], ["30.00"], []]


# --- By hand --------------------------------------------------------------------------------


def by_hand(by: Membership, farmer: Farmer, fee: FeeRule, **said: Any) -> Charge:
    said = {"business_date": DAY, "quantity": Decimal(1), "key": uuid4(), **said}
    answer = record_charge(by=by, farmer_id=farmer.pk, fee_id=fee.pk, **said)
    return Charge.objects.get(pk=answer.made)


def test_luggage_is_charged_by_hand_at_the_fees_rate_or_the_one_typed(
    kumar: Membership, raja: Farmer
) -> None:
    luggage = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False, income="pass_through")
    usual = by_hand(kumar, raja, luggage, quantity=Decimal(2))
    agreed = by_hand(kumar, raja, luggage, rate=Decimal("35.50"), note="shared auto")
    free = by_hand(kumar, raja, luggage, rate=Decimal(0))
    assert (usual.amount, usual.income, usual.basis, usual.automatic) == (
        Decimal("80.00"),
        "pass_through",
        "per_trip",
        False,
    )
    assert (agreed.amount, agreed.note, free.amount) == (Decimal("35.50"), "shared auto", Decimal(0))


def test_the_same_request_twice_is_one_charge(kumar: Membership, raja: Farmer) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)
    key = uuid4()
    by_hand(kumar, raja, fee, key=key, id=(chosen := uuid4()))
    by_hand(kumar, raja, fee, key=key, id=chosen)
    assert Charge.objects.count() == 1
    with pytest.raises(Conflict) as refused:
        by_hand(kumar, raja, fee, id=chosen)
    assert refused.value.code == "id_exists"


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"quantity": Decimal(0)}, "/quantity", "not_positive"),
        ({"quantity": Decimal(-1)}, "/quantity", "not_positive"),
        ({"quantity": Decimal("1.5")}, "/quantity", "too_precise"),
        ({"quantity": Decimal("1E+15")}, "/quantity", "too_large"),
        ({"quantity": Decimal(90_000_000), "rate": Decimal(90_000_000)}, "/quantity", "too_large"),
        ({"rate": Decimal("-1")}, "/rate", "negative"),
        ({"rate": Decimal("1.005")}, "/rate", "too_precise"),
        ({"rate": Decimal("1E+12")}, "/rate", "too_large"),
        ({"note": "x" * 201}, "/note", "too_long"),
        ({"business_date": dt.date(2999, 1, 1)}, "/business_date", "in_future"),
        ({"business_date": dt.date(2026, 2, 28)}, "/fee", "not_in_force"),
    ],
)
def test_what_cannot_be_charged_is_refused_with_its_field(
    kumar: Membership, raja: Farmer, said: dict[str, Any], pointer: str, code: str
) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False, valid_from=dt.date(2026, 3, 1))
    with pytest.raises(RuleBroken) as refused:
        by_hand(kumar, raja, fee, **said)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]
    assert not Charge.objects.exists()


def test_another_shops_farmer_or_fee_is_unknown_and_both_are_named(
    kumar: Membership, devi: Membership, selvi: Farmer
) -> None:
    fee = a_fee(devi.shop, "luggage", "per_trip", "40.00", automatic=False)
    with pytest.raises(RuleBroken) as refused:
        by_hand(kumar, selvi, fee)
    assert [fault.code for fault in refused.value.faults] == ["unknown_farmer", "unknown_fee"]


def test_a_charge_has_the_decimals_of_its_basis(kumar: Membership, raja: Farmer) -> None:
    kg = a_fee(kumar.shop, "kg", "per_kg", "0.55", automatic=False)
    cess = a_fee(kumar.shop, "cess", "percent", "1.50", automatic=False)
    assert by_hand(kumar, raja, kg, quantity=Decimal("5.9")).amount == Decimal("3.25")
    assert by_hand(kumar, raja, cess, quantity=Decimal(8555)).amount == Decimal("128.33")
    with pytest.raises(RuleBroken):
        by_hand(kumar, raja, cess, rate=Decimal("100.01"))


def test_a_fee_of_the_settlement_is_not_charged_by_hand(kumar: Membership, raja: Farmer) -> None:
    fee = a_fee(kumar.shop, "paper", "per_settlement", "5.00")
    with pytest.raises(RuleBroken) as refused:
        by_hand(kumar, raja, fee)
    assert refused.value.code == "with_the_settlement"


def test_waiving_keeps_the_charge_with_its_reason(kumar: Membership, raja: Farmer) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)
    charge = by_hand(kumar, raja, fee)
    key = uuid4()

    def waived() -> dict[str, Any]:
        return waive_charge(by=kumar, key=key, charge_id=charge.pk, reason=" he brought it himself ").body

    answer = waived()
    assert (answer["status"], answer["reason"], answer["version"]) == ("waived", "he brought it himself", 2)
    assert waived() == answer
    assert Event.objects.filter(name="ChargeWaived").count() == 1
    with pytest.raises(Conflict) as refused:
        waive_charge(by=kumar, key=uuid4(), charge_id=charge.pk, reason="again")
    assert refused.value.code == "not_charged"


def test_who_may_not_waive_and_what_is_missing(kumar: Membership, devi: Membership, raja: Farmer) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)
    charge = by_hand(kumar, raja, fee)
    assert raja.member is not None
    for by, said, error in (
        (raja.member, {}, NotAllowed),
        (devi, {}, NotFound),
        (kumar, {"reason": " "}, RuleBroken),
        (kumar, {"version": 7}, Conflict),
    ):
        with pytest.raises(error):
            waive_charge(
                **{"by": by, "key": uuid4(), "charge_id": charge.pk, "reason": "why", **said}  # type: ignore[arg-type]
            )
    with pytest.raises(NotAllowed):
        by_hand(raja.member, raja, fee)
    charge.refresh_from_db()
    assert charge.status == ChargeStatus.STANDING


def test_a_closed_day_takes_no_charge_and_waives_none(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)
    charge = by_hand(kumar, raja, fee)
    closed(kumar.shop, kumar)
    acts: list[Callable[[], object]] = [
        lambda: by_hand(kumar, raja, fee),
        lambda: waive_charge(by=kumar, key=uuid4(), charge_id=charge.pk, reason="why"),
    ]
    for act in acts:
        with pytest.raises(RuleBroken) as refused:
            act()
        assert (refused.value.code, refused.value.faults[0].pointer) == ("day_locked", "/business_date")
    assert list(Charge.objects.values_list("status", flat=True)) == ["standing"]


def test_a_line_in_a_closed_day_is_refused_in_words_on_every_way(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=EARLY)
    closed(kumar.shop, kumar)
    ways: list[tuple[str, Callable[[], object]]] = [
        ("/captured_at", lambda: recorded(kumar, raja, jasmine, captured_at=EARLY)),
        ("/business_date", lambda: edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"note": "x"})),
        ("/business_date", lambda: void_entry(by=kumar, entry_id=line.pk, reason="x")),
    ]
    for pointer, act in ways:
        with pytest.raises(RuleBroken) as refused:
            act()
        assert (refused.value.code, refused.value.status) == ("day_locked", 422)
        assert [fault.pointer for fault in refused.value.faults] == [pointer]
        assert "06/03/2026" in refused.value.detail
    assert DailyEntry.objects.values_list("version", "status").get() == (1, "confirmed")


def test_an_owner_may_waive_what_her_clerk_charged(
    meena: Membership, kumar: Membership, raja: Farmer
) -> None:
    fee = a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)
    charge = by_hand(kumar, raja, fee)
    other = a_member(kumar.shop, "Babu", Role.STAFF)
    assert waive_charge(by=other, key=uuid4(), charge_id=charge.pk, reason="why").body["status"] == "waived"
