"""The one derivation of what stands between a farmer and the shop, with figures a trader worked out by hand."""

import datetime as dt
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from ledger.domain import ChargeStatus
from ledger.models import DailyEntry, Farmer
from ledger.selectors.accounts import Unsettled, balance_of, balances_of, statement_of
from ledger.selectors.entries import totals_of
from ledger.services.commission import set_commission
from ledger.services.entries import edit_entry, void_entry
from ledger.services.movements import reverse_movement
from ledger.services.repricing import price_entries
from malar.accounts.models import Membership, Shop
from pricing.models import Flower
from tests.cast import at, recorded
from tests.ledger.worked import charged, moved, settlement_a, settlement_b

__all__ = ["settlement_a", "settlement_b"]

pytestmark = pytest.mark.django_db

WEEK = (dt.date(2026, 3, 2), dt.date(2026, 3, 8))


# --- The worked settlements ------------------------------------------------------------------------


def test_the_account_of_settlement_a_before_settling(settlement_a: Farmer) -> None:
    balance = balance_of(settlement_a)
    assert balance.unsettled == Unsettled(
        gross=Decimal("46193.97"),
        commission=Decimal("4619.40"),
        charges=Decimal("450.00"),
        draws=Decimal("3000.00"),
    )
    assert (balance.advance, balance.hand_loan, balance.payable) == (
        Decimal("17000.00"),
        Decimal(0),
        Decimal(0),
    )
    assert (balance.net, balance.direction) == (Decimal("38124.57"), "shop_owes")
    assert str(balance) == "We must pay the farmer ₹38,124.57"
    with translation.override("ta"):
        assert str(balance) == "நாம் கொடுக்க வேண்டியது ₹38,124.57"


def test_complaint_14_settlement_bs_farmer_owes_27_in_words(settlement_b: Farmer) -> None:
    """Nothing is clamped to zero and nothing is a bare minus."""
    balance = balance_of(settlement_b)
    assert (balance.net, balance.direction) == (Decimal("27.00"), "farmer_owes")
    assert str(balance) == "The farmer must pay us ₹27.00"
    with translation.override("ta"):
        assert str(balance) == "விவசாயி தர வேண்டியது ₹27.00"
    statement = statement_of(settlement_b, *WEEK)
    assert statement.closing == Decimal("-27.00")
    assert (statement.closes.net, statement.closes.direction) == (Decimal(27), "farmer_owes")


def test_an_account_without_rows_is_even(raja: Farmer) -> None:
    balance = balance_of(raja)
    assert (balance.net, balance.direction, str(balance)) == (Decimal(0), "even", "The account is even")
    with translation.override("ta"):
        assert str(balance) == "கணக்கு சமம்"
    statement = statement_of(raja, *WEEK)
    assert (statement.opening, statement.rows, statement.closing) == (Decimal(0), [], Decimal(0))


# --- What counts and what does not -------------------------------------------------------------------


def test_waived_charges_voided_and_unpriced_lines_count_for_nothing(
    settlement_b: Farmer, kumar: Membership, shop: Shop
) -> None:
    before = balance_of(settlement_b)
    fee = shop.fees.get(code="coolie")
    for status in (ChargeStatus.WAIVED, ChargeStatus.VOIDED, ChargeStatus.REPLACED):
        charged(kumar, settlement_b, fee, "2026-03-06", 99, status=status, reason="x")
    flower = shop.flowers.get()
    line = recorded(kumar, settlement_b, flower, captured_at=at("2026-03-06", "06:00"), rate=Decimal(900))
    void_entry(by=kumar, entry_id=line.pk, reason="written twice")
    assert balance_of(settlement_b) == before
    recorded(kumar, settlement_b, flower, captured_at=at("2026-03-06", "07:00"))
    after = balance_of(settlement_b)
    assert (after.net, after.direction, after.unsettled.unpriced) == (before.net, before.direction, 1)
    assert statement_of(settlement_b, *WEEK).unpriced == 1


def test_complaint_13_every_figure_follows_from_the_rows_alone(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """A line is corrected after the fact, money is given and taken back: nothing is stored that could differ."""
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(1450))
    moved(meena, raja, "draw", "300", "2026-03-06")
    assert balance_of(raja).net == Decimal("7399.50")
    edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("5.900")})
    assert (balance_of(raja).unsettled.gross, balance_of(raja).net) == (
        Decimal("8265.00"),
        Decimal("7138.50"),
    )
    draw = raja.movements.get()
    reverse_movement(by=meena, key=uuid4(), movement_id=draw.pk, reason="wrong farmer")
    assert balance_of(raja).net == Decimal("7438.50")
    assert balance_of(raja, dt.date(2026, 3, 6)).net == Decimal("7138.50")


def test_complaint_15_surplus_credit_is_carried_and_no_due_counts_twice(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """What the shop owes him covers a draw; an advance beside it neither eats it nor is eaten."""
    moved(meena, raja, "opening_balance", "500", "2026-03-01", "none")
    moved(meena, raja, "advance", "2000", "2026-03-02")
    moved(meena, raja, "draw", "300", "2026-03-03")
    assert (balance_of(raja).net, balance_of(raja).direction) == (Decimal(200), "shop_owes")
    moved(meena, raja, "draw", "250", "2026-03-04")
    assert (balance_of(raja).net, balance_of(raja).direction) == (Decimal(50), "farmer_owes")
    assert balance_of(raja).advance == Decimal(2000)
    moved(meena, raja, "opening_balance", "-100", "2026-03-05", "none")
    assert (balance_of(raja).net, balance_of(raja).direction) == (Decimal(150), "farmer_owes")


def test_complaint_19_what_he_will_get_is_seen_before_anything_is_settled(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """His own commission, and what a rate would make of his account, before the owner says yes to it."""
    set_commission(
        by=meena,
        key=uuid4(),
        farmer=raja,
        pct=Decimal("7.50"),
        per_unit=Decimal(0),
        valid_from=dt.date(2026, 3, 1),
    )
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"))
    moved(meena, raja, "draw", "300", "2026-03-06")
    priced = partial(
        price_entries,
        by=meena,
        day=dt.date(2026, 3, 6),
        flower_id=jasmine.pk,
        from_time=dt.time(),
        to_time=dt.time(),
        rate=Decimal(1450),
    )
    (seen,) = priced(key=uuid4(), dry_run=True).body["farmers"]
    assert (str(balance_of(raja).unsettled.gross), seen["amount"]) == ("0.00", "8555.00")
    priced(key=uuid4())
    unsettled = balance_of(raja).unsettled
    assert (str(unsettled.gross), str(unsettled.commission)) == (seen["amount"], "641.63")
    assert balance_of(raja).net == Decimal("8555.00") - Decimal("641.63") - 300


def test_complaint_20_the_account_adds_up_the_paise_of_its_lines(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Each line is rounded once, and sums are sums of what the slips say: 57.49, where a tenth of the total
    would be 57.48 (domain.md §6.2)."""
    for rate in ("162.45", "324.97", "87.36"):
        recorded(
            kumar,
            raja,
            jasmine,
            captured_at=at("2026-03-06", "05:00"),
            rate=Decimal(rate),
            gross_quantity=Decimal(1),
        )
    lines = DailyEntry.objects.filter(farmer=raja)
    assert sorted(lines.values_list("commission", flat=True)) == [
        Decimal("8.74"),
        Decimal("16.25"),
        Decimal("32.50"),
    ]
    totals, balance, statement = totals_of(lines), balance_of(raja), statement_of(raja, *WEEK)
    assert (totals.amount, totals.commission) == (Decimal("574.78"), Decimal("57.49"))
    assert (balance.unsettled.gross, balance.unsettled.commission) == (Decimal("574.78"), Decimal("57.49"))
    assert (balance.net, statement.closing) == (Decimal("517.29"), Decimal("517.29"))


# --- The running account --------------------------------------------------------------------------------


def test_opening_and_rows_come_to_the_closing_figure_of_every_day(settlement_a: Farmer) -> None:
    for first in range(1, 10):
        start = dt.date(2026, 3, first)
        for end in (start, dt.date(2026, 3, 9)):
            statement = statement_of(settlement_a, start, end)
            assert statement.opening == balance_of(settlement_a, start - dt.timedelta(1)).signed
            assert statement.opening + sum(row.change for row in statement.rows) == statement.closing
            on_that_day = balance_of(settlement_a, end)
            assert statement.closing == on_that_day.signed
            assert statement.advance.closing == on_that_day.advance
            assert statement.hand_loan.closing == on_that_day.hand_loan


def test_the_rows_of_a_day(settlement_a: Farmer) -> None:
    day = dt.date(2026, 3, 4)
    lines, draw = statement_of(settlement_a, day, day).rows
    assert (lines.kind, lines.lines, lines.kilograms) == ("lines", 3, Decimal("23.100"))
    assert (lines.gross, lines.commission) == (Decimal("3578.50"), Decimal("357.85"))
    assert lines.change == Decimal("3220.65")
    assert draw.movement is not None
    assert (draw.kind, draw.movement.kind, draw.movement.mode, draw.movement.voucher) == (
        "movement",
        "draw",
        "cash",
        "V2526-0003",
    )
    assert (draw.up, draw.down) == (None, Decimal(3000))
    last = dt.date(2026, 3, 8)
    kinds = [
        (row.kind, row.fee.code if row.fee else "", row.down)
        for row in statement_of(settlement_a, last, last).rows
    ]
    assert kinds == [
        ("lines", "", None),
        ("charges", "coolie", Decimal(120)),
        ("charges", "luggage", Decimal(240)),
        ("charges", "toll", Decimal(60)),
    ]


def test_advance_and_hand_loan_stand_beside_it(settlement_a: Farmer, meena: Membership) -> None:
    moved(meena, settlement_a, "advance_repayment", "500", "2026-03-05")
    statement = statement_of(settlement_a, *WEEK)
    advance = statement.advance
    assert (advance.opening, advance.closing) == (Decimal(15000), Decimal(16500))
    assert [row.change for row in advance.rows] == [Decimal(2000), Decimal(-500)]
    assert not any(row.movement and "advance" in row.movement.kind for row in statement.rows)


def test_many_farmers_cost_as_many_queries_as_one(
    settlement_a: Farmer, settlement_b: Farmer, selvi: Farmer
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as one:
        balance_of(settlement_a)
    with CaptureQueriesContext(connection) as many:
        found = balances_of([settlement_a, settlement_b])
    assert len(one) == len(many) == 4
    assert [found[farmer.pk].net for farmer in (settlement_a, settlement_b)] == [
        Decimal("38124.57"),
        Decimal("27.00"),
    ]
    with CaptureQueriesContext(connection) as whole:
        statement_of(settlement_a, *WEEK)
    assert len(whole) <= 11
