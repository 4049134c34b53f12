"""The office in a real browser: Django's admin under our content security policy, without a complaint."""

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from malar.accounts.models import Membership
from pricing.models import Flower
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
        row = model._default_manager.filter(
            **{"pk" if model._meta.model_name == "shop" else "shop": meena.shop_id}
        ).first()
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
