"""Flowers, time slots and rates through the API."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from pytest_django import DjangoCaptureOnCommitCallbacks

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.api import BoardRateAnswer, FlowerAnswer, RateAnswer, SlotAnswer
from pricing.models import Flower, MarketRate
from tests import cast
from tests.api.calls import get, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

MORNING = cast.at("2026-03-06", "06:00")


def results(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_everybody_in_the_shop_may_read_its_flowers(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower, mullai: Flower
) -> None:
    assert raja.member
    for member in (meena, kumar, raja.member):
        rows = results(get(api_of(member), "flowers/"))
        assert {row["code"] for row in rows} == {"MAL", "THA"}

    one = get(api_of(kumar), f"flowers/{lotus.pk}/").json()
    assert set(one) == set(FlowerAnswer().fields)
    assert (one["name_ta"], one["name_en"], one["unit"]) == ("தாமரை", "Lotus", "piece")
    assert get(api_of(kumar), f"flowers/{mullai.pk}/").json()["code"] == "not_found"


def test_flowers_no_longer_sold_can_be_left_out(kumar: Membership, jasmine: Flower, lotus: Flower) -> None:
    Flower.objects.filter(pk=lotus.pk).update(is_active=False)

    assert [row["code"] for row in results(get(api_of(kumar), "flowers/?is_active=true"))] == ["MAL"]


def test_time_slots_say_when_they_hold(kumar: Membership, devi: Membership) -> None:
    cast.a_slot(kumar.shop, "05:00", "06:30")
    cast.a_slot(devi.shop, "07:00", "08:00")

    (slot,) = results(get(api_of(kumar), "time-slots/"))

    assert set(slot) == set(SlotAnswer().fields)
    assert (slot["start"], slot["end"], slot["days"]) == ("05:00", "06:30", [1, 2, 3, 4, 5, 6, 7])
    assert slot["name_ta"] == "05:00 மணி விலை"


def test_the_owner_publishes_a_rate_and_the_board_shows_it(
    meena: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    owner = api_of(meena)
    body = {"flower": str(jasmine.pk), "rate": "900", "effective_from": "2026-03-06T05:30:00+05:30"}

    answer = post(owner, "market-rates/", body)

    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == set(RateAnswer().fields)
    assert (made["rate"], made["slot"], made["effective_from"]) == (
        "900.00",
        None,
        "2026-03-06T05:30:00+05:30",
    )
    assert results(get(owner, "market-rates/")) == [made]

    assert raja.member
    board = get(api_of(raja.member), "market-rates/current/?at=2026-03-06T06:00:00%2B05:30").json()
    assert (board["at"], board["next"], board["previous"]) == ("2026-03-06T06:00:00+05:30", None, None)
    assert all(set(row) == set(BoardRateAnswer().fields) for row in board["results"])
    rates = {row["flower"]: (row["rate"], row["rate_source"]) for row in board["results"]}
    assert rates == {str(jasmine.pk): ("900.00", "called"), str(lotus.pk): (None, None)}
    before = get(owner, "market-rates/current/?at=2026-03-06T05:29:59%2B05:30").json()
    assert {row["rate"] for row in before["results"]} == {None}


def test_the_board_without_a_time_is_the_board_now(
    meena: Membership,
    jasmine: Flower,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with time_machine.travel(MORNING, tick=False):
        assert get(api_of(meena), "market-rates/current/").json()["results"][0]["rate"] is None
        with django_capture_on_commit_callbacks(execute=True):
            post(api_of(meena), "market-rates/", {"flower": str(jasmine.pk), "rate": 820})
        board = get(api_of(meena), "market-rates/current/").json()

    assert board["results"][0]["rate"] == "820.00"
    assert board["at"] == "2026-03-06T06:00:00+05:30"


def test_a_repeated_request_publishes_once(meena: Membership, jasmine: Flower) -> None:
    key, body = uuid4(), {"flower": str(jasmine.pk), "rate": "900.00"}
    first = post(api_of(meena), "market-rates/", body, key=key)
    again = post(api_of(meena), "market-rates/", body, key=key)

    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert MarketRate.objects.count() == 1


def test_history_can_be_narrowed(meena: Membership, jasmine: Flower, lotus: Flower) -> None:
    slot = cast.a_slot(meena.shop, "05:00", "06:30")
    for flower, rate, clock in ((jasmine, "900", "05:00"), (jasmine, "820", "05:30"), (lotus, "12", "05:40")):
        cast.called(flower, rate, cast.at("2026-03-06", clock), meena)
    owner = api_of(meena)
    post(owner, "market-rates/", {"flower": str(jasmine.pk), "slot": str(slot.pk), "rate": "880"})

    def rates(query: str) -> list[str]:
        return [row["rate"] for row in results(get(owner, f"market-rates/?{query}"))]

    assert rates(f"flower={lotus.pk}") == ["12.00"]
    assert rates(f"slot={slot.pk}") == ["880.00"]
    assert rates("from=2026-03-06T05:30:00%2B05:30&to=2026-03-06T06:00:00%2B05:30") == ["12.00", "820.00"]
    assert rates(f"flower={jasmine.pk}&ordering=effective_from")[:2] == ["900.00", "820.00"]


@pytest.mark.parametrize("role", [Role.STAFF, Role.FARMER])
def test_only_the_owner_publishes(role: Role, meena: Membership, jasmine: Flower) -> None:
    member = cast.a_member(meena.shop, "Somebody", role)

    answer = post(api_of(member), "market-rates/", {"flower": str(jasmine.pk), "rate": "900"})

    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_enough")
    assert not MarketRate.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"rate": "-1"}, 422, "negative", "/rate"),
        ({"rate": "900.001"}, 422, "too_precise", "/rate"),
        ({"rate": "12345678901.00"}, 422, None, "/rate"),
        ({"flower": str(uuid4())}, 422, "unknown_flower", "/flower"),
        ({"flower": "MUL"}, 400, "invalid", "/flower"),
        ({"slot": str(uuid4())}, 422, "unknown_slot", "/slot"),
        ({"rate": None}, 400, "null", "/rate"),
        ({"effective_from": "9998-12-31T23:00:00Z"}, 400, "overflow", "/effective_from"),
    ],
)
def test_what_is_wrong_with_a_rate_is_named(
    change: dict[str, Any], status: int, code: str | None, pointer: str, meena: Membership, jasmine: Flower
) -> None:
    answer = post(api_of(meena), "market-rates/", {"flower": str(jasmine.pk), "rate": "900", **change})

    problem = answer.json()
    assert answer.status_code == status
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert code in (None, problem["code"])
    assert not MarketRate.objects.exists()


def test_another_shops_flower_cannot_be_priced(meena: Membership, mullai: Flower) -> None:
    answer = post(api_of(meena), "market-rates/", {"flower": str(mullai.pk), "rate": "900"})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_flower")
