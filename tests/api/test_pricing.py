"""POST daily-entries/price/."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.api.calls import NO_KEY, post
from tests.cast import at, recorded
from tests.conftest import api_of
from tests.ledger.test_repricing import DAY, close

pytestmark = pytest.mark.django_db

PATH = "daily-entries/price/"


def body(jasmine: Flower, **fields: Any) -> dict[str, Any]:
    return {
        "date": DAY,
        "flower": str(jasmine.pk),
        "from_time": "04:00",
        "to_time": "06:00",
        "rate": "1450.00",
        **fields,
    }


def test_a_dry_run_is_200_and_the_pricing_201_with_the_same_figures(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:50"))
    client = api_of(meena)
    dry = post(client, PATH, body(jasmine, dry_run=True))
    assert (dry.status_code, DailyEntry.objects.get(pk=entry.pk).rate) == (200, None)
    key = uuid4()
    done = post(client, PATH, body(jasmine), key=key)
    assert done.status_code == 201
    assert done.json() == dry.json() | {"dry_run": False}
    assert done.json()["farmers"] == [
        {
            "farmer": str(raja.pk),
            "lines": 1,
            "quantity": "5.900",
            "amount_before": "0.00",
            "amount": "8555.00",
        }
    ]
    again = post(client, PATH, body(jasmine), key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == done.json()


@pytest.mark.parametrize(
    ("wrong", "status", "pointer", "code"),
    [
        ({"rate": "-1"}, 422, "/rate", "negative"),
        ({"rate": "1.005"}, 422, "/rate", "too_precise"),
        ({"rate": None}, 400, "/rate", "null"),
        ({"flower": str(uuid4())}, 422, "/flower", "unknown_flower"),
        ({"to_time": "04:00"}, 422, "/to_time", "empty_window"),
        ({"to_time": "late"}, 400, "/to_time", "invalid"),
        ({"date": "6/3"}, 400, "/date", "invalid"),
        ({"colour": "red"}, 400, "/colour", "unknown_field"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    meena: Membership, jasmine: Flower, wrong: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    answer = post(api_of(meena), PATH, body(jasmine, **wrong))
    assert answer.status_code == status
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


def test_a_closed_day_nothing_to_price_no_key_and_a_clerk_are_refused(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    assert post(api_of(meena), PATH, body(jasmine)).json()["code"] == "nothing_to_price"
    assert post(api_of(meena), PATH, body(jasmine), key=NO_KEY).json()["code"] == "idempotency_key_required"
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:50"))
    assert post(api_of(kumar), PATH, body(jasmine)).status_code == 403
    close(meena)
    locked = post(api_of(meena), PATH, body(jasmine, dry_run=True))
    assert (locked.status_code, locked.json()["code"]) == (422, "day_locked")
    assert locked.json()["errors"][0]["pointer"] == "/date"
