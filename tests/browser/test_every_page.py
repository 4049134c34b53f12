"""Every page, in both languages, by day and before sunrise, on every size it is made for.

axe finds nothing, no word is cut off, everything can be hit with a wet finger, and a Tamil reader reads Tamil.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.places import PLACES, Morning, Place, in_the_rush, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}
# The theme changes colours, and nothing else of what axe looks at.
AXE_OF = {"day": AXE, "dim": {"runOnly": ["color-contrast", "color-contrast-enhanced"]}}
INSPECT = (Path(__file__).parent / "inspect.js").read_text(encoding="utf-8")
# Units, codes, and names of things that have no other: slip numbers, farmers' codes, addresses, paper sizes.
LATIN = (
    r"[A-Z]{1,4}\d*(?:-\d+)*(?:/\d+)?|[A-Z]\d+|R\d+-F\d{3,4}|F\d{3,4}|\S+@\S+|EN|English|SMS|OTP|CSV|JSON|PDF|QR|API|UPI|A4|A5|x|mm|kg|Malar"
    r"|Excel|LibreOffice|Google|Sheets"
)


@pytest.fixture
def morning(page: Page) -> Iterator[Morning]:
    with in_the_rush():
        yield Morning.begin(days=2)


@pytest.mark.parametrize("language", ["ta", "en"])
def test_every_page_is_whole(page: Page, live_server: LiveServer, morning: Morning, language: str) -> None:
    wrong = {place.name: seen(page, live_server, morning, place, language) for place in PLACES}
    assert {name: found for name, found in wrong.items() if found} == {}


def seen(
    page: Page, live_server: LiveServer, morning: Morning, place: Place, language: str
) -> dict[str, Any]:
    """What is wrong with a page, by where and when it was seen."""
    # The page before asks for its inbox now and then; asked by somebody else it would lead to the sign-in meanwhile.
    page.goto("about:blank")
    morning.speak(language)
    sign_in(page.context, live_server.url, getattr(morning, place.who, None))
    page.set_viewport_size({**place.sizes[0]})  # type: ignore[typeddict-item]
    place.open(page, morning, language)
    if place.who == "stranger":
        speak_as_stranger(page, language)
        place.open(page, morning, language)
    wrong: dict[str, Any] = {}

    def note(where: str, findings: list[Any]) -> None:
        if findings:
            wrong[where] = findings[:6]

    assert page.locator("html").get_attribute("lang") == language
    # What axe looks at is the same in both languages; how long words are and what letters they have is seen below.
    # A page is what its scripts have made of it.
    page.wait_for_load_state("networkidle")
    for theme, options in AXE_OF.items() if language == "ta" else ():
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        found = Axe().run(page, options=options).response["violations"]
        note(
            f"axe, {theme}",
            [(each["id"], [" ".join(node["target"]) for node in each["nodes"]][:3]) for each in found],
        )
    for size in place.sizes:
        page.set_viewport_size({**size})  # type: ignore[typeddict-item]
        at = f"{size['width']}×{size['height']}"
        for check in ("tooWide", "cutOff", "tooSmall", "tooTiny"):
            note(f"{check} at {at}", page.evaluate(f"{INSPECT.rstrip().rstrip(';')}.{check}()"))
    if language == "ta":
        note(
            "Latin words",
            page.evaluate(f"allowed => {INSPECT.rstrip().rstrip(';')}.latinWords(allowed)", LATIN),
        )
    # Twice as large by the browser's zoom, which leaves half the room; and only the letters twice as large.
    page.set_viewport_size({"width": 640, "height": 400})
    for check in ("tooWide", "cutOff"):
        note(f"{check} at 200 %", page.evaluate(f"{INSPECT.rstrip().rstrip(';')}.{check}()"))
    if place.grows:
        page.set_viewport_size({**place.sizes[0]})  # type: ignore[typeddict-item]
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        note("cutOff with large letters", page.evaluate(f"{INSPECT.rstrip().rstrip(';')}.cutOff()"))
    return wrong


def speak_as_stranger(page: Page, language: str) -> None:
    page.locator(f"button[name=language][value={language}]").click()
    page.wait_for_selector(f"html[lang={language}]")
