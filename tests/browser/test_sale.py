"""A sale, from the scale to the farmer's slip, as a clerk makes it."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import PASSWORD, a_member, called

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = {
    "en": {"save": "Save", "sale": "₹8,555.00", "kg": "5.900 kg", "history": "History"},
    "ta": {"save": "சேமி", "sale": "₹8,555.00", "kg": "5.900 கிலோ", "history": "மாற்றங்கள்"},
}


def sign_in(page: Page, member: Membership) -> None:
    page.goto("/")
    page.fill("input[name=login]", member.user.email or "")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/")


def weigh(page: Page, *, farmer: str, flower: Flower, gross: str, tare: str) -> None:
    page.goto("/ledger/entries/new/")
    page.fill("#id_farmer", farmer)
    page.select_option("#id_flower", value=str(flower.pk))
    page.fill("#id_gross_quantity", gross)
    page.fill("#id_tare", tare)


@pytest.mark.parametrize("language", ["en", "ta"])
def test_a_sale_is_weighed_priced_kept_and_printed(
    page: Page, meena: Membership, raja: Farmer, jasmine: Flower, language: str
) -> None:
    words = WORDS[language]
    clerk = a_member(meena.shop, "Selvam", Role.STAFF, language=language)
    called(jasmine, "1450", timezone.now() - dt.timedelta(minutes=1), meena)
    sign_in(page, clerk)

    weigh(
        page,
        farmer="14",
        flower=jasmine,
        gross="௬,௧" if language == "ta" else "6.1",
        tare="0.2",
    )
    expect(page.locator("#hints")).to_contain_text("₹1,450.00")
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.locator(".saved")).to_contain_text("₹8,555.00")

    line = DailyEntry.objects.get()
    assert (line.quantity, line.amount, line.commission) == (
        Decimal("5.900"),
        Decimal("8555.00"),
        Decimal("855.50"),
    )
    page.goto("/")
    expect(page.locator("main")).to_contain_text(words["sale"])
    page.goto(f"/ledger/entries/{line.pk}/")
    expect(page.locator("main")).to_contain_text("Selvam")
    page.goto(f"/ledger/slips/{line.business_date}/{raja.pk}/")
    # Raja reads Tamil, whoever prints it.
    expect(page.locator("main")).to_contain_text("5.900 கிலோ")
    expect(page.locator("main")).to_contain_text(line.slip_number)


def test_a_double_tap_on_save_makes_one_line(
    page: Page, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    sign_in(page, kumar)
    weigh(page, farmer="14", flower=jasmine, gross="6.1", tare="0.2")
    page.get_by_role("button", name="Save", exact=True).dblclick()
    expect(page.locator(".saved")).to_be_visible()
    assert DailyEntry.objects.count() == 1


def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(
    page: Page, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    sign_in(page, kumar)
    weigh(page, farmer="14", flower=jasmine, gross="0.2", tare="0.2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[role=alert]").first).to_contain_text("The sack cannot weigh as much")
    expect(page.locator("#id_gross_quantity")).to_have_value(re.compile(r"0\.2"))
    assert not DailyEntry.objects.exists()
