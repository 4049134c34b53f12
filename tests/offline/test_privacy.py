"""Whoever takes the tablet next finds nothing of the one before."""

import pytest
from playwright.sync_api import expect

from tests.browser.counter import Counter, Stall
from tests.offline.privacy import leaks, leaks_on_disk
from tests.offline.proxy import REFUSE, Proxy
from tests.offline.tablet import Tablet
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("Karuppasamy", "கருப்பசாமி", "Alanganallur", "8,160.00", "8160.00")


@pytest.fixture
def counter(tablet: Tablet, proxy: Proxy) -> Counter:
    # As on Android: where a page may ask for a serial port, the browser keeps no page in its drawer.
    tablet.context.add_init_script("delete Navigator.prototype.serial")
    return Counter(tablet.page, proxy.url)


def sell(counter: Counter) -> None:
    """A whole sale, on the counter."""
    counter.farmer("Karuppasamy")
    counter.tap("12¾")
    counter.save()
    counter.saved("8,160")


def sign_out(counter: Counter) -> None:
    counter.page.goto("/")
    counter.page.locator("[popovertarget=person]").click()
    counter.page.get_by_role("button", name="Sign out", exact=True).click()
    counter.page.wait_for_url("**/accounts/login/**")


def shows(counter: Counter) -> list[str]:
    """What of the names stands on the page, seen or not."""
    page = counter.page.content()
    return [name for name in NAMES if name in page]


def test_after_signing_out_back_and_a_dead_line_show_nothing_of_the_one_before(
    tablet: Tablet, counter: Counter, proxy: Proxy, stall: Stall
) -> None:
    counter.open(stall.kumar)
    tablet.worker_is_ready()
    sell(counter)
    page = counter.page
    page.goto("/ledger/farmers/")
    assert "Karuppasamy" in shows(counter)
    # Whatever else got into a cache goes too.
    tablet.evaluate(
        "caches.open('other').then((cache) => cache.put('/x', new Response('Karuppasamy'))).then(() => 0)"
    )
    sign_out(counter)
    renewed = "async () => !(await caches.has('other')) && Boolean(await caches.match('/app/en/'))"
    wait_until(lambda: tablet.evaluate(renewed), seconds=10)
    assert leaks(tablet, NAMES, {request.path for request in proxy.seen if request.method == "GET"}) == []
    for _ in range(3):
        page.go_back(wait_until="commit")
        page.wait_for_timeout(300)  # for what a script would still draw
        expect(page.locator("html")).to_be_visible()
        assert shows(counter) == [], page.url
    proxy.set(REFUSE)
    for address in ("/ledger/farmers/", "/", "/app/en/"):
        page.goto(address)
        assert shows(counter) == []
    expect(page.locator("#save")).to_be_visible()


@pytest.mark.parametrize("is_guarded", [True, False])
def test_back_on_a_dead_line_shows_no_counter_as_it_was_left(
    tablet: Tablet, counter: Counter, proxy: Proxy, stall: Stall, is_guarded: bool
) -> None:
    """With its negative control: a sign-in page that does not find the databases leaves them to be read."""
    counter.open(stall.kumar)
    tablet.worker_is_ready()
    counter.page.wait_for_function("async () => (await indexedDB.databases()).length === 2")
    if not is_guarded:
        counter.page.add_init_script("indexedDB.databases = async () => []")
    tablet.context.clear_cookies()
    counter.page.goto("/accounts/login/")
    counter.page.wait_for_load_state("networkidle")
    proxy.set(REFUSE)
    counter.page.go_back(wait_until="commit")
    if is_guarded:
        expect(counter.panel).to_contain_text("No connection")
        assert shows(counter) == []
    else:
        expect(counter.page.locator("#recents")).to_contain_text("Karuppasamy")


def test_a_whole_session_leaves_nothing_in_any_cache_or_storage(
    tablet: Tablet, counter: Counter, proxy: Proxy, stall: Stall
) -> None:
    counter.open(stall.kumar)
    tablet.worker_is_ready()
    sell(counter)
    page = counter.page
    for address in (
        "/",
        "/ledger/farmers/",
        f"/ledger/farmers/{stall.karuppasamy.pk}/",
        f"/ledger/farmers/{stall.karuppasamy.pk}/account/",
        "/ledger/entries/",
        f"/ledger/entries/{stall.line.pk}/",
        "/pricing/rates/",
        "/app/ta/",
    ):
        page.goto(address)
    tablet.evaluate("fetch('/api/v1/daily-entries/').then((answer) => answer.text()).then(() => 0)")
    page.goto("/ledger/entries/")
    page.locator("form.filters input").first.press("Enter")  # htmx pushes an address
    page.wait_for_load_state("networkidle")
    page.goto("/app/en/")
    asked = {request.path for request in proxy.seen if request.method == "GET"}
    assert any(path.startswith("/sync/v1/ref/") for path in asked)
    assert any(path.startswith("/api/") for path in asked)
    assert leaks(tablet, NAMES, asked) == []
    # It finds what there is.
    tablet.evaluate("() => { localStorage.seen = 'Karuppasamy' }")
    assert leaks(tablet, NAMES) == ["local: Karuppasamy"]
    tablet.evaluate("() => { delete localStorage.seen }")
    tablet.evaluate(
        "caches.open('x').then((cache) => cache.put('/sync/v1/ref/', new Response('{}'))).then(() => 0)"
    )
    assert leaks(tablet, NAMES) == ["cache x: /sync/v1/ref/"]
    tablet.evaluate("caches.delete('x').then(() => 0)")
    session = next(each["value"] for each in tablet.context.cookies() if each["name"] == "sessionid")
    tablet.context.close()
    assert leaks_on_disk(tablet.profile, [*NAMES, session]) == []
