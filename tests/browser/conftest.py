"""A real Chromium for the tests of this folder, and Malar to open in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    """One browser for all tests; each gets a context (cookies, storage) of its own."""
    started = playwright.chromium.launch(executable_path=chromium_path, args=chromium.ARGUMENTS)
    yield started
    started.close()


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A tablet in portrait, as it stands on the counter, that speaks English unless told otherwise."""
    opened = browser.new_context(
        base_url=live_server.url,
        viewport={"width": 800, "height": 1280},
        locale="en-IN",
        timezone_id="Asia/Kolkata",
        service_workers="block",  # tests/offline is about it; here every request is to be seen, and stopped
    )
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page. A script that throws, on any page the test opens, fails the test."""
    thrown: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: thrown.append(str(error)))
    yield opened
    assert thrown == []
