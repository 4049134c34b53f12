"""What holds at every address of the API: formats, languages, pages of lists, limits."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from pricing.models import Flower
from tests import cast
from tests.api.calls import NO_KEY, V1, get, line, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


def codes(answer: Any) -> tuple[int, str, list[str]]:
    assert answer["Content-Type"] == PROBLEM, answer.content
    problem = answer.json()
    return answer.status_code, problem["code"], [fault["pointer"] for fault in problem["errors"]]


# --- What cannot be read --------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["farmers/", "flowers/", "time-slots/", "market-rates/", "market-rates/current/", "daily-entries/"],
)
def test_an_unknown_parameter_is_refused_and_not_ignored(address: str, meena: Membership) -> None:
    answer = get(api_of(meena), f"{address}?colour=red")

    assert codes(answer) == (400, "unknown_parameter", ["/colour"])


def test_a_parameter_that_is_there_twice_is_refused(meena: Membership, raja: Farmer) -> None:
    answer = get(api_of(meena), f"daily-entries/?farmer={raja.pk}&farmer={uuid4()}")

    assert codes(answer) == (400, "repeated", ["/farmer"])


def test_parameters_belong_to_get(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    answer = post(api_of(kumar), "daily-entries/?dry_run=true", line(raja, jasmine))

    assert codes(answer) == (400, "unknown_parameter", ["/dry_run"])
    assert not DailyEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("farmer", None, "required"),
        ("flower", None, "required"),
        ("captured_at", None, "required"),
        ("gross_quantity", None, "required"),
        ("farmer", "F014", "invalid"),
        ("farmer", 14, "invalid"),
        ("flower", "{0198c0de-0000-7000-8000-00000000000a}", "invalid"),
        ("captured_at", "yesterday", "invalid"),
        ("captured_at", "2026-03-06T04:50:00", "no_offset"),
        ("captured_at", "0001-01-01T00:00:00+14:00", "overflow"),
        ("captured_at", "9999-12-31T23:59:59-12:00", "overflow"),
        ("gross_quantity", "six", "invalid"),
        ("gross_quantity", "", "invalid"),
        ("gross_quantity", "1e3", "invalid"),
        ("gross_quantity", "௬.௧", "invalid"),
        ("gross_quantity", "NaN", "invalid"),
        ("gross_quantity", True, "invalid"),
        ("gross_quantity", ["6.1"], "invalid"),
        ("gross_quantity", "9" * 21, "invalid"),
        ("rate", {"rupees": 5}, "invalid"),
        ("sacks", "many", "invalid"),
        ("sacks", 1.5, "invalid"),
        ("note", 5, "invalid"),
        ("note", "a\x00b", "null_characters_not_allowed"),
        ("note", "\ud800", "surrogate_characters_not_allowed"),
        ("id", "mine", "invalid"),
        ("colour", "red", "unknown_field"),
    ],
)
def test_what_cannot_be_read_is_400_with_its_pointer(
    field: str, value: Any, code: str, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    body = line(raja, jasmine)
    body.pop(field, None)
    if value is not None:
        body[field] = value

    answer = api_of(kumar).post(
        V1 + "daily-entries/",
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )

    assert codes(answer) == (400, code, [f"/{field}"])
    assert not DailyEntry.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"line"',
        b"\xff",
        b'{"rate": NaN}',
        b'{"rate": Infinity}',
        b'{"rate": 1e999999999999999999999}',
        b'{"rate": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"rate": 1e999999999}',
        b'{"\\ud800": 1}',
    ],
)
def test_what_is_no_json_object_is_400(text: bytes, kumar: Membership) -> None:
    answer = api_of(kumar).post(
        V1 + "daily-entries/",
        text,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )

    assert answer.status_code == 400
    assert answer["Content-Type"] == PROBLEM


def test_a_body_beyond_all_measure_is_413(kumar: Membership, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = post(api_of(kumar), "daily-entries/", {"note": "x" * 1000})

    assert codes(answer) == (413, "too_large", [])


def test_only_json_is_read(kumar: Membership) -> None:
    answer = api_of(kumar).post(
        V1 + "daily-entries/", {"note": "x"}, headers={"Idempotency-Key": str(uuid4())}
    )

    assert codes(answer) == (415, "unsupported_media_type", [])


def test_json_numbers_are_taken_exactly_as_they_are_written(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    body = json.dumps(line(raja, jasmine, gross_quantity="GROSS", tare="TARE", rate="RATE"))
    exact = body.replace('"GROSS"', "1.003").replace('"TARE"', "0.001").replace('"RATE"', "1450.10")

    answer = api_of(kumar).post(
        V1 + "daily-entries/",
        exact,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )

    made = answer.json()
    assert (made["gross_quantity"], made["quantity"], made["rate"]) == ("1.003", "1.002", "1450.10")
    assert DailyEntry.objects.get().quantity == Decimal("1.002")


@pytest.mark.parametrize("address", ["daily-entries/", "farmers/", "market-rates/", "daily-entries/batch/"])
def test_what_makes_something_needs_a_key(address: str, meena: Membership) -> None:
    without = post(api_of(meena), address, {}, key=NO_KEY)
    garbled = post(api_of(meena), address, {}, key="again")

    assert codes(without) == (400, "idempotency_key_required", [])
    assert codes(garbled) == (400, "idempotency_key_invalid", [])


# --- What is not there ----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ta"])
def test_an_address_that_does_not_exist_is_told_as_a_problem(language: str, meena: Membership) -> None:
    answer = get(api_of(meena), "buyers/", language=language)

    assert codes(answer) == (404, "not_found", [])
    assert answer["Content-Language"] == language


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_without_its_slash_does_not_exist(method: str, kumar: Membership) -> None:
    # Sent on to the list, a program would take the list for the answer to its POST.
    answer = getattr(api_of(kumar), method)(V1 + "daily-entries", headers={"Accept-Language": "en"})

    assert codes(answer) == (404, "not_found", [])
    assert "slash" in answer.json()["detail"]


def test_head_is_answered_as_get_is(kumar: Membership) -> None:
    answer = api_of(kumar).head(V1 + "daily-entries/?date=2026-03-06")

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_method_that_is_not_offered_is_405(meena: Membership, jasmine: Flower) -> None:
    answer = api_of(meena).delete(V1 + f"flowers/{jasmine.pk}/")

    assert codes(answer) == (405, "method_not_allowed", [])
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_our_own_mistake_is_told_without_its_inside(
    meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("ledger.api.farmers.farmers_asked", broken)
    client = api_of(meena)
    client.raise_request_exception = False

    answer = get(client, "farmers/")

    assert codes(answer) == (500, "server_error", [])
    assert b"secret" not in answer.content


def test_any_accept_header_gets_json(meena: Membership, jasmine: Flower) -> None:
    answer = get(api_of(meena), "flowers/", Accept="text/html")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


# --- Pages of lists -------------------------------------------------------------------------


@pytest.fixture
def week(kumar: Membership, raja: Farmer, jasmine: Flower) -> list[DailyEntry]:
    """Five lines, two of them of the same moment."""
    clocks = ["04:50", "05:00", "05:00", "05:10", "05:20"]
    return [
        cast.recorded(kumar, raja, jasmine, captured_at=cast.at("2026-03-06", clock), rate=Decimal(900))
        for clock in clocks
    ]


def pages(client: APIClient, address: str) -> Iterator[dict[str, Any]]:
    url: str | None = f"http://testserver{V1}{address}"
    while url:
        assert url.startswith("http://testserver/api/v1/")
        page = client.get(url).json()
        yield page
        url = page["next"]


def test_a_list_comes_in_pages_forth_and_back(kumar: Membership, week: list[DailyEntry]) -> None:
    client = api_of(kumar)

    forth = list(pages(client, "daily-entries/?page_size=2&date=2026-03-06"))

    seen = [row["id"] for page in forth for row in page["results"]]
    newest_first = sorted(week, key=lambda entry: (entry.captured_at, entry.pk), reverse=True)
    assert [len(page["results"]) for page in forth] == [2, 2, 1]
    assert seen == [str(entry.pk) for entry in newest_first]
    assert forth[0]["previous"] is None
    assert client.get(forth[1]["previous"]).json()["results"] == forth[0]["results"]


def test_a_list_can_be_turned_round(kumar: Membership, week: list[DailyEntry]) -> None:
    page = get(api_of(kumar), "daily-entries/?ordering=captured_at").json()

    assert [row["id"] for row in page["results"]] == [str(entry.pk) for entry in week]


def test_a_row_can_be_cut_to_some_fields(kumar: Membership, week: list[DailyEntry]) -> None:
    page = get(api_of(kumar), "daily-entries/?fields=slip_number,amount&page_size=1").json()

    assert page["results"] == [{"slip_number": "S1-0603-005", "amount": "5310.00"}]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("fields=amount,profit", "unknown_field", "/fields"),
        ("fields=", "blank", "/fields"),
        ("page_size=501", "max_value", "/page_size"),
        ("page_size=0", "min_value", "/page_size"),
        ("page_size=some", "invalid", "/page_size"),
        ("ordering=profit", "invalid_choice", "/ordering"),
        ("cursor=nonsense", "invalid_cursor", "/cursor"),
        ("cursor=cD1ub25zZW5zZQ%3D%3D", "invalid_cursor", "/cursor"),  # p=nonsense
        ("cursor=bz0xMDAwMDAwMDAwMDAwMDAwMDAwMDA%3D&page_size=x", "invalid", "/page_size"),
        ("status=lost", "invalid_choice", "/status"),
        ("date=06-03-2026", "invalid", "/date"),
        ("farmer=F014", "invalid", "/farmer"),
        ("rate_pending=perhaps", "invalid", "/rate_pending"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_400(
    query: str, code: str, pointer: str, kumar: Membership
) -> None:
    assert codes(get(api_of(kumar), f"daily-entries/?{query}")) == (400, code, [pointer])


def test_a_page_holds_a_hundred_rows_unless_told_otherwise(meena: Membership) -> None:
    Farmer.objects.bulk_create(
        Farmer(shop=meena.shop, number=number, code=f"F{number:03}", name_ta="அ") for number in range(1, 112)
    )
    client = api_of(meena)

    assert len(get(client, "farmers/").json()["results"]) == 100
    assert len(get(client, "farmers/?page_size=500").json()["results"]) == 111


@pytest.mark.parametrize(
    "address", ["daily-entries/", "farmers/", "flowers/", "market-rates/", "time-slots/"]
)
def test_a_long_list_asks_the_database_no_more_often_than_a_short_one(
    address: str, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    client = api_of(meena)

    def fill(numbers: range) -> None:
        for number in numbers:
            farmer = cast.a_farmer(meena.shop, 100 + number, "அ", "A")
            flower = cast.a_flower(meena.shop, f"X{number}", "பூ", "Flower")
            cast.a_slot(meena.shop, f"{number:02}:00", f"{number:02}:30")
            when = cast.at("2026-03-06", "05:00") + timedelta(minutes=number)
            cast.called(flower, "100", when, meena)
            cast.recorded(kumar, farmer, flower, captured_at=when)

    def queries() -> int:
        get(client, address)  # sessions and caches are warm from now on
        with CaptureQueriesContext(connection) as captured:
            assert get(client, address).status_code == 200
        return len(captured)

    fill(range(1, 3))
    short = queries()
    fill(range(3, 9))
    assert len(get(client, address).json()["results"]) >= 8
    assert queries() == short <= 4


# --- On the wire ----------------------------------------------------------------------------


def test_answers_are_compressed_for_whoever_can_read_it(meena: Membership, week: list[DailyEntry]) -> None:
    plain = get(api_of(meena), "daily-entries/")
    packed = get(api_of(meena), "daily-entries/", Accept_Encoding="gzip")

    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    assert len(packed.content) < len(plain.content) / 2
    assert "Accept-Encoding" in packed["Vary"]


def test_money_and_quantities_are_strings(kumar: Membership, week: list[DailyEntry]) -> None:
    made = get(api_of(kumar), f"daily-entries/{week[0].pk}/").json()

    for name in ("gross_quantity", "tare", "quantity", "rate", "amount", "commission", "commission_pct"):
        assert isinstance(made[name], str), name
    assert made["captured_at"] == "2026-03-06T04:50:00+05:30"


# --- Limits ---------------------------------------------------------------------------------


@pytest.fixture
def narrow(settings: Settings) -> Settings:
    settings.API_RATE_LIMITS = True
    settings.API_RATES = {"shop": 5, "user": 3, "auth": 2}
    return settings


def test_a_user_who_asks_too_often_is_told_when_to_come_back(meena: Membership, narrow: Settings) -> None:
    client = api_of(meena)
    answers = [get(client, "flowers/") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert codes(answers[3]) == (429, "throttled", [])
    assert answers[3]["RateLimit-Limit"] == "3"
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert answers[3]["Retry-After"] == answers[3]["RateLimit-Reset"]


def test_a_shop_shares_its_limit_and_leaves_other_shops_theirs(
    meena: Membership, kumar: Membership, devi: Membership, narrow: Settings
) -> None:
    for member in (meena, meena, kumar, kumar, kumar):
        assert get(api_of(member), "flowers/").status_code == 200

    assert get(api_of(meena), "flowers/").status_code == 429
    assert get(api_of(devi), "flowers/").status_code == 200


def test_signing_in_is_limited_by_address(narrow: Settings, db: None) -> None:
    body = {"refresh": "nonsense"}
    statuses = [post(APIClient(), "auth/token/refresh/", body, key=NO_KEY).status_code for _ in range(3)]

    assert statuses == [401, 401, 429]


def test_without_redis_everybody_passes(
    meena: Membership, narrow: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What PatientRedisCache answers while Redis is away.
    monkeypatch.setattr(cache, "incr", lambda key, delta=1, version=None: 0)
    client = api_of(meena)

    assert {get(client, "flowers/").status_code for _ in range(9)} == {200}
