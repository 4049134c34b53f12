"""A new version takes over when that disturbs nobody, or when somebody asks for it."""

import contextlib

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests.browser.counter import Counter, Stall
from tests.offline.proxy import Proxy
from tests.offline.tablet import Tablet
from tests.offline.test_shell import Deploy, put_in_queue, update
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def version(page: Page) -> str:
    found: str = page.evaluate("document.documentElement.dataset.version ?? ''")
    return found


def is_waiting(page: Page) -> bool:
    found: bool = page.evaluate(
        "async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)"
    )
    return found


def is_busy(page: Page) -> bool:
    """Whether somebody works at any page of this browser (static/js/worker.js, BUSY)."""
    found: bool = page.evaluate(
        "async () => (await navigator.locks.query()).held.some(({ name }) => name === 'malar-busy')"
    )
    return found


def touch(page: Page) -> None:
    """A mark that a reload takes away."""
    page.evaluate("window.isSamePage = true")


def is_same(page: Page) -> bool:
    found: bool = page.evaluate("window.isSamePage === true")
    return found


def sit(page: Page, seconds: int = 71) -> None:
    """So much time goes by on this page, and nobody touches it."""
    page.clock.run_for(seconds * 1000)


@pytest.fixture
def counter(tablet: Tablet, proxy: Proxy) -> Counter:
    return Counter(tablet.page, proxy.url)


def test_a_new_version_waits_for_the_slip_in_hand_and_comes_when_it_is_asked_for(
    tablet: Tablet, counter: Counter, stall: Stall, deploy: Deploy
) -> None:
    deploy("1")
    counter.open(stall.kumar, "ta")
    tablet.worker_is_ready()
    page, chip = counter.page, counter.page.locator("#version")
    put_in_queue(tablet, ["queued", "queued"])
    expect(chip).to_be_hidden()
    counter.page.locator("#recents label").first.click()
    counter.tap("12½")
    touch(page)
    deploy("2")
    assert update(tablet) == "installed"
    expect(chip).to_be_visible()
    expect(chip).to_contain_text("புதிய பதிப்பு தயார்")
    assert is_waiting(page)
    chip.click()
    expect(chip).to_contain_text("இந்தச் சிட்டை முடிந்ததும்")
    page.wait_for_timeout(1200)
    assert is_same(page)
    assert version(page) == "1"
    expect(counter.weight).to_have_text("12.5")
    counter.save()
    page.wait_for_function("() => document.documentElement.dataset.version === '2'")
    assert not is_waiting(page)
    assert len(tablet.kept()) == 1
    assert (
        tablet.evaluate("caches.match('/app/en/').then((answer) => answer.text())").count('version="2"') == 1
    )
    wait_until(lambda: stall.lines == 1, seconds=20)


def test_a_new_version_comes_by_itself_when_nobody_works_and_nothing_waits(
    tablet: Tablet, counter: Counter, stall: Stall, deploy: Deploy
) -> None:
    deploy("1")
    page = tablet.page
    page.clock.install()
    counter.open(stall.kumar)
    tablet.worker_is_ready()
    deploy("2")
    assert update(tablet) == "installed"
    touch(page)

    counter.page.locator("#recents label").first.click()
    sit(page)
    tablet.stop_workers()
    assert is_waiting(page), "a slip is in hand"
    page.locator("#clear").click()
    put_in_queue(tablet, ["queued"])
    sit(page)
    assert is_waiting(page), "something is not sent yet"
    assert is_same(page)

    tablet.evaluate("indexedDB.deleteDatabase('ledger-0b1e') && 0")
    other = tablet.context.new_page()
    other.goto("/ledger/entries/new/")
    other.locator("main input:visible").first.fill("207")
    sit(page)
    assert is_waiting(page), "somebody types at the other page"
    assert is_busy(page)
    other.close()
    # The browser lets the lock of a closed page go in its own time, and the page looks only twice in what follows.
    wait_until(lambda: not is_busy(page), why="the closed page is still said to be worked at")
    sit(page, 21)

    def has_begun() -> bool:
        # An old worker that is about to end may keep the new one waiting for five minutes, on a busy machine.
        # Without a page's word nothing begins by that: all the workers above could end as well.
        tablet.stop_workers()
        with contextlib.suppress(TimeoutError):
            page.wait_for_function("() => document.documentElement.dataset.version === '2'", timeout=3000)
            return True
        return False

    wait_until(has_begun, seconds=40)
    assert not is_same(page)
    assert not is_waiting(page)
