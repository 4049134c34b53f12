"""Settlements and tablets: what has not come holds them up, and one may be asked for at the counter."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.sync.models import Conflict, Device, Stream, SyncOp
from malar.trail.models import AnsweredRequest
from pricing.models import Flower
from settlements.models import Settlement, SettlementRun
from settlements.services.runs import Order, Outcome, preview, run_or_begin
from tests.cast import recorded
from tests.sync.clashes import a_conflict_about, one, resolve
from tests.sync.test_ops import Tablet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ten_o_clock")]


RATE = {"rate": "900"}


@pytest.fixture
def hers(kumar: Membership, lakshmi: Farmer, jasmine: Flower) -> DailyEntry:
    return recorded(kumar, lakshmi, jasmine, rate=Decimal(900))


def today() -> dt.date:
    return business_date_of(timezone.now(), 0)


def foreseen(owner: Membership, **said: Any) -> Outcome:
    return preview(by=owner, order=Order(start=today(), end=today(), **said))


def reasons(outcome: Outcome) -> dict[UUID, str]:
    return {each.farmer.pk: each.reason.value for each in outcome.left_out}


def announced(tablet: Tablet, *ops: dict[str, Any], pending: int = 1) -> None:
    """Send some, and say that others still wait."""
    queue = {"pending": pending, "stalled": 0, "conflicts": 0, "oldest_ms": None, "last_seq": tablet.seq}
    assert tablet.post("ops", tablet.batch(*ops, queue=queue)).status_code == 200


# --- What holds a run up ------------------------------------------------------------------------


def test_a_farmer_whose_correction_is_undecided_is_left_out_until_it_is(
    line: DailyEntry, hers: DailyEntry, meena: Membership, kumar: Membership, owner: Tablet
) -> None:
    conflict = a_conflict_about(line, kumar)
    assert reasons(foreseen(meena)) == {line.farmer_id: "undecided"}
    told = resolve(owner, {"conflict": str(conflict.pk), "version": 1}, "theirs")
    assert (told["status"], Conflict.objects.get().resolved_at is not None) == ("applied", True)
    assert reasons(foreseen(meena)) == {}


def test_a_correction_of_a_later_day_holds_up_nothing(
    line: DailyEntry, meena: Membership, kumar: Membership
) -> None:
    a_conflict_about(line, kumar)
    day = today() - dt.timedelta(days=1)
    assert reasons(preview(by=meena, order=Order(start=day, end=day))) == {line.farmer_id: "nothing"}


def test_nobody_is_settled_while_a_tablet_has_lines_to_send_unless_the_owner_says_so(
    line: DailyEntry, hers: DailyEntry, meena: Membership, tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    first, second = (tablet.sale(raja, jasmine, facts=RATE) for _ in range(2))
    announced(tablet, first, pending=2)
    assert set(reasons(foreseen(meena)).values()) == {"unsynced"}
    assert len(foreseen(meena, despite_tablets=True).settlements) == 2
    tablet.send(second)
    assert "unsynced" not in reasons(foreseen(meena)).values(), "it has come"


@pytest.mark.parametrize("end", ["left", "blocked", "silent"])
def test_a_tablet_nobody_waits_for_holds_up_nobody(
    end: str, line: DailyEntry, meena: Membership, tablet: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    tablet.sale(raja, jasmine)
    announced(tablet)
    assert set(reasons(foreseen(meena)).values()) == {"unsynced"}
    match end:
        case "left":
            Stream.objects.update(left_at=timezone.now())
        case "blocked":
            Device.objects.update(blocked_at=timezone.now())
        case "silent":
            Stream.objects.update(last_seen_at=timezone.now() - dt.timedelta(days=8))
    assert reasons(foreseen(meena)) == {}


# --- Asked for at the counter -------------------------------------------------------------------


def asked(tablet: Tablet, farmer: Farmer, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    said = {"farmer": str(farmer.pk), "period_start": str(today()), "period_end": str(today())}
    return tablet.op("SETTLEMENT", "settlement", set=said | (facts or {}))


def test_a_farmer_is_settled_from_a_tablet_once(
    line: DailyEntry, hers: DailyEntry, owner: Tablet, raja: Farmer
) -> None:
    op = asked(owner, raja)
    result = one(owner, op)
    settlement = Settlement.objects.get()
    assert (result["status"], result["version"], result["flags"]) == ("applied", 1, [])
    assert (str(settlement.pk), settlement.farmer_id) == (result["entity"]["id"], raja.pk)
    assert (str(settlement.run_id), settlement.gross) == (op["entity_id"], Decimal(9000))
    assert AnsweredRequest.objects.filter(key=op["op_id"], made=op["entity_id"]).exists()
    again = one(owner, op)
    assert (again["status"], again["of"], Settlement.objects.count()) == ("duplicate", "applied", 1)


def test_what_this_tablet_still_has_holds_it_up_and_is_listed(
    line: DailyEntry, owner: Tablet, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    """Scenario 51: numbers that have not come, then a line that must be mended; nothing is kept of the tries."""
    lost = owner.sale(raja, jasmine, facts=RATE)
    wrong = owner.sale(raja, jasmine, "0")
    hers = owner.sale(lakshmi, jasmine, "0")
    owner.send(wrong, hers)
    op = asked(owner, raja)
    queue = {"pending": 2, "stalled": 1, "conflicts": 0, "oldest_ms": None, "last_seq": owner.seq}

    def told() -> dict[str, Any]:
        (result,) = owner.post("ops", owner.batch(op, queue=queue)).json()["results"]
        return dict(result)

    result = told()
    assert (result["status"], result["error"]["code"]) == ("blocked", "unsent")
    assert result["error"]["params"] == {
        "missing": [{"first": lost["seq"], "last": lost["seq"], "name": "Meena"}],
        "to_mend": [{"op_id": wrong["op_id"], "seq": wrong["seq"], "set": wrong["set"]}],
    }
    assert not SettlementRun.objects.exists()
    assert not SyncOp.objects.filter(pk=op["op_id"]).exists()

    queue["pending"] = 1
    owner.send(lost)
    result = told()
    assert [each["seq"] for each in result["error"]["params"]["to_mend"]] == [wrong["seq"]]
    assert result["error"]["params"]["missing"] == []

    mended = {**wrong["set"], "gross_quantity": "6", "rate": "900"}
    mending = owner.op(entity_id=wrong["entity_id"], set=mended, supersedes=wrong["op_id"])
    assert one(owner, mending)["status"] == "applied"
    result = told()
    assert (result["status"], result["error"]) == ("applied", None), "hers is another farmer's"


def test_of_another_persons_queue_on_this_tablet_is_listed_what_has_not_come(
    line: DailyEntry, tablet: Tablet, owner: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    tablet.sale(raja, jasmine)
    announced(tablet)
    Stream.objects.filter(pk=tablet.stream).update(device=owner.id)
    result = one(owner, asked(owner, raja))
    assert (result["status"], result["error"]["code"]) == ("blocked", "unsent")
    assert result["error"]["params"]["missing"] == [{"first": 1, "last": 1, "name": "Kumar"}]


def test_other_tablets_that_still_have_something_are_named(
    line: DailyEntry, tablet: Tablet, owner: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    tablet.sale(raja, jasmine)
    announced(tablet)
    result = one(owner, asked(owner, raja))
    assert (result["status"], result["flags"]) == ("applied", ["other_tablets"])
    assert result["tablets"] == [Device.objects.get(pk=tablet.id).label]


def test_what_the_tablet_no_longer_has_is_not_waited_for(
    line: DailyEntry, owner: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    owner.sale(raja, jasmine)
    assert one(owner, asked(owner, raja))["status"] == "applied"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"farmer": str(uuid4())}, "unknown_farmer"),
        ({"period_end": "2999-01-01"}, "in_future"),
        ({"recovery": "-1"}, "not_positive"),
        ({"recovery": "much"}, "invalid"),
        ({"farmers": []}, "unknown_field"),
    ],
)
def test_what_a_rule_refuses_is_told_and_kept(
    said: dict[str, Any], code: str, line: DailyEntry, owner: Tablet, raja: Farmer
) -> None:
    op = asked(owner, raja, said)
    result = one(owner, op)
    assert (result["status"], result["error"]["code"]) == ("needs_fix", code)
    assert SyncOp.objects.filter(pk=op["op_id"]).exists()
    assert not SettlementRun.objects.exists()


def test_who_is_left_out_is_told_why_and_no_run_is_left(
    line: DailyEntry, owner: Tablet, raja: Farmer, lakshmi: Farmer, meena: Membership
) -> None:
    result = one(owner, asked(owner, lakshmi))
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "nothing")
    assert result["error"]["detail"] == "There is nothing to settle."
    assert not SettlementRun.objects.exists()
    order = Order(start=today(), end=today(), farmers=(raja.pk,))
    run_or_begin(by=meena, key=uuid4(), order=order)
    assert one(owner, asked(owner, raja))["error"]["code"] == "open"
    assert one(owner, asked(owner, lakshmi))["error"]["code"] == "nothing", "no refusal holds up the next"


def test_staff_do_not_settle(line: DailyEntry, tablet: Tablet, raja: Farmer) -> None:
    result = one(tablet, asked(tablet, raja))
    assert (result["status"], result["error"]["code"]) == ("needs_fix", "not_allowed")


def test_it_is_settled_as_of_the_moment_it_is_asked(line: DailyEntry, owner: Tablet, raja: Farmer) -> None:
    """Asked yesterday, sent today: up to the day that was asked for."""
    op = asked(owner, raja)
    with time_machine.travel(timezone.now() + dt.timedelta(days=1)):
        assert one(owner, op)["status"] == "applied"
    assert Settlement.objects.get().period_end == line.business_date
