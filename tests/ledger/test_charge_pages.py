"""Pages about charges, and where lines and slips tell what was charged and how a rate came about."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from ledger.documents import parts_of, roll_length
from ledger.models import Charge, DailyEntry, Farmer
from ledger.selectors.entries import slips_on
from ledger.services.charges import record_charge, waive_charge
from malar.accounts.models import Membership
from pricing.models import FeeRule, Flower, PricingRule
from tests.cast import at, called, recorded
from tests.conftest import page_of
from tests.ledger.terms import a_fee, an_adjustment

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
EARLY = at(DAY, "05:00")
NEW = reverse("ledger:charge_new")
LIST = reverse("ledger:charge_list")


def html(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def luggage(kumar: Membership) -> FeeRule:
    return a_fee(kumar.shop, "luggage", "per_trip", "40.00", automatic=False)


def typed(fee: FeeRule, **said: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "key": str(uuid4()),
        "farmer": "14",
        "fee": str(fee.pk),
        "quantity": "2",
        "business_date": DAY,
    } | said


def by_hand(by: Membership, farmer: Farmer, fee: FeeRule, quantity: int = 1) -> UUID:
    return record_charge(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        fee_id=fee.pk,
        business_date=EARLY.date(),
        quantity=Decimal(quantity),
    ).made


# --- By hand --------------------------------------------------------------------------------


def test_a_charge_is_typed_once_and_named_on_the_next_form(
    kumar: Membership, raja: Farmer, luggage: FeeRule
) -> None:
    client, said = page_of(kumar), typed(luggage)
    saved = client.post(NEW, said)
    client.post(NEW, said)
    assert Charge.objects.values_list("amount", flat=True).get() == Decimal("80.00")
    page = html(client.get(saved.headers["Location"]))
    assert "₹80.00" in page
    assert reverse("ledger:charge_waive", args=[said["id"]]) in page
    # The next farmer brought the same: fee and date stay, the farmer does not.
    assert f'value="{luggage.pk}" selected' in page
    assert 'name="farmer" value' not in page


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"quantity": "0"}, "The quantity must be more than 0."),
        ({"farmer": "99"}, "not in your shop"),
        ({"business_date": "2999-01-01"}, "not come yet"),
        ({"quantity": "two"}, "Enter a number"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    kumar: Membership, raja: Farmer, luggage: FeeRule, said: dict[str, str], words: str
) -> None:
    answer = page_of(kumar).post(NEW, typed(luggage, **said))
    assert answer.status_code == 422
    assert words in html(answer)
    assert not Charge.objects.exists()


def test_a_shop_without_fees_is_told_so(kumar: Membership, raja: Farmer) -> None:
    a_fee(kumar.shop, "paper", "per_settlement", "5.00")
    page = html(page_of(kumar).get(NEW))
    assert "no fee that can be charged" in page
    assert "<select" not in page.partition("<main")[2]


def test_the_list_sums_what_counts_and_shows_what_was_waived(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, luggage: FeeRule
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    line = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    by_hand(kumar, raja, luggage, 2)
    waived = by_hand(kumar, lakshmi, luggage)
    waive_charge(by=kumar, key=uuid4(), charge_id=waived, reason="came by bus")

    page = html(page_of(kumar).get(LIST, {"day": DAY}))
    assert "₹90.00" in page
    assert reverse("ledger:entry_detail", args=[line.pk]) in page
    assert "<del>₹40.00</del>" in page
    assert "came by bus" in page
    assert f"{NEW}?farmer=15" in page
    alone = html(page_of(kumar).get(LIST, {"day": DAY, "farmer": "14"}))
    assert "came by bus" not in alone
    assert "Nothing was charged here" in html(page_of(kumar).get(LIST, {"day": "2026-03-05"}))


def test_waiving_asks_why_and_happens_once(kumar: Membership, raja: Farmer, luggage: FeeRule) -> None:
    client = page_of(kumar)
    charge = by_hand(kumar, raja, luggage)
    address = reverse("ledger:charge_waive", args=[charge])
    assert "₹40.00" in html(client.get(address))
    assert client.post(address, {"key": str(uuid4()), "version": "1", "reason": ""}).status_code == 422
    said = {"key": str(uuid4()), "version": "1", "reason": "came by bus"}
    assert client.post(address, said).headers["Location"] == f"{LIST}?day={DAY}"
    assert client.post(address, said).headers["Location"] == f"{LIST}?day={DAY}"
    assert Charge.objects.values_list("status", "version").get() == ("waived", 2)
    assert client.get(address).status_code == 302


def test_a_charge_that_changed_meanwhile_is_said_so(
    kumar: Membership, raja: Farmer, luggage: FeeRule
) -> None:
    address = reverse("ledger:charge_waive", args=[by_hand(kumar, raja, luggage)])
    answer = page_of(kumar).post(address, {"key": str(uuid4()), "version": "7", "reason": "why"})
    assert answer.status_code == 422
    assert "changed this charge meanwhile" in html(answer)


# --- On slips and lines ---------------------------------------------------------------------


def test_the_slip_names_every_charge_and_what_is_left(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower, luggage: FeeRule
) -> None:
    a_fee(kumar.shop, "coolie", "per_sack", "10.00")
    a_fee(kumar.shop, "cess", "percent", "1.50")
    for _line in range(2):
        recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    by_hand(kumar, raja, luggage)

    (slip,) = slips_on(kumar.shop, EARLY.date())
    # 1,180.00 − 118.00 commission − 17.70 cess − 20.00 coolie − 40.00 luggage.
    assert (slip.charged, slip.left, slip.is_owed) == (Decimal("77.70"), Decimal("984.30"), False)
    assert [(item.fee.code, item.quantity, item.amount) for item in slip.items] == [
        ("cess", Decimal("1180.000"), Decimal("17.70")),
        ("coolie", Decimal(2), Decimal("20.00")),
        ("luggage", Decimal(1), Decimal("40.00")),
    ]
    raja.language = "en"
    raja.save()
    for address in (
        reverse("ledger:slip", args=[EARLY.date(), raja.pk]),
        reverse("ledger:slip", args=[EARLY.date(), raja.pk]) + "?paper=a4",
        reverse("ledger:slip_sheet", args=[EARLY.date()]),
    ):
        page = html(page_of(meena).get(address))
        for words in ("Coolie", "2 × ₹10.00", "1.5% of ₹1,180.00", "₹1,062.00", "₹984.30", "typed"):
            assert words in page, (address, words)

    own = html(page_of(raja.member).get("/", {"day": DAY}))  # type: ignore[arg-type]
    assert "₹984.30" in own
    assert "கூலி" in own or "Coolie" in own


def test_a_day_that_leaves_a_farmer_owing_says_so_in_words(
    meena: Membership, raja: Farmer, jasmine: Flower, luggage: FeeRule
) -> None:
    recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(0))
    by_hand(meena, raja, luggage)
    raja.language = "en"
    raja.save()
    page = html(page_of(meena).get(reverse("ledger:slip", args=[EARLY.date(), raja.pk])))
    assert "The farmer owes, after charges" in page
    assert "−₹40.00" not in page


def test_a_slip_makes_room_for_its_charges(
    meena: Membership, raja: Farmer, jasmine: Flower, luggage: FeeRule
) -> None:
    for _line in range(5):
        recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    (bare,) = slips_on(meena.shop, EARLY.date())
    by_hand(meena, raja, luggage)
    (slip,) = slips_on(meena.shop, EARLY.date())
    assert [len(part.entries) for part in parts_of(bare, 5)] == [5]
    assert [len(part.entries) for part in parts_of(slip, 5)] == [5, 0]
    assert roll_length(slip) > roll_length(bare)


def test_an_adjusted_rate_is_never_hidden(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    wet = an_adjustment(meena.shop, "wet", "percent", "-10.00")
    fine = an_adjustment(meena.shop, "fine", "per_unit", "15.00")
    called(jasmine, "900", at(DAY, "04:00"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=EARLY, adjustments=[wet.pk, fine.pk])
    raja.language = "en"
    raja.save()
    paper = reverse("ledger:slip", args=[EARLY.date(), raja.pk])
    for address in (
        paper,
        f"{paper}?paper=a4",
        reverse("ledger:slip_sheet", args=[EARLY.date()]),
        reverse("ledger:entry_detail", args=[line.pk]),
        reverse("ledger:entry_edit", args=[line.pk]),
        f"{reverse('ledger:entry_list')}?day={DAY}",
    ):
        page = html(page_of(kumar).get(address))
        for words in ("₹900.00", "Wet", "−₹90.00", "Fine", "+₹15.00", "₹825.00"):
            assert words in page, (address, words)


def test_the_plain_form_offers_adjustments_where_the_shop_has_any(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    client, address = page_of(kumar), reverse("ledger:entry_new")
    assert 'name="adjustments"' not in html(client.get(address))
    wet = an_adjustment(meena.shop, "wet", "percent", "-10.00")
    assert "Wet −10%" in html(client.get(address))

    called(jasmine, "900", at(DAY, "04:00"), meena)
    said = {
        "id": str(uuid4()),
        "key": str(uuid4()),
        "farmer": "14",
        "flower": str(jasmine.pk),
        "gross_quantity": "6.1",
        "captured_at": f"{DAY}T05:00",
        "adjustments": [str(wet.pk)],
    }
    refused = client.post(address, said | {"rate": "800"})
    assert refused.status_code == 422
    assert "A typed rate is what it is" in html(refused)
    assert client.post(address, said).status_code == 302
    line = DailyEntry.objects.get()
    assert line.rate == Decimal("810.00")

    wet.is_active = False
    wet.save()
    page = html(client.get(reverse("ledger:entry_edit", args=[line.pk])))
    assert f'value="{wet.pk}"' in page
    corrected = {
        "version": "1",
        "farmer": "14",
        "flower": str(jasmine.pk),
        "gross_quantity": "6.100",
        "tare": "0.000",
        "sacks": "0",
        "rate": "810.00",
        "reason": "weight misread",
    }
    client.post(reverse("ledger:entry_edit", args=[line.pk]), corrected)
    line.refresh_from_db()
    assert (line.rate, line.adjustments) == (Decimal("900.00"), [])


@pytest.mark.parametrize(("mode", "words"), [("lot", "typed for each lot"), ("day", "called afterwards")])
def test_the_form_says_how_the_flower_is_priced(
    meena: Membership, jasmine: Flower, mode: str, words: str
) -> None:
    PricingRule.objects.create(shop=meena.shop, mode=mode, valid_from=DAY, made_by=meena)
    assert words in html(page_of(meena).get(reverse("ledger:entry_new"), {"flower": str(jasmine.pk)}))
