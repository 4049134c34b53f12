"""Sixty farmers settled: looked at first, made, sent, agreed by phone and at the shop, and paid."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from pricing.models import Flower
from settlements.models import Settlement, SettlementRun
from settlements.services import runs as run_services
from settlements.services.runs import make_run
from tests.browser.places import DESK, PHONE, sign_in
from tests.cast import a_farmer, recorded
from tests.ledger.worked import moved
from tests.settlements.pdf_text import pages_of

VIEW: ViewportSize = {"width": PHONE["width"], "height": PHONE["height"]}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sixty(kumar: Membership, meena: Membership, jasmine: Flower) -> list[Farmer]:
    """Sixty farmers who brought 10 kg at ₹100 today; the first one has an advance of ₹500, and pays by UPI."""
    farmers = [
        a_farmer(meena.shop, number, f"வே. முருகன் {number}", f"V. Murugan {number}", language="ta")
        for number in range(101, 161)
    ]
    for farmer in farmers:
        recorded(kumar, farmer, jasmine, quantity=Decimal(10), rate=Decimal(100))
    today = business_date_of(timezone.now(), meena.shop.turnover_hour)
    moved(meena, farmers[0], "advance", "500", today.isoformat())
    farmers[0].upi = "murugan@okbank"
    farmers[0].save(update_fields=["upi"])
    return farmers


@pytest.fixture
def phone(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """The farmer's: nobody is signed in, and no script is needed."""
    context = browser.new_context(
        base_url=live_server.url, viewport=VIEW, locale="ta-IN", java_script_enabled=False
    )
    yield context.new_page()
    context.close()


def speak(member: Membership, language: str) -> None:
    member.user.language = language
    member.user.save(update_fields=["language"])


@pytest.mark.parametrize("language", ["ta", "en"])
def test_from_the_preview_to_the_money(
    page: Page,
    phone: Page,
    live_server: LiveServer,
    sixty: list[Farmer],
    meena: Membership,
    kumar: Membership,
    language: str,
) -> None:
    for member in (meena, kumar):
        speak(member, language)
    page.set_viewport_size({**DESK})  # type: ignore[typeddict-item]
    first = sixty[0]

    # The owner looks, recovers ₹200 of the one advance, and settles.
    sign_in(page.context, live_server.url, meena)
    page.goto("/settlements/runs/new/")
    page.check("[name=period][value=this_week]")
    page.click("[name=preview]")
    expect(page.locator(".run-table tbody tr")).to_have_count(60)
    expect(page.locator(".run-table tfoot")).to_contain_text("₹54,000.00")
    assert not SettlementRun.objects.exists()
    page.fill(f"[name='recovery-{first.pk}']", "200")
    page.click("[name=preview]")
    expect(page.locator(".run-table tfoot")).to_contain_text("₹53,800.00")
    page.click("[name=settle]")
    expect(page.locator("#run tbody tr")).to_have_count(60)

    # All are sent with one button; the first one is shown to its farmer.
    page.click("#run form button")
    expect(page.locator("#run .badge--wait")).to_have_count(60)
    assert set(Settlement.objects.values_list("status", flat=True)) == {"pending"}
    page.locator("#run tbody a").first.click()
    page.click("form[action$='/link/'] button")
    address = page.locator("#link input").input_value()
    assert re.fullmatch(rf"{live_server.url}/s/[A-Za-z0-9_-]{{43}}/", address)

    # He reads it on his phone, in Tamil, and says yes.
    phone.goto(address)
    expect(phone.locator("html")).to_have_attribute("lang", "ta")
    expect(phone.locator(".phone__amount")).to_have_text("₹700.00")
    phone.click("[name=answer][value=yes]")
    expect(phone.locator("h1")).to_contain_text("நன்றி")
    phone.goto(address)
    expect(phone.locator("h1")).to_contain_text("நன்றி")
    expect(phone.locator("[name=answer]")).to_have_count(0)

    # The clerk approves for the shop: it has its number. He pays by UPI, the rest in cash.
    settlement = Settlement.objects.get(farmer=first)
    sign_in(page.context, live_server.url, kumar)
    page.goto(f"/settlements/{settlement.pk}/")
    page.click("form[action$='/approve/'] button")
    expect(page.locator("a[href$='/pay/']")).to_be_visible()
    page.click("a[href$='/pay/']")
    expect(page.locator("#id_amount")).to_have_value("700.00")
    expect(page.locator("#upi")).to_be_hidden()
    page.check("[name=mode][value=upi]")
    page.fill("#id_amount", "450")
    expect(page.locator("#upi a")).to_have_attribute("href", re.compile(r"am=450\.00"))
    expect(page.locator("#upi svg.square")).to_be_visible()
    page.click("#payment button")
    expect(page.locator("article.slip")).to_contain_text("₹450.00")
    page.click("a[href$='/pay/']")
    expect(page.locator("#id_amount")).to_have_value("250.00")
    page.click("#payment button")
    expect(page.locator("article.slip")).to_contain_text("₹250.00")
    settlement.refresh_from_db()
    assert (settlement.status, settlement.net, settlement.advance_after) == (
        "paid",
        Decimal(700),
        Decimal(300),
    )

    # All sixty on paper, six on a sheet, each in his own language.
    page.goto(f"/settlements/runs/{settlement.run_id}/")
    printed = page.request.get(page.locator("a[href*='/papers/six/']").get_attribute("href") or "")
    assert printed.headers["content-type"] == "application/pdf"
    sheets = pages_of(printed.body())
    text = "".join(sheets)
    assert len(sheets) == 10
    assert [code for code in (f"F{n:03}" for n in range(101, 161)) if code not in text] == []


def test_a_long_run_is_watched_and_left(
    page: Page,
    live_server: LiveServer,
    sixty: list[Farmer],
    meena: Membership,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_services, "AT_ONCE", 59)
    sign_in(page.context, live_server.url, meena)
    page.goto("/settlements/runs/new/")
    page.check("[name=period][value=this_week]")
    page.click("[name=preview]")
    page.click("[name=settle]")
    expect(page.locator("#run progress")).to_have_attribute("value", "0")
    page.goto("/settlements/")
    expect(page.locator(".notice")).to_contain_text("R1")
    page.click(".notice a")
    make_run(SettlementRun.objects.get().pk)
    expect(page.locator("#run tbody tr")).to_have_count(60)
    expect(page.locator("#run progress")).to_have_count(0)
