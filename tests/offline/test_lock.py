"""The counter left alone: nothing of anybody is shown until its owner types his PIN, with a network or without."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ledger.models import DailyEntry
from malar.accounts.models import Membership
from malar.accounts.services import choose_pin
from malar.sync.models import HandedIn
from tests.browser.counter import Counter, Stall
from tests.offline.privacy import DUMP
from tests.offline.proxy import REFUSE, Proxy, instead
from tests.offline.tablet import Tablet, hurried
from tests.offline.test_line import OPS
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD, PIN = "flowers at four", "2580"
NAMES = ("Karuppasamy", "கருப்பசாமி", "Alanganallur", "Selvi", "Melur", "8,160", "5760.00", "640.00", "520.00")
LATER = """(ms) => {
  const [wall, mono] = [Date.now.bind(Date), performance.now.bind(performance)];
  Date.now = () => wall() + ms;
  performance.now = () => mono() + ms;
}"""
LEFT_OPEN = """() => {
  localStorage.setItem("malar.touched", Date.now() - 360_000);
  document.dispatchEvent(new Event("visibilitychange"));
}"""
FORWARD = "(ms) => { const wall = Date.now.bind(Date); Date.now = () => wall() + ms; }"


@pytest.fixture
def counter(counter: Counter, tablet: Tablet, stall: Stall) -> Counter:
    """Kumar before it, with a password; the worker has everything."""
    stall.kumar.user.set_password(PASSWORD)
    stall.kumar.user.save()
    counter.open(stall.kumar)
    tablet.worker_is_ready()
    tablet.is_known()
    return counter


def choose(page: Page, pin: str = PIN, again: str = PIN, password: str = PASSWORD) -> None:
    """In the menu, with the password."""
    page.locator(".bar [popovertarget=menu]").click()
    page.locator("#pin").click()
    for name, value in {"password": password, "pin": pin, "again": again}.items():
        page.fill(f"#form-fields [name={name}]", value)
    page.locator("#form").get_by_role("button", name="Save").click()


def chosen(page: Page) -> None:
    choose(page)
    expect(page.locator("#form")).to_be_hidden()


def left_alone(page: Page, minutes: float = 6) -> None:
    """Nobody touches it for so long."""
    page.evaluate(LATER, minutes * 60_000)
    expect(page.locator("#lock")).to_be_visible()


def answer(page: Page, pin: str) -> None:
    page.fill("#lock input", pin)
    page.locator("#lock").get_by_role("button", name="Open").click()


def readable(page: Page) -> list[str]:
    """What a page says of people, in any of its elements, fields included."""
    text: str = page.evaluate(
        """() => document.documentElement.outerHTML
             + [...document.querySelectorAll("input")].map(({ value }) => value).join(" ")"""
    )
    return [name for name in NAMES if name in text]


def disk(tablet: Tablet) -> str:
    kept: dict[str, Any] = tablet.evaluate(DUMP, [])
    return str(kept["databases"]) + str(kept["storages"])


# --- With a PIN -------------------------------------------------------------------------------------


def test_left_alone_nothing_is_readable_and_the_pin_brings_it_all_back_without_a_network(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    page = counter.page
    chosen(page)
    proxy.set(REFUSE)
    counter.type("207⏎12")
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    assert readable(page)
    left_alone(page)
    assert readable(page) == []
    expect(page.locator("#lock")).to_contain_text("Kumar")
    # Keys and Escape belong to the lock; behind it nothing hears them.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#lock-title").click(position={"x": 1, "y": 1})
    expect(page.locator("#lock")).to_be_visible()
    answer(page, "2581")
    expect(page.locator("#lock")).to_contain_text("That is not the PIN. Tries left: 4")
    assert readable(page) == []
    page.evaluate(LATER, 3000)
    expect(page.locator("#lock [type=submit]")).to_be_enabled()
    answer(page, PIN)
    expect(page.locator("#lock")).to_have_count(0)
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(counter.weight).to_have_text("12")
    counter.type("⏎⏎")
    counter.kept("7,680")
    proxy.set(REFUSE)
    assert len(tablet.unsent()) == 1
    # As a value of its own: ids and keys hold any four figures.
    assert f'"{PIN}"' not in disk(tablet)


def test_a_sheet_that_was_half_filled_in_is_where_it_was(counter: Counter) -> None:
    page = counter.page
    chosen(page)
    counter.type("300⏎")
    counter.panel.get_by_role("button", name="Add a farmer").click()
    page.fill("#form-fields [name=name_en]", "Karuppasamy the younger")
    left_alone(page)
    assert readable(page) == []
    answer(page, PIN)
    expect(page.locator("#form")).to_be_visible()
    expect(page.locator("#form-fields [name=name_en]")).to_have_value("Karuppasamy the younger")
    assert page.evaluate("document.querySelector('#form').matches(':modal')")
    page.locator("#form").get_by_role("button", name="Save").click()
    expect(page.locator("#who-name")).to_have_text("Karuppasamy the younger")


def test_loading_it_anew_or_another_page_opens_no_lock(counter: Counter, proxy: Proxy) -> None:
    page = counter.page
    chosen(page)
    counter.type("207⏎12")
    left_alone(page)
    page.goto("/entries/")
    page.wait_for_url("**/app/en/")
    expect(page.locator("#lock")).to_be_visible()
    proxy.set(REFUSE)
    page.reload()
    expect(page.locator("#lock")).to_be_visible()
    page.wait_for_timeout(1500)
    assert readable(page) == []
    answer(page, PIN)
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(counter.weight).to_have_text("12")


def test_a_page_of_the_office_that_is_left_open_is_covered_but_not_what_is_half_filled_in(
    counter: Counter,
) -> None:
    page = counter.page
    chosen(page)
    page.goto("/ledger/farmers/new/")
    page.fill("[name=name_en]", "Selvi the younger")
    page.evaluate(LEFT_OPEN)
    page.wait_for_timeout(500)
    expect(page.locator("[name=name_en]")).to_have_value("Selvi the younger")
    page.evaluate("localStorage.setItem('malar.touched', Date.now())")
    page.goto("/ledger/farmers/")
    expect(page.locator("main")).to_contain_text("Karuppasamy")
    page.evaluate(LEFT_OPEN)
    page.wait_for_url("**/app/en/")
    expect(page.locator("#lock")).to_be_visible()
    assert readable(page) == []


def test_closed_for_long_it_is_opened_locked_and_a_clock_set_back_proves_nothing(counter: Counter) -> None:
    page = counter.page
    chosen(page)
    for at in ("Date.now() - 360000", "Date.now() + 360000"):
        page.evaluate(f"localStorage.setItem('malar.touched', {at})")
        page.reload()
        expect(page.locator("#lock")).to_be_visible()
        page.wait_for_timeout(500)
        assert readable(page) == []
        answer(page, PIN)
        expect(page.locator("#recents")).to_contain_text("Karuppasamy")
        page.wait_for_timeout(300)
    page.reload()
    expect(page.locator("#recents")).to_contain_text("Karuppasamy")
    expect(page.locator("#lock")).to_have_count(0)


def test_after_five_wrong_ones_only_signing_in_helps_and_nothing_is_lost(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    page = counter.page
    chosen(page)
    before = stall.lines
    proxy.on(OPS, instead(503))
    counter.type("207⏎12.75⏎⏎")
    counter.kept("8,160")
    proxy.set(REFUSE)
    left_alone(page)
    lock = page.locator("#lock")
    for left in (4, 3, 2, 1):
        answer(page, "1379")
        expect(lock).to_contain_text(f"Tries left: {left}, in")
        expect(lock.locator("[type=submit]")).to_be_disabled()
        if left == 3:
            page.reload()
            expect(lock.locator("[type=submit]")).to_be_disabled()
        page.evaluate(LATER, 20_000)
        expect(lock.locator("[type=submit]")).to_be_enabled()
    answer(page, "1379")
    expect(lock).to_contain_text("Now only signing in helps")
    expect(lock.locator("input")).to_be_hidden()
    page.reload()
    expect(lock).to_contain_text("Now only signing in helps")
    lock.get_by_role("button", name="Sign in").click()
    expect(lock).to_contain_text("The server cannot be reached")
    assert stall.lines == before
    proxy.clear()
    lock.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/accounts/login/**")
    page.fill("[name=login]", stall.kumar.user.email or "")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "login" not in address)
    page.goto("/app/en/")
    expect(page.locator("#recents")).to_contain_text("Karuppasamy")
    expect(lock).to_have_count(0)
    wait_until(lambda: stall.lines == before + 1, seconds=10)
    # His PIN is what it was.
    left_alone(page)
    answer(page, PIN)
    expect(page.locator("#recents")).to_contain_text("Karuppasamy")


def test_another_takes_over_and_what_its_owner_wrote_stays_his(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    page = counter.page
    chosen(page)
    before = stall.lines
    proxy.on(OPS, instead(503))
    counter.type("207⏎9⏎⏎")
    counter.kept("5,760")
    counter.type("207⏎12")
    assert {"Karuppasamy", "5760.00", "640.00"} <= {name for name in NAMES if name in disk(tablet)}
    left_alone(page)
    page.get_by_role("button", name="Not Kumar? Sign in").click()
    page.wait_for_url("**/accounts/login/**")
    assert [name for name in NAMES if name in disk(tablet)] == []
    assert tablet.sealed() == 1
    proxy.clear()
    counter.open(meena)
    expect(page.locator("#who-name")).to_have_text("Choose the farmer")
    wait_until(lambda: stall.lines == before + 1, seconds=10)
    line = DailyEntry.objects.get(slip_number__startswith="A1-")
    assert line.created_by == stall.kumar
    assert HandedIn.objects.get().brought_by == meena
    # The half slip waited for him.
    counter.open(stall.kumar)
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(counter.weight).to_have_text("12")


def test_a_pin_that_was_changed_elsewhere_opens_no_more_where_the_server_can_say_so(
    counter: Counter, proxy: Proxy, stall: Stall
) -> None:
    page = counter.page
    chosen(page)
    choose_pin(by=stall.kumar, pin="9517", password=PASSWORD)
    page.reload()
    expect(page.locator("#recents")).to_contain_text("Karuppasamy")
    page.wait_for_timeout(500)
    left_alone(page)
    answer(page, PIN)
    expect(page.locator("#lock")).to_contain_text("Tries left: 4")
    page.evaluate(LATER, 20_000)
    expect(page.locator("#lock [type=submit]")).to_be_enabled()
    answer(page, "9517")
    expect(page.locator("#lock")).to_have_count(0)
    proxy.set(REFUSE)
    left_alone(page)
    answer(page, "9517")
    expect(page.locator("#lock")).to_have_count(0)


def test_what_is_wrong_with_a_pin_is_said_beside_it(counter: Counter, proxy: Proxy) -> None:
    page = counter.page
    choose(page, "1234", "1234")
    said = page.locator("#form-said")
    expect(said).to_contain_text("Everybody tries this one first")
    for values, words in (
        ({"pin": "2580", "again": "2581"}, "The two PINs differ"),
        ({"again": "2580", "password": "guessed"}, "This is not your password"),
    ):
        for name, value in values.items():
            page.fill(f"#form-fields [name={name}]", value)
        page.locator("#form").get_by_role("button", name="Save").click()
        expect(said).to_contain_text(words)
    proxy.set(REFUSE)
    page.locator("#form").get_by_role("button", name="Save").click()
    expect(said).to_contain_text("Choosing a PIN needs the network")


# --- Without one ------------------------------------------------------------------------------------


def test_without_a_pin_it_is_a_curtain_that_keeps_nobody_from_working(
    counter: Counter, proxy: Proxy, stall: Stall
) -> None:
    page = counter.page
    counter.type("207⏎12")
    proxy.set(REFUSE)
    left_alone(page)
    assert readable(page) == []
    expect(page.locator("#lock")).to_contain_text("You can choose a PIN in the menu")
    page.get_by_role("button", name="Go on").click()
    counter.type("⏎⏎")
    counter.kept("7,680")


# --- Eighteen hours ---------------------------------------------------------------------------------


def test_after_eighteen_hours_without_the_server_nothing_new_is_taken_and_what_waits_is_sent(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    page = counter.page
    proxy.set(REFUSE)
    counter.type("207⏎9⏎⏎")
    counter.kept("5,760")
    page.evaluate(LATER, 17 * 3_600_000)
    page.get_by_role("button", name="Go on").click()
    counter.type("207⏎8⏎⏎")
    expect(page.locator("#pill")).to_have_attribute("data-waiting", "2")
    page.evaluate(LATER, 2 * 3_600_000)
    page.get_by_role("button", name="Go on").click()
    counter.type("207⏎7⏎⏎")
    expect(counter.panel).to_contain_text("For 18 hours the server has not seen who works on this tablet")
    assert len(tablet.unsent()) == 2
    expect(counter.weight).to_have_text("7")
    proxy.clear()
    expect(counter.panel).to_be_hidden(timeout=20_000)
    counter.type("⏎")
    counter.kept("4,480")
    tablet.drained(seconds=40)
    lines = DailyEntry.objects.filter(slip_number__startswith="A1-")
    assert sorted(line.quantity for line in lines) == [7, 8, 9]


def test_a_clock_that_is_set_back_gives_no_more_time_to_a_page_that_begins_anew(
    counter: Counter, tablet: Tablet, proxy: Proxy
) -> None:
    page = counter.page
    proxy.set(REFUSE)
    page.evaluate(LATER, 19 * 3_600_000)
    page.get_by_role("button", name="Go on").click()
    counter.type("207⏎7⏎⏎")
    expect(counter.panel).to_contain_text("For 18 hours")
    page.reload()
    expect(page.locator("#recents")).to_contain_text("Karuppasamy")
    # At once: there is no moment in which the page does not know it yet.
    counter.type("207⏎7⏎⏎")
    expect(counter.panel).to_contain_text("For 18 hours")
    assert tablet.queue() == []


def test_a_tablet_opened_after_eighteen_hours_says_why_it_shows_nothing(
    counter: Counter, proxy: Proxy
) -> None:
    page = counter.page
    proxy.set(REFUSE)
    page.add_init_script(f"({FORWARD})({19 * 3_600_000})")
    page.goto("/app/en/")
    expect(counter.panel).to_contain_text("Please sign in again")
    assert readable(page) == []


# --- A part that did not come -----------------------------------------------------------------------


def test_a_sheet_that_did_not_come_before_the_line_broke_is_said_in_words(
    tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    tablet.context.add_init_script(hurried(10))
    for part in ("/static/js/counter/sheets.js", "/sw.js"):
        proxy.on(part, instead(503))
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    page = counter.page
    page.wait_for_timeout(500)
    counter.type("207⏎12")
    page.locator("#report").click()
    expect(counter.panel).to_contain_text("This part has not come yet")
    proxy.clear()
    with page.expect_event("load"):
        counter.panel.get_by_role("button", name="Try again").click()
    expect(counter.weight).to_have_text("12")
    page.locator("#report").click()
    expect(page.locator("#day")).to_be_visible()
