"""Batteries fall out, disks fill up, tabs are doubled: what was called saved is there, and once."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from ledger.models import DailyEntry
from malar.sync.models import SyncOp
from tests.browser.counter import Counter, Stall
from tests.offline.proxy import BLACKHOLE, PASS, REFUSE, Proxy, instead
from tests.offline.proxy import stall as stalled
from tests.offline.tablet import Tablet
from tests.offline.test_line import FORTY, OPS, book, sell, sent
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FULL = """() => {
  window.before = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => { throw new DOMException("No space is left.", "QuotaExceededError") };
}"""


@pytest.fixture
def counter(counter: Counter, tablet: Tablet, stall: Stall) -> Counter:
    """Kumar stands before it, and the tablet has its series."""
    counter.open(stall.kumar)
    tablet.is_known()
    return counter


def again(tablet: Tablet, counter: Counter, stall: Stall) -> Counter:
    """The tablet is started after its battery fell out; its session was kept in memory only."""
    tablet.start()
    return Counter(tablet.page, counter.address).open(stall.kumar)


def test_what_was_called_saved_is_there_after_the_battery_fell_out(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#20"""
    tablet.worker_is_ready()
    proxy.set(REFUSE)
    sell(counter, FORTY[:3])
    tablet.kill()
    proxy.set(PASS)
    again(tablet, counter, stall)
    tablet.drained()
    assert book() == FORTY[:3]


def test_the_battery_falls_out_between_the_book_and_the_answer(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#21"""
    tablet.worker_is_ready()
    proxy.on(OPS, stalled(1))
    sell(counter, FORTY[:1])
    wait_until(lambda: book() == FORTY[:1], seconds=10)
    assert tablet.unsent()
    tablet.kill()
    proxy.clear()
    again(tablet, counter, stall)
    tablet.drained()
    assert len(set(sent(proxy))) == 1 < len(sent(proxy))
    assert book() == FORTY[:1]


def test_a_tablet_that_opens_without_a_network_sells_and_sends_later(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#14, its first half: the page comes from the worker, names and rates from the disk."""
    page = counter.page
    tablet.worker_is_ready()
    wait_until(lambda: page.evaluate("indexedDB.databases().then((all) => all.length)") == 2, seconds=5)
    page.reload()
    expect(page.locator("#recents label").first).to_be_visible()
    proxy.set(REFUSE)
    tablet.kill()
    tablet.start()
    opened = Counter(tablet.page, counter.address).open(None)
    expect(opened.page.locator("#recents")).to_contain_text("Karuppasamy")
    sell(opened, FORTY[:2])
    expect(opened.page.locator("#pill")).to_contain_text("Only on this tablet: 2")
    assert book() == []
    opened.cookie(stall.kumar)
    proxy.set(PASS)
    tablet.drained()
    assert book() == FORTY[:2]
    assert {line.rate for line in DailyEntry.objects.filter(slip_number__startswith="A1-")} == {Decimal(640)}


def worker_drains(tablet: Tablet) -> Callable[[], None]:
    """What the browser does when it believes that the network is back: the worker's own drain."""
    session = tablet.cdp()
    found: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(each["registrationId"] for each in said["registrations"]),
    )
    session.send("ServiceWorker.enable")

    def has_come() -> bool:
        tablet.page.wait_for_timeout(20)
        return bool(found)

    wait_until(has_come, seconds=5)
    asked = {"origin": tablet.address, "registrationId": found[-1], "tag": "drain", "lastChance": False}

    def drain() -> None:
        session.send("ServiceWorker.dispatchSyncEvent", asked)

    return drain


def test_a_worker_that_dies_in_the_middle_lets_the_page_go_on(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#22"""
    tablet.worker_is_ready()
    drain = worker_drains(tablet)
    proxy.set(REFUSE)
    sell(counter, FORTY[:3])
    proxy.on(OPS, BLACKHOLE)
    proxy.set(PASS)
    # Nobody at the page sends: all that comes is the worker's.
    counter.page.evaluate("() => { malarOffline.Outbox.prototype.drain = async () => {} }")
    before = len(proxy.asked(OPS))

    def is_asked() -> bool:
        drain()  # the browser drops one while another is under way
        counter.page.wait_for_timeout(500)
        return len(proxy.asked(OPS)) > before

    wait_until(is_asked, seconds=20)
    held = "async () => (await navigator.locks.query()).held.some(({ name }) => name === 'drain')"
    assert tablet.evaluate(held)
    tablet.stop_workers()
    wait_until(lambda: not tablet.evaluate(held), seconds=5)
    proxy.clear()
    counter.page.reload()
    tablet.drained()
    assert book() == FORTY[:3]


def test_two_tabs_and_the_worker_send_each_operation_once(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#28"""
    tablet.worker_is_ready()
    drain = worker_drains(tablet)
    other = Counter(tablet.context.new_page(), counter.address)
    other.open(stall.kumar)
    proxy.set(REFUSE)
    sell(counter, FORTY[:5])
    # `sell` takes any change of the count for its own sale, and this tab counts those of the other.
    expect(other.page.locator("#count")).to_have_text("5")
    sell(other, FORTY[5:10])
    wait_until(lambda: len(tablet.unsent()) == 10)
    proxy.set(PASS)
    drain()
    for page in (counter.page, other.page):
        page.evaluate("window.dispatchEvent(new Event('online'))")
    tablet.drained()
    assert book() == FORTY[:10]
    reached = [
        op["op_id"]
        for request in proxy.asked(OPS, "POST")
        if request.reached
        for op in json.loads(request.body)["ops"]
    ]
    assert len(reached) == len(set(reached)) == SyncOp.objects.count() == 10


def test_a_tab_that_was_doubled_writes_a_slip_of_its_own(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#30"""
    counter.farmer("Karuppasamy")
    counter.tap("12")
    with tablet.context.expect_page() as opened:
        counter.page.evaluate("() => { window.open(location.href) }")
    twin = Counter(opened.value, counter.address)
    expect(twin.weight).to_have_text("12")
    for each in (counter, twin):
        each.save()
        each.saved("7,680")
    tablet.drained()
    assert book() == [Decimal(12), Decimal(12)]


def test_a_full_disk_says_so_and_the_slip_stays(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#23"""
    page = counter.page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    page.evaluate(FULL)
    counter.save()
    expect(counter.panel).to_contain_text("The tablet cannot keep it")
    expect(counter.weight).to_have_text("12.5")
    expect(page.locator("#done")).to_be_hidden()
    assert tablet.queue() == []
    page.evaluate("() => { IDBObjectStore.prototype.put = before }")
    counter.panel.get_by_role("button", name="Try again").click()
    counter.saved("8,000")
    assert book() == [Decimal("12.5")]


def test_a_browser_that_may_clear_what_it_keeps_is_warned_of(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#25, the tablet's half"""
    page = counter.page
    expect(page.locator("#pill")).to_have_attribute("data-risk", "loose")
    page.locator("#pill").click()
    expect(page.locator("#sync-disk")).to_contain_text("Put Malar on the home screen")
    page.evaluate("() => { navigator.storage.persisted = async () => true }")
    page.add_init_script("navigator.storage.persisted = async () => true")
    page.reload()
    expect(page.locator("#recents label").first).to_be_visible()
    expect(page.locator("#pill")).to_have_attribute("data-risk", "")


def test_an_old_tab_lets_a_newer_version_have_the_disk(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#39"""
    name = tablet.evaluate(
        "async () => (await indexedDB.databases()).map(({ name }) => name).find((name) => name !== 'device')"
    )
    newer: Page = tablet.context.new_page()
    newer.goto("/static/images/flowers.svg")
    came = newer.evaluate(
        """name => new Promise((go) => {
          const asked = indexedDB.open(name, 2);
          asked.onblocked = () => go("blocked");
          asked.onsuccess = () => { asked.result.close(); go("came"); };
        })""",
        name,
    )
    assert came == "came"
    expect(counter.panel).to_contain_text("Load the new version of Malar first")


def test_an_app_that_is_too_old_keeps_everything_until_it_is_renewed(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#42"""
    first = {"X-Sync-Protocol": "1", "Content-Type": "application/json"}
    proxy.on(OPS, instead(426, '{"code": "update_first", "min_protocol": 2}', first))
    sell(counter, FORTY[:2])
    counter.page.locator("#pill").click()
    expect(counter.page.locator("#sync-said")).to_contain_text("Load the new version of Malar first")
    rows = tablet.queue()
    assert [row["retry_count"] for row in rows] == [0, 0]
    proxy.clear()
    counter.page.reload()
    tablet.drained()
    assert [row["payload"] for row in tablet.queue()] == [row["payload"] for row in rows]
    assert book() == FORTY[:2]
