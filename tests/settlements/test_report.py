"""The report of settlements: what is due and what is paid."""

import csv
import io
from decimal import Decimal

import pytest

from ledger.domain import AccountKind
from ledger.models import Farmer
from ledger.selectors.ages import loans_by_age
from malar.accounts.models import Membership
from settlements.services.runs import Order
from tests.conftest import page_of
from tests.settlements.acts import WEEK, agreed, paid, settled, settlement_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sunday")]

MARCH = {"from": "2026-03-01", "to": "2026-03-31", "format": "csv"}


def rows(member: Membership, **asked: str) -> list[list[str]]:
    answer = page_of(member).get("/reports/settlements/", MARCH | asked)
    assert answer.status_code == 200
    said = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(said.decode("utf-8-sig"))))[1:]


def test_what_is_due_what_is_paid_and_what_he_must_pay(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, kumar: Membership
) -> None:
    settled(meena)
    first, second = settlement_for(settlement_a), settlement_for(settlement_b)
    paid(agreed(first, meena, kumar), kumar, "30000")
    agreed(second, meena, kumar)

    his, hers = rows(meena)
    assert his[-5:] == ["46193.97", "38125.00", "30000.00", "8125.00", "0.00"]
    assert hers[-5:] == ["420.00", "0.00", "0.00", "0.00", "27.00"]
    assert rows(meena, to="2026-03-07") == []
    assert [row[-2] for row in rows(meena, farmer="14")] == ["8125.00"]


def test_a_farmer_sees_his_own_and_no_draft(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership
) -> None:
    settled(meena)
    assert settlement_a.member is not None
    assert rows(settlement_a.member) == []
    assert len(rows(meena)) == 2


def test_what_a_settlement_recovered_is_no_longer_outstanding(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    order = Order(start=WEEK.start, end=WEEK.end, recovery={settlement_a.pk: Decimal(5000)})
    agreed(settlement_for(settlement_a, settled(meena, order)), meena, kumar)
    (his,) = loans_by_age(meena.shop, AccountKind.ADVANCE, WEEK.end)
    assert his.outstanding == Decimal(12000)
