"""Acceptance: what is refused, how it is told in both languages, and that nothing is written then."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.trail.models import AnsweredRequest, Event
from pricing.models import Flower
from tests import cast
from tests.api.calls import line, patch, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

KEY = UUID("0198c0de-0000-7000-8000-00000000000a")
MADE = UUID("0198c0de-0000-7000-8000-00000000000b")


@dataclass
class Market:
    """Two shops; Kumar, clerk of the first, has written one line, with KEY and MADE."""

    kumar: APIClient
    murugan: APIClient
    raja_himself: APIClient
    raja: Farmer
    selvi: Farmer
    jasmine: Flower
    lotus: Flower
    mullai: Flower
    first: DailyEntry


@pytest.fixture
def market(
    shop: Shop,
    kumar: Membership,
    raja: Farmer,
    selvi: Farmer,
    jasmine: Flower,
    lotus: Flower,
    mullai: Flower,
) -> Market:
    assert raja.member
    murugan = cast.a_member(shop, "Murugan", Role.STAFF)
    entry = cast.recorded(kumar, raja, jasmine, key=KEY, id=MADE, captured_at=cast.at("2026-03-06", "04:50"))
    return Market(
        kumar=api_of(kumar),
        murugan=api_of(murugan),
        raja_himself=api_of(raja.member),
        raja=raja,
        selvi=selvi,
        jasmine=jasmine,
        lotus=lotus,
        mullai=mullai,
        first=entry,
    )


def tomorrow() -> str:
    return (timezone.now() + dt.timedelta(days=1)).isoformat()


def new(**changes: Any) -> Callable[[Market, str], Any]:
    """Kumar posts a line that differs from a good one in this."""

    def call(market: Market, language: str) -> Any:
        fields = {name: value(market) if callable(value) else value for name, value in changes.items()}
        key = fields.pop("key", None)
        body = line(fields.pop("farmer", market.raja), fields.pop("flower", market.jasmine), **fields)
        return post(market.kumar, "daily-entries/", body, key=key, language=language)

    return call


def counted(quantity: str) -> Callable[[Market, str], Any]:
    return new(flower=lambda m: m.lotus, gross_quantity=None, tare=None, sacks=None, quantity=quantity)


def correction(who: str, **body: Any) -> Callable[[Market, str], Any]:
    def call(market: Market, language: str) -> Any:
        path = f"daily-entries/{market.first.pk}/"
        return patch(getattr(market, who), path, {"version": 1, "note": "wet", **body}, language=language)

    return call


def cancelling(who: str, **body: Any) -> Callable[[Market, str], Any]:
    def call(market: Market, language: str) -> Any:
        path = f"daily-entries/{market.first.pk}/void/"
        return post(getattr(market, who), path, {"reason": "twice", **body}, language=language)

    return call


def farmer_writes(market: Market, language: str) -> Any:
    return post(market.raja_himself, "daily-entries/", line(market.raja, market.jasmine), language=language)


REFUSALS: dict[str, tuple[Callable[[Market, str], Any], int, str, str | None]] = {
    "weight 0": (new(gross_quantity="0", tare="0"), 422, "not_positive", "/gross_quantity"),
    "weight below 0": (new(gross_quantity="-1"), 422, "not_positive", "/gross_quantity"),
    "count 0": (counted("0"), 422, "not_positive", "/quantity"),
    "sack as heavy as all": (new(tare="6.100"), 422, "tare_too_large", "/tare"),
    "sack heavier than all": (new(tare="7"), 422, "tare_too_large", "/tare"),
    "4 decimals of weight": (new(gross_quantity="6.1001"), 422, "too_precise", "/gross_quantity"),
    "4 decimals of sack": (new(tare="0.2001"), 422, "too_precise", "/tare"),
    "half a piece": (counted("1.5"), 422, "too_precise", "/quantity"),
    "3 decimals of money": (new(rate="1450.001"), 422, "too_precise", "/rate"),
    "rate below 0": (new(rate="-1"), 422, "negative", "/rate"),
    "unknown farmer": (new(farmer=uuid4()), 422, "unknown_farmer", "/farmer"),
    "other shop's farmer": (new(farmer=lambda m: m.selvi), 422, "unknown_farmer", "/farmer"),
    "unknown flower": (new(flower=uuid4()), 422, "unknown_flower", "/flower"),
    "other shop's flower": (new(flower=lambda m: m.mullai), 422, "unknown_flower", "/flower"),
    "future": (new(captured_at=lambda m: tomorrow()), 422, "in_future", "/captured_at"),
    "unknown unit": (new(unit="tola"), 422, "unknown_unit", "/unit"),
    "unknown reason for the rate": (new(rate_reason="mood"), 422, "unknown_reason", "/rate_reason"),
    "endless note": (new(note="x" * 201), 422, "too_long", "/note"),
    "farmer writes": (farmer_writes, 403, "role_not_enough", None),
    "staff corrects another's line": (correction("murugan"), 403, "role_not_enough", None),
    "staff cancels another's line": (cancelling("murugan"), 403, "role_not_enough", None),
    "farmer corrects his line": (correction("raja_himself"), 403, "role_not_enough", None),
    "stale correction": (correction("kumar", version=2), 409, "stale", None),
    "stale cancelling": (cancelling("kumar", version=2), 409, "stale", None),
    "cancelling without a reason": (cancelling("kumar", reason=" "), 422, "required", "/reason"),
    "key used for another line": (new(key=KEY, tare="0.3"), 422, "idempotency_key_reused", None),
    "id used before": (new(id=str(MADE)), 409, "id_exists", "/id"),
}

cases = pytest.mark.parametrize("case", REFUSALS)


def written() -> tuple[Any, ...]:
    versions = DailyEntry.objects.order_by("pk").values_list("pk", "version", "status")
    return list(versions), AnsweredRequest.objects.count(), Event.objects.count()


@cases
@pytest.mark.parametrize("language", ["en", "ta"])
def test_a_refusal_names_its_rule_and_its_field_and_writes_nothing(
    case: str, language: str, market: Market
) -> None:
    call, status, code, pointer = REFUSALS[case]
    before = written()

    answer = call(market, language)

    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Content-Language"] == language
    problem = answer.json()
    assert set(problem) - {"current"} == {"type", "title", "status", "detail", "code", "errors"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert [fault["pointer"] for fault in problem["errors"]] == ([] if pointer is None else [pointer])
    assert problem["title"]
    assert problem["detail"]
    assert written() == before


@cases
def test_a_refusal_is_told_in_the_language_of_the_request(case: str, market: Market) -> None:
    call, *_expected = REFUSALS[case]

    english, tamil = call(market, "en").json(), call(market, "ta").json()

    assert english["code"] == tamil["code"]
    assert english["detail"] != tamil["detail"]
    assert english["title"] != tamil["title"]


def test_whoever_comes_too_late_is_shown_the_line_as_it_stands(market: Market) -> None:
    problem = correction("kumar", version=9)(market, "en").json()

    assert problem["current"]["id"] == str(MADE)
    assert problem["current"]["version"] == 1


def test_every_refused_field_is_named_at_once(market: Market) -> None:
    problem = new(gross_quantity="0", tare="0", rate="-1", captured_at=lambda m: tomorrow())(
        market, "en"
    ).json()

    assert {fault["pointer"] for fault in problem["errors"]} == {"/gross_quantity", "/rate", "/captured_at"}


def test_the_same_key_and_body_give_the_first_answer_again(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    program, key, body = api_of(kumar), uuid4(), line(raja, jasmine)
    first = post(program, "daily-entries/", body, key=key)

    # The same numbers written another way are the same request.
    again = post(program, "daily-entries/", {**body, "rate": 1450, "tare": "0.2"}, key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert DailyEntry.objects.count() == 1


def test_after_a_refusal_the_key_is_free(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    program, key = api_of(kumar), uuid4()
    refused = post(program, "daily-entries/", line(raja, jasmine, tare="9"), key=key)

    taken = post(program, "daily-entries/", line(raja, jasmine), key=key)

    assert (refused.status_code, taken.status_code) == (422, 201)


def test_an_id_of_another_shop_is_taken_too(
    devi: Membership, selvi: Farmer, mullai: Flower, market: Market
) -> None:
    answer = post(api_of(devi), "daily-entries/", line(selvi, mullai, id=str(MADE)))

    assert (answer.status_code, answer.json()["code"]) == (409, "id_exists")
    assert "current" not in answer.json()
