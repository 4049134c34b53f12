"""Fees through the API: the owner sets them, staff see them, a new rate begins on its day."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.models import Farmer
from malar.accounts.models import Membership
from pricing.api import FeeAnswer
from pricing.models import FeeRule, Flower
from tests.api.calls import NO_KEY, get, line, patch, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

COOLIE = {
    "code": "coolie",
    "name_ta": "கூலி",
    "name_en": "Coolie",
    "basis": "per_sack",
    "rate": "10.00",
    "automatic": True,
    "income": "pass_through",
}


def made(by: Membership, **other: Any) -> dict[str, Any]:
    answer = post(api_of(by), "fees/", COOLIE | other)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def refused(answer: Any) -> tuple[int, list[tuple[str, str]]]:
    return answer.status_code, [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


def listed(by: Membership, query: str = "") -> list[tuple[str, str]]:
    answer = get(api_of(by), f"fees/?{query}")
    assert answer.status_code == 200, answer.content
    return [(row["code"], row["rate"]) for row in answer.json()["results"]]


def test_the_owner_sets_a_fee_and_staff_see_it(meena: Membership, kumar: Membership) -> None:
    fee = made(meena)
    assert set(fee) == set(FeeAnswer().fields)
    assert fee == COOLIE | {
        "id": fee["id"],
        "effective_from": None,
        "effective_to": None,
        "is_active": True,
    }
    assert get(api_of(kumar), f"fees/{fee['id']}/").json() == fee
    assert get(api_of(kumar), "fees/").json()["results"] == [fee]


def test_what_is_not_said_is_manual_and_the_shop_s(meena: Membership) -> None:
    said = {name: value for name, value in COOLIE.items() if name not in {"automatic", "income"}}
    fee = post(api_of(meena), "fees/", said).json()
    assert (fee["automatic"], fee["income"]) == (False, "shop")


def test_a_key_is_needed_and_makes_one_fee(meena: Membership) -> None:
    key = uuid4()
    first, again = (post(api_of(meena), "fees/", COOLIE, key=key) for _ in range(2))
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (201, first.json(), "true")
    assert refused(post(api_of(meena), "fees/", COOLIE | {"rate": "12"}, key=key))[0] == 422
    assert post(api_of(meena), "fees/", COOLIE, key=NO_KEY).json()["code"] == "idempotency_key_required"
    assert FeeRule.objects.count() == 1


def test_a_client_may_send_its_own_id_once(meena: Membership) -> None:
    fee_id = str(uuid4())
    assert made(meena, id=fee_id)["id"] == fee_id
    assert post(api_of(meena), "fees/", COOLIE | {"id": fee_id, "code": "toll"}).json()["code"] == "id_exists"


def test_a_new_rate_from_a_day_is_charged_by_the_entry_s_business_date(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    made(meena)
    made(meena, rate="12.00", effective_from="2026-03-06")
    entries = [
        post(api_of(meena), "daily-entries/", line(raja, jasmine, captured_at=f"{day}T04:50:00+05:30")).json()
        for day in ("2026-03-05", "2026-03-06")
    ]
    assert [entry["charges"][0]["rate"] for entry in entries] == ["10.00", "12.00"]
    assert listed(meena, "on=2026-03-05") == [("coolie", "10.00")]
    assert listed(meena, "on=2026-03-06") == [("coolie", "12.00")]
    assert sorted(listed(meena)) == [("coolie", "10.00"), ("coolie", "12.00")]


def test_patching_acts_on_later_entries_only(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    fee = made(meena)

    def charges(n: int) -> int:
        entry = line(raja, jasmine, captured_at=f"2026-03-06T04:5{n}:00+05:30")
        return len(post(api_of(meena), "daily-entries/", entry).json()["charges"])

    assert charges(0) == 1
    answer = patch(api_of(meena), f"fees/{fee['id']}/", {"automatic": False})
    assert (answer.status_code, answer.json()) == (200, fee | {"automatic": False})
    assert charges(1) == 0
    assert patch(api_of(meena), f"fees/{fee['id']}/", {"automatic": True}).json() == fee
    assert charges(2) == 1
    assert patch(api_of(meena), f"fees/{fee['id']}/", {"is_active": False}).json()["is_active"] is False
    assert charges(3) == 0
    assert len(get(api_of(meena), "charges/").json()["results"]) == 2
    assert (listed(meena, "is_active=true"), listed(meena, "code=coolie")) == ([], [("coolie", "10.00")])


def test_only_automatic_and_active_can_be_patched(meena: Membership) -> None:
    fee = made(meena)
    assert refused(patch(api_of(meena), f"fees/{fee['id']}/", {"rate": "12.00"})) == (
        400,
        [("/rate", "unknown_field")],
    )
    assert patch(api_of(meena), f"fees/{fee['id']}/", {}).json() == fee


def test_what_cannot_be_is_refused_at_its_field(meena: Membership) -> None:
    made(meena)
    wrong = {"code": "two words", "name_en": "", "basis": "per_flower", "rate": "-1", "income": "mine"}
    status, faults = refused(post(api_of(meena), "fees/", COOLIE | wrong))
    assert (status, sorted(pointer for pointer, _ in faults)) == (
        422,
        ["/basis", "/code", "/income", "/name_en", "/rate"],
    )
    assert refused(post(api_of(meena), "fees/", COOLIE)) == (422, [("/effective_from", "begins_already")])
    missing = {name: value for name, value in COOLIE.items() if name != "rate"}
    assert refused(post(api_of(meena), "fees/", missing)) == (400, [("/rate", "required")])
    tamil = post(api_of(meena), "fees/", COOLIE, language="ta").json()
    assert "குறியீட்டில்" in tamil["detail"]


def test_staff_and_farmers_set_none_and_farmers_see_none(
    meena: Membership, kumar: Membership, raja: Farmer
) -> None:
    assert raja.member
    fee = made(meena)
    for member in (kumar, raja.member):
        assert post(api_of(member), "fees/", COOLIE | {"code": "toll"}).status_code == 403
        assert patch(api_of(member), f"fees/{fee['id']}/", {"automatic": False}).status_code == 403
    assert get(api_of(raja.member), "fees/").status_code == 403
    assert get(api_of(raja.member), f"fees/{fee['id']}/").status_code == 403


def test_another_shop_s_fee_does_not_exist(meena: Membership, devi: Membership) -> None:
    fee = made(meena)
    assert listed(devi) == []
    assert get(api_of(devi), f"fees/{fee['id']}/").json()["code"] == "not_found"
    assert patch(api_of(devi), f"fees/{fee['id']}/", {"is_active": False}).status_code == 404
    assert made(devi)["code"] == "coolie"
