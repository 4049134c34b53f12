"""The counter opens without a server, in one piece and with nobody's data."""

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from malar.pwa.middleware import PUBLIC
from tests.browser.counter import Counter, Stall
from tests.offline.proxy import BLACKHOLE, DROP_RESPONSE, PORTAL, REFUSE, Proxy, cut, instead, rewrite
from tests.offline.tablet import Tablet
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[[str], None]
START = """async () => {
  const answer = await caches.match("/app/");
  return answer && new URL(answer.headers.get("Location") ?? "", location).pathname;
}"""
VERSION = "document.documentElement.dataset.version ?? ''"


def test_the_counter_opens_without_a_server_in_both_languages(tablet: Tablet, proxy: Proxy) -> None:
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    proxy.set(REFUSE)
    tablet.kill()  # the battery falls out
    tablet.start()
    failed: list[str] = []

    def note(request: Request) -> None:
        # What the next page broke off did not fail.
        if request.failure != "net::ERR_ABORTED":
            failed.append(request.url)

    tablet.page.on("requestfailed", note)
    for language, word in (("ta", "சேமி"), ("en", "Save")):
        tablet.page.goto(f"/app/{language}/")
        expect(tablet.page.locator("#save")).to_contain_text(word)
        expect(tablet.page.locator("html")).to_have_attribute("lang", language)
        assert tablet.evaluate("document.fonts.ready.then(() => [...document.fonts].length)") > 0
    assert [url for url in failed if not any(each in url for each in ("/sync/", "/sw.js", "manifest"))] == []
    # The icon on the home screen: the language of the last time, and no server to say so.
    tablet.page.goto("/app/")
    assert tablet.page.url.endswith("/app/en/")


def test_what_production_serves_opens_after_the_server_and_the_battery_are_gone(
    tablets: Callable[[Proxy], Tablet], granian: Proxy
) -> None:
    """Granian, and static files under the names that carry their hash."""
    tablet = tablets(granian)
    tablet.page.goto("/app/ta/")
    tablet.worker_is_ready()
    (kept,) = tablet.kept().values()
    files = [path for path in kept if path.startswith("/static/")]
    assert len(files) > 20
    assert [path for path in files if not re.search(r"\.[0-9a-f]{12}\.\w+$", path)] == []
    granian.set(REFUSE)
    tablet.kill()
    tablet.start()
    tablet.page.goto("/app/")
    expect(tablet.page.locator("#save")).to_contain_text("சேமி")
    tablet.page.goto("/ledger/farmers/")
    expect(tablet.page.locator("h1")).to_have_text("சர்வருடன் இணைப்பு இல்லை")


def test_a_page_that_does_not_come_is_replaced_by_one_that_says_what_still_works(
    tablet: Tablet, proxy: Proxy
) -> None:
    """Refused at once; swallowed, after eight seconds (eight tenths here); or the server's door-keeper says 502."""
    proxy.on("^/sw.js", rewrite(lambda script: script.replace(b"TIMEOUT_MS=8000", b"TIMEOUT_MS=800")))
    page = tablet.page
    page.goto("/app/ta/")
    tablet.worker_is_ready()
    for fault in (REFUSE, BLACKHOLE, instead(502)):
        proxy.set(fault)
        page.goto("/ledger/farmers/")
        assert page.url.endswith("/ledger/farmers/")
        expect(page.locator("h1")).to_have_text("சர்வருடன் இணைப்பு இல்லை")
        expect(page.locator("#safe")).to_be_hidden()
    proxy.clear()
    page.locator("#again").click()
    page.wait_for_url("**/accounts/login/?next=/ledger/farmers/")


def test_the_offline_page_counts_what_waits_on_this_tablet(tablet: Tablet, proxy: Proxy) -> None:
    page = tablet.page
    page.goto("/app/en/")
    tablet.worker_is_ready()
    put_in_queue(tablet, ["queued", "sending", "acked", "needs_fix"])
    proxy.set(REFUSE)
    page.goto("/ledger/farmers/")
    expect(page.locator("#count")).to_have_text("3")
    page.get_by_role("link", name="New entry").click()
    expect(page.locator("#save")).to_be_visible()


def put_in_queue(tablet: Tablet, states: list[str]) -> None:
    """Rows as the counter queues them."""
    tablet.evaluate(
        """states => new Promise((go) => {
          const opened = indexedDB.open("ledger-0b1e", 1);
          opened.onupgradeneeded = () => opened.result.createObjectStore("sync_queue", { keyPath: "id" });
          opened.onsuccess = () => {
            const writing = opened.result.transaction("sync_queue", "readwrite");
            states.forEach((status, id) => writing.objectStore("sync_queue").put({ id, status }));
            writing.oncomplete = () => { opened.result.close(); go(); };
          };
        })""",
        states,
    )


def test_a_hard_reload_goes_past_the_worker_and_the_counter_works_all_the_same(
    tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    tablet.worker_is_ready()
    asked = len(proxy.asked("^/app/en/"))
    tablet.cdp().send("Page.reload", {"ignoreCache": True})
    tablet.page.wait_for_function(
        "() => !navigator.serviceWorker.controller && document.readyState === 'complete'"
    )
    assert len(proxy.asked("^/app/en/")) == asked + 1
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    assert stall.lines == 1
    proxy.set(REFUSE)
    tablet.page.reload()
    expect(tablet.page.locator("#save")).to_be_visible()


def test_the_browser_itself_sends_a_post_again_when_a_warm_socket_dies(tablet: Tablet, proxy: Proxy) -> None:
    """Why every write needs a key that the server knows: no retry of ours is in this."""
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    post = "fetch('/language/', { method: 'POST' }).then(({ status }) => status, ({ name }) => name)"
    assert tablet.evaluate(post) == 403
    proxy.set(DROP_RESPONSE, keep_sockets=True)
    assert tablet.evaluate(post) == "TypeError"
    _, *lost = proxy.asked("^/language/", "POST")
    # Once for every socket that was warm, and once on a fresh one.
    assert len(lost) > 1
    assert all(request.reached for request in lost)
    assert [request.is_warm for request in lost] == [True] * (len(lost) - 1) + [False]


def test_a_worker_that_the_browser_has_ended_comes_back_by_itself(tablet: Tablet, proxy: Proxy) -> None:
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    proxy.set(REFUSE)
    tablet.stop_workers()
    tablet.page.goto("/app/ta/")
    expect(tablet.page.locator("#save")).to_contain_text("சேமி")
    # The page tells the worker which language is spoken, when all else is here.
    wait_until(lambda: tablet.evaluate(START) == "/app/ta/")
    tablet.stop_workers()
    tablet.page.goto("/ledger/farmers/")
    expect(tablet.page.locator("h1")).to_have_text("சர்வருடன் இணைப்பு இல்லை")


# --- Another version ------------------------------------------------------------------------------


def update(tablet: Tablet) -> str:
    """Look for another version as the browser does; how that ended."""
    ended: str = tablet.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.ready;
          try {
            await registration.update();
          } catch (error) {
            return error.name;
          }
          const next = registration.installing ?? registration.waiting;
          if (!next) return "same";
          while (next.state === "installing") await new Promise((go) => setTimeout(go, 20));
          return next.state;
        }"""
    )
    return ended


def shown(tablet: Tablet) -> str:
    """The version of the page that the tablet shows, opened anew."""
    tablet.page.goto("/app/en/")
    version: str = tablet.evaluate(VERSION)
    return version


def test_a_shell_that_came_half_is_not_used_and_never_mixed(
    tablet: Tablet, proxy: Proxy, deploy: Deploy
) -> None:
    deploy("1")
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    before = tablet.kept()
    deploy("2")
    tablet.cdp().send("Network.clearBrowserCache")
    # The line breaks in the seventh file, and again when it is tried anew.
    proxy.on("/static/js/counter/slip.js", cut(700))
    assert update(tablet) == "redundant"
    assert tablet.kept() == before
    proxy.set(REFUSE)
    assert shown(tablet) == "1"
    proxy.clear()
    # A server that is half through its own change of version: the worker is new, one page of it old.
    proxy.on("^/app/offline/en/", rewrite(lambda page: page.replace(b'version="2"', b'version="1"')))
    assert update(tablet) == "redundant"
    assert tablet.kept() == before
    assert shown(tablet) == "1"
    proxy.clear()
    assert update(tablet) == "installed"
    assert shown(tablet) == "1"  # complete, and waiting
    assert len(tablet.kept()) == 2


def test_a_wrong_answer_where_the_worker_should_be_leaves_the_old_one_at_work(
    tablet: Tablet, proxy: Proxy, deploy: Deploy
) -> None:
    deploy("1")
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    proxy.on("^/sw.js", instead(500))
    deploy("2")
    for fault in (instead(500), instead(302, headers={"Location": "/accounts/login/"}), PORTAL, cut(900)):
        proxy.on("^/sw.js", fault)
        assert update(tablet) in {"SecurityError", "TypeError"}
    proxy.set(REFUSE)
    assert shown(tablet) == "1"


def test_the_worker_that_is_switched_off_leaves_and_the_entries_stay(
    tablet: Tablet, proxy: Proxy, settings: object
) -> None:
    tablet.page.goto("/app/en/")
    tablet.worker_is_ready()
    put_in_queue(tablet, ["queued"])
    settings.SERVICE_WORKER = False  # type: ignore[attr-defined]
    assert update(tablet) in {"installed", "activating", "activated", "redundant"}
    left = (
        "async () => Boolean(await navigator.serviceWorker.getRegistration()) || (await caches.keys()).length"
    )
    wait_until(lambda: not tablet.evaluate(left), seconds=10)
    names = tablet.evaluate("async () => (await indexedDB.databases()).map(({ name }) => name)")
    assert "ledger-0b1e" in names
    tablet.page.goto("/app/en/")
    expect(tablet.page.locator("#save")).to_be_visible()


def test_nothing_is_kept_but_the_shell(tablet: Tablet) -> None:
    tablet.page.goto("/accounts/login/")
    tablet.worker_is_ready()
    tablet.page.goto("/app/ta/")
    (kept,) = tablet.kept().values()
    # /app/ leads to the language that was spoken last.
    assert {path for path in kept if not path.startswith("/static/")} == PUBLIC - {"/sw.js"} | {"/app/"}


def test_a_browser_offers_to_install_it(tablet: Tablet) -> None:
    tablet.page.goto("/app/ta/")
    tablet.worker_is_ready()
    session = tablet.cdp()
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert '"மலர்"' in manifest["data"].encode().decode("unicode_escape") or "மலர்" in manifest["data"]
    # A private window would not; the test's own browser is none.
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []


@pytest.mark.parametrize("language", ["ta", "en"])
def test_on_a_phone_what_waits_and_its_warning_leave_the_languages_alone(
    counter: Counter, proxy: Proxy, stall: Stall, language: str
) -> None:
    page = counter.page
    page.set_viewport_size({"width": 412, "height": 915})
    # A browser that may clear what it keeps: there is a “!”, too.
    page.add_init_script("navigator.storage.persisted = navigator.storage.persist = async () => false")
    counter.open(stall.kumar, language)
    pill, languages, menu = (page.locator(which) for which in ("#pill", ".bar .seg", ".bar [popovertarget]"))

    def apart() -> bool:
        boxes = [each.bounding_box() for each in (pill, languages, menu)]
        return all(one["x"] + one["width"] <= other["x"] for one, other in itertools.pairwise(boxes))  # type: ignore[index]

    expect(pill).to_have_attribute("data-risk", "loose")
    assert apart()
    proxy.set(REFUSE)
    counter.type("207⏎8⏎⏎")
    expect(pill).to_have_attribute("data-net", "off", timeout=20_000)
    expect(pill).to_have_attribute("aria-label", re.compile(r": 1\. "))
    assert page.evaluate("getComputedStyle(document.querySelector('#pill'), '::before').content") == '"1"'
    assert apart()
    page.evaluate("document.querySelector('#pill').dataset.waiting = '128'")
    assert apart()
