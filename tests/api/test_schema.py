"""The OpenAPI document: it is current, it is sound, and the API keeps what it promises."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import schemathesis
from django.contrib.staticfiles import finders
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.reports.documents import FILES
from pricing.models import Flower
from settlements.services.approvals import submit
from settlements.services.runs import Order, run_or_begin
from tests import cast
from tests.api.calls import tokens_of
from tests.ledger.terms import a_fee

SNAPSHOT = Path(__file__).parents[2] / "docs/openapi.json"
REFRESH = 'make manage ARGS="spectacular --format openapi-json --file docs/openapi.json"'


def generated() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return dict(json.loads(json.dumps(document)))


def test_the_document_in_git_is_current() -> None:
    assert json.loads(SNAPSHOT.read_text()) == generated(), f"Refresh it: {REFRESH}"


def test_the_document_is_sound_and_complete() -> None:
    document = generated()

    validate_schema(document)
    assert document["openapi"].startswith("3.1")
    for address, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {address}"
            assert operation["description"], where
            assert {"400", "401", "429"} <= operation["responses"].keys(), where
            named = {parameter["name"] for parameter in operation["parameters"]}
            assert ("Idempotency-Key" in named) == (method == "post" and "/auth/" not in address), where
            for status, response in operation["responses"].items():
                media = set(response.get("content", {}))
                expected = {"application/problem+json" if int(status) >= 400 else "application/json"}
                if "/reports/" in address and status == "200":
                    expected |= {media_type.partition(";")[0] for media_type, _make in FILES.values()}
                if address.endswith("/document/") and status == "200":
                    expected = {"application/pdf", "image/png", "text/html"}
                assert media == (set() if status == "204" else expected), f"{where} {status}"


@pytest.mark.parametrize("language", ["en", "ta"])
def test_the_document_is_open_to_everybody_and_the_same_in_both_languages(language: str) -> None:
    answer = Client().get("/api/v1/schema/?format=json", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert json.loads(answer.content) == generated()


def test_the_page_of_the_document_needs_nothing_from_outside_and_nothing_inline() -> None:
    answer = Client().get("/api/v1/docs/")

    page = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 5
    for address in loaded:
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
        else:
            script = Client().get(address)
            assert address.startswith("/api/v1/docs/?script")
            assert script["Content-Type"].startswith("application/javascript")
            assert b"SwaggerUIBundle" in script.content


# --- The API keeps what it promises ---------------------------------------------------------

FIGURES = {"gross_quantity", "quantity", "sack_weights"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@contextmanager
def one_connection() -> Iterator[None]:
    """Requests end with the test's own transaction open; Django would close its connection for that."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def known(meena: Membership, raja: Farmer, jasmine: Flower) -> dict[str, str]:
    """Ids that exist, so that a call gets beyond "there is no such thing"; and Meena's token."""
    coolie = a_fee(meena.shop, "coolie", "per_sack", "10.00")
    entry: DailyEntry = cast.recorded(meena, raja, jasmine, captured_at=cast.at("2026-03-06", "04:50"))
    lakshmi = cast.a_farmer(meena.shop, 15, "ச. லட்சுமி", "S. Lakshmi")
    cast.recorded(meena, lakshmi, jasmine, captured_at=cast.at("2026-03-06", "05:00"), rate=Decimal(900))
    day = entry.business_date
    run = run_or_begin(by=meena, key=uuid4(), order=Order(start=day, end=day, farmers=(lakshmi.pk,)))
    (settlement,) = run.body["settlements"]
    pending = submit(by=meena, settlement_id=UUID(settlement)).body
    return {
        "run_id": str(run.made),
        "run": str(run.made),
        "settlement_id": settlement,
        "payment_id": str(uuid4()),
        "content_hash": pending["content_hash"],
        "entry_id": str(entry.pk),
        "charge_id": str(entry.charges.get().pk),
        "fee": str(coolie.pk),
        "fee_id": str(coolie.pk),
        "farmer_id": str(raja.pk),
        "flower_id": str(jasmine.pk),
        "farmer": str(raja.pk),
        "flower": str(jasmine.pk),
        "X-Shop": str(meena.shop_id),
        "captured_at": "2026-03-06T05:00:00+05:30",
        "token": tokens_of(meena)["access"],
    }


OPERATIONS = [
    (method, address)
    for address, operations in json.loads(SNAPSHOT.read_text())["paths"].items()
    for method in operations
]


def with_known(values: Any, known: dict[str, str]) -> Any:
    """Ids become ids that exist, times become a morning of ours; what is malformed mostly stays so."""
    if isinstance(values, list):
        return [with_known(value, known) for value in values]
    if not isinstance(values, Mapping):
        return values
    return {
        name: known[name]
        if name in known and isinstance(value, str) and len(value) >= 20
        else with_known(value, known)
        for name, value in values.items()
    }


@pytest.mark.parametrize(("method", "address"), OPERATIONS)
def test_no_call_makes_us_stumble(method: str, address: str, known: dict[str, str]) -> None:
    promised = schemathesis.openapi.from_dict(generated())
    promised.app = WSGIHandler()
    always = {"Authorization": f"Bearer {known['token']}", "Accept-Encoding": "identity"}

    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=promised[address][method].as_strategy())
    def each(case: Any) -> None:
        case.path_parameters = with_known(case.path_parameters, known)
        case.body = with_known(case.body, known)
        case.headers = with_known(case.headers, known)
        if isinstance(case.body, dict) and isinstance(case.body.get("version"), int):
            case.body["version"] = 1
        if isinstance(case.body, dict) and isinstance(case.body.get("content_hash"), str):
            case.body["content_hash"] = known["content_hash"]
        if isinstance(case.body, dict) and {"period_start", "period_end"} <= case.body.keys():
            case.body |= {"period_start": "2026-03-02", "period_end": "2026-03-08"}
        if isinstance(case.body, dict) and "captured_at" in case.body and not FIGURES & case.body.keys():
            case.body["quantity"] = "1.5"
        # Each call finds everything as it was, so that a failure comes again.
        before = transaction.savepoint()
        try:
            case.call_and_validate(headers=always, checks=CHECKS)
        finally:
            transaction.savepoint_rollback(before)

    with one_connection():
        each()
