"""Charges through the API: with lines and by hand, listed and waived."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.api.serializers import ChargeAnswer
from ledger.models import Charge, Farmer
from ledger.selectors.answers import charge_answer
from malar.accounts.models import Membership
from pricing.models import FeeRule, Flower
from tests import cast
from tests.api.calls import get, line, patch, post
from tests.conftest import api_of
from tests.ledger.terms import a_fee, an_adjustment

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"


@pytest.fixture
def coolie(kumar: Membership) -> FeeRule:
    return a_fee(kumar.shop, "coolie", "per_sack", "10.00")


@pytest.fixture
def luggage(kumar: Membership) -> FeeRule:
    return a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False, income="pass_through")


def by_hand(farmer: Farmer, fee: FeeRule, **said: Any) -> dict[str, Any]:
    return {"farmer": str(farmer.pk), "fee": str(fee.pk), "business_date": DAY, "quantity": 2} | said


def test_a_line_tells_what_is_charged_with_it_wherever_it_is_read(
    kumar: Membership, raja: Farmer, jasmine: Flower, coolie: FeeRule
) -> None:
    program = api_of(kumar)
    made = post(program, "daily-entries/", line(raja, jasmine)).json()
    (charge,) = made["charges"]
    assert charge.pop("id")
    assert charge == {
        "fee": str(coolie.pk),
        "code": "coolie",
        "quantity": "1",
        "rate": "10.00",
        "amount": "10.00",
    }

    changed = patch(program, f"daily-entries/{made['id']}/", {"version": 1, "sacks": 3}).json()
    assert [each["amount"] for each in changed["charges"]] == ["30.00"]
    assert get(program, f"daily-entries/{made['id']}/").json()["charges"] == changed["charges"]
    assert get(program, "daily-entries/").json()["results"][0]["charges"] == changed["charges"]

    voided = post(program, f"daily-entries/{made['id']}/void/", {"reason": "weighed twice"}).json()
    assert voided["charges"] == []
    history = get(program, f"daily-entries/{made['id']}/history/").json()["results"]
    assert [[each["amount"] for each in row["entry"]["charges"]] for row in history] == [
        ["10.00"],
        ["30.00"],
        [],
    ]


def test_a_list_asks_for_charges_once_however_many_lines_it_has(
    kumar: Membership, raja: Farmer, jasmine: Flower, coolie: FeeRule
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert get(api_of(kumar), f"daily-entries/?date={DAY}").status_code == 200
        return len(captured)

    cast.recorded(kumar, raja, jasmine, captured_at=cast.at(DAY, "04:50"))
    queries()
    with_one = queries()
    for minute in range(10, 20):
        cast.recorded(kumar, raja, jasmine, captured_at=cast.at(DAY, f"05:{minute}"))
    assert queries() == with_one


def test_luggage_is_charged_by_hand_once(kumar: Membership, raja: Farmer, luggage: FeeRule) -> None:
    program, key, chosen = api_of(kumar), str(uuid4()), str(uuid4())
    first = post(program, "charges/", by_hand(raja, luggage, id=chosen), key=key)
    again = post(program, "charges/", by_hand(raja, luggage, id=chosen), key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    made = first.json()
    assert made == again.json()
    assert made.pop("created_at").endswith("+05:30")
    assert made == {
        "id": chosen,
        "farmer": str(raja.pk),
        "fee": str(luggage.pk),
        "code": "luggage",
        "entry": None,
        "business_date": DAY,
        "basis": "per_trip",
        "income": "pass_through",
        "quantity": "2",
        "rate": "40.00",
        "amount": "80.00",
        "automatic": False,
        "status": "standing",
        "reason": "",
        "note": "",
        "version": 1,
        "created_by": str(kumar.pk),
    }
    assert Charge.objects.count() == 1
    reused = post(program, "charges/", by_hand(raja, luggage, id=chosen, quantity=3), key=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_the_documented_shape_is_the_answer(kumar: Membership, raja: Farmer, luggage: FeeRule) -> None:
    post(api_of(kumar), "charges/", by_hand(raja, luggage))
    assert set(ChargeAnswer().fields) == set(charge_answer(Charge.objects.get()))


def test_charges_are_listed_narrowed_and_a_farmer_sees_his_own(
    kumar: Membership,
    devi: Membership,
    raja: Farmer,
    lakshmi: Farmer,
    jasmine: Flower,
    coolie: FeeRule,
    luggage: FeeRule,
) -> None:
    program = api_of(kumar)
    his = post(program, "charges/", by_hand(raja, luggage)).json()["id"]
    hers = post(program, "charges/", by_hand(lakshmi, luggage, business_date="2026-03-05")).json()["id"]
    cast.recorded(kumar, lakshmi, jasmine, captured_at=cast.at(DAY, "05:00"), gross_quantity=Decimal(5))
    post(program, f"charges/{hers}/waive/", {"reason": "came by bus"})

    def found(query: str, by: Membership = kumar) -> list[str]:
        rows = get(api_of(by), f"charges/?{query}").json()["results"]
        return sorted(row["id"] for row in rows)

    # What a line without sacks would be charged for coolie is nothing, and not listed.
    assert found("") == sorted([his, hers])
    assert found(f"farmer={raja.pk}") == found(f"date={DAY}") == found("from=2026-03-06") == [his]
    assert found("to=2026-03-05") == found("status=waived") == [hers]
    assert raja.member is not None
    assert found("", raja.member) == [his]
    assert found("", devi) == []
    assert get(program, "charges/?colour=red").status_code == 400


def test_waiving_needs_a_reason_and_a_charge_that_stands(
    kumar: Membership, raja: Farmer, luggage: FeeRule
) -> None:
    program = api_of(kumar)
    charge = post(program, "charges/", by_hand(raja, luggage)).json()["id"]
    address = f"charges/{charge}/waive/"

    missing = post(program, address, {"reason": " "})
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/reason")
    stale = post(program, address, {"reason": "why", "version": 9})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert stale.json()["current"]["status"] == "standing"
    waived = post(program, address, {"reason": "came by bus", "version": 1})
    assert (waived.status_code, waived.json()["status"]) == (200, "waived")
    again = post(program, address, {"reason": "came by bus"})
    assert (again.status_code, again.json()["code"]) == (409, "not_charged")


def test_a_closed_day_refuses_a_row_of_a_batch_and_not_the_others(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    from tests.ledger.test_charges import closed

    closed(kumar.shop, meena)
    rows = [line(raja, jasmine), line(raja, jasmine, captured_at="2026-03-07T05:00:00+05:30")]
    results = post(api_of(kumar), "daily-entries/batch/", {"entries": rows}).json()["results"]
    assert [result["status"] for result in results] == [422, 201]
    assert results[0]["problem"]["code"] == "day_locked"
    assert results[0]["problem"]["errors"][0]["pointer"] == "/captured_at"


def test_adjustments_come_in_and_go_out(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    wet = an_adjustment(kumar.shop, "wet", "percent", "-10.00")
    cast.called(jasmine, "900", cast.at(DAY, "04:00"), meena)
    said = line(raja, jasmine, rate=None, adjustments=[str(wet.pk)])
    made = post(api_of(kumar), "daily-entries/", said).json()
    assert (made["called_rate"], made["rate"]) == ("900.00", "810.00")
    assert [(each["code"], each["value"], each["per_unit"]) for each in made["adjustments"]] == [
        ("wet", "-10.00", "-90.00")
    ]
    typed = post(api_of(kumar), "daily-entries/", line(raja, jasmine, adjustments=[str(wet.pk)]))
    assert (typed.status_code, typed.json()["errors"][0]["code"]) == (422, "rate_is_typed")
    without = patch(api_of(kumar), f"daily-entries/{made['id']}/", {"version": 1, "adjustments": []}).json()
    assert (without["rate"], without["adjustments"]) == ("900.00", [])
