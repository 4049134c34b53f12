"""Farmers, fees and money from a tablet: made by the rules of every other door."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from ledger.models import Charge, DailyEntry, Farmer, Movement
from ledger.services.days import close_day
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.sync.models import SyncOp
from pricing.models import Flower
from tests.conftest import page_of
from tests.ledger.terms import a_fee
from tests.sync.test_ops import Tablet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    now = timezone.now().astimezone(KOLKATA).replace(hour=10, minute=0) - dt.timedelta(days=1)
    with time_machine.travel(now):
        yield


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


def today() -> str:
    return timezone.now().astimezone(KOLKATA).date().isoformat()


def money(tablet: Tablet, farmer: str, amount: str = "500.00", **facts: Any) -> dict[str, Any]:
    said = {"farmer": farmer, "kind": "advance", "amount": amount, "business_date": today(), "mode": "cash"}
    return tablet.op(entity="movement", set=said | facts)


def told(result: dict[str, Any]) -> tuple[str, str]:
    return result["status"], result["error"]["code"] if result["error"] else ""


def test_a_farmer_made_offline_is_there_for_his_line_his_fee_and_his_advance(
    tablet: Tablet, jasmine: Flower, meena: Membership
) -> None:
    """Scenario 46: what was made first comes first; all of it has the ids that the tablet minted."""
    coolie = a_fee(meena.shop, "coolie", "per_sack", "10", automatic=False)
    new = tablet.op(entity="farmer", set={"name_ta": "க. மணி", "name_en": "K. Mani", "phone": "98765 43210"})
    line = tablet.op(set={"farmer": new["entity_id"], "flower": str(jasmine.pk), "gross_quantity": "6.000"})
    said = {"farmer": new["entity_id"], "fee": str(coolie.pk), "business_date": today(), "quantity": "2"}
    fee = tablet.op(entity="charge", set=said)
    advance = money(tablet, new["entity_id"])

    results = tablet.send(new, line, fee, advance)

    assert [told(result) for result in results] == [("applied", "")] * 4
    farmer = Farmer.objects.get(pk=new["entity_id"])
    assert (farmer.number, farmer.name_en, farmer.phone) == (1, "K. Mani", "+919876543210")
    assert results[0]["entity"]["number"] == 1
    assert (results[0]["version"], results[3]["version"]) == (1, None)
    assert str(DailyEntry.objects.get(farmer=farmer).pk) == line["entity_id"]
    charge = Charge.objects.get(pk=fee["entity_id"])
    assert (charge.farmer, charge.amount, charge.created_by) == (farmer, Decimal("20.00"), tablet.member)
    movement = Movement.objects.get(pk=advance["entity_id"])
    assert (movement.amount, movement.status, movement.kind) == (Decimal("500.00"), "posted", "advance")


def test_each_comes_once_however_often_it_is_sent(tablet: Tablet, raja: Farmer, meena: Membership) -> None:
    """Scenarios 3, 5 and 10, of money: the answer was lost, the server had committed."""
    coolie = a_fee(meena.shop, "coolie", "per_sack", "10", automatic=False)
    said = {"farmer": str(raja.pk), "fee": str(coolie.pk), "business_date": today(), "quantity": "2"}
    ops = [
        tablet.op(entity="farmer", set={"name_ta": "மணி", "name_en": "Mani"}),
        tablet.op(entity="charge", set=said),
        money(tablet, str(raja.pk)),
    ]
    first = tablet.send(*ops)

    again = tablet.send(*ops)

    assert [(result["status"], result["of"]) for result in again] == [("duplicate", "applied")] * 3
    assert [result["entity"] for result in again] == [result["entity"] for result in first]
    assert (Charge.objects.count(), Movement.objects.count(), Farmer.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize("entity", ["farmer", "charge", "movement"])
def test_one_id_makes_one_thing(tablet: Tablet, raja: Farmer, meena: Membership, entity: str) -> None:
    """Scenario 52: also where the second one is sent as another operation."""
    coolie = a_fee(meena.shop, "coolie", "per_sack", "10", automatic=False)
    facts = {
        "farmer": {"name_ta": "மணி"},
        "charge": {"farmer": str(raja.pk), "fee": str(coolie.pk), "business_date": today(), "quantity": "2"},
        "movement": money(Tablet(meena), str(raja.pk))["set"],
    }[entity]
    first = tablet.op(entity=entity, set=facts)
    second = tablet.op(entity=entity, set=facts, entity_id=first["entity_id"])

    results = tablet.send(first, second)

    assert [told(result) for result in results] == [("applied", ""), ("needs_fix", "id_exists")]


def test_a_line_waits_for_its_farmer_who_is_still_on_the_way(
    tablet: Tablet, jasmine: Flower, raja: Farmer
) -> None:
    """Scenario 46: nothing is kept of the line's try, and once he is there it is written."""
    new = tablet.op(entity="farmer", set={"name_ta": "க. மணி"})
    line = tablet.op(set={"farmer": new["entity_id"], "flower": str(jasmine.pk), "gross_quantity": "6.000"})
    advance = money(tablet, new["entity_id"])

    assert [told(result) for result in tablet.send(line, advance)] == [("blocked", "not_arrived")] * 2
    assert SyncOp.objects.count() == 0
    assert [told(result) for result in tablet.send(new, line, advance)] == [("applied", "")] * 3


def test_a_line_waits_for_its_farmer_to_be_mended(tablet: Tablet, jasmine: Flower, raja: Farmer) -> None:
    """Scenario 48, of a farmer: his number was given to somebody else meanwhile."""
    new = tablet.op(entity="farmer", set={"name_ta": "க. மணி", "number": raja.number})
    line = tablet.op(set={"farmer": new["entity_id"], "flower": str(jasmine.pk), "gross_quantity": "6.000"})
    results = tablet.send(new, line)
    assert [result["status"] for result in results] == ["needs_fix", "blocked"]
    assert "/number" in {fault["pointer"] for fault in results[0]["error"]["errors"]}
    assert told(results[1]) == ("blocked", "not_arrived")

    mended = tablet.op(
        entity="farmer",
        set={"name_ta": "க. மணி", "number": 44},
        entity_id=new["entity_id"],
        supersedes=new["op_id"],
    )

    assert [told(result) for result in tablet.send(mended, line)] == [("applied", "")] * 2
    assert DailyEntry.objects.get().farmer.number == 44


def test_a_farmer_nobody_has_heard_of_is_not_waited_for(
    tablet: Tablet, jasmine: Flower, raja: Farmer
) -> None:
    tablet.send(tablet.sale(raja, jasmine))
    (result,) = tablet.send(money(tablet, str(uuid4())))
    assert told(result) == ("needs_fix", "unknown_farmer")


def test_the_limits_of_advances_are_the_owners(tablet: Tablet, raja: Farmer, meena: Membership) -> None:
    meena.shop.advance_limit = Decimal(1000)
    meena.shop.save()
    results = tablet.send(money(tablet, str(raja.pk), "900.00"), money(tablet, str(raja.pk), "200.00"))
    assert [result["entity"]["status"] for result in results] == ["posted", "waiting"]
    hers = Tablet(meena)
    (result,) = hers.send(money(hers, str(raja.pk), "200.00"))
    assert result["entity"]["status"] == "posted"


def test_who_may_not_is_told_so_and_nothing_is_written(tablet: Tablet, raja: Farmer) -> None:
    op = money(tablet, str(raja.pk), kind="opening_advance", mode="none")
    (result,) = tablet.send(op)
    assert told(result) == ("needs_fix", "not_allowed")
    assert "owner" in result["error"]["detail"]
    assert Movement.objects.count() == 0
    (again,) = tablet.send(op)
    assert (again["status"], again["of"]) == ("duplicate", "needs_fix")


def test_money_of_a_closed_day_is_not_tried_for_ever(tablet: Tablet, raja: Farmer, meena: Membership) -> None:
    """Flowers find the next open day; of which day money is a person says."""
    close_day(by=meena, key=uuid4(), day=dt.date.fromisoformat(today()), denominations={})
    (result,) = tablet.send(money(tablet, str(raja.pk)))
    assert told(result) == ("needs_fix", "day_locked")
    assert Movement.objects.count() == 0


@pytest.mark.parametrize(("language", "word"), [("en", "amount"), ("ta", "தொகை")])
def test_what_is_wrong_is_said_in_the_readers_language(
    kumar: Membership, raja: Farmer, language: str, word: str
) -> None:
    """Scenario 48."""
    kumar.user.language = language
    kumar.user.save()
    tablet = Tablet(kumar)
    (result,) = tablet.send(money(tablet, str(raja.pk), "0"))
    assert told(result) == ("needs_fix", "not_positive")
    assert result["error"]["pointer"] == "/amount"
    assert word in result["error"]["detail"]
    (result,) = tablet.send(tablet.op(entity="farmer", set={"name_en": "Mani"}))
    assert (told(result), result["error"]["pointer"]) == (("needs_fix", "required"), "/name_ta")
    (result,) = tablet.send(money(tablet, str(raja.pk), hat="red"))
    assert told(result) == ("needs_fix", "unknown_field")


def test_another_shops_farmer_and_fee_are_unknown(
    tablet: Tablet, selvi: Farmer, devi: Membership, raja: Farmer
) -> None:
    theirs = a_fee(devi.shop, "coolie", "per_sack", "10", automatic=False)
    said = {"farmer": str(raja.pk), "fee": str(theirs.pk), "business_date": today(), "quantity": "2"}
    results = tablet.send(money(tablet, str(selvi.pk)), tablet.op(entity="charge", set=said))
    assert [told(result) for result in results] == [
        ("needs_fix", "unknown_farmer"),
        ("needs_fix", "unknown_fee"),
    ]


def typed(op: dict[str, Any], farmer: Farmer, **otherwise: str) -> dict[str, str]:
    """The form of the office that an operation was made of."""
    said = {name: str(value) for name, value in op["set"].items()}
    return said | {"farmer": str(farmer.number), "id": op["entity_id"], "key": op["op_id"]} | otherwise


FORMS = {"movement": "/ledger/movements/new/", "charge": "/ledger/charges/new/"}


def of_a_form(tablet: Tablet, entity: str, farmer: Farmer, owner: Membership) -> dict[str, Any]:
    if entity == "movement":
        return money(tablet, str(farmer.pk), amount="500", kind="hand_loan", reference="", note="மருந்து")
    coolie = a_fee(owner.shop, "coolie", "per_sack", "10", automatic=False)
    said = {"farmer": str(farmer.pk), "fee": str(coolie.pk), "business_date": today(), "quantity": "2"}
    return tablet.op(entity="charge", set=said | {"note": ""})


def made() -> int:
    return Movement.objects.count() + Charge.objects.count()


@pytest.mark.parametrize("entity", FORMS)
def test_a_form_that_arrived_and_is_sent_by_the_tablet_too_has_one_effect(
    tablet: Tablet, raja: Farmer, meena: Membership, entity: str
) -> None:
    """Its answer was lost, so the worker kept it: the tablet is told that it is in the book."""
    op = of_a_form(tablet, entity, raja, meena)
    answer = page_of(tablet.member).post(FORMS[entity], typed(op, raja))
    assert answer.status_code == 302

    (result,) = tablet.send(op)

    assert told(result) == ("applied", "")
    assert result["entity"]["id"] == op["entity_id"]
    assert made() == 1
    assert tablet.send(op)[0]["status"] == "duplicate"


@pytest.mark.parametrize("entity", FORMS)
def test_a_form_that_arrives_after_the_tablet_has_sent_it_has_one_effect(
    tablet: Tablet, raja: Farmer, meena: Membership, entity: str
) -> None:
    """It was on its way for long, or somebody went back and pressed Save again: he is led to what was made."""
    op = of_a_form(tablet, entity, raja, meena)
    assert told(tablet.send(op)[0]) == ("applied", "")

    answer = page_of(tablet.member).post(FORMS[entity], typed(op, raja))

    assert answer.status_code == 302
    assert op["entity_id"] in answer["Location"]
    assert made() == 1


def test_a_form_that_arrived_with_other_words_is_not_taken_twice(
    tablet: Tablet, raja: Farmer, meena: Membership
) -> None:
    """He went back and mended the amount, and that one came through: what was kept first is for him to take back."""
    op = of_a_form(tablet, "movement", raja, meena)
    page_of(tablet.member).post(FORMS["movement"], typed(op, raja, amount="700"))

    (result,) = tablet.send(op)

    assert told(result) == ("needs_fix", "idempotency_key_reused")
    assert "other words" in result["error"]["detail"]
    assert [movement.amount for movement in Movement.objects.all()] == [Decimal("700.00")]
