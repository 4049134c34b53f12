"""Who changed what, through the API."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.api.audit import AuditEventAnswer
from ledger.models import DailyEntry, Farmer
from ledger.selectors.audit import audited_tables
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.models import Membership
from malar.kernel.wire import moment
from pricing.models import Flower
from tests.api.calls import get, line, post
from tests.cast import at, recorded
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

LINES = "audit-events/?table=ledger_dailyentry"


@pytest.fixture
def corrected(kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    """Written by Kumar, corrected by him, cancelled by Meena."""
    entry = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(1450))
    edit_entry(
        by=kumar,
        entry_id=entry.pk,
        version=1,
        changes={"gross_quantity": Decimal("5.900")},
        reason="weight misread",
    )
    void_entry(by=meena, entry_id=entry.pk, reason="written twice")
    return entry


def pages(member: Membership, path: str) -> list[list[dict[str, Any]]]:
    """All pages from one on, by their `next`."""
    found = []
    address: str | None = f"/api/v1/{path}"
    while address:
        answer = api_of(member).get(address).json()
        found.append(answer["results"])
        address = answer["next"]
    return found


def test_a_change_says_who_by_which_door_why_and_what_was_different(
    corrected: DailyEntry, meena: Membership, kumar: Membership
) -> None:
    voided, edited, made = get(api_of(meena), f"{LINES}&row={corrected.pk}").json()["results"]
    assert set(made) == set(AuditEventAnswer().fields)
    assert (made["action"], made["before"], made["actor_name"], made["reason"]) == (
        "insert",
        None,
        "Kumar",
        "",
    )
    assert (made["after"]["quantity"], made["after"]["amount"]) == ("5.900", "8555.00")
    assert (edited["action"], edited["actor"], edited["door"]) == ("update", str(kumar.pk), "command")
    assert edited["reason"] == "weight misread"
    assert edited["before"] == {
        "gross_quantity": "6.100",
        "quantity": "5.900",
        "amount": "8555.00",
        "commission": "855.50",
        "version": 1,
    }
    assert edited["after"] == {
        "gross_quantity": "5.900",
        "quantity": "5.700",
        "amount": "8265.00",
        "commission": "826.50",
        "version": 2,
    }
    assert (voided["after"]["status"], voided["actor_name"], voided["reason"]) == (
        "voided",
        "Meena",
        "written twice",
    )


def test_a_request_and_its_door_are_named(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    post(api_of(meena), "daily-entries/", line(raja, jasmine))
    (made,) = get(api_of(meena), LINES).json()["results"]
    assert made["door"] == "api"
    assert made["request"]


def test_raw_sql_and_deletion_are_seen_too(meena: Membership, jasmine: Flower) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pricing_flower SET position = 7 WHERE id = %s", [jasmine.pk])
        cursor.execute("DELETE FROM pricing_flower WHERE id = %s", [jasmine.pk])
    deleted, changed, _made = get(api_of(meena), "audit-events/?table=pricing_flower").json()["results"]
    assert (changed["actor"], changed["door"], changed["after"]) == (None, "", {"position": 7})
    assert (deleted["action"], deleted["after"], deleted["before"]["code"]) == ("delete", None, "MAL")


def test_it_is_the_owners_and_no_other_shops(
    corrected: DailyEntry, meena: Membership, kumar: Membership, devi: Membership
) -> None:
    assert get(api_of(kumar), "audit-events/").status_code == 403
    theirs = pages(devi, "audit-events/?page_size=500")[0]
    assert {event["table"] for event in theirs} == {"accounts_shop", "accounts_membership", "accounts_user"}
    assert str(corrected.pk) not in str(theirs)
    assert get(api_of(devi), f"{LINES}&row={corrected.pk}").json()["results"] == []


def test_filters_narrow_it_down(corrected: DailyEntry, meena: Membership, kumar: Membership) -> None:
    owner = api_of(meena)

    def actions(more: str) -> list[str]:
        return [event["action"] for event in get(owner, f"{LINES}{more}").json()["results"]]

    assert actions("") == ["update", "update", "insert"]
    assert actions(f"&actor={meena.pk}") == ["update"]
    assert actions(f"&actor={kumar.user_id}") == ["update", "insert"]
    assert actions(f"&actor={uuid4()}") == []
    now = (moment(timezone.now()) or "").replace("+", "%2B")
    assert actions(f"&from={now}") == []
    assert actions(f"&to={now}") == ["update", "update", "insert"]
    assert actions(f"&row={uuid4()}") == []
    assert "ledger_transfer" in audited_tables()
    assert get(owner, "audit-events/?table=auth_user").json()["code"] == "unknown_table"
    assert get(owner, "audit-events/?cursor=x").json()["code"] == "invalid_cursor"
    assert get(owner, "audit-events/?cursor=WzAsWzFdXQ").json()["code"] == "invalid_cursor"
    assert get(owner, "audit-events/?colour=red").json()["code"] == "unknown_parameter"
    assert get(owner, f"{LINES}&from=yesterday").status_code == 400
    fields = get(owner, f"{LINES}&fields=action,at").json()["results"]
    assert {tuple(event) for event in fields} == {("action", "at")}


@pytest.mark.parametrize("size", [1, 2, 7, 500])
def test_pages_tell_everything_once_whatever_is_written_meanwhile(
    corrected: DailyEntry, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, size: int
) -> None:
    whole = [event["id"] for event in get(api_of(meena), "audit-events/?page_size=500").json()["results"]]
    assert len(whole) == len(set(whole)) > 10
    first = get(api_of(meena), f"audit-events/?page_size={size}").json()
    assert first["previous"] is None
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "06:00"))  # newer than all of it
    told = [event["id"] for event in first["results"]]
    last, address = first, first["next"]
    while address:
        last = api_of(meena).get(address).json()
        told += [event["id"] for event in last["results"]]
        address = last["next"]
    assert sorted(told) == sorted(whole)
    assert told == whole
    # And all the way back, to what was written meanwhile.
    back, address = list(last["results"])[::-1], last["previous"]
    while address:
        page = api_of(meena).get(address).json()
        back += page["results"][::-1]
        address = page["previous"]
    if size < 500:
        ids = [event["id"] for event in back]
        assert len(ids) == len(set(ids))
        assert set(whole) < set(ids)


def test_it_asks_as_many_questions_however_long_the_page(corrected: DailyEntry, meena: Membership) -> None:
    def asked(size: int) -> int:
        client = api_of(meena)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/api/v1/audit-events/?page_size={size}")
        return len(queries)

    assert asked(3) == asked(100)
