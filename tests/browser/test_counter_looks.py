"""What the counter looks like: everything fits, can be hit with a wet thumb, and can be read by everybody."""

from decimal import Decimal
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from malar.accounts.models import Membership
from tests.browser.counter import Counter, Stall, a_full_morning, a_stall
from tests.ledger.terms import a_fee

pytestmark = pytest.mark.django_db(transaction=True)

TABLETS = ((1280, 800), (800, 1280), (1280, 700))
SMALLER = ((1024, 600), (412, 915), (915, 412))

WRONG = """() => {
  const wrong = [];
  const seen = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 1;
  const page = document.scrollingElement;
  const sum = document.querySelector("#done .sum");
  const pill = document.querySelector("#pill");
  if (pill.scrollWidth > pill.clientWidth) wrong.push("pill cut off");
  if (seen(sum) && sum.scrollWidth > sum.clientWidth) wrong.push("sum cut off");
  if (page.scrollWidth > innerWidth) wrong.push(`wider than the screen: ${page.scrollWidth}`);
  if (innerWidth > 700 && page.scrollHeight > innerHeight) wrong.push(`scrolls: ${page.scrollHeight}`);
  const sheet = document.querySelector("dialog[open]");
  if (sheet && sheet.scrollWidth > sheet.clientWidth) wrong.push(`sheet wider than the screen: ${sheet.id}`);
  for (const element of (sheet ?? document).querySelectorAll(sheet ? "*" : "#app *")) {
    if (!seen(element) || !element.textContent.trim() || element.closest("svg, .vh")) continue;
    const style = getComputedStyle(element);
    if (style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1)
      wrong.push(`cut off: ${element.className || element.id} ${element.textContent.trim().slice(0, 40)}`);
    const box = element.getBoundingClientRect();
    if (!element.childElementCount && (box.left < 0 || box.right > innerWidth))
      wrong.push(`outside: ${element.textContent}`);
    if (parseFloat(style.fontSize) < 16) wrong.push(`small print: ${element.textContent.trim().slice(0, 40)}`);
  }
  const targets = "button, a, label:has(input), [data-goto]";
  for (const target of (sheet ?? document.querySelector("#app")).querySelectorAll(targets)) {
    const { width, height } = target.getBoundingClientRect();
    if (seen(target) && (width < 48 || height < 48))
      wrong.push(`hard to hit: ${target.className} ${target.textContent.trim()} ${width}×${height}`);
    // The big number is drawn lower than its line is high.
    if (seen(target) && !target.matches(".wt") && target.scrollHeight > target.clientHeight + 2)
      wrong.push(`too low: ${target.className} ${target.textContent.trim()}`);
  }
  return wrong;
}"""

READABLE = """async (theme) => {
  document.documentElement.dataset.theme = theme;
  await Promise.all(document.getAnimations().map((animation) => animation.finished));
  const rules = { "color-contrast-enhanced": { enabled: true } };
  const { violations } = await axe.run(document, { rules, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => node.html)]);
}"""


@pytest.fixture
def stall(kumar: Membership) -> Stall:
    return a_stall(kumar)


def with_fees(stall: Stall) -> None:
    """The longest and the shortest, and limits of what is given."""
    shop = stall.kumar.shop
    a_fee(shop, "coolie", "per_sack", "10")
    a_fee(shop, "cess", "percent", "1", automatic=False)
    a_fee(shop, "weighbridge", "per_trip", "1240.50", automatic=False)
    shop.advance_limit = shop.draw_limit = Decimal("125000.50")
    shop.save()


FULL = """() => {
  window.before = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => { throw new DOMException("No space is left.", "QuotaExceededError") };
}"""


@pytest.fixture
def counter(page: Page, live_server: LiveServer) -> Counter:
    return Counter(page, live_server.url)


@pytest.mark.parametrize("language", ["ta", "en"])
def test_nothing_is_cut_off_and_everything_can_be_hit(
    counter: Counter, stall: Stall, meena: Membership, language: str
) -> None:
    a_full_morning(stall, meena)
    with_fees(stall)
    page = counter.open(stall.kumar, language).page
    wrong: dict[str, list[str]] = {}

    def look(state: str) -> None:
        for width, height in TABLETS:
            page.set_viewport_size({"width": width, "height": height})
            if found := page.evaluate(WRONG):
                wrong[f"{state} {width}×{height}"] = found
        for width, height in SMALLER:
            page.set_viewport_size({"width": width, "height": height})
            found = [each for each in page.evaluate(WRONG) if not each.startswith("cut off: nm")]
            found = [each for each in found if not each.startswith("cut off: vl")]
            if height == 412:
                # The string is below the screen of a phone on its side; Save never is.
                found = [each for each in found if not each.startswith("scrolls")]
                save = page.locator("#save").bounding_box()
                assert save
                if save["y"] + save["height"] > height:
                    found.append("Save is out of reach")
            if found:
                wrong[f"{state} {width}×{height}"] = found

    look("empty")
    counter.tap("207")
    counter.tap("12½")
    look("ready")
    page.locator("#rate").click()
    look("another rate")
    page.locator("[data-goto=weight]").click()
    counter.tap("½")
    page.evaluate(FULL)
    counter.save()
    expect(counter.panel).to_be_visible()
    look("the tablet is full")
    page.evaluate("() => { IDBObjectStore.prototype.put = before }")
    page.wait_for_timeout(600)  # a second tap within that time is a trembling finger
    page.set_viewport_size({"width": 1280, "height": 800})
    for _ in "12.5":
        counter.page.locator('[data-key="backspace"]').click()
    counter.tap("125")
    counter.save()
    expect(counter.panel).to_be_visible()
    look("question")
    page.route("**/sync/v1/ops/", lambda route: route.abort())
    page.clock.install()  # the flower stays open
    counter.panel.get_by_role("button").last.click()
    counter.kept("80,000")
    look("saved on the tablet")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#pill").click()
    expect(page.locator("#sync-list li")).to_have_count(1)
    look("what is only here")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#sync [data-close]").click()
    page.unroute("**/sync/v1/ops/")
    counter.saved("80,000")
    look("saved")
    page.clock.resume()
    page.set_viewport_size({"width": 1280, "height": 800})
    counter.type("999⏎")
    expect(counter.panel).to_be_visible()
    look("nobody has it")
    page.set_viewport_size({"width": 1280, "height": 800})
    counter.panel.get_by_role("button").first.click()
    page.locator("#form button[type=submit]").click()
    expect(page.locator("#form-said")).to_be_visible()
    look("somebody new")
    page.locator("#form [data-close]").click()
    for name in ("money", "fee"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.locator(".bar [popovertarget=menu]").click()
        look(f"the menu before {name}")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.locator(f"#{name}").click()
        page.locator("#form button[type=submit]").click()
        expect(page.locator("#form-said")).to_be_visible()
        look(name)
        page.locator("#form [data-close]").click()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#report").click()
    expect(page.locator("#day-lines li")).to_have_count(7)
    look("today")
    assert wrong == {}


def test_the_left_hand_gets_the_keypad_on_the_left(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Keypad for the left hand").click()
    page.keyboard.press("Escape")
    for width, height in ((1280, 800), (800, 1280)):
        page.set_viewport_size({"width": width, "height": height})
        save = page.locator("#save").bounding_box()
        assert save
        assert save["x"] < 100
        keys = [page.locator(f'[data-key="{key}"]').bounding_box() for key in "789"]
        assert [key and key["x"] for key in keys] == sorted(key["x"] for key in keys if key)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-hand", "left")


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["ta", "en"])
def test_everybody_can_read_it(counter: Counter, stall: Stall, meena: Membership, language: str) -> None:
    """axe finds nothing, by day and in dim light: empty, asked, saved, searching. Contrast is enhanced (7:1)."""
    a_full_morning(stall, meena)
    with_fees(stall)
    page = counter.page
    page.set_viewport_size({"width": 1280, "height": 800})
    counter.open(stall.kumar, language)
    page.evaluate(AXE)
    wrong: dict[str, object] = {}

    def look(state: str) -> None:
        for theme in ("day", "dim"):
            if found := page.evaluate(READABLE, theme):
                wrong[f"{state} {theme}"] = found

    look("empty")
    counter.tap("207")
    counter.tap("125")
    counter.save()
    expect(counter.panel).to_be_visible()
    look("question")
    page.clock.install()
    counter.panel.get_by_role("button").first.click()
    expect(page.locator("#done")).to_be_visible()
    look("saved")
    page.locator("#find-open").click()
    page.fill("#find-words", "murugesan")
    expect(page.locator("#found button")).to_have_count(2)
    look("search")
    page.locator("#find-new").click()
    page.fill("#form-fields [name=name_en]", "")
    page.locator("#form button[type=submit]").click()
    expect(page.locator("#form-said")).to_be_visible()
    look("somebody new")
    page.locator("#form [data-close]").click()
    page.clock.resume()
    page.locator(".bar [popovertarget=menu]").click()
    look("menu")
    page.locator("#fee").click()
    expect(page.locator("#form")).to_be_visible()
    look("a fee")
    page.locator("#form [data-close]").click()
    page.locator("#report").click()
    expect(page.locator("#day-lines li")).to_have_count(7)
    look("today")
    assert wrong == {}


def test_tamil_is_spoken_in_tamil(counter: Counter, stall: Stall, meena: Membership) -> None:
    """No Latin letter in what a screen reader says, but for the units and names of techniques."""
    a_full_morning(stall, meena)
    page = counter.open(stall.kumar, "ta").page
    counter.tap("207")
    counter.tap("12½")
    said = page.evaluate(
        """() => [...document.querySelectorAll('[aria-label]'), ...document.querySelectorAll('#app *')]
          .filter(e => !e.closest('[lang=en]'))
          .map(e => e.getAttribute('aria-label') ?? (e.childElementCount ? '' : e.textContent))
          .filter(text => /[A-Za-z]/.test(text))"""
    )
    assert said == []
