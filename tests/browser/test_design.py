"""The look in a real browser: day and dim, and a page that stays whole when its letters are twice as large."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from tests.browser.places import DESK, PHONE, TABLET, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

INSPECT = (Path(__file__).parent / "inspect.js").read_text(encoding="utf-8").rstrip().rstrip(";")
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}
ENTRANCE = "/accounts/login/"


def at(hour: int, minute: int, *, day: int = 6) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=KOLKATA)


def theme(page: Page) -> str | None:
    return page.locator("html").get_attribute("data-theme")


def test_before_sunrise_the_page_is_dim_and_turns_to_day_by_itself(page: Page) -> None:
    page.clock.install(time=at(6, 13))
    page.goto(ENTRANCE)
    assert theme(page) == "dim"
    expect(page.locator('meta[name="theme-color"]')).to_have_attribute("content", "#0a3a2c")
    page.clock.fast_forward("03:00")
    assert theme(page) == "day"
    expect(page.locator('meta[name="theme-color"]')).to_have_attribute("content", "#0b4a38")


def test_a_choice_by_hand_goes_along_and_ends_at_the_next_switch(page: Page) -> None:
    page.clock.install(time=at(5, 0))
    page.goto(ENTRANCE)
    toggle = page.locator("[data-theme-toggle]")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    assert theme(page) == "day"
    expect(toggle).to_have_attribute("aria-pressed", "false")
    page.goto("/accounts/password/reset/")
    assert theme(page) == "day"
    page.clock.set_fixed_time(at(18, 31))
    page.reload()
    assert theme(page) == "dim"  # the choice was for before sunrise; this is the schedule again


def test_another_tab_follows_at_once(page: Page) -> None:
    page.clock.install(time=at(12, 0))
    page.goto(ENTRANCE)
    other = page.context.new_page()
    other.clock.install(time=at(12, 0))
    other.goto(ENTRANCE)
    page.locator("[data-theme-toggle]").click()
    expect(other.locator("html")).to_have_attribute("data-theme", "dim")


def test_without_a_script_the_systems_wish_holds_and_no_button_promises_more(
    browser: Browser, live_server: LiveServer
) -> None:
    grounds = {}
    for wish in ("light", "dark"):
        context = browser.new_context(
            base_url=live_server.url,
            java_script_enabled=False,
            color_scheme=wish,
        )
        page = context.new_page()
        page.goto(ENTRANCE)
        expect(page.locator("[data-theme-toggle]")).to_be_hidden()
        grounds[wish] = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        context.close()
    assert grounds == {"light": "rgb(237, 243, 236)", "dark": "rgb(12, 26, 21)"}


def test_the_entrance_shows_the_time_of_the_device(page: Page) -> None:
    page.clock.install(time=at(4, 51))
    page.goto(ENTRANCE)
    expect(page.locator(".entrance .clock")).to_have_text("4:51")
    page.clock.fast_forward("01:00")
    expect(page.locator(".entrance .clock")).to_have_text("4:52")


@pytest.mark.parametrize("language", ["ta", "en"])
def test_nothing_is_wrong_with_any_piece(
    page: Page, live_server: LiveServer, meena: Membership, language: str
) -> None:
    meena.user.language = language
    meena.user.save(update_fields=["language"])
    sign_in(page.context, live_server.url, meena)
    page.goto("/design/")
    wrong: dict[str, Any] = {}
    for name in ("day", "dim"):
        page.evaluate("name => { document.documentElement.dataset.theme = name }", name)
        found = Axe().run(page, options=AXE).response["violations"]
        wrong[name] = [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]
    for size in (DESK, TABLET, PHONE):
        page.set_viewport_size({**size})  # type: ignore[typeddict-item]
        for check in ("tooWide", "cutOff", "tooSmall", "tooTiny"):
            wrong[f"{check} {size['width']}"] = page.evaluate(f"{INSPECT}.{check}()")
    assert {where: found for where, found in wrong.items() if found} == {}


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
@pytest.mark.parametrize("language", ["ta", "en"])
def test_twice_the_letters_cut_nothing_off(
    page: Page, live_server: LiveServer, meena: Membership, language: str, size: dict[str, int]
) -> None:
    meena.user.language = language
    meena.user.save(update_fields=["language"])
    page.set_viewport_size({**size})  # type: ignore[typeddict-item]
    wrong: dict[str, Any] = {}
    for address, member in ((ENTRANCE, None), ("/design/", meena)):
        sign_in(page.context, live_server.url, member)
        page.goto(address)
        if member is None:
            page.locator(f"button[name=language][value={language}]").click()
            page.wait_for_selector(f"html[lang={language}]")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        for check in ("tooWide", "cutOff"):
            wrong[f"{check} {address}"] = page.evaluate(f"{INSPECT}.{check}()")
    assert {where: found for where, found in wrong.items() if found} == {}


def test_the_pieces_wear_the_theme_of_what_is_around_them(
    page: Page, live_server: LiveServer, meena: Membership
) -> None:
    """A container with data-theme is day or dim of its own, whatever the page wears."""
    sign_in(page.context, live_server.url, meena)
    page.clock.install(time=at(4, 0))
    page.goto("/design/")
    colour = "pane => getComputedStyle(pane).backgroundColor"
    assert page.locator(".pane[data-theme=day]").first.evaluate(colour) == "rgb(237, 243, 236)"
    assert page.locator(".pane[data-theme=dim]").first.evaluate(colour) == "rgb(12, 26, 21)"


def test_the_question_of_its_own_opens_and_closes_with_the_keyboard(
    page: Page, live_server: LiveServer, meena: Membership
) -> None:
    sign_in(page.context, live_server.url, meena)
    page.goto("/design/")
    opener = page.locator("[data-dialog-open]").nth(1)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
