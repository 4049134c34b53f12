"""What the shop keeps of a sale: which rule wins, from which day, and what stays as it was."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from ledger.models import CommissionRule, DailyEntry, Farmer
from ledger.selectors.commission import commission_for
from ledger.services.commission import set_commission
from ledger.services.entries import edit_entry
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from pricing.models import Flower
from tests.cast import a_flower, at, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

FIRST, DAY = dt.date(2026, 3, 1), dt.date(2026, 3, 6)
EARLY = at("2026-03-06", "05:00")


def kept(
    by: Membership, pct: str, per_unit: str = "0", *, since: dt.date = FIRST, **whose: Any
) -> CommissionRule:
    answer = set_commission(
        by=by, key=uuid4(), pct=Decimal(pct), per_unit=Decimal(per_unit), valid_from=since, **whose
    )
    return CommissionRule.objects.get(pk=answer.made)


def charged(line: DailyEntry) -> tuple[str, str]:
    return f"{line.commission_pct:.2f}", f"{line.commission_per_unit:.2f}"


def test_the_nearest_rule_wins_and_what_is_typed_over_all(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """typed > farmer and flower > farmer's rule > farmer's percentage > flower > shop's rule > shop."""

    def now() -> tuple[str, str]:
        line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        found = commission_for(meena.shop, raja.pk, jasmine.pk, DAY)
        assert found == (line.commission_pct, line.commission_per_unit)
        return charged(line)

    assert now() == ("10.00", "0.00")
    kept(meena, "9", "1")
    assert now() == ("9.00", "1.00")
    kept(meena, "8", "2", flower=jasmine)
    assert now() == ("8.00", "2.00")
    raja.commission_pct = Decimal(7)
    raja.save()
    assert now() == ("7.00", "0.00")
    kept(meena, "6", "3", farmer=raja)
    assert now() == ("6.00", "3.00")
    kept(meena, "5", "4", farmer=raja, flower=jasmine)
    assert now() == ("5.00", "4.00")

    typed = recorded(
        meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100), commission_pct=Decimal("4.25")
    )
    assert charged(typed) == ("4.25", "4.00")
    # 590.00 × 4.25 % = 25.075, and 5.900 × 4.00 = 23.60.
    assert typed.commission == Decimal("48.68")


def test_rules_of_others_do_not_count(
    meena: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower, devi: Membership
) -> None:
    kept(meena, "1", farmer=lakshmi)
    kept(meena, "2", flower=lotus)
    kept(meena, "3", farmer=raja, flower=lotus)
    kept(devi, "4")
    assert charged(recorded(meena, raja, jasmine, captured_at=EARLY)) == ("10.00", "0.00")


def test_a_rule_is_judged_by_the_business_date_and_ends_the_one_before(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    first = kept(meena, "8", farmer=raja)
    second = kept(meena, "6", farmer=raja, since=DAY)
    between = kept(meena, "7", farmer=raja, since=dt.date(2026, 3, 4))
    first.refresh_from_db()
    assert (first.valid_to, between.valid_to, second.valid_to) == (dt.date(2026, 3, 4), DAY, None)

    days = ("2026-02-28", "2026-03-01", "2026-03-05", "2026-03-06")
    lines = [recorded(meena, raja, jasmine, captured_at=at(day, "05:00")) for day in days]
    assert [charged(line)[0] for line in lines] == ["10.00", "8.00", "7.00", "6.00"]


def test_two_rules_of_one_day_are_refused_in_words(meena: Membership, raja: Farmer) -> None:
    kept(meena, "8", farmer=raja, since=DAY)
    with pytest.raises(RuleBroken) as refused:
        kept(meena, "7", farmer=raja, since=DAY)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/valid_from", "begins_already")
    ]
    assert "06/03/2026" in refused.value.detail
    kept(meena, "7", since=DAY)  # of everybody: another rule


def test_the_database_refuses_what_overlaps(meena: Membership, raja: Farmer) -> None:
    rule = kept(meena, "8", farmer=raja, since=DAY)
    rule.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        rule.save(force_insert=True)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"pct": Decimal("-1")}, "/pct"),
        ({"pct": Decimal("100.01")}, "/pct"),
        ({"pct": Decimal("7.555")}, "/pct"),
        ({"per_unit": Decimal("-1")}, "/per_unit"),
        ({"per_unit": Decimal("1E+12")}, "/per_unit"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    meena: Membership, said: dict[str, Any], pointer: str
) -> None:
    said = {"pct": Decimal(5), "per_unit": Decimal(0)} | said
    with pytest.raises(RuleBroken) as refused:
        set_commission(by=meena, key=uuid4(), valid_from=DAY, **said)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert not CommissionRule.objects.exists()


def test_another_shops_farmer_and_flower_are_unknown(
    meena: Membership, selvi: Farmer, mullai: Flower
) -> None:
    with pytest.raises(RuleBroken) as refused:
        kept(meena, "5", farmer=selvi, flower=mullai)
    assert [fault.code for fault in refused.value.faults] == ["unknown_farmer", "unknown_flower"]


def test_only_the_owner_sets_and_types_it(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    with pytest.raises(NotAllowed):
        kept(kumar, "5")
    line = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    for said in ({"commission_pct": Decimal(5)}, {"commission_per_unit": Decimal(1)}):
        with pytest.raises(RuleBroken) as refused:
            recorded(kumar, raja, jasmine, **said)
        assert [fault.code for fault in refused.value.faults] == ["owner_only"]
        with pytest.raises(RuleBroken):
            edit_entry(by=kumar, entry_id=line.pk, version=1, changes=said)  # type: ignore[arg-type]
    edited = edit_entry(by=meena, entry_id=line.pk, version=1, changes={"commission_pct": Decimal(5)})
    assert edited.commission == Decimal("29.50")


@pytest.mark.parametrize("pct", ["-1", "100.5", "7.555"])
def test_a_typed_commission_that_cannot_be_is_refused(
    meena: Membership, raja: Farmer, jasmine: Flower, pct: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        recorded(meena, raja, jasmine, commission_pct=Decimal(pct))
    assert [fault.pointer for fault in refused.value.faults] == ["/commission_pct"]


def test_a_weight_keeps_the_frozen_commission_and_whose_it_is_asks_again(
    meena: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    mullai = a_flower(meena.shop, "MUL", "முல்லை", "Mullai")
    line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    kept(meena, "8")
    kept(meena, "6", "1", farmer=lakshmi)
    kept(meena, "5", flower=mullai)

    steps: list[dict[str, Any]] = [
        {"gross_quantity": Decimal("7.1")},
        {"flower_id": mullai.pk},
        {"farmer_id": lakshmi.pk},
    ]
    seen = [
        charged(edit_entry(by=meena, entry_id=line.pk, version=n, changes=step))  # type: ignore[arg-type]
        for n, step in enumerate(steps, start=1)
    ]
    assert seen == [("10.00", "0.00"), ("5.00", "0.00"), ("6.00", "1.00")]


def test_a_commission_is_set_in_the_office(meena: Membership, raja: Farmer, jasmine: Flower) -> None:
    client = page_of(meena)
    first = {"farmer": raja.pk, "flower": "", "pct": "8", "per_unit": "0", "valid_from": "2026-03-01"}
    assert client.post("/admin/ledger/commissionrule/add/", first).status_code == 302
    again = client.post("/admin/ledger/commissionrule/add/", first)
    assert again.status_code == 200
    assert "another commission begins already" in again.content.decode()
    next_one = first | {"pct": "7", "valid_from": "2026-03-06"}
    assert client.post("/admin/ledger/commissionrule/add/", next_one).status_code == 302

    rules = CommissionRule.objects.order_by("valid_from").values_list("pct", "valid_to", "made_by")
    assert list(rules) == [(Decimal(8), DAY, meena.pk), (Decimal(7), None, meena.pk)]
