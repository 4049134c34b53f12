"""Pictures of every page, for people: `make pictures` writes them to docs/screens/.

Not collected as a test. The day and the tablet's clock stand still at MORNING, so that a picture
changes only when its page does. By day on a desk, before sunrise on a standing tablet, on a phone
where the page is a phone's.
"""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.places import DESK, MORNING, PHONE, PLACES, TABLET, Morning, Place, in_the_rush, sign_in
from tests.browser.test_every_page import speak_as_stranger

pytestmark = pytest.mark.django_db(transaction=True)

SCREENS = Path(__file__).parents[2] / "docs/screens"


def test_pictures_are_taken(page: Page, live_server: LiveServer) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with in_the_rush():
        morning = Morning.begin(days=7)
        page.clock.set_fixed_time(MORNING)
        for language in ("ta", "en"):
            morning.speak(language)
            for place in PLACES:
                page.goto("about:blank")  # what the page before still asks for is not this person's to answer
                sign_in(page.context, live_server.url, getattr(morning, place.who, None))
                for theme, size in views(place):
                    page.set_viewport_size({**size})  # type: ignore[typeddict-item]
                    place.open(page, morning, language)
                    if place.who == "stranger":
                        speak_as_stranger(page, language)
                    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
                    take(page, f"{place.name}-{language}-{theme}-{size['width']}x{size['height']}")


def views(place: Place) -> list[tuple[str, dict[str, int]]]:
    """Theme and size of each picture of a page."""
    views = [("day", DESK if DESK in place.sizes else place.sizes[0])]
    if TABLET in place.sizes:
        views.append(("dim", TABLET))
    elif place.sizes == (PHONE,):
        views.append(("dim", PHONE))
    return views


def take(page: Page, name: str) -> None:
    """Write a picture of what is on the screen. WebP: a tenth of the bytes of PNG."""
    page.evaluate("document.fonts.ready")
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": 70})
    (SCREENS / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
    session.detach()
