"""Opening Malar in a browser."""

from playwright.sync_api import Page


def test_whoever_is_not_signed_in_is_asked_to(page: Page) -> None:
    page.goto("/")
    assert "/accounts/login/" in page.url
    assert page.locator("input[name=password]").count() == 1
