"""A farmer's phone: he comes in by a code, looks around with his thumb, and says what he wants to be told."""

from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from ledger.models import Farmer
from malar.accounts.models import Membership
from notifications.domain import Kind, code_of
from notifications.models import SignInCode
from notifications.selectors import wishes_of
from pricing.models import Flower
from tests.browser.places import PHONE
from tests.browser.test_every_page import AXE
from tests.cast import a_farmer, recorded

pytestmark = pytest.mark.django_db(transaction=True)

VIEW: ViewportSize = {"width": PHONE["width"], "height": PHONE["height"]}


@pytest.fixture
def muthu(meena: Membership, kumar: Membership, jasmine: Flower) -> Farmer:
    """He has a phone, and 5.900 kg on the slip today."""
    cache.clear()
    farmer = a_farmer(meena.shop, 31, "க. முத்து", "K. Muthu", phone="+919876500014")
    recorded(kumar, farmer, jasmine, rate=Decimal(1000))
    return farmer


@pytest.fixture
def phone(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    context = browser.new_context(
        base_url=live_server.url, viewport=VIEW, locale="ta-IN", service_workers="block"
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """An old phone on which no script runs."""
    context = browser.new_context(
        base_url=live_server.url, viewport=VIEW, locale="ta-IN", java_script_enabled=False
    )
    yield context.new_page()
    context.close()


def come_in(page: Page, to: str = "/") -> None:
    page.goto("/sign-in/")
    page.fill("#id_phone", "98765 00014")
    page.click("main form .button--primary")
    page.wait_for_url("**/sign-in/code/")
    code = SignInCode.objects.newest_of("+919876500014").get()
    page.fill("#id_code", code_of(code.pk))
    page.click("main form .button--primary")
    page.wait_for_url(lambda url: urlsplit(url).path == to)


def test_by_his_number_and_a_code_to_how_he_and_the_shop_stand(phone: Page, muthu: Farmer) -> None:
    come_in(phone)
    expect(phone.locator("h1")).to_contain_text("க. முத்து")
    expect(phone.locator(".own").first).to_contain_text("₹5,310.00")
    expect(phone.locator(".own").first).to_contain_text("ஐந்தாயிரத்து முந்நூற்று பத்து")
    bar = phone.locator(".own-nav a")
    for number, place in enumerate(("**/", "**/account/", "**/settlements/", "**/wishes/*/")):
        bar.nth(number).click()
        phone.wait_for_url(place)
        expect(bar.nth(number)).to_have_attribute("aria-current", "page")


def test_a_switch_is_so_at_once_keeps_the_focus_and_is_taken_back(phone: Page, muthu: Farmer) -> None:
    come_in(phone)
    phone.goto("/mine/wishes/")
    receipts, summary = phone.locator("#wish-entry_receipt"), phone.locator("#wish-day_summary")
    summary.focus()
    phone.keyboard.press("Space")
    expect(summary).to_have_attribute("aria-checked", "true")
    expect(receipts).to_have_attribute("aria-checked", "false")
    expect(summary).to_be_focused()
    assert wishes_of(muthu)[Kind.DAY_SUMMARY]
    phone.locator(".toast form button").click()
    expect(receipts).to_have_attribute("aria-checked", "true")
    expect(summary).to_have_attribute("aria-checked", "false")
    assert not wishes_of(muthu)[Kind.DAY_SUMMARY]
    phone.click("#say-en")
    expect(phone.locator("html")).to_have_attribute("lang", "en")
    muthu.refresh_from_db()
    assert muthu.language == "en"


def test_where_two_share_a_phone_he_taps_his_name(phone: Page, muthu: Farmer) -> None:
    a_farmer(muthu.shop, 32, "மு. வேலு", "M. Velu", phone="+919876500014")
    come_in(phone, "/sign-in/who/")
    for theme in ("day", "dim"):
        phone.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        found = Axe().run(phone, options=AXE).response["violations"]
        assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []
    phone.get_by_role("button", name="மு. வேலு").click()
    expect(phone.locator("h1")).to_contain_text("மு. வேலு")


def test_all_of_it_without_a_script(plain: Page, muthu: Farmer) -> None:
    come_in(plain)
    plain.locator(".own-nav a").nth(3).click()
    plain.click("#wish-messages")
    expect(plain.locator("#wish-messages")).to_have_attribute("aria-checked", "false")
    assert not muthu.consents.get().is_in
