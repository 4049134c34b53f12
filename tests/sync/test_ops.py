"""What a tablet sends: each operation once, its effect with it or not at all (offline.md, c and d)."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from ledger.services.days import close_day
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import RuleBroken
from malar.kernel.rest import read
from malar.sync import services
from malar.sync.forms import Operation
from malar.sync.models import Device, StrayOp, Stream, SyncOp
from malar.sync.selectors.tablets import received_of
from malar.sync.services import apply
from malar.trail.models import Event
from pricing.models import Flower
from tests.cast import called
from tests.conftest import page_of

pytestmark = pytest.mark.django_db


class Tablet:
    """A tablet as the server meets it."""

    def __init__(self, member: Membership) -> None:
        self.member, self.id, self.stream = member, uuid4(), uuid4()
        self.seq = 0
        self.browser = Client(enforce_csrf_checks=True)
        self.browser.force_login(member.user)
        self.csrf = self.hello()["csrf"]
        self.answer = self.post("device", {"id": str(self.id)}).json()

    def hello(self) -> dict[str, Any]:
        headers = {"X-Device-Id": str(self.id)}
        answer: dict[str, Any] = self.browser.get(
            "/sync/v1/hello/", {"stream": str(self.stream)}, headers=headers
        ).json()
        return answer

    def post(self, where: str, body: Any, **headers: str) -> Any:
        sent = {"X-CSRFToken": self.csrf, "X-Sync-Protocol": "1", **headers}
        text = body if isinstance(body, str) else json.dumps(body)
        return self.browser.post(f"/sync/v1/{where}/", text, content_type="application/json", headers=sent)

    def op(self, operation: str = "CREATE", entity: str = "daily_entry", **said: Any) -> dict[str, Any]:
        self.seq += 1
        now = timezone.now().timestamp() * 1000
        return {
            "op_id": str(uuid4()),
            "seq": self.seq,
            "v": 1,
            "operation": operation,
            "entity": entity,
            "entity_id": str(uuid4()),
            "base_version": None,
            "base": None,
            "set": {},
            "captured": {
                "device_ms": int(said.pop("at", now)),
                "offset_ms": said.pop("offset_ms", 0),
                "unc_ms": said.pop("unc_ms", 20),
                "mono_ms": 1.5,
                "boot": "b",
            },
            "quoted": None,
            "supersedes": None,
            **said,
        }

    def sale(self, farmer: Farmer, flower: Flower, gross: str = "6.000", **said: Any) -> dict[str, Any]:
        facts = {"farmer": str(farmer.pk), "flower": str(flower.pk), "gross_quantity": gross}
        return self.op(set=facts | said.pop("facts", {}), **said)

    def batch(self, *ops: dict[str, Any], **said: Any) -> dict[str, Any]:
        return {
            "device_id": str(self.id),
            "stream_id": str(self.stream),
            "author_id": str(self.member.user_id),
            "clock": {"offset_ms": 0, "rtt_ms": 40, "age_s": 1, "jumps": 0},
            "queue": {"pending": 0, "stalled": 0, "conflicts": 0, "oldest_ms": None, "last_seq": self.seq},
            "ops": list(ops),
            **said,
        }

    def send(self, *ops: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.post("ops", self.batch(*ops))
        assert answer.status_code == 200, answer.content
        assert (answer["X-Sync-Protocol"], answer["Cache-Control"]) == ("1", "no-store")
        results: list[dict[str, Any]] = answer.json()["results"]
        return results


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    """Ten o'clock: at midnight a rate of an hour ago would be another day's."""
    now = timezone.now().astimezone(KOLKATA).replace(hour=10, minute=0) - dt.timedelta(days=1)
    with time_machine.travel(now):
        yield


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


def ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


# --- Who it is -------------------------------------------------------------------------------------


def test_each_tablet_of_a_shop_has_a_series_of_its_own_and_keeps_it(
    kumar: Membership, meena: Membership, devi: Membership
) -> None:
    first, second, other = Tablet(kumar), Tablet(meena), Tablet(devi)
    assert [tablet.answer["series"] for tablet in (first, second, other)] == ["A1", "A2", "A1"]
    assert first.post("device", {"id": str(first.id), "name": "scale"}).json()["series"] == "A1"
    assert Device.objects.get(pk=first.id).name == "scale"
    refused = other.post("device", {"id": str(first.id)})
    assert (refused.status_code, refused.json()["code"]) == (409, "other_shop")


def test_hello_knows_the_tablet_and_which_numbers_never_came(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 25, the server's half: what was announced and never came is seen."""
    assert tablet.hello()["device"] == {**tablet.answer, "stream": None}
    ops = [tablet.sale(raja, jasmine) for _ in range(5)]
    tablet.send(ops[0], ops[3])
    known = tablet.hello()
    assert known["device"]["stream"] == {"last_seq": 4, "received": 2, "gaps": [[2, 3], [5, 5]]}
    assert UUID(known["epoch"]) == UUID(tablet.hello()["epoch"])


# --- Once ------------------------------------------------------------------------------------------


def test_a_sale_is_in_the_book_with_its_tablets_slip_number(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    called(jasmine, "900", timezone.now() - dt.timedelta(minutes=1), meena)
    op = tablet.sale(raja, jasmine, facts={"tare": "0.200", "slip_number": "A1-0603-018"})
    (result,) = tablet.send(op)
    assert (result["op_id"], result["status"], result["version"]) == (op["op_id"], "applied", 1)
    line = DailyEntry.objects.get()
    assert (str(line.pk), line.slip_number, line.amount) == (
        op["entity_id"],
        "A1-0603-018",
        Decimal("5220.00"),
    )
    assert result["entity"]["amount"] == "5220.00"
    assert line.created_by == tablet.member
    assert Event.objects.filter(name="EntryRecorded").count() == 1


def test_sent_again_it_is_answered_alike_and_written_once(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenarios 3, 5, 10 and 21: the answer was lost, the server had committed."""
    ops = [tablet.sale(raja, jasmine, f"{n}.000") for n in range(1, 4)]
    first = tablet.send(*ops[:2])
    again = tablet.send(*ops)
    assert [result["status"] for result in again] == ["duplicate", "duplicate", "applied"]
    assert [result["of"] for result in again[:2]] == ["applied", "applied"]
    assert [result["entity"] for result in again[:2]] == [result["entity"] for result in first]
    assert DailyEntry.objects.count() == SyncOp.objects.count() == 3


def test_one_id_with_two_meanings_is_told(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    """Scenario 52."""
    op = tablet.sale(raja, jasmine)
    tablet.send(op)
    other = {**op, "set": {**op["set"], "gross_quantity": "7.000"}}
    (result,) = tablet.send(other)
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "op_reused")
    (result,) = tablet.send({**tablet.sale(raja, jasmine), "seq": op["seq"]})
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "seq_reused")
    (result,) = tablet.send({**tablet.sale(raja, jasmine), "entity_id": op["entity_id"]})
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "id_exists")
    assert DailyEntry.objects.get().quantity == Decimal(6)


def strays() -> list[tuple[str, int | None]]:
    return list(StrayOp.objects.order_by("received_at").values_list("code", "seq"))


def test_of_one_id_with_two_meanings_both_bodies_are_kept(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 52: each once, however often it comes; the first one's answer stands."""
    op = tablet.sale(raja, jasmine)
    (first,) = tablet.send(op)
    other = {**op, "set": {**op["set"], "gross_quantity": "7.000"}}
    for _ in range(2):
        tablet.send(other)
    tablet.send({**tablet.sale(raja, jasmine, "8.000"), "seq": op["seq"]})
    assert strays() == [("op_reused", 1), ("seq_reused", 1)]
    assert json.loads(StrayOp.objects.earliest("received_at").body) == other
    assert tablet.send(op)[0] == first | {"status": "duplicate", "of": "applied"}


def test_an_id_that_another_shop_knows_is_a_used_one(
    tablet: Tablet, devi: Membership, selvi: Farmer, mullai: Flower
) -> None:
    """Scenario 52: and nothing of theirs is told."""
    other = Tablet(devi)
    op = other.sale(selvi, mullai)
    other.send(op)
    (result,) = tablet.send(op)
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "op_reused")
    assert (result["entity"], result["version"]) == (None, None)
    assert StrayOp.objects.get().shop_id == tablet.member.shop_id


def test_what_cannot_be_read_is_kept_and_its_number_is_not_missing(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 48: whatever it is, it may be the only copy."""
    ops = [tablet.sale(raja, jasmine) for _ in range(3)]
    odd = {**ops[1], "captured": None, "note": "\ud800 \x00"}
    results = tablet.send(ops[0], odd, ops[2])
    assert [result["status"] for result in results] == ["applied", "needs_fix", "applied"]
    tablet.send(odd)
    assert strays() == [("malformed", 2)]
    assert json.loads(StrayOp.objects.get().body) == odd
    assert tablet.hello()["device"]["stream"] == {"last_seq": 3, "received": 3, "gaps": []}


@pytest.mark.parametrize("letters", ["\x00", "\ud800"])
def test_letters_the_database_cannot_keep_do_not_stop_the_batch(
    tablet: Tablet, raja: Farmer, jasmine: Flower, letters: str
) -> None:
    """Scenario 47: they are in a part that nobody reads."""
    odd = tablet.sale(raja, jasmine, base={"note": letters}, op_id=letters)
    results = tablet.send(odd, tablet.sale(raja, jasmine))
    assert [result["status"] for result in results] == ["needs_fix", "applied"]
    assert results[0]["error"]["code"] == "malformed"
    assert json.loads(StrayOp.objects.get().body) == odd


@pytest.mark.parametrize("seq", [None, "x", True, -1, 0, 2**40, 1.5])
def test_what_has_no_number_is_kept_all_the_same(tablet: Tablet, seq: Any) -> None:
    (result,) = tablet.send({**tablet.op(), "seq": seq})
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "malformed")
    assert strays() == [("malformed", None)]


def test_a_blocked_tablet_is_told_so_when_it_comes_again(tablet: Tablet) -> None:
    Device.objects.update(blocked_at=timezone.now())
    answer = tablet.post("device", {"id": str(tablet.id), "name": "scale"})
    assert (answer.status_code, answer.json()["code"]) == (403, "device_blocked")
    assert tablet.hello()["device"]["is_blocked"]
    assert Device.objects.get().name == ""


def test_one_that_is_wrong_does_not_stop_the_others(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    """Scenarios 47 and 48: it is kept with its reason, and mended by another one."""
    wrong = tablet.sale(raja, jasmine, "0")
    odd = {**tablet.sale(raja, jasmine), "captured": None}
    results = tablet.send(tablet.sale(raja, jasmine), wrong, odd, tablet.sale(raja, jasmine))
    assert [result["status"] for result in results] == ["applied", "needs_fix", "needs_fix", "applied"]
    error = results[1]["error"]
    assert (error["code"], error["pointer"]) == ("not_positive", "/gross_quantity")
    assert "0" in error["detail"]
    assert results[2]["error"]["code"] == "malformed"
    (again,) = tablet.send(wrong)
    assert (again["status"], again["of"], again["error"]["code"]) == (
        "duplicate",
        "needs_fix",
        "not_positive",
    )
    mended = tablet.sale(raja, jasmine, "6.500", supersedes=wrong["op_id"], entity_id=wrong["entity_id"])
    assert tablet.send(mended)[0]["status"] == "applied"
    assert DailyEntry.objects.count() == 3


def test_what_cannot_be_locked_now_is_tried_again_later(
    tablet: Tablet, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_arguments: object, **_named: object) -> None:
        raise RuleBroken("busy", code="busy")

    op = tablet.sale(raja, jasmine)
    with monkeypatch.context() as patched:
        patched.setattr(services, "enter", busy)
        (result,) = tablet.send(op)
        assert (result["status"], SyncOp.objects.count()) == ("retry", 0)
    assert tablet.send(op)[0]["status"] == "applied"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
def test_a_hundred_times_the_same_operation_at_once_is_one_line(
    tablet: Tablet, raja: Farmer, jasmine: Flower, guarded: bool
) -> None:
    """Scenario 53: 1 line, 99 duplicates, no error. Without the unique keys the others are told of a fault."""
    op = tablet.sale(raja, jasmine)
    tablet.send()
    stream = Stream.objects.get()
    with _without_keys(guarded):
        start, results = threading.Barrier(100), []

        def send() -> None:
            try:
                start.wait()
                with suppress(IntegrityError):  # of the line itself, where nothing else has kept it out
                    results.append(
                        apply(by=tablet.member, stream=stream, said=read(Operation, op), sent=op)["status"]
                    )
            finally:
                connection.close()

        threads = [threading.Thread(target=send) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept, lines = SyncOp.objects.count(), DailyEntry.objects.count()
    assert lines == 1, "the line's own id is the second net"
    if guarded:
        assert sorted(results) == ["applied"] + ["duplicate"] * 99
        assert kept == 1
    else:
        assert results.count("duplicate") < 99


class _without_keys:
    """The negative control: nothing in the database says that an operation or an id is there once."""

    KEYS = (
        ("sync_syncop", "sync_syncop_pkey", "PRIMARY KEY (id)"),
        ("sync_syncop", "one_operation_a_number", "UNIQUE (stream_id, seq)"),
        ("trail_answeredrequest", "one_answer_per_key", "UNIQUE (shop_id, key)"),
        ("trail_answeredrequest", "one_making_per_id", "UNIQUE (made)"),
    )

    def __init__(self, guarded: bool) -> None:
        self.keys = () if guarded else (*self.KEYS, *self._references())

    def _references(self) -> list[tuple[str, str, str]]:
        """What points at operations rests on their key."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE contype = 'f' AND confrelid = 'sync_syncop'::regclass"
            )
            return list(cursor.fetchall())

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            for table, name, _definition in reversed(self.keys):
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")

    def __exit__(self, *_error: object) -> None:
        with connection.cursor() as cursor:
            if self.keys:
                cursor.execute("TRUNCATE sync_syncop, trail_answeredrequest")
            for table, name, definition in self.keys:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


# --- Corrections -----------------------------------------------------------------------------------


def test_a_line_is_corrected_and_cancelled_in_order(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    """Scenario 45."""
    made = tablet.sale(raja, jasmine)
    this = {"entity_id": made["entity_id"]}
    edits = [
        tablet.op("UPDATE", **this, base_version=None, set={"gross_quantity": f"{n}.000"}) for n in (7, 8)
    ]
    undo = tablet.op("DELETE", **this, base_version=None, set={"reason": "written twice"})
    results = tablet.send(made, *edits, undo)
    assert [(each["status"], each["version"]) for each in results] == [("applied", n) for n in (1, 2, 3, 4)]
    line = DailyEntry.objects.get()
    assert (line.quantity, line.is_voided) == (Decimal(8), True)


def test_what_was_refused_and_taken_back_leaves_no_number_missing(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """The tablet took the line back before it heard that it was refused: nothing is there to correct or to cancel."""
    made = tablet.op(set={"farmer": str(raja.pk), "flower": str(jasmine.pk), "gross_quantity": "0"})
    this = {"entity_id": made["entity_id"]}
    edit = tablet.op("UPDATE", **this, base_version=None, set={"gross_quantity": "7.000"})
    undo = tablet.op("DELETE", **this, base_version=None, set={"reason": "written twice"})
    assert [each["status"] for each in tablet.send(made, edit)] == ["needs_fix", "blocked"]
    assert [each["status"] for each in tablet.send(undo, edit)] == ["merged", "merged"]
    assert [each["of"] for each in tablet.send(undo, edit)] == ["merged", "merged"]
    assert DailyEntry.objects.count() == 0
    stream = Stream.objects.get()
    assert received_of(stream) == {made["seq"], edit["seq"], undo["seq"]}


def test_a_correction_that_overtook_its_line_waits(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    made = tablet.sale(raja, jasmine)
    undo = tablet.op("DELETE", entity_id=made["entity_id"], base_version=1, set={"reason": "twice"})
    (result,) = tablet.send(undo)
    assert (result["status"], result["error"]["code"], SyncOp.objects.count()) == (
        "blocked",
        "not_arrived",
        0,
    )
    assert [each["status"] for each in tablet.send(made, undo)] == ["applied", "applied"]


# --- Flowers that were weighed are not refused -----------------------------------------------------------


def test_a_sale_is_priced_by_when_it_was_weighed(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    """Scenarios 63 and 65: the tablet was 37 minutes fast, and knew it."""
    now = timezone.now()
    called(jasmine, "900", now - dt.timedelta(hours=2), meena)
    called(jasmine, "820", now - dt.timedelta(minutes=30), meena)
    ahead = 37 * 60_000
    op = tablet.sale(raja, jasmine, at=ms(now - dt.timedelta(hours=1)) + ahead, offset_ms=-ahead)
    (result,) = tablet.send(op)
    assert (result["entity"]["rate"], result["flags"]) == ("900.00", [])
    assert DailyEntry.objects.get().captured_at == pytest.approx(
        now - dt.timedelta(hours=1), abs=dt.timedelta(seconds=1)
    )


def test_a_rate_that_differs_from_the_quoted_one_stays_visible(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    """Scenario 56: the board decides, and what the farmer was told is kept."""
    called(jasmine, "820", timezone.now() - dt.timedelta(minutes=30), meena)
    op = tablet.sale(raja, jasmine, quoted={"rate": "900.00", "slot": None})
    (result,) = tablet.send(op)
    assert (result["entity"]["rate"], result["entity"]["quoted_rate"]) == ("820.00", "900.00")
    assert result["flags"] == ["rate_differs"]
    page = page_of(tablet.member).get(f"/ledger/entries/{op['entity_id']}/")
    assert "The tablet showed ₹900.00 when" in page.content.decode()
    same = tablet.sale(raja, jasmine, "5.000", quoted={"rate": "820.00", "slot": None})
    (result,) = tablet.send(same)
    assert (result["entity"]["quoted_rate"], result["flags"]) == (None, [])


def test_a_typed_rate_is_a_fact(tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership) -> None:
    called(jasmine, "820", timezone.now() - dt.timedelta(minutes=30), meena)
    op = tablet.sale(raja, jasmine, facts={"rate": "800.00", "rate_reason": "quality"})
    (result,) = tablet.send(op)
    assert (result["entity"]["rate"], result["entity"]["rate_source"]) == ("800.00", "manual")


def test_a_line_of_a_closed_day_is_dated_on_the_next_open_one(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    """Architecture §6: it is kept, and somebody looks at it."""
    at = timezone.now() - dt.timedelta(days=2)
    day = at.astimezone(KOLKATA).date()
    for closed in (day, day + dt.timedelta(1)):
        close_day(by=meena, key=uuid4(), day=closed, denominations={})
    (result,) = tablet.send(tablet.sale(raja, jasmine, at=ms(at)))
    assert result["status"] == "applied"
    assert result["entity"]["business_date"] == (day + dt.timedelta(2)).isoformat()
    assert {"day_locked", "late"} == set(result["flags"])


def test_a_tablet_ahead_of_time_is_put_right(tablet: Tablet, raja: Farmer, jasmine: Flower) -> None:
    """Scenario 66: the date is the server's."""
    (result,) = tablet.send(tablet.sale(raja, jasmine, at=ms(timezone.now() + dt.timedelta(days=3))))
    assert (result["status"], result["flags"]) == ("applied", ["clock"])
    assert DailyEntry.objects.get().captured_at <= timezone.now()


def test_a_farmer_who_was_put_off_the_list_meanwhile_loses_nothing(
    tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 70."""
    raja.is_active = False
    raja.save()
    (result,) = tablet.send(tablet.sale(raja, jasmine))
    assert (result["status"], result["flags"]) == ("applied", ["inactive"])
    (result,) = tablet.send(tablet.sale(raja, jasmine, facts={"farmer": str(uuid4())}))
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "unknown_farmer")


# --- The door --------------------------------------------------------------------------------------


def test_what_is_no_answer_to_a_tablet_is_said_in_its_words(
    tablet: Tablet, raja: Farmer, jasmine: Flower, meena: Membership
) -> None:
    """Scenarios 12, 15, 17, 34 and 42: nothing is applied, and nothing kept."""
    op = tablet.sale(raja, jasmine)
    batch = tablet.batch(op)

    def told(answer: Any) -> tuple[int, str]:
        assert answer["X-Sync-Protocol"] == "1"
        return answer.status_code, answer.json()["code"]

    assert told(tablet.post("ops", batch, **{"X-CSRFToken": "x" * 32})) == (403, "csrf_failed")
    assert told(tablet.post("ops", batch, **{"X-Sync-Protocol": "2"})) == (426, "update_first")
    assert told(tablet.post("ops", {**batch, "author_id": str(meena.user_id)})) == (409, "user_mismatch")
    assert told(tablet.post("ops", {**batch, "device_id": str(uuid4())})) == (409, "device_unknown")
    assert told(tablet.post("ops", "{")) == (400, "malformed")
    assert told(tablet.post("ops", {**batch, "queue": None})) == (400, "malformed")
    assert told(tablet.post("ops", tablet.batch(*[op] * 51))) == (413, "too_large")
    assert told(tablet.post("ops", {**batch, "ops": [{"x": "y" * 70_000}]})) == (413, "too_large")
    Device.objects.update(blocked_at=timezone.now())
    assert told(tablet.post("ops", batch)) == (403, "device_blocked")
    tablet.browser.logout()
    assert told(tablet.post("ops", batch)) == (401, "auth_required")
    assert (SyncOp.objects.count(), DailyEntry.objects.count()) == (0, 0)


def test_another_shops_farmer_is_unknown_and_another_ones_queue_refused(
    tablet: Tablet, devi: Membership, raja: Farmer, jasmine: Flower
) -> None:
    tablet.send()
    other = Tablet(devi)
    other.stream = tablet.stream
    assert other.post("ops", other.batch()).json()["code"] == "stream_taken"
    other.stream = uuid4()
    (result,) = other.send(other.sale(raja, jasmine))
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "unknown_farmer")
    assert SyncOp.objects.get().shop_id == devi.shop_id
