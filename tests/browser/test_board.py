"""The day's board and a correction, as people look at them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from ledger.models import DailyEntry, Farmer
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.browser.places import DESK, PHONE, SMALL, TABLET, sign_in
from tests.cast import a_farmer, a_member, called, recorded

pytestmark = pytest.mark.django_db(transaction=True)

INSPECT = (Path(__file__).parent / "inspect.js").read_text(encoding="utf-8").rstrip().rstrip(";")
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}


@pytest.fixture
def line(meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    """Kumar's line of today: 5.900 kg at ₹1,450."""
    called(jasmine, "1450", timezone.now() - dt.timedelta(minutes=1), meena)
    return recorded(kumar, raja, jasmine)


@pytest.fixture
def board(page: Page, live_server: LiveServer, kumar: Membership, line: DailyEntry) -> Page:
    """Kumar's board, whose quarter of a minute passes when a test says so."""
    sign_in(page.context, live_server.url, kumar)
    page.clock.install()
    page.goto("/")
    return page


def test_the_board_follows_the_counter_by_itself_and_leaves_the_reader_where_he_was(
    board: Page, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """New figures come in while a table is open, the focus in it and the page scrolled."""
    board.locator("#day-string-summary").click()
    board.evaluate("window.scrollTo(0, 300)")
    scrolled = board.evaluate("window.scrollY")
    assert scrolled > 0

    recorded(kumar, raja, jasmine, quantity=Decimal("10"))
    board.clock.run_for(15_500)

    expect(board.locator(".sums__main")).to_contain_text("15.900")
    expect(board.locator("#day-string-table")).to_have_attribute("open", "")
    expect(board.locator("#day-string-summary")).to_be_focused()
    assert board.evaluate("window.scrollY") == scrolled


def test_nothing_is_put_anew_while_nothing_changed(board: Page) -> None:
    board.evaluate("document.querySelector('.sums').dataset.same = 'yes'")
    with board.expect_response(lambda answer: "seen=" in answer.url) as answer:
        board.clock.run_for(15_500)

    assert answer.value.status == 204
    expect(board.locator(".sums[data-same=yes]")).to_have_count(1)


def test_a_board_without_a_connection_says_so_and_keeps_its_figures(board: Page) -> None:
    board.context.set_offline(True)
    board.clock.run_for(15_500)

    expect(board.locator(".as-of__stale")).to_be_visible()
    expect(board.locator(".sums__main")).to_contain_text("5.900")
    board.context.set_offline(False)
    board.clock.run_for(15_500)
    expect(board.locator(".as-of__stale")).to_be_hidden()


def test_a_corrected_weight_shows_the_new_amount_beside_the_old_one_struck_out(
    page: Page, live_server: LiveServer, kumar: Membership, line: DailyEntry
) -> None:
    sign_in(page.context, live_server.url, kumar)
    page.goto(reverse("ledger:entry_edit", args=[line.pk]))
    page.fill("#id_gross_quantity", "7,1")

    expect(page.locator(".line-sum del")).to_have_text("₹8,555.00")
    expect(page.locator(".line-sum ins")).to_have_text("₹10,005.00")
    assert page.locator(".line-sum ins").evaluate("each => parseFloat(getComputedStyle(each).fontSize)") >= 36

    page.get_by_text("weight misread").click()
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator(".line-sum__amount")).to_have_text("₹10,005.00")
    expect(page.locator("del", has_text="₹8,555.00").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("Reason: weight misread")


def test_a_cancelled_line_is_written_again_for_the_right_farmer(
    page: Page, live_server: LiveServer, kumar: Membership, lakshmi: Farmer, line: DailyEntry
) -> None:
    sign_in(page.context, live_server.url, kumar)
    page.goto(reverse("ledger:entry_void", args=[line.pk]))
    page.get_by_text("wrong farmer").click()
    page.get_by_role("button", name="Cancel this slip").click()
    expect(page.locator(".line-sum--struck del")).to_have_text("₹8,555.00")

    page.get_by_role("link", name="Write it again").click()
    page.fill("#id_farmer", "15")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".saved")).to_contain_text("₹8,555.00")
    standing = DailyEntry.objects.standing().get()
    assert (standing.farmer, standing.quantity) == (lakshmi, Decimal("5.900"))


@pytest.mark.parametrize("language", ["ta", "en"])
def test_what_a_smooth_morning_does_not_show_is_whole_too(
    page: Page, live_server: LiveServer, meena: Membership, jasmine: Flower, line: DailyEntry, language: str
) -> None:
    """Long names, a cancelled line, a form without its reason, two versions of a line; on a phone as well."""
    owner = a_member(meena.shop, "Ponni", Role.ADMIN, language=language)
    long_named = a_farmer(meena.shop, 20, "முத்துலட்சுமியம்மாள் சுப்பிரமணியம்", "Muthulakshmiammal Subramaniam")
    voided = recorded(owner, long_named, jasmine)
    void_entry(by=owner, entry_id=voided.pk, reason="flowers taken back")
    edit_entry(by=owner, entry_id=line.pk, version=1, changes={"rate": Decimal("900")}, reason="agreed rate")
    sign_in(page.context, live_server.url, owner)
    wrong: dict[str, Any] = {}

    def look(where: str) -> None:
        for theme in ("day", "dim"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            for each in Axe().run(page, options=AXE).response["violations"]:
                targets = [" ".join(node["target"]) for node in each["nodes"]][:3]
                wrong[f"{where} {theme}: {each['id']}"] = targets
        for size in (DESK, TABLET, SMALL, PHONE):
            page.set_viewport_size({**size})  # type: ignore[typeddict-item]
            for check in ("tooWide", "cutOff", "tooSmall", "tooTiny"):
                if found := page.evaluate(f"{INSPECT}.{check}()"):
                    wrong[f"{where} {size['width']}×{size['height']}: {check}"] = found[:3]

    page.goto(reverse("ledger:entry_list"))
    look("list")
    page.goto(reverse("ledger:entry_detail", args=[voided.pk]))
    look("cancelled")
    page.goto(reverse("ledger:entry_edit", args=[line.pk]))
    save = page.locator("#correction .button-row button")
    page.locator("[name=reason]").last.check()
    save.click()
    page.wait_for_selector("[role=alert]")
    look("without a reason")
    # The first version of the form comes too late: both stand side by side.
    page.locator("[name=version]").evaluate("field => { field.value = '1' }")
    page.fill("#id_gross_quantity", "8.1")
    page.locator("[name=reason]").first.check()
    save.click()
    page.wait_for_selector(".sides")
    look("two versions")
    assert wrong == {}
