"""Reading JSON exactly, and problems as RFC 9457 has them."""

import json
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.http import Http404
from django.utils import translation
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, ParseError, Throttled

from malar.kernel.drf import (
    Body,
    Exact,
    ExactJSONParser,
    Id,
    Parameters,
    problem_404,
    problem_500,
    problem_of,
    problem_response,
)
from malar.kernel.errors import Conflict, Fault, NotAllowed, NotFound, RuleBroken


def parsed(text: str) -> Any:
    return ExactJSONParser().parse(BytesIO(text.encode()))


@pytest.mark.parametrize("number", ["0.1", "1450.10", "0.30000000000000004", "6.1", "1e3", "-0.005"])
def test_a_number_is_read_as_it_is_written(number: str) -> None:
    assert parsed(number) == Decimal(number)
    assert not isinstance(parsed(number), float)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "{'a': 1}", "", "[", "1e9999999999999999999"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parsed(text)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("5.900", "5.900"),
        ("-1", "-1"),
        ("0", "0"),
        (60, "60"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.12345678901234567890"), "0.12345678901234567890"),
        ("99999999999999999999", "99999999999999999999"),
    ],
)
def test_a_decimal_is_taken_from_text_and_from_exact_numbers(said: Any, meant: str) -> None:
    assert Exact().to_internal_value(said) == Decimal(meant)


@pytest.mark.parametrize(
    "said",
    [
        *["", " 1", "1,5", "1.", ".5", "1e3", "+1", "0x1", "१", "inf", "1" * 21, "0." + "1" * 21],
        *[True, 0.1, None, [], {}, Decimal("1e999999999"), Decimal("1e-999999999"), 10**20],
    ],
)
def test_what_is_no_decimal_is_refused(said: Any) -> None:
    with pytest.raises(serializers.ValidationError):
        Exact().to_internal_value(said)


class Row(Body):
    farmer = Id()
    weights = serializers.ListField(child=Exact())


def refused(body: type[Body], said: Any) -> dict[str, Any]:
    serializer = body(data=said)
    with pytest.raises(serializers.ValidationError) as error:
        serializer.is_valid(raise_exception=True)
    problem = problem_of(error.value)
    assert problem is not None
    return problem


def test_each_value_that_cannot_be_read_has_its_pointer() -> None:
    problem = refused(Row, {"farmer": "14", "weights": ["1", "x", {}]})

    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
        ("/farmer", "invalid"),
        ("/weights/1", "invalid"),
        ("/weights/2", "invalid"),
    ]
    assert (problem["status"], problem["code"]) == (400, "invalid")


def test_a_strange_name_makes_a_sound_pointer() -> None:
    problem = refused(Row, {"a/b~c\ud800": 1})

    assert problem["errors"][0]["pointer"] == "/a~1b~0c?"
    json.dumps(problem, ensure_ascii=False).encode()


def test_what_is_no_object_is_told_of_the_whole_body() -> None:
    assert refused(Row, [])["errors"][0]["pointer"] == ""


def test_parameters_say_that_they_are_parameters() -> None:
    assert refused(Parameters, {"colour": "red"})["code"] == "unknown_parameter"
    assert refused(Row, {"colour": "red"})["code"] == "unknown_field"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuleBroken("No.", code="no", pointer="/a"), 422, "no"),
        (Conflict("Late.", code="stale", current={"version": 2}), 409, "stale"),
        (NotAllowed("No."), 403, "role_not_enough"),
        (NotFound("No."), 404, "not_found"),
        (Http404("the model's name"), 404, "not_found"),
        (NotAuthenticated(), 401, "not_authenticated"),
        (Throttled(7.2), 429, "throttled"),
    ],
)
def test_every_refusal_has_the_same_form(error: Exception, status: int, code: str) -> None:
    answer = problem_response(error, {})

    assert answer is not None
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (answer.data["status"], answer.data["code"]) == (status, code)
    assert set(answer.data) - {"current"} == {"type", "title", "status", "detail", "code", "errors"}
    assert ("current" in answer.data) == (status == 409)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert answer.headers.get("Retry-After") == ("8" if status == 429 else None)


def test_several_faults_are_all_told() -> None:
    faults = [Fault("/a", "x", "X."), Fault("/b", "y", "Y.")]

    problem = problem_of(RuleBroken("X.", code="x", faults=faults))

    assert problem is not None
    assert problem["errors"] == [
        {"pointer": "/a", "code": "x", "detail": "X."},
        {"pointer": "/b", "code": "y", "detail": "Y."},
    ]


def test_what_nobody_foresaw_crashes() -> None:
    assert problem_response(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize("language", ["en", "ta"])
def test_pages_that_no_view_makes_are_problems_too(language: str, rf: Any) -> None:
    request = rf.get("/api/v1/x/")
    with translation.override(language):
        answers = [problem_404(request, Http404()), problem_500(request)]

    assert [json.loads(answer.content)["status"] for answer in answers] == [404, 500]
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}
