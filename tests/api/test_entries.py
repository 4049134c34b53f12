"""Daily entries through the API: read, correct, cancel, history, batches."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.api.serializers import RECORDED, EntryAnswer, VersionAnswer
from ledger.models import DailyEntry, Farmer
from ledger.selectors.answers import entry_answer
from malar.accounts.models import Membership
from malar.trail.models import Event
from pricing.models import Flower
from tests import cast
from tests.api.calls import get, line, patch, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"


def slips(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["slip_number"] for row in answer.json()["results"]]


@pytest.fixture
def entry(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    return cast.recorded(kumar, raja, jasmine, captured_at=cast.at(DAY, "04:50"), rate=Decimal(1450))


def test_the_documented_shape_is_the_answer(entry: DailyEntry) -> None:
    assert set(EntryAnswer().fields) == set(entry_answer(entry)) == set(RECORDED.value)


def test_a_line_is_answered_as_the_contract_has_it(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    chosen = str(uuid4())

    answer = post(
        api_of(kumar), "daily-entries/", line(raja, jasmine, id=chosen, rate_reason="agreed", note="")
    )

    assert answer.status_code == 201
    made = answer.json()
    received = made.pop("received_at")
    assert received.endswith("+05:30")
    assert made == {
        "id": chosen,
        "slip_number": "S1-0603-001",
        "business_date": DAY,
        "slot": None,
        "farmer": str(raja.pk),
        "flower": str(jasmine.pk),
        "gross_quantity": "6.100",
        "tare": "0.200",
        "quantity": "5.900",
        "unit": "kg",
        "sacks": 1,
        "sack_weights": None,
        "called_rate": None,
        "rate": "1450.00",
        "quoted_rate": None,
        "other_rate": None,
        "rate_pending": False,
        "rate_source": "manual",
        "rate_reason": "agreed",
        "amount": "8555.00",
        "commission_pct": "10.00",
        "commission": "855.50",
        "commission_per_unit": "0.00",
        "adjustments": [],
        "charges": [],
        "kind": "sale",
        "corrects": None,
        "note": "",
        "status": "confirmed",
        "void_reason": "",
        "needs_review": True,
        "review_reasons": ["late"],
        "version": 1,
        "captured_at": "2026-03-06T04:50:00+05:30",
        "created_by": str(kumar.pk),
    }
    assert get(api_of(kumar), f"daily-entries/{chosen}/").json() == made | {"received_at": received}


def test_a_line_without_a_rate_takes_the_one_in_force(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    cast.called(jasmine, "900", cast.at(DAY, "04:00"), meena)

    priced = post(api_of(kumar), "daily-entries/", line(raja, jasmine, rate=None)).json()

    assert (priced["rate"], priced["rate_source"], priced["amount"]) == ("900.00", "called", "5310.00")


def test_a_line_no_rate_is_known_for_is_kept_unpriced(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    pending = post(api_of(kumar), "daily-entries/", line(raja, jasmine, rate=None)).json()

    assert (pending["rate"], pending["rate_pending"], pending["amount"]) == (None, True, None)


def test_grams_and_sacks_become_kilograms(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    grams = post(
        api_of(kumar), "daily-entries/", line(raja, jasmine, unit="g", gross_quantity=6100, tare=200)
    ).json()
    sacks = post(
        api_of(kumar),
        "daily-entries/",
        line(raja, jasmine, gross_quantity=None, sacks=None, sack_weights=["3.05", "3.05"]),
    ).json()

    assert (grams["quantity"], grams["unit"]) == ("5.900", "kg")
    assert (sacks["gross_quantity"], sacks["sacks"], sacks["sack_weights"]) == (
        "6.100",
        2,
        ["3.050", "3.050"],
    )


def test_lines_can_be_narrowed(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    def add(farmer: Farmer, flower: Flower, day: str, **figures: Any) -> DailyEntry:
        return cast.recorded(kumar, farmer, flower, captured_at=cast.at(day, "05:00"), **figures)

    first = add(raja, jasmine, "2026-03-05", rate=Decimal(900))
    add(raja, lotus, "2026-03-06", quantity=Decimal(60), rate=Decimal(12))
    add(lakshmi, jasmine, "2026-03-06")
    program = api_of(kumar)
    post(program, f"daily-entries/{first.pk}/void/", {"reason": "twice"})

    def found(query: str) -> set[str]:
        return set(slips(get(program, f"daily-entries/?{query}")))

    assert found(f"farmer={raja.pk}") == {"S1-0503-001", "S1-0603-001"}
    assert found(f"flower={jasmine.pk}") == {"S1-0503-001", "S1-0603-002"}
    assert found("date=2026-03-05") == {"S1-0503-001"}
    assert found("from=2026-03-06") == {"S1-0603-001", "S1-0603-002"}
    assert found("to=2026-03-05") == {"S1-0503-001"}
    assert found("from=2026-03-05&to=2026-03-06") == {"S1-0503-001", "S1-0603-001", "S1-0603-002"}
    assert found("status=voided") == {"S1-0503-001"}
    assert found("rate_pending=true") == {"S1-0603-002"}
    assert found(f"rate_pending=false&farmer={raja.pk}&date=2026-03-06") == {"S1-0603-001"}
    assert found(f"farmer={uuid4()}") == set()


def test_a_days_lines_are_read_from_the_months_partition_alone(kumar: Membership, entry: DailyEntry) -> None:
    with CaptureQueriesContext(connection) as captured:
        get(api_of(kumar), f"daily-entries/?date={DAY}")
    (query,) = [each["sql"] for each in captured if 'FROM "ledger_dailyentry"' in each["sql"]]

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ledger_dailyentry_2026_03')::text")
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "2026_03" in plan or "202603" in plan, plan
    assert "2026_02" not in plan, plan
    assert plan.count("Scan on") + plan.count("Scan using") == 1, plan


def test_a_farmer_reads_his_own_lines_only(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, entry: DailyEntry
) -> None:
    hers = cast.recorded(kumar, lakshmi, jasmine, captured_at=cast.at(DAY, "05:00"))
    assert raja.member
    himself = api_of(raja.member)

    assert slips(get(himself, "daily-entries/")) == [entry.slip_number]
    assert slips(get(himself, f"daily-entries/?farmer={lakshmi.pk}")) == []
    assert get(himself, f"daily-entries/{entry.pk}/").status_code == 200
    assert get(himself, f"daily-entries/{hers.pk}/").status_code == 404
    assert get(himself, f"daily-entries/{hers.pk}/history/").status_code == 404


def test_another_shops_line_does_not_exist(devi: Membership, entry: DailyEntry) -> None:
    stranger = api_of(devi)
    path = f"daily-entries/{entry.pk}/"

    assert slips(get(stranger, "daily-entries/")) == []
    assert [
        get(stranger, path).status_code,
        get(stranger, path + "history/").status_code,
        patch(stranger, path, {"version": 1, "note": "x"}).status_code,
        post(stranger, path + "void/", {"reason": "x"}).status_code,
    ] == [404] * 4


def test_a_correction_keeps_the_rate_and_makes_a_version(kumar: Membership, entry: DailyEntry) -> None:
    answer = patch(
        api_of(kumar),
        f"daily-entries/{entry.pk}/",
        {"version": 1, "gross_quantity": 7.1, "reason": "misread"},
    )

    made = answer.json()
    assert answer.status_code == 200
    assert (made["quantity"], made["rate"], made["amount"], made["version"]) == (
        "6.900",
        "1450.00",
        "10005.00",
        2,
    )


def test_a_correction_may_move_the_line_to_whom_it_belongs(
    kumar: Membership, lakshmi: Farmer, lotus: Flower, entry: DailyEntry
) -> None:
    path = f"daily-entries/{entry.pk}/"

    moved = patch(api_of(kumar), path, {"version": 1, "farmer": str(lakshmi.pk)}).json()
    recounted = patch(
        api_of(kumar),
        path,
        {
            "version": 2,
            "flower": str(lotus.pk),
            "quantity": "60",
            "gross_quantity": None,
            "tare": None,
            "sacks": 0,
        },
    )

    assert moved["farmer"] == str(lakshmi.pk)
    assert recounted.status_code == 200, recounted.content
    assert (recounted.json()["quantity"], recounted.json()["unit"]) == ("60.000", "piece")


def test_a_rate_set_to_null_is_taken_from_the_board_again(
    meena: Membership, kumar: Membership, jasmine: Flower, entry: DailyEntry
) -> None:
    cast.called(jasmine, "900", cast.at(DAY, "04:00"), meena)

    answer = patch(
        api_of(kumar), f"daily-entries/{entry.pk}/", {"version": 1, "rate": None, "rate_reason": None}
    )

    assert (answer.json()["rate"], answer.json()["rate_source"]) == ("900.00", "called")


def test_what_was_weighed_at_a_moment_stays_at_that_moment(kumar: Membership, entry: DailyEntry) -> None:
    answer = patch(
        api_of(kumar),
        f"daily-entries/{entry.pk}/",
        {"version": 1, "captured_at": "2026-03-07T05:00:00+05:30"},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")


def test_a_cancelled_line_stays_and_the_same_request_is_answered_alike(
    kumar: Membership, entry: DailyEntry
) -> None:
    program, key, path = api_of(kumar), uuid4(), f"daily-entries/{entry.pk}/void/"

    first = post(program, path, {"reason": "weighed twice"}, key=key)
    again = post(program, path, {"reason": "weighed twice"}, key=key)
    once_more = post(program, path, {"reason": "weighed twice"})

    assert (first.status_code, first.json()["status"], first.json()["version"]) == (200, "voided", 2)
    assert first.json()["void_reason"] == "weighed twice"
    assert first.json()["amount"] == "8555.00"
    assert again.json() == first.json()
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert (once_more.status_code, once_more.json()["code"]) == (409, "voided")
    assert once_more.json()["current"]["status"] == "voided"


def test_the_owner_may_cancel_what_her_clerk_wrote(meena: Membership, entry: DailyEntry) -> None:
    answer = post(api_of(meena), f"daily-entries/{entry.pk}/void/", {"reason": "twice", "version": 1})

    assert answer.status_code == 200


def test_history_tells_every_version_by_whom_and_by_which_door(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    made = post(api_of(kumar), "daily-entries/", line(raja, jasmine)).json()
    path = f"daily-entries/{made['id']}/"
    patch(api_of(kumar), path, {"version": 1, "gross_quantity": "7.1", "reason": "misread"})
    post(api_of(meena), path + "void/", {"reason": "weighed twice"})

    answer = get(api_of(kumar), path + "history/")

    versions = answer.json()["results"]
    assert all(set(version) == set(VersionAnswer().fields) for version in versions)
    assert [(v["version"], v["by"], v["door"], v["reason"]) for v in versions] == [
        (1, "Kumar", "api", ""),
        (2, "Kumar", "api", "misread"),
        (3, "Meena", "api", "weighed twice"),
    ]
    assert versions[0]["entry"] == made
    assert [v["entry"]["quantity"] for v in versions] == ["5.900", "6.900", "6.900"]
    assert [v["entry"]["amount"] for v in versions] == ["8555.00", "10005.00", "10005.00"]
    assert versions[2]["entry"]["status"] == "voided"


# --- Batches --------------------------------------------------------------------------------


def test_one_bad_row_does_not_stop_the_others(
    kumar: Membership, raja: Farmer, jasmine: Flower, mullai: Flower
) -> None:
    rows = [
        line(raja, jasmine),
        line(raja, jasmine, tare="9"),
        line(raja, mullai),
        line("F014", jasmine),
        "row",
        line(raja, jasmine, id=str(uuid4())),
    ]

    answer = post(api_of(kumar), "daily-entries/batch/", {"entries": rows})

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 400, 400, 201]
    assert [r["problem"]["errors"][0]["pointer"] for r in results if "problem" in r] == [
        "/tare",
        "/flower",
        "/farmer",
        "",
    ]
    assert results[0]["entry"]["amount"] == "8555.00"
    assert results[5]["entry"]["id"] == rows[5]["id"]  # type: ignore[index]
    assert (DailyEntry.objects.count(), Event.objects.count()) == (2, 2)


def test_a_batch_sent_again_makes_nothing_twice(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    program, key = api_of(kumar), uuid4()
    rows = [line(raja, jasmine, id=str(uuid4())), line(raja, jasmine), line(raja, jasmine)]
    first = post(program, "daily-entries/batch/", {"entries": rows}, key=key)

    again = post(program, "daily-entries/batch/", {"entries": rows}, key=key)
    # A row with an id of its own is known in any batch, at any place.
    elsewhere = post(program, "daily-entries/batch/", {"entries": [line(raja, jasmine), rows[0]]})

    entries = [
        [result["entry"] for result in answer.json()["results"]] for answer in (first, again, elsewhere)
    ]
    assert entries[1] == entries[0]
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert elsewhere.json()["results"][1] == {"status": 201, "replayed": True, "entry": entries[0][0]}
    assert DailyEntry.objects.count() == 4


def test_a_batch_key_used_for_other_rows_is_refused_row_by_row(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    program, key = api_of(kumar), uuid4()
    post(program, "daily-entries/batch/", {"entries": [line(raja, jasmine)]}, key=key)

    answer = post(program, "daily-entries/batch/", {"entries": [line(raja, jasmine, rate="1")]}, key=key)

    (result,) = answer.json()["results"]
    assert (result["status"], result["problem"]["code"]) == (422, "idempotency_key_reused")


def test_a_batch_has_five_hundred_rows_at_most(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    answer = post(api_of(kumar), "daily-entries/batch/", {"entries": [line(raja, jasmine)] * 501})

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many")
    assert not DailyEntry.objects.exists()


def test_a_farmer_sends_no_batches(raja: Farmer, jasmine: Flower) -> None:
    assert raja.member
    answer = post(api_of(raja.member), "daily-entries/batch/", {"entries": [line(raja, jasmine)]})

    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_enough")
    assert not DailyEntry.objects.exists()


def test_a_batch_is_written_and_not_read(kumar: Membership) -> None:
    assert get(api_of(kumar), "daily-entries/batch/").status_code == 405
