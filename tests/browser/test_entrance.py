"""The way in, as people walk it: language, sign-in, what is wrong, the menu, the way out."""

import pytest
from playwright.sync_api import Page, expect

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.accounts.services import invite_member
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_wrong_takes_the_focus_and_leads_to_its_field(page: Page, meena: Membership) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", "nobody")
    page.fill("[name=password]", "x")
    page.click("main button")
    summary = page.locator(".error-summary")
    summary.wait_for()
    expect(summary).to_be_focused()
    summary.locator("a").first.click()
    assert page.evaluate("document.activeElement.name") == "login"


def test_a_stranger_changes_the_language_before_he_signs_in(page: Page, meena: Membership) -> None:
    page.goto("/accounts/login/")
    page.click("button[name=language][value=ta]")
    page.wait_for_selector("html[lang=ta]")
    assert page.url.endswith("/accounts/login/")


def test_on_a_phone_the_menu_opens_and_leads_on(page: Page, meena: Membership) -> None:
    page.set_viewport_size({"width": 412, "height": 915})
    page.goto("/accounts/login/")
    page.fill("[name=login]", meena.user.email or "")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_selector(".nav__toggle")
    assert not page.locator("#nav").is_visible()
    page.click(".nav__toggle")
    page.click("#nav a[href='/members/']")
    page.wait_for_url("**/members/")
    page.click("[popovertarget=person]")
    page.click("#person form[action='/accounts/logout/'] button")
    page.wait_for_url("**/accounts/login/**")


def test_somebody_invited_by_phone_sets_his_password_and_signs_in(page: Page, meena: Membership) -> None:
    member = invite_member(by=meena, contact="98765 43210", name="Mani", role=Role.STAFF, language="en")
    page.goto("/accounts/login/")
    page.fill("[name=login]", meena.user.email or "")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/")
    page.goto(f"/members/{member.pk}/invitation/")
    link = page.input_value("#link")
    page.context.clear_cookies()

    page.goto(link)
    page.fill("[name=password1]", "kanakambaram-4")
    page.fill("[name=password2]", "kanakambaram-4")
    page.click("main button")
    page.click("main a.button")
    page.fill("[name=login]", "98765 43210")
    page.fill("[name=password]", "kanakambaram-4")
    page.click("main button")
    page.wait_for_selector("#nav")
    assert page.locator("#nav a[href='/members/']").count() == 0
