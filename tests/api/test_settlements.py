"""Runs and settlements as programs see them: foreseen, made, agreed, paid, and every refusal in both languages."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import AnsweredRequest, Event
from pricing.models import Flower
from settlements.api.serializers import (
    ForeseenSettlement,
    PreviewAnswer,
    RunAnswer,
    RunSummary,
    SettlementAnswer,
    SettlementSummary,
)
from settlements.models import Approval, Payment, Settlement, SettlementRun
from settlements.services import runs
from settlements.services.runs import make_run
from tests.api.calls import NO_KEY, get, patch, post
from tests.cast import at, recorded
from tests.conftest import api_of
from tests.ledger.worked import moved, settlement_a, settlement_b
from tests.settlements.conftest import sunday
from tests.settlements.test_worked import FIGURES_A

__all__ = ["settlement_a", "settlement_b", "sunday"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sunday")]

WEEK = {"period_start": "2026-03-02", "period_end": "2026-03-08"}


def foreseen(program: APIClient, **said: Any) -> dict[str, Any]:
    answer = post(program, "settlement-runs/", {**WEEK, "dry_run": True, **said})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def made(program: APIClient, **said: Any) -> dict[str, Any]:
    answer = post(program, "settlement-runs/", {**WEEK, **said})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def to(program: APIClient, settlement: object, action: str, **said: Any) -> Any:
    return post(program, f"settlements/{settlement}/{action}/", said)


def test_settlement_a_from_the_preview_to_the_paid_money(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    owner, clerk, farmer = api_of(meena), api_of(kumar), api_of(settlement_a.member)  # type: ignore[arg-type]
    recovery = {str(settlement_a.pk): "5000.00"}
    before = foreseen(owner, recovery=recovery)
    assert {name: before["settlements"][0][name] for name in FIGURES_A} == FIGURES_A
    assert (before["net"], before["settled"], before["left_out"]) == ("33125.00", 1, [])
    assert set(before) == set(PreviewAnswer().fields)
    assert set(before["settlements"][0]) == set(ForeseenSettlement().fields)
    assert not SettlementRun.objects.exists()

    key = uuid4()
    body = {**WEEK, "recovery": recovery, "id": str(uuid4())}
    answer = post(owner, "settlement-runs/", body, key=key)
    run = answer.json()
    assert (answer.status_code, run["status"], run["progress"], run["settled"]) == (201, "done", 100, 1)
    assert (run["id"], set(run)) == (body["id"], set(RunAnswer().fields))
    again = post(owner, "settlement-runs/", body, key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"], again.json()) == (201, "true", run)
    assert Settlement.objects.count() == 1

    (pk,) = run["settlements"]
    draft = get(owner, f"settlements/{pk}/").json()
    assert {name: draft[name] for name in FIGURES_A} == FIGURES_A
    assert set(draft) == set(SettlementAnswer().fields)
    assert (len(draft["lines"]), draft["number"], draft["reference"]) == (15, None, "R1-F014")
    assert {charge["quantity"] for charge in draft["charge_lines"]} <= {str(n) for n in range(1, 40)}
    assert get(farmer, f"settlements/{pk}/").status_code == 404, "a draft is not shown to him"
    assert get(farmer, "settlements/").json()["results"] == []

    said = {"content_hash": draft["content_hash"]}
    assert to(owner, pk, "submit").json()["status"] == "pending"
    assert [row["id"] for row in get(farmer, "settlements/").json()["results"]] == [pk]
    assert to(clerk, pk, "approve", **said).json()["status"] == "pending"
    approved = to(farmer, pk, "approve", **said).json()
    assert (approved["status"], approved["number"]) == ("approved", "2526-0001")
    assert [(each["role"], each["method"], each["stands"]) for each in approved["approvals"]] == [
        ("staff", "page", True),
        ("farmer", "page", True),
    ]
    part = to(clerk, pk, "payments", amount="33000", mode="cash")
    assert (part.status_code, part.json()["status"]) == (201, "approved")
    rest = to(clerk, pk, "payments", amount="125.00", mode="upi", reference="4711").json()
    assert (rest["status"], [each["amount"] for each in rest["payments"]]) == ("paid", ["33000.00", "125.00"])
    back = post(
        owner, f"settlements/{pk}/payments/{rest['payments'][1]['id']}/bounce/", {"reason": "returned"}
    )
    assert (back.status_code, back.json()["status"]) == (200, "approved")
    assert back.json()["payments"][2]["reverses"] == rest["payments"][1]["id"]


def test_the_farmers_paper_is_written_down_by_one_and_approved_by_another(
    settlement_b: Farmer, meena: Membership, kumar: Membership
) -> None:
    (pk,) = made(api_of(meena))["settlements"]
    content = to(api_of(meena), pk, "submit").json()["content_hash"]
    paper = to(
        api_of(meena), pk, "approve", content_hash=content, on_behalf_of="farmer", method="paper"
    ).json()
    assert [(each["role"], each["method"]) for each in paper["approvals"]] == [("farmer", "paper")]
    assert to(api_of(kumar), pk, "approve", content_hash=content).json()["status"] == "paid"


def test_who_is_left_out_is_named_with_the_reason_in_the_language_of_the_request(
    raja: Farmer, lakshmi: Farmer, meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"))
    told = post(api_of(meena), "settlement-runs/", {**WEEK, "dry_run": True}, language="ta").json()
    english = foreseen(api_of(meena))
    assert [(each["farmer"], each["reason"]) for each in english["left_out"]] == [
        (str(raja.pk), "unpriced"),
        (str(lakshmi.pk), "nothing"),
    ]
    assert english["left_out"][0]["words"] == "Lines still have no rate."
    assert {each["reason"] for each in told["left_out"]} == {"unpriced", "nothing"}
    assert told["left_out"][0]["words"] != english["left_out"][0]["words"]


def test_only_some_farmers_are_settled(settlement_a: Farmer, settlement_b: Farmer, meena: Membership) -> None:
    run = made(api_of(meena), farmers=[str(settlement_b.pk)])
    (settlement,) = get(api_of(meena), f"settlements/?run={run['id']}").json()["results"]
    assert settlement["farmer"] == str(settlement_b.pk)
    assert made(api_of(meena))["settled"] == 1, "the other is settled by the next"


def test_a_long_run_is_left_to_a_worker(
    settlement_b: Farmer, meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    owner, key = api_of(meena), uuid4()
    answer = post(owner, "settlement-runs/", WEEK, key=key)
    run = answer.json()
    assert (answer.status_code, run["status"], run["progress"], run["settlements"]) == (202, "queued", 0, [])
    make_run(UUID(run["id"]))
    done = get(owner, f"settlement-runs/{run['id']}/").json()
    assert (done["status"], done["progress"], len(done["settlements"])) == ("done", 100, 1)
    again = post(owner, "settlement-runs/", WEEK, key=key)
    assert (again.status_code, again.json()["status"]) == (202, "queued"), "the first answer again"
    listed = get(owner, "settlement-runs/").json()["results"]
    assert [row["id"] for row in listed] == [run["id"]]
    assert set(listed[0]) == set(RunSummary().fields)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("", 2),
        ("?farmer={raja}", 1),
        ("?status=pending", 0),
        ("?status=draft", 2),
        ("?run={run}", 2),
        ("?run={raja}", 0),
        ("?from=2026-03-08", 2),
        ("?from=2026-03-09", 0),
        ("?to=2026-03-02", 2),
        ("?to=2026-03-01", 0),
        ("?page_size=1&ordering=reference", 1),
        ("?ordering=-period_end", 2),
    ],
)
def test_settlements_are_filtered(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, asked: str, count: int
) -> None:
    run = made(api_of(meena))
    answer = get(api_of(meena), f"settlements/{asked.format(raja=settlement_a.pk, run=run['id'])}").json()
    assert len(answer["results"]) == count
    for row in answer["results"]:
        assert set(row) == set(SettlementSummary().fields)


def test_pages_and_fields_and_no_unknown_filter(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership
) -> None:
    made(api_of(meena))
    first = get(api_of(meena), "settlements/?page_size=1&fields=reference,net&ordering=reference").json()
    second = api_of(meena).get(first["next"]).json()
    assert first["results"] == [{"reference": "R1-F014", "net": "38125.00"}]
    assert (second["results"][0]["reference"] > first["results"][0]["reference"], second["next"]) == (
        True,
        None,
    )
    assert get(api_of(meena), "settlements/?state=draft").status_code == 400


def test_another_recovery_makes_it_a_draft_again_and_voids_what_was_approved(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    (pk,) = made(api_of(meena))["settlements"]
    pending = to(api_of(meena), pk, "submit").json()
    to(api_of(kumar), pk, "approve", content_hash=pending["content_hash"])
    changed = patch(
        api_of(meena), f"settlements/{pk}/recovery/", {"recovery": "5000", "version": pending["version"]}
    ).json()
    assert (changed["status"], changed["net"], changed["recovery"]) == ("draft", "33125.00", "5000.00")
    assert [each["stands"] for each in changed["approvals"]] == [False]
    to(api_of(meena), pk, "submit")
    late = to(api_of(kumar), pk, "approve", content_hash=pending["content_hash"])
    assert (late.status_code, late.json()["code"]) == (409, "stale")
    assert late.json()["current"]["content_hash"] == changed["content_hash"]


def test_it_is_disputed_cancelled_and_its_lines_are_free(settlement_a: Farmer, meena: Membership) -> None:
    assert settlement_a.member
    (pk,) = made(api_of(meena))["settlements"]
    to(api_of(meena), pk, "submit")
    said = to(api_of(settlement_a.member), pk, "dispute", reason="the 6th was 12 kg").json()
    assert (said["status"], said["reason"]) == ("disputed", "the 6th was 12 kg")
    assert to(api_of(meena), pk, "cancel").json()["status"] == "cancelled"
    assert made(api_of(meena))["settled"] == 1


def test_an_approved_one_is_taken_back(settlement_a: Farmer, meena: Membership, kumar: Membership) -> None:
    (pk,) = made(api_of(meena))["settlements"]
    content = to(api_of(meena), pk, "submit").json()["content_hash"]
    to(api_of(meena), pk, "approve", content_hash=content, on_behalf_of="farmer")
    to(api_of(kumar), pk, "approve", content_hash=content)
    back = to(api_of(meena), pk, "reverse", reason="wrong week").json()
    assert (back["status"], back["number"]) == ("reversed", "2526-0001")


# --- Refusals ---------------------------------------------------------------------------------


@dataclass
class Book:
    """Meena has settled two farmers: Raja's waits for approval, the other's is approved and half paid."""

    meena: APIClient
    kumar: APIClient
    raja: APIClient
    devi: APIClient
    farmer: Farmer
    selvi: Farmer
    run: str
    pending: str
    approved: str
    payment: str
    content: str


@pytest.fixture
def book(
    raja: Farmer,
    lakshmi: Farmer,
    jasmine: Flower,
    meena: Membership,
    kumar: Membership,
    devi: Membership,
    selvi: Farmer,
) -> Book:
    assert raja.member
    moved(meena, raja, "advance", "17000", "2026-03-02")
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    recorded(kumar, lakshmi, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    owner, clerk = api_of(meena), api_of(kumar)
    run = made(owner)
    of = {str(each.farmer_id): str(each.pk) for each in Settlement.objects.all()}
    pending, approved = of[str(raja.pk)], of[str(lakshmi.pk)]
    content = to(owner, pending, "submit").json()["content_hash"]
    hers = to(owner, approved, "submit").json()["content_hash"]
    to(owner, approved, "approve", content_hash=hers, on_behalf_of="farmer")
    to(clerk, approved, "approve", content_hash=hers)
    paid = to(clerk, approved, "payments", amount="100", mode="cash").json()
    return Book(
        meena=owner,
        kumar=clerk,
        raja=api_of(raja.member),
        devi=api_of(devi),
        farmer=raja,
        selvi=selvi,
        run=run["id"],
        pending=pending,
        approved=approved,
        payment=paid["payments"][0]["id"],
        content=content,
    )


Call = Callable[[Book, str], Any]


def settling(who: str = "meena", **changes: Any) -> Call:
    def call(book: Book, language: str) -> Any:
        said = {name: value(book) if callable(value) else value for name, value in changes.items()}
        return post(getattr(book, who), "settlement-runs/", {**WEEK, **said}, language=language)

    return call


def doing(who: str, action: str, to_what: str = "pending", **changes: Any) -> Call:
    def call(book: Book, language: str) -> Any:
        said = {name: value(book) if callable(value) else value for name, value in changes.items()}
        path = f"settlements/{getattr(book, to_what)}/{action}/".replace("PAYMENT", book.payment)
        if action == "recovery":
            return patch(getattr(book, who), path, said, language=language)
        return post(getattr(book, who), path, said, language=language)

    return call


def reading(who: str, path: str) -> Call:
    def call(book: Book, language: str) -> Any:
        return get(getattr(book, who), path.format(book=book), language=language)

    return call


def twice(call: Call) -> Call:
    def calls(book: Book, language: str) -> Any:
        call(book, language)
        return call(book, language)

    return calls


def content(book: Book) -> str:
    return book.content


REFUSALS: dict[str, tuple[Call, int, str, str | None]] = {
    "staff settle": (settling("kumar"), 403, "role_not_enough", None),
    "a farmer settles": (settling("raja"), 403, "role_not_enough", None),
    "staff look at a preview": (settling("kumar", dry_run=True), 403, "role_not_enough", None),
    "ends before it begins": (
        settling(period_end="2026-03-01"),
        422,
        "ends_before_it_begins",
        "/period_end",
    ),
    "tomorrow": (settling(period_end="2026-03-09"), 422, "in_future", "/period_end"),
    "tomorrow, only looking": (
        settling(period_end="2026-03-09", dry_run=True),
        422,
        "in_future",
        "/period_end",
    ),
    "another shop's farmer": (
        settling(farmers=lambda b: [str(b.selvi.pk)]),
        422,
        "unknown_farmer",
        "/farmers",
    ),
    "recovery below 0": (
        settling(recovery=lambda b: {str(b.farmer.pk): "-1"}),
        422,
        "not_positive",
        "/recovery/FARMER",
    ),
    "recovery with 3 decimals": (
        settling(recovery=lambda b: {str(b.farmer.pk): "1.001"}),
        422,
        "too_precise",
        "/recovery/FARMER",
    ),
    "run used before": (settling(id=lambda b: b.run), 409, "id_exists", "/id"),
    "a farmer reads runs": (reading("raja", "settlement-runs/"), 403, "role_not_enough", None),
    "a farmer reads a run": (reading("raja", "settlement-runs/{book.run}/"), 403, "role_not_enough", None),
    "another shop's run": (reading("devi", "settlement-runs/{book.run}/"), 404, "not_found", None),
    "another shop's settlement": (reading("devi", "settlements/{book.pending}/"), 404, "not_found", None),
    "another farmer's settlement": (reading("raja", "settlements/{book.approved}/"), 404, "not_found", None),
    "staff submit": (doing("kumar", "submit"), 403, "role_not_enough", None),
    "submitted again": (doing("meena", "submit"), 409, "not_draft", None),
    "who made it approves it": (
        doing("meena", "approve", content_hash=content),
        403,
        "role_not_enough",
        None,
    ),
    "one for both sides": (
        twice(doing("kumar", "approve", content_hash=content, on_behalf_of="farmer")),
        409,
        "approved_already",
        None,
    ),
    "another content": (doing("kumar", "approve", content_hash="0" * 64), 409, "stale", None),
    "approved before": (
        doing("kumar", "approve", "approved", content_hash=content),
        409,
        "not_pending",
        None,
    ),
    "approved by another farmer": (
        doing("raja", "approve", "approved", content_hash=content),
        404,
        "not_found",
        None,
    ),
    "disputed without a reason": (doing("raja", "dispute", reason=" "), 422, "required", "/reason"),
    "disputed when approved": (doing("kumar", "dispute", "approved", reason="no"), 409, "not_pending", None),
    "staff cancel": (doing("kumar", "cancel"), 403, "role_not_enough", None),
    "cancelled when approved": (doing("meena", "cancel", "approved"), 409, "not_open", None),
    "cancelled at length": (doing("meena", "cancel", reason="x" * 201), 422, "too_long", "/reason"),
    "staff take back": (doing("kumar", "reverse", "approved", reason="x"), 403, "role_not_enough", None),
    "taken back while paid": (doing("meena", "reverse", "approved", reason="x"), 409, "paid", None),
    "taken back before it is approved": (doing("meena", "reverse", reason="x"), 409, "not_approved", None),
    "taken back without a reason": (
        doing("meena", "reverse", "approved", reason=""),
        422,
        "required",
        "/reason",
    ),
    "staff change the recovery": (
        doing("kumar", "recovery", recovery="1", version=2),
        403,
        "role_not_enough",
        None,
    ),
    "stale recovery": (doing("meena", "recovery", recovery="1", version=1), 409, "stale", None),
    "more than he owes": (
        doing("meena", "recovery", recovery="17000.01", version=2),
        422,
        "more_than_possible",
        "/recovery",
    ),
    "recovery of half a paisa": (
        doing("meena", "recovery", recovery="1.005", version=2),
        422,
        "too_precise",
        "/recovery",
    ),
    "recovery when approved": (
        doing("meena", "recovery", "approved", recovery="1", version=2),
        409,
        "not_open",
        None,
    ),
    "paid before it is approved": (
        doing("kumar", "payments", amount="1", mode="cash"),
        409,
        "not_approved",
        None,
    ),
    "a farmer pays": (doing("raja", "payments", amount="1", mode="cash"), 403, "role_not_enough", None),
    "more than is outstanding": (
        doing("kumar", "payments", "approved", amount="99999", mode="cash"),
        422,
        "more_than_outstanding",
        "/amount",
    ),
    "pays nothing": (
        doing("kumar", "payments", "approved", amount="0", mode="cash"),
        422,
        "not_positive",
        "/amount",
    ),
    "pays half a paisa": (
        doing("kumar", "payments", "approved", amount="1.005", mode="cash"),
        422,
        "too_precise",
        "/amount",
    ),
    "pays in shells": (
        doing("kumar", "payments", "approved", amount="1", mode="shells"),
        422,
        "unknown_mode",
        "/mode",
    ),
    "pays tomorrow": (
        doing("kumar", "payments", "approved", amount="1", mode="cash", business_date="2026-03-09"),
        422,
        "in_future",
        "/business_date",
    ),
    "pays before it was approved": (
        doing("kumar", "payments", "approved", amount="1", mode="cash", business_date="2026-03-07"),
        422,
        "before_approval",
        "/business_date",
    ),
    "payment used before": (
        doing("kumar", "payments", "approved", amount="1", mode="cash", id=lambda b: b.payment),
        409,
        "id_exists",
        "/id",
    ),
    "staff take a payment back": (
        doing("kumar", "payments/PAYMENT/bounce", "approved", reason="x"),
        403,
        "role_not_enough",
        None,
    ),
    "a payment of another settlement": (
        doing("meena", "payments/PAYMENT/bounce", reason="x"),
        404,
        "not_found",
        None,
    ),
    "a payment taken back without a reason": (
        doing("meena", "payments/PAYMENT/bounce", "approved", reason=" "),
        422,
        "required",
        "/reason",
    ),
    "a payment taken back twice": (
        twice(doing("meena", "payments/PAYMENT/bounce", "approved", reason="x")),
        409,
        "reversed",
        None,
    ),
}


def written() -> tuple[int, ...]:
    tables = (SettlementRun, Settlement, Approval, Payment, AnsweredRequest, Event)
    return tuple(table.objects.count() for table in tables)


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_names_its_rule_and_its_field_in_both_languages_and_writes_nothing(
    case: str, book: Book
) -> None:
    call, status, code, pointer = REFUSALS[case]
    call(book, "en")  # what is said twice has been said once now
    before = written()
    told = {}
    for language in ("en", "ta"):
        answer = call(book, language)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (
            answer.content
        )
        told[language] = answer.json()
        assert told[language]["code"] == code
        pointers = [fault["pointer"] for fault in told[language]["errors"]]
        assert pointers == ([] if pointer is None else [pointer.replace("FARMER", str(book.farmer.pk))])
    assert told["en"]["detail"] != told["ta"]["detail"]
    assert written() == before


UNREADABLE: dict[str, tuple[Call, str]] = {
    "no days": (lambda b, _: post(b.meena, "settlement-runs/", {}), "/period_start"),
    "an unknown field": (settling(period="week"), "/period"),
    "recovery of nobody": (settling(recovery={"raja": "1"}), "/recovery/raja"),
    "recovery in words": (
        settling(recovery=lambda b: {str(b.farmer.pk): "much"}),
        "/recovery/FARMER",
    ),
    "farmers in words": (settling(farmers=["raja"]), "/farmers/0"),
    "approved for another": (
        doing("kumar", "approve", content_hash=content, on_behalf_of="shop"),
        "/on_behalf_of",
    ),
    "approved by telegraph": (
        doing("kumar", "approve", content_hash=content, on_behalf_of="farmer", method="telegraph"),
        "/method",
    ),
    "approved unread": (doing("kumar", "approve"), "/content_hash"),
    "submitted with words": (doing("meena", "submit", note="x"), "/note"),
    "no version": (doing("meena", "recovery", recovery="1"), "/version"),
    "paid in words": (doing("kumar", "payments", amount="all", mode="cash"), "/amount"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_named(case: str, book: Book) -> None:
    call, pointer = UNREADABLE[case]
    answer = call(book, "en")
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer.replace("FARMER", str(book.farmer.pk))


@pytest.mark.parametrize(
    "path",
    [
        "settlement-runs/",
        *(
            f"settlements/{{pending}}/{action}/"
            for action in ("submit", "approve", "dispute", "cancel", "reverse", "payments")
        ),
        "settlements/{approved}/payments/{payment}/bounce/",
    ],
)
def test_what_makes_or_moves_needs_a_key(path: str, book: Book) -> None:
    address = path.format(pending=book.pending, approved=book.approved, payment=book.payment)
    answer = post(book.meena, address, {}, key=NO_KEY)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


def test_the_same_payment_is_made_once(book: Book) -> None:
    key, body = uuid4(), {"amount": "50", "mode": "cash"}
    first = post(book.kumar, f"settlements/{book.approved}/payments/", body, key=key)
    again = post(book.kumar, f"settlements/{book.approved}/payments/", body, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Payment.objects.count() == 2
    other = post(book.kumar, f"settlements/{book.approved}/payments/", {**body, "amount": "51"}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_shop_of_one_approves_for_both_sides(devi: Membership, selvi: Farmer, mullai: Flower) -> None:
    recorded(devi, selvi, mullai, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    (pk,) = made(api_of(devi))["settlements"]
    content = to(api_of(devi), pk, "submit").json()["content_hash"]
    to(api_of(devi), pk, "approve", content_hash=content, on_behalf_of="farmer")
    assert to(api_of(devi), pk, "approve", content_hash=content).json()["status"] == "approved"


@pytest.mark.parametrize(
    ("kind", "media_type", "begins"),
    [
        ("pdf", "application/pdf", b"%PDF"),
        ("thermal", "image/png", b"\x89PNG"),
        ("html", "text/html", b"<!doctype"),
    ],
)
def test_the_paper_in_every_form(
    settlement_a: Farmer, meena: Membership, kind: str, media_type: str, begins: bytes
) -> None:
    made(api_of(meena))
    (settlement,) = Settlement.objects.all()
    answer = get(api_of(meena), f"settlements/{settlement.pk}/document/?format={kind}")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, media_type)
    assert answer.content.lstrip().startswith(begins)


def test_the_paper_speaks_his_language_unless_another_is_asked_for(
    settlement_a: Farmer, meena: Membership
) -> None:
    made(api_of(meena))
    (settlement,) = Settlement.objects.all()
    place = f"settlements/{settlement.pk}/document/?format=html"
    assert "பூ மதிப்பு" in get(api_of(meena), place).content.decode()
    in_english = get(api_of(meena), f"{place}&lang=en").content.decode()
    assert "பூ மதிப்பு" not in in_english
    assert "38,125" in in_english
    assert get(api_of(meena), f"settlements/{settlement.pk}/document/?format=docx").status_code == 400


def test_a_farmer_s_paper_is_his_own_and_no_draft(settlement_a: Farmer, meena: Membership) -> None:
    made(api_of(meena))
    (settlement,) = Settlement.objects.all()
    place = f"settlements/{settlement.pk}/document/?format=html"
    assert settlement_a.member is not None
    his = api_of(settlement_a.member)
    assert get(his, place).status_code == 404
    to(api_of(meena), settlement.pk, "submit")
    assert get(his, place).status_code == 200
