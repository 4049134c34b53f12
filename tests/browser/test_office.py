"""The office in a real browser: Django's admin under our content security policy, without a complaint."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from malar.accounts.models import Membership
from notifications.models import MessageTemplate
from pricing.models import Flower
from tests.browser.test_every_page import AXE
from tests.cast import PASSWORD, at, called, recorded

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def sign_in(page: Page, member: Membership) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", member.user.email or "")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/")


@pytest.mark.django_db(transaction=True)
def test_no_page_of_the_office_is_refused_a_script_or_a_style(
    page: Page, meena: Membership, jasmine: Flower, raja: object
) -> None:
    called(jasmine, "900", at("2026-03-06", "04:30"), meena)
    recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "04:50"))  # type: ignore[arg-type]
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # The browser of these tests takes no worker, and says so; tests/offline looks at that one.
        if message.type in {"error", "warning"} and "blocked by Playwright" not in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    sign_in(page, meena)
    page.goto("/admin/")
    for model in REGISTERED:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        page.goto(reverse(f"{name}_changelist"))
        rows = model._default_manager.all()
        if model._meta.model_name != "messagetemplate":  # all shops share those
            rows = rows.filter(**{"pk" if model._meta.model_name == "shop" else "shop": meena.shop_id})
        row = rows.first()
        if row is not None:
            page.goto(reverse(f"{name}_change", args=[row.pk]))
            page.goto(reverse(f"{name}_history", args=[row.pk]))
        if admin.site._registry[model].may_add:  # type: ignore[attr-defined]
            page.goto(reverse(f"{name}_add"))
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_a_flower_is_added_with_the_keyboard_alone(page: Page, meena: Membership) -> None:
    sign_in(page, meena)
    page.goto(reverse("admin:pricing_flower_add"))
    page.keyboard.type("ROJ")  # the first field has the focus
    for words in ("ரோஜா", "Rose"):
        page.keyboard.press("Tab")
        page.keyboard.insert_text(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/pricing/flower/")
    assert Flower.objects.get(code="ROJ").name_en == "Rose"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["ta", "en"])
def test_a_wording_is_seen_while_it_is_typed(page: Page, meena: Membership, language: str) -> None:
    meena.user.language = language
    meena.user.save()
    sign_in(page, meena)
    page.goto(f"{reverse('admin:notifications_messagetemplate_add')}?name=payment_paid&language=en")
    assert "Rs.6000.00 paid for settlement R12F014" in page.locator(".wording__text--sms").first.inner_text()
    page.fill("[name=sms]", "Paid: Rs.{amount_rupees}.{amount_paise} for {reference_plain}. -MALARM")
    page.locator(".wording__text--sms", has_text="Paid: Rs.6000.00 for R12F014. -MALARM").wait_for()
    page.fill("[name=body]", "{aunt}")
    page.locator(".errornote", has_text="aunt").wait_for()
    assert "செலுத்தப்பட்டது" in page.locator(".wording__looks").inner_text(), "the other language beside it"
    for address in (page.url, wording_page()):
        page.goto(address)
        page.wait_for_selector(".wording__text")
        for theme in ("day", "dim"):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            found = Axe().run(page, options=AXE).response["violations"]
            assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def wording_page() -> str:
    wording = MessageTemplate.objects.get(name="payment_paid", language="ta", is_active=True)
    return reverse("admin:notifications_messagetemplate_change", args=[wording.pk])
