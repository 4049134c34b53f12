"""Farmers through the API."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.api.serializers import FarmerAnswer
from ledger.models import Farmer
from ledger.selectors.answers import farmer_answer
from malar.accounts.models import Membership
from tests.api.calls import get, patch, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["name_en"] for row in answer.json()["results"]]


def test_the_documented_shape_is_the_answer(raja: Farmer) -> None:
    assert set(FarmerAnswer().fields) == set(farmer_answer(raja))


def test_a_farmer_is_taken_into_the_book_with_the_next_number(kumar: Membership, raja: Farmer) -> None:
    program, chosen = api_of(kumar), uuid4()
    body = {
        "id": str(chosen),
        "name_ta": "மு. கண்ணன்",
        "name_en": "M. Kannan",
        "phone": "98000 00077",
        "commission_pct": "7.50",
        "upi": " kannan.77@okaxis ",
    }

    answer = post(program, "farmers/", body)

    made = answer.json()
    assert answer.status_code == 201
    assert (made["id"], made["number"], made["code"]) == (str(chosen), 15, "F015")
    assert (made["phone"], made["commission_pct"], made["version"]) == ("+919800000077", "7.50", 1)
    assert made["upi"] == "kannan.77@okaxis"
    assert get(program, f"farmers/{chosen}/").json() == made


def test_a_repeated_request_makes_one_farmer(kumar: Membership) -> None:
    program, key = api_of(kumar), uuid4()
    first = post(program, "farmers/", {"name_ta": "கண்ணன்"}, key=key)
    again = post(program, "farmers/", {"name_ta": "கண்ணன்"}, key=key)

    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Farmer.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 400, "required", "/name_ta"),
        ({"name_ta": "க", "upi": "98000 00077"}, 422, "invalid_upi", "/upi"),
        ({"name_ta": "க", "nickname": "x"}, 400, "unknown_field", "/nickname"),
        ({"name_ta": ""}, 422, "blank", "/name_ta"),
        ({"name_ta": "க" * 81}, 422, "max_length", "/name_ta"),
        ({"name_ta": "க", "number": 10_000}, 422, "max_value", "/number"),
        ({"name_ta": "க", "number": 10**30, "code": "X"}, 422, "max_value", "/number"),
        ({"name_ta": "க", "phone": "12"}, 422, "invalid_phone", "/phone"),
        ({"name_ta": "க", "commission_pct": "101"}, 422, "max_value", "/commission_pct"),
        ({"name_ta": "க", "commission_pct": "7.505"}, 422, "max_decimal_places", "/commission_pct"),
        ({"name_ta": "க", "language": "fr"}, 422, "invalid_choice", "/language"),
        ({"name_ta": "க", "cadence": "hourly"}, 422, "invalid_choice", "/cadence"),
    ],
)
def test_what_is_wrong_with_a_new_farmer_is_named(
    body: dict[str, Any], status: int, code: str, pointer: str, kumar: Membership
) -> None:
    answer = post(api_of(kumar), "farmers/", body)

    problem = answer.json()
    assert (answer.status_code, problem["errors"][0]["code"], problem["errors"][0]["pointer"]) == (
        status,
        code,
        pointer,
    )
    assert not Farmer.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("number", 14), ("code", "F014")])
def test_a_number_and_a_code_belong_to_one_farmer(
    field: str, value: Any, kumar: Membership, raja: Farmer
) -> None:
    answer = post(api_of(kumar), "farmers/", {"name_ta": "க", "number": 99, "code": "X", field: value})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{field}"]


def test_a_correction_makes_a_new_version(kumar: Membership, raja: Farmer) -> None:
    answer = patch(api_of(kumar), f"farmers/{raja.pk}/", {"version": 1, "commission_pct": "8"})

    assert answer.status_code == 200
    assert (answer.json()["commission_pct"], answer.json()["version"]) == ("8.00", 2)
    assert answer.json()["name_en"] == "P. Raja"


def test_a_stale_correction_is_shown_the_farmer_as_he_is(kumar: Membership, raja: Farmer) -> None:
    answer = patch(api_of(kumar), f"farmers/{raja.pk}/", {"version": 2, "code": "X"})

    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert answer.json()["current"] == farmer_answer(raja)


def test_a_correction_needs_the_version(kumar: Membership, raja: Farmer) -> None:
    answer = patch(api_of(kumar), f"farmers/{raja.pk}/", {"code": "X"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/version")


def test_farmers_are_found_by_what_people_know_of_them(
    kumar: Membership, raja: Farmer, lakshmi: Farmer
) -> None:
    program = api_of(kumar)
    for words in ("F014", "14", "ராஜா", "raja", "vellodu", "வெள்"):
        assert names(get(program, f"farmers/?search={words}")) == ["P. Raja"], words
    assert names(get(program, "farmers/")) == ["P. Raja", "S. Lakshmi"]
    assert names(get(program, "farmers/?ordering=-number")) == ["S. Lakshmi", "P. Raja"]


def test_farmers_who_left_can_be_left_out(kumar: Membership, raja: Farmer, lakshmi: Farmer) -> None:
    Farmer.objects.filter(pk=raja.pk).update(is_active=False)

    assert names(get(api_of(kumar), "farmers/?is_active=true")) == ["S. Lakshmi"]
    assert names(get(api_of(kumar), "farmers/?is_active=false")) == ["P. Raja"]


def test_a_farmer_sees_himself_and_changes_nothing(raja: Farmer, lakshmi: Farmer) -> None:
    assert raja.member
    himself = api_of(raja.member)

    assert names(get(himself, "farmers/")) == ["P. Raja"]
    assert get(himself, f"farmers/{raja.pk}/").status_code == 200
    assert get(himself, f"farmers/{lakshmi.pk}/").status_code == 404
    assert post(himself, "farmers/", {"name_ta": "க"}).status_code == 403
    assert patch(himself, f"farmers/{raja.pk}/", {"version": 1, "commission_pct": "0"}).status_code == 403


def test_another_shops_farmer_does_not_exist(kumar: Membership, selvi: Farmer) -> None:
    program = api_of(kumar)

    assert names(get(program, "farmers/")) == []
    assert get(program, f"farmers/{selvi.pk}/").status_code == 404
    assert patch(program, f"farmers/{selvi.pk}/", {"version": 1, "code": "X"}).status_code == 404
