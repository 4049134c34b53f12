"""The worked settlements to the paisa, from the lines to the paid out money (domain.md §5.3, §5.4, §5.5)."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine

from ledger.domain import Recovery
from ledger.models import DailyEntry, Farmer
from ledger.selectors.accounts import balance_of, statement_of
from ledger.services.entries import Changes, edit_entry
from malar.accounts.models import Membership
from pricing.models import Flower
from settlements.models import Settlement
from settlements.selectors.settlements import settlement_answer
from settlements.services.approvals import reverse
from settlements.services.runs import Order, preview
from tests.cast import at, recorded
from tests.settlements.acts import WEEK, agreed, paid, settled, settlement_for, unsound

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sunday")]

FIGURES_A = {
    "gross": "46193.97",
    "commission": "4619.40",
    "charges": "450.00",
    "draws": "3000.00",
    "hand_loans": "0.00",
    "recovery": "5000.00",
    "brought_forward": "0.00",
    "rounding": "0.43",
    "net": "33125.00",
    "carried": "0.00",
    "advance_after": "12000.00",
}


def figures(settlement: Settlement) -> dict[str, str]:
    answer = settlement_answer(settlement)
    return {name: answer[name] for name in FIGURES_A}


@pytest.fixture
def his_policy(settlement_a: Farmer) -> Farmer:
    settlement_a.recovery, settlement_a.recovery_value = Recovery.FIXED, Decimal(5000)
    settlement_a.save()
    return settlement_a


def test_settlement_a(his_policy: Farmer, meena: Membership, kumar: Membership) -> None:
    farmer = his_policy
    (foreseen,) = preview(by=meena, order=WEEK).settlements
    assert figures(foreseen) == FIGURES_A
    assert not Settlement.objects.exists()
    before = balance_of(farmer)

    run = settled(meena)
    settlement = settlement_for(farmer, run)
    assert (run.status, run.settled, run.left_out) == ("done", 1, [])
    assert (settlement.reference, settlement.number, settlement.status) == ("R1-F014", None, "draft")
    assert figures(settlement) == FIGURES_A
    assert (settlement.lines, settlement.late_lines) == (15, 0)
    assert balance_of(farmer) == before, "until it is approved everything counts from its own row"

    agreed(settlement, meena, kumar)
    assert (settlement.number, settlement.status) == ("2526-0001", "approved")
    balance = balance_of(farmer)
    assert (balance.payable, balance.unsettled.value) == (Decimal(33125), Decimal(0))
    assert (balance.advance, balance.net) == (Decimal(12000), Decimal(33125))
    assert {line.pk for line in DailyEntry.objects.all()} == {
        DailyEntry.objects.get(slip_number=line["slip_number"]).pk
        for line in settlement_answer(settlement)["lines"]
    }

    paid(settlement, kumar)
    assert settlement.status == "paid"
    assert (balance_of(farmer).net, balance_of(farmer).direction) == (Decimal(0), "even")
    account = statement_of(farmer, dt.date(2026, 3, 2), dt.date(2026, 3, 8))
    assert (account.closing, account.advance.closing) == (Decimal(0), Decimal(12000))
    assert unsound() == {}


def test_settlement_b_is_carried_and_brought_forward(
    settlement_b: Farmer, meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    first = settlement_for(settlement_b, settled(meena))
    assert (first.gross, first.commission, first.charges) == (Decimal(420), Decimal(42), Decimal(405))
    assert (first.net, first.carried, first.recovery) == (Decimal(0), Decimal(-27), Decimal(0))
    agreed(first, meena, kumar)
    assert first.status == "paid", "there is nothing to pay"
    balance = balance_of(settlement_b)
    assert str(balance) == "The farmer must pay us ₹27.00"

    recorded(
        kumar,
        settlement_b,
        jasmine,
        captured_at=at("2026-03-08", "05:00"),
        quantity=Decimal(1),
        rate=Decimal(100),
    )
    second = settlement_for(settlement_b, settled(meena))
    assert (second.brought_forward, second.net, second.carried) == (Decimal(-27), Decimal(63), Decimal(0))
    agreed(second, meena, kumar)
    assert balance_of(settlement_b).net == Decimal(63)
    paid(second, kumar)
    assert balance_of(settlement_b).direction == "even"
    assert unsound() == {}


def test_commission_is_the_sum_of_the_lines(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """57.49, not the 57.48 of the whole."""
    for quantity, rate in (("1.000", "162.45"), ("1.000", "324.97"), ("1.000", "87.36")):
        recorded(
            kumar,
            raja,
            jasmine,
            captured_at=at("2026-03-06", "05:00"),
            quantity=Decimal(quantity),
            rate=Decimal(rate),
        )
    settlement = settlement_for(
        raja, settled(meena, Order(start=dt.date(2026, 3, 6), end=dt.date(2026, 3, 6)))
    )
    assert (settlement.gross, settlement.commission) == (Decimal("574.78"), Decimal("57.49"))
    assert unsound() == {}


def test_an_account_ends_with_its_balance_though_what_was_settled_is_another_sum_by_now(
    settlement_a: Farmer, lakshmi: Farmer, meena: Membership, kumar: Membership
) -> None:
    settlement = agreed(settlement_for(settlement_a, settled(meena)), meena, kumar)
    first, second = DailyEntry.objects.order_by("pk")[:2]
    with time_machine.travel(at("2026-03-10", "18:00")):
        reverse(by=meena, settlement_id=settlement.pk, reason="weighed again")
        changes: Changes = {"rate": Decimal(1)}
        edit_entry(by=meena, entry_id=first.pk, version=1, changes=changes, reason="rate misread")
        changes = {"farmer_id": lakshmi.pk}
        edit_entry(by=meena, entry_id=second.pk, version=1, changes=changes, reason="his neighbour")
        days = [dt.date(2026, 3, 1) + dt.timedelta(n) for n in range(12)]
        for farmer in (settlement_a, lakshmi):
            for start in days:
                for end in days[days.index(start) :: 2]:
                    account = statement_of(farmer, start, end)
                    assert account.closing == balance_of(farmer, end).signed, (farmer, start, end)
        assert unsound() == {}
