"""Corrections from tablets that met others: merged by rule or decided by a person, once, and never without a trace
(offline.md, d 37–43), through the tablet's door."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger.models import DailyEntry, Farmer
from ledger.selectors import entries as book
from ledger.selectors.entries import versions_of
from ledger.services.days import close_day, reopen_day
from ledger.services.entries import void_entry
from malar.accounts.models import Membership
from malar.sync.models import Conflict, ConflictAudit, SyncOp
from pricing.models import Flower
from tests.cast import a_farmer, a_flower, recorded
from tests.sync.clashes import TEN, cancel, changed, edit, one, present, resolve
from tests.sync.test_ops import Tablet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ten_o_clock")]

GROSS = "gross_quantity"


# --- Merged ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["tablet", "other"])
def test_two_tablets_add_up_in_any_order_and_however_often(
    tablet: Tablet, other: Tablet, line: DailyEntry, first: str
) -> None:
    """#54: base 10 kg, twelve on one, thirteen on the other: fifteen, each sent three times."""
    sent = [
        (tablet, edit(tablet, line, gross_quantity="12.200")),
        (other, edit(other, line, gross_quantity="13.200")),
    ]
    if first == "other":
        sent.reverse()
    told = [[one(each, op)["status"] for each, op in sent] for _ in range(3)]
    assert told == [["applied", "merged"], ["duplicate", "duplicate"], ["duplicate", "duplicate"]]
    now = present(line)
    assert (now.quantity, now.gross_quantity, now.version) == (Decimal("15.000"), Decimal("15.200"), 3)
    assert now.amount == Decimal("13500.00")
    audit = ConflictAudit.objects.get()
    assert audit.rules == {"quantity": "added"}
    assert len(versions_of(line)) == 3


def test_a_merge_leaves_what_each_side_had_and_who_and_when_and_where(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """#62."""
    changed(line, meena, gross_quantity=Decimal("11.200"), note="wet")
    op = edit(tablet, line, gross_quantity="9.200", note="small")
    result = one(tablet, op)
    assert (result["status"], result["entity"]["gross_quantity"], result["entity"]["note"]) == (
        "merged",
        "10.200",
        "small",
    )
    audit = ConflictAudit.objects.get()
    sides: list[Any] = [audit.base, audit.client, audit.server, audit.result]
    assert [side["quantity"] for side in sides] == ["10.000", "9.000", "11.000", "10.000"]
    notes = [side["note"] for side in sides]
    assert notes == ["", "small", "wet", "small"]
    assert audit.rules == {"quantity": "added", "note": "last"}
    assert (audit.decided, audit.by, audit.device_id) == ("auto", tablet.member, tablet.id)
    assert (str(audit.op_id), audit.conflict) == (op["op_id"], None)
    assert audit.captured_at is not None
    assert abs(audit.captured_at - audit.at) < dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    "statement", ["UPDATE sync_conflictaudit SET reason = 'x'", "DELETE FROM sync_conflictaudit"]
)
def test_nobody_changes_what_was_kept_of_it(
    tablet: Tablet, meena: Membership, line: DailyEntry, statement: str
) -> None:
    """#62."""
    changed(line, meena, note="wet")
    one(tablet, edit(tablet, line, gross_quantity="9.200"))
    with pytest.raises(DatabaseError, match="row"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ConflictAudit.objects.get().reason == ""


def test_a_rate_that_both_changed_is_the_books_and_the_tablet_is_told(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """#56: the amount is of the book's rate and of both weights."""
    changed(line, meena, rate=Decimal(850))
    result = one(tablet, edit(tablet, line, rate="800.00", gross_quantity="12.200"))
    entity = result["entity"]
    assert (result["status"], entity["rate"], entity["quantity"], entity["amount"]) == (
        "merged",
        "850.00",
        "12.000",
        "10200.00",
    )
    assert "rate_differs" in result["flags"]
    audit = ConflictAudit.objects.get()
    assert (audit.client["rate"], audit.rules["rate"]) == ("800.00", "server")


def test_a_typed_rate_that_nobody_else_touched_is_taken(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """Architecture §6: it is a fact."""
    changed(line, meena, note="wet")
    entity = one(tablet, edit(tablet, line, rate="800.00", rate_reason="wet"))["entity"]
    assert (entity["rate"], entity["rate_source"], entity["rate_reason"], entity["note"]) == (
        "800.00",
        "manual",
        "wet",
        "wet",
    )


def test_another_flower_brings_its_own_rate_and_not_what_the_tablet_guessed(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """What follows from a change follows in the book: a clerk may not set a commission, and did not."""
    mullai = a_flower(meena.shop, "MUL", "முல்லை", "Mullai")
    changed(line, meena, note="wet")
    result = one(tablet, edit(tablet, line, flower=str(mullai.pk), gross_quantity="12.200"))
    assert (result["status"], result["entity"]["flower"], result["entity"]["quantity"]) == (
        "merged",
        str(mullai.pk),
        "12.000",
    )


def test_sack_by_sack_is_taken_where_nobody_else_weighed(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    changed(line, meena, note="wet")
    result = one(tablet, edit(tablet, line, sack_weights=["5.100", "6.100"]))
    entity = result["entity"]
    assert (result["status"], entity["sack_weights"], entity["gross_quantity"], entity["sacks"]) == (
        "merged",
        ["5.100", "6.100"],
        "11.200",
        1,
    )


def test_an_edit_typed_before_the_first_ones_answer_is_counted_from_that_edit(
    tablet: Tablet, other: Tablet, line: DailyEntry
) -> None:
    """It saw its own twelve, not the thirteen of the other tablet."""
    one(other, edit(other, line, gross_quantity="13.200"))
    first = edit(tablet, line, 1, gross_quantity="12.200")
    second, third = (edit(tablet, line, None, gross_quantity=f"{n}.200") for n in (13, 14))
    results = tablet.send(first, second, third)
    assert [result["status"] for result in results] == ["merged", "merged", "merged"]
    # 10 → 13 by the other; 10 → 12 → 13 → 14 here: 13 + 2 + 1 + 1.
    assert [result["entity"]["quantity"] for result in results] == ["15.000", "16.000", "17.000"]


@pytest.mark.parametrize("late", [False, True])
def test_a_correction_that_was_sealed_is_not_what_the_next_one_saw(
    tablet: Tablet, other: Tablet, line: DailyEntry, late: bool
) -> None:
    """He left before it was sent, came back, and saw the other tablet's thirteen; the sealed one goes by itself."""
    sealed = edit(tablet, line, 1, gross_quantity="12.200")
    one(other, edit(other, line, gross_quantity="13.200"))
    after = edit(tablet, line, 2, gross_quantity="14.200")
    for op in (after, sealed) if late else (sealed, after):
        assert one(tablet, op)["status"] in ("applied", "merged")
    # 10 → 13 by the other; 10 → 12 and 13 → 14 here: 13 + 2 + 1.
    assert present(line).quantity == Decimal("16.000")


def test_a_line_of_this_tablet_is_corrected_before_its_answer_came(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    made = tablet.sale(raja, jasmine)
    after = tablet.op("UPDATE", entity_id=made["entity_id"], base_version=None, set={GROSS: "7.000"})
    undo = tablet.op("DELETE", entity_id=made["entity_id"], base_version=None, set={"reason": "twice"})
    assert [each["status"] for each in tablet.send(made, after, undo)] == ["applied"] * 3
    assert DailyEntry.objects.get().is_voided


def test_what_both_cancelled_is_cancelled(tablet: Tablet, meena: Membership, line: DailyEntry) -> None:
    void_entry(by=meena, entry_id=line.pk, reason="wrong farmer")
    result = one(tablet, cancel(tablet, line))
    assert (result["status"], result["entity"]["void_reason"]) == ("merged", "wrong farmer")
    assert ConflictAudit.objects.get().rules == {"status": "same"}


def test_a_reason_typed_at_the_tablet_stands_in_the_history(tablet: Tablet, line: DailyEntry) -> None:
    one(tablet, edit(tablet, line, gross_quantity="9.200", reason="weight misread"))
    assert [version.reason for version in versions_of(line)] == ["", "weight misread"]


def test_a_fault_is_a_fault_and_no_conflict(tablet: Tablet, meena: Membership, line: DailyEntry) -> None:
    changed(line, meena, note="wet")
    result = one(tablet, edit(tablet, line, gross_quantity="0"))
    assert (result["status"], result["error"]["pointer"]) == ("needs_fix", "/gross_quantity")
    assert (Conflict.objects.count(), present(line).version) == (0, 2)


def test_somebody_elses_line_is_not_his_to_correct(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    hers = recorded(meena, raja, jasmine, **TEN)
    changed(hers, meena, note="wet")
    for op in (edit(tablet, hers, gross_quantity="9.200"), cancel(tablet, hers)):
        result = one(tablet, op)
        assert (result["status"], result["error"]["code"]) == ("needs_fix", "role_not_enough")
    assert Conflict.objects.count() == 0


# --- For a person ----------------------------------------------------------------------------------


def kept_for_a_person(line: DailyEntry, result: dict[str, Any], kind: str, version: int = 2) -> Conflict:
    """The book is as it was, and everything is there to decide."""
    assert (result["status"], result["error"]["code"], result["version"]) == ("conflict", kind, version)
    conflict = Conflict.objects.get(pk=result["conflict"])
    assert (conflict.kind, str(conflict.op_id)) == (kind, result["op_id"])
    assert present(line).version == version
    audit = ConflictAudit.objects.get(conflict=conflict)
    assert (audit.rules, audit.server, audit.result) == ({kind: "manual"}, conflict.theirs, conflict.theirs)
    return conflict


def test_a_weight_of_nothing_is_for_a_person(tablet: Tablet, meena: Membership, line: DailyEntry) -> None:
    """#55."""
    changed(line, meena, gross_quantity=Decimal("3.200"))
    result = one(tablet, edit(tablet, line, gross_quantity="6.200"))
    conflict = kept_for_a_person(line, result, "quantity")
    assert present(line).quantity == 3
    sides = (conflict.base, conflict.mine, conflict.theirs)
    assert [side and side["quantity"] for side in sides] == ["10.000", "6.000", "3.000"]
    assert one(tablet, SyncOp.objects.get().body)["conflict"] == str(conflict.pk), "the answer stays"
    assert Conflict.objects.count() == 1


def test_a_weight_that_nobody_of_his_brings_is_for_a_person(
    tablet: Tablet, meena: Membership, line: DailyEntry, kumar: Membership
) -> None:
    for _ in range(5):
        recorded(kumar, line.farmer, line.flower, **{**TEN, "gross_quantity": Decimal("8.200")})
    changed(line, meena, gross_quantity=Decimal("20.200"))
    kept_for_a_person(line, one(tablet, edit(tablet, line, gross_quantity="18.200")), "quantity")


Settle = Callable[[DailyEntry], None]


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Settle:
    """Let a line be settled: nothing else of settlements exists yet."""
    settled: set[UUID] = set()
    monkeypatch.setattr(book, "settled_among", lambda lines: {each.pk for each in lines} & settled)
    return lambda line: settled.add(line.pk)


@pytest.mark.parametrize("operation", [edit, cancel])
def test_a_settled_line_is_not_touched_and_its_correction_is_offered(
    tablet: Tablet, line: DailyEntry, settle: Settle, operation: Any
) -> None:
    """#57: also where nobody changed it. What is decided is written today, beside it."""
    settle(line)
    said = {} if operation is cancel else {"gross_quantity": "12.200"}
    result = one(tablet, operation(tablet, line, **said))
    kept_for_a_person(line, result, "settled", version=1)
    told = resolve(tablet, result, "mine")
    assert told["status"] == "applied"
    assert present(line).version == 1
    counted = {each.kind: each.quantity for each in DailyEntry.objects.exclude(pk=line.pk)}
    if operation is cancel:
        assert counted == {"reversal": Decimal(-10)}
    else:
        assert counted == {"reversal": Decimal(-10), "replacement": Decimal(12)}
        assert told["entity"]["kind"] == "replacement"


def test_a_settled_line_is_adjusted_beside_it_too(tablet: Tablet, line: DailyEntry, settle: Settle) -> None:
    """#57."""
    settle(line)
    result = one(tablet, edit(tablet, line, gross_quantity="12.200"))
    assert resolve(tablet, result, "adjust", set={GROSS: "11.200"})["entity"]["quantity"] == "11.000"
    assert sum(each.quantity for each in DailyEntry.objects.all()) == 11


def test_a_correction_of_what_was_cancelled_is_kept(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """#58: neither wins silently."""
    void_entry(by=meena, entry_id=line.pk, reason="written twice")
    result = one(tablet, edit(tablet, line, gross_quantity="12.200"))
    conflict = kept_for_a_person(line, result, "voided")
    assert conflict.mine["quantity"] == "12.000"
    assert conflict.theirs["status"] == "voided"
    refused = resolve(tablet, result, "mine")
    assert (refused["status"], refused["error"]["code"]) == ("needs_fix", "voided")
    assert resolve(tablet, result, "theirs")["status"] == "applied"


def test_a_cancellation_of_what_was_corrected_is_kept(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    """#58, the other way."""
    changed(line, meena, gross_quantity=Decimal("11.200"))
    result = one(tablet, cancel(tablet, line))
    conflict = kept_for_a_person(line, result, "cancel")
    assert (conflict.mine["status"], conflict.mine["void_reason"]) == ("voided", "written twice")
    assert not present(line).is_voided
    assert resolve(tablet, result, "mine")["entity"]["status"] == "voided"
    assert present(line).void_reason == "written twice"


@pytest.mark.parametrize("what", ["farmer", "flower"])
def test_two_farmers_or_two_flowers_are_for_a_person(
    tablet: Tablet, meena: Membership, line: DailyEntry, lakshmi: Farmer, lotus: Flower, what: str
) -> None:
    """#59. (A line's date never changes, at no door.)"""
    ours, theirs = {
        "farmer": (lakshmi, a_farmer(meena.shop, 16, "மு. கண்ணன்", "M. Kannan")),
        "flower": (
            a_flower(meena.shop, "MUL", "முல்லை", "Mullai"),
            a_flower(meena.shop, "PIC", "பிச்சி", "Pichi"),
        ),
    }[what]
    changed(line, meena, **{f"{what}_id": theirs.pk})
    result = one(tablet, edit(tablet, line, 1, **{what: str(ours.pk)}))
    kept_for_a_person(line, result, what)
    assert result["entity"][what] == str(theirs.pk)
    assert resolve(tablet, result, "mine")["entity"][what] == str(ours.pk)


def test_one_farmer_only_is_taken(
    tablet: Tablet, meena: Membership, line: DailyEntry, lakshmi: Farmer
) -> None:
    """#59: by one side alone nothing is undecided."""
    changed(line, meena, gross_quantity=Decimal("11.200"))
    result = one(tablet, edit(tablet, line, farmer=str(lakshmi.pk)))
    assert (result["status"], result["entity"]["farmer"], result["entity"]["quantity"]) == (
        "merged",
        str(lakshmi.pk),
        "11.000",
    )


@pytest.mark.parametrize("operation", [edit, cancel])
def test_a_line_of_a_closed_day_waits_until_the_owner_opens_it(
    tablet: Tablet, meena: Membership, line: DailyEntry, operation: Any
) -> None:
    close = close_day(by=meena, key=uuid4(), day=line.business_date, denominations={})
    said = {} if operation is cancel else {"gross_quantity": "12.200"}
    result = one(tablet, operation(tablet, line, **said))
    kept_for_a_person(line, result, "day_locked", version=1)
    assert resolve(tablet, result, "mine")["error"]["code"] == "day_locked"
    reopen_day(by=meena, close_id=close.made, reason="a correction")
    assert resolve(tablet, result, "mine")["status"] == "applied"


@pytest.mark.parametrize("operation", [edit, cancel])
@pytest.mark.parametrize("version", [None, 7])
def test_of_a_state_that_nobody_knows_a_person_decides(
    tablet: Tablet, line: DailyEntry, operation: Any, version: int | None
) -> None:
    said = {} if operation is cancel else {"gross_quantity": "12.200"}
    result = one(tablet, operation(tablet, line, version, **said))
    conflict = kept_for_a_person(line, result, "unknown_base", version=1)
    assert conflict.base is None


@pytest.mark.parametrize("operation", [edit, cancel])
def test_what_was_typed_before_the_tablet_knew_of_the_conflict_waits_too(
    tablet: Tablet, line: DailyEntry, undecided: dict[str, Any], operation: Any
) -> None:
    said = {} if operation is cancel else {"gross_quantity": "6.325"}
    result = one(tablet, operation(tablet, line, None, **said))
    assert (result["status"], Conflict.objects.get(pk=result["conflict"]).kind) == (
        "conflict",
        "unknown_base",
    )
    assert (present(line).quantity, present(line).version) == (Decimal(3), 2)


def test_after_the_decision_a_correction_counts_again(
    owner: Tablet, tablet: Tablet, line: DailyEntry, undecided: dict[str, Any]
) -> None:
    resolve(owner, undecided, "theirs")
    assert one(tablet, edit(tablet, line, 2, gross_quantity="3.325"))["status"] == "applied"
    assert present(line).quantity == Decimal("3.125")


def test_what_the_tablet_claims_to_have_seen_is_not_believed(
    tablet: Tablet, meena: Membership, line: DailyEntry
) -> None:
    changed(line, meena, gross_quantity=Decimal("11.200"))
    op = {**edit(tablet, line, gross_quantity="12.200"), "base": {"gross_quantity": "2.200"}}
    assert one(tablet, op)["entity"]["quantity"] == "13.000"


# --- Decided ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "said", "quantity", "version"),
    [
        ("mine", {}, "6.000", 3),
        ("theirs", {}, "3.000", 2),
        ("adjust", {"set": {GROSS: "5.200"}}, "5.000", 3),
    ],
)
def test_a_person_decides_and_the_book_follows(
    owner: Tablet,
    line: DailyEntry,
    undecided: dict[str, Any],
    choice: str,
    said: Any,
    quantity: str,
    version: int,
) -> None:
    """#61, #62: with who, why, and on which tablet."""
    told = resolve(owner, undecided, choice, **said)
    assert (told["status"], told["entity"]["quantity"], told["version"]) == ("applied", quantity, version)
    conflict = Conflict.objects.get()
    assert (conflict.choice, conflict.reason, conflict.resolved_by) == (choice, "asked Raja", owner.member)
    audit = ConflictAudit.objects.latest("pk")
    assert (audit.decided, audit.rules, audit.by, audit.device_id) == (
        "user",
        {"choice": choice},
        owner.member,
        owner.id,
    )
    assert (audit.server["quantity"], audit.result["quantity"], audit.reason) == (
        "3.000",
        quantity,
        "asked Raja",
    )
    if version == 3:
        assert versions_of(line)[-1].reason == "asked Raja"


def test_the_second_to_decide_is_told_who_was_first(
    owner: Tablet, tablet: Tablet, line: DailyEntry, undecided: dict[str, Any]
) -> None:
    """#61: from two tablets one resolution."""
    resolve(owner, undecided, "theirs")
    told = resolve(tablet, undecided, "mine")
    assert (told["status"], told["error"]["code"]) == ("needs_fix", "already_resolved")
    assert told["error"]["params"] == {"by": "Meena", "choice": "theirs"}
    assert "Meena" in told["error"]["detail"]
    assert (present(line).quantity, ConflictAudit.objects.count()) == (Decimal(3), 2)


def test_the_same_decision_sent_again_is_answered_alike(
    owner: Tablet, line: DailyEntry, undecided: dict[str, Any]
) -> None:
    """#61: the answer was lost."""
    facts = {"conflict": undecided["conflict"], "choice": "mine", "reason": "x", "expected_version": 2}
    op = owner.op("RESOLVE", "conflict", entity_id=undecided["conflict"], set=facts)
    first, again = one(owner, op), one(owner, op)
    assert (first["status"], again["status"], again["of"]) == ("applied", "duplicate", "applied")
    assert again["entity"] == first["entity"]
    assert present(line).version == 3


BOTH_WAYS = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])


def without_locks(monkeypatch: pytest.MonkeyPatch, then: str, people: int) -> None:
    """The negative control: nobody waits for a row, and all have read it when the first goes past the step `then`."""
    all_have_read, here = threading.Barrier(people), threading.local()
    module, _dot, name = then.rpartition(".")
    step: Callable[..., Any] = getattr(import_module(module), name)

    def after_all(*args: Any) -> Any:
        if not hasattr(here, "waited"):
            here.waited = all_have_read.wait(30)
        return step(*args)

    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda rows, **_said: rows)
    monkeypatch.setattr(then, after_all)


def at_once(acts: list[Callable[[], dict[str, Any]]]) -> tuple[list[dict[str, Any]], list[IntegrityError]]:
    """Answers, and what the database refused."""
    start, told, faults = threading.Barrier(len(acts)), list[dict[str, Any]](), list[IntegrityError]()

    def run(act: Callable[[], dict[str, Any]]) -> None:
        try:
            start.wait()
            told.append(act())
        except IntegrityError as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told, faults


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@BOTH_WAYS
def test_eight_tablets_at_once_add_up(
    kumar: Membership, line: DailyEntry, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """#54: a kilogram more from each. Without the lock on the line some are put over the same version."""
    sent = [(each, edit(each, line, gross_quantity="11.200")) for each in (Tablet(kumar) for _ in range(8))]
    if not guarded:
        without_locks(monkeypatch, "ledger.services.entries.put_in", len(sent))
    told, faults = at_once([partial(one, each, op) for each, op in sent])
    if guarded:
        assert sorted(each["status"] for each in told) == ["applied"] + ["merged"] * 7
        assert (present(line).quantity, present(line).version, faults) == (Decimal(18), 9, [])
    else:
        assert faults, "the trigger of the line lets no version be written twice"
        assert present(line).quantity < 18


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@BOTH_WAYS
def test_ten_who_decide_at_once_decide_once(
    owner: Tablet,
    line: DailyEntry,
    undecided: dict[str, Any],
    guarded: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """#61. Without the lock on the conflict each finds it open, and only the trigger of its row stops him."""
    tablets = [Tablet(owner.member) for _ in range(10)]
    if not guarded:
        without_locks(monkeypatch, "malar.sync.conflicts.facts_of", len(tablets))
    told, faults = at_once([partial(resolve, each, undecided, "theirs") for each in tablets])
    if guarded:
        assert sum(each["status"] == "applied" for each in told) == 1
        codes = [each["error"]["code"] for each in told if each["status"] != "applied"]
        assert (codes, faults) == (["already_resolved"] * 9, [])
    else:
        assert faults
    assert ConflictAudit.objects.filter(decided="user").count() == 1


def test_he_who_decides_must_have_seen_what_stands(
    owner: Tablet, meena: Membership, line: DailyEntry, undecided: dict[str, Any]
) -> None:
    """#61: the line was corrected once more since he read it."""
    changed(line, meena, note="small")
    told = resolve(owner, undecided, "mine")
    assert (told["status"], told["error"]["code"], told["version"]) == ("needs_fix", "stale", 3)
    assert Conflict.objects.get().resolved_at is None
    (waiting,) = listed(owner)
    assert (waiting["version"], waiting["theirs"]["note"]) == (3, "small")
    assert resolve(owner, undecided, "mine", expected_version=3)["status"] == "applied"


@pytest.mark.parametrize(
    ("said", "code", "pointer"),
    [
        ({"reason": " "}, "required", "/reason"),
        ({"choice": "both"}, "invalid_choice", "/choice"),
        ({"choice": "adjust"}, "nothing_changed", ""),
        ({"choice": "adjust", "set": {GROSS: "0"}}, "not_positive", "/gross_quantity"),
        ({"conflict": str(uuid4())}, "not_found", ""),
    ],
)
def test_a_decision_that_cannot_be_is_told_and_decides_nothing(
    owner: Tablet, line: DailyEntry, undecided: dict[str, Any], said: Any, code: str, pointer: str
) -> None:
    told = resolve(owner, undecided, said.pop("choice", "mine"), **said)
    assert (told["status"], told["error"]["code"], told["error"]["pointer"]) == ("needs_fix", code, pointer)
    assert Conflict.objects.get().resolved_at is None
    assert present(line).version == 2


def test_another_shop_decides_nothing_and_sees_nothing(devi: Membership, undecided: dict[str, Any]) -> None:
    stranger = Tablet(devi)
    assert resolve(stranger, undecided, "theirs")["error"]["code"] == "not_found"
    assert listed(stranger) == []
    assert stranger.hello()["open_conflicts"] == 0


# --- Seen ------------------------------------------------------------------------------------------


def listed(tablet: Tablet) -> list[dict[str, Any]]:
    answer = tablet.browser.get("/sync/v1/conflicts/")
    assert (answer.status_code, answer["X-Sync-Protocol"]) == (200, "1")
    found: list[dict[str, Any]] = answer.json()["conflicts"]
    return found


def test_tablets_hear_of_what_waits_until_it_is_decided(
    owner: Tablet, tablet: Tablet, line: DailyEntry, undecided: dict[str, Any]
) -> None:
    (waiting,) = listed(owner)
    assert set(waiting) == {
        *("id", "op_id", "entity_id", "kind", "farmer", "flower", "base", "mine", "theirs", "version"),
        *("device", "author", "at"),
    }
    assert (waiting["id"], waiting["op_id"], waiting["entity_id"]) == (
        undecided["conflict"],
        undecided["op_id"],
        str(line.pk),
    )
    assert [waiting[side]["quantity"] for side in ("base", "mine", "theirs")] == ["10.000", "6.000", "3.000"]
    assert (waiting["kind"], waiting["version"], waiting["author"], waiting["device"]) == (
        "quantity",
        2,
        "Kumar",
        f"Tablet {tablet.answer['series']}",
    )
    assert owner.hello()["open_conflicts"] == 1
    resolve(owner, undecided, "theirs")
    assert (listed(owner), owner.hello()["open_conflicts"]) == ([], 0)
