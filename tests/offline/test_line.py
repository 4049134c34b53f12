"""The line between tablet and server breaks in every way it can: nothing is lost, nothing is written twice."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from ledger.models import DailyEntry
from malar.sync import services, views
from tests.browser.counter import Counter, Stall
from tests.offline.proxy import (
    BLACKHOLE,
    DROP_RESPONSE,
    PASS,
    PORTAL,
    REFUSE,
    Fault,
    Proxy,
    after,
    cut,
    instead,
    rewrite,
)
from tests.offline.proxy import (
    stall as stalled,
)
from tests.offline.tablet import WAITS, Tablet
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OPS = "^/sync/v1/ops/"
FORTY = [Decimal(8) + Decimal(n) / 8 for n in range(40)]


def book() -> list[Decimal]:
    """The weights of the lines of this tablet, in kg, as the server has them."""
    lines = DailyEntry.objects.filter(slip_number__startswith="A1-")
    return sorted(line.quantity for line in lines)


@pytest.fixture
def counter(counter: Counter, tablet: Tablet, stall: Stall) -> Counter:
    """Kumar stands before it, and the tablet has its series."""
    counter.open(stall.kumar)
    tablet.is_known()
    return counter


def sell(counter: Counter, weights: list[Decimal]) -> None:
    for weight in weights:
        counter.sell(f"{weight.normalize():f}")


def sent(proxy: Proxy) -> list[str]:
    """The ids of all operations that came by, as often as they came."""
    return [op["op_id"] for request in proxy.asked(OPS, "POST") for op in json.loads(request.body)["ops"]]


def test_twenty_sales_while_nobody_listens_arrive_by_themselves_and_once(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#1"""
    page = counter.page
    proxy.set(REFUSE)
    sell(counter, FORTY[:20])
    assert book() == []
    expect(page.locator("#pill")).to_contain_text("Only on this tablet: 20")
    proxy.clear()
    tablet.drained()
    assert book() == FORTY[:20]
    expect(page.locator("#pill")).to_contain_text("All saved")
    # Each has the tablet's own slip number, without a gap.
    slips = DailyEntry.objects.filter(slip_number__startswith="A1-").values_list("slip_number", flat=True)
    assert sorted(slip[-3:] for slip in slips) == [f"{n:03}" for n in range(1, 21)]


def test_a_line_that_swallows_everything_holds_up_nobody(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#2"""
    page = counter.page
    proxy.set(BLACKHOLE)
    sell(counter, FORTY[:2])  # said to be saved while the first try is still out
    expect(page.locator("#pill")).to_have_attribute("data-waiting", "2")
    wait_until(
        lambda: min(row["retry_count"] for row in tablet.queue()) >= 2,
        seconds=20,
        why="a try that is never answered is broken off",
    )
    sell(counter, FORTY[2:3])
    assert book() == []
    proxy.clear()
    tablet.drained()
    assert book() == FORTY[:3]


@pytest.mark.parametrize("is_warm", [False, True])
def test_an_answer_that_is_lost_is_asked_for_again(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, is_warm: bool
) -> None:
    """#3, #4: on a socket that was used before, the browser sends a second time by itself."""
    sell(counter, FORTY[:1])
    tablet.drained()
    proxy.on(OPS, DROP_RESPONSE, times=1)
    if not is_warm:
        proxy.set(cut(10**9))  # each answer is whole, and its socket closed
    sell(counter, FORTY[1:2])
    tablet.drained()
    asked = proxy.asked(OPS, "POST")[1:]
    assert asked[0].is_warm is is_warm
    assert [request.reached for request in asked[:2]] == [True, True]
    assert book() == FORTY[:2]


def test_committed_and_then_called_a_failure_is_written_once(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#5"""
    proxy.on(OPS, after(500), times=2)
    sell(counter, FORTY[:1])
    tablet.drained()
    assert len(set(sent(proxy))) == 1
    assert len(sent(proxy)) == 3
    assert book() == FORTY[:1]


@pytest.mark.parametrize("status", [502, 503, 429])
def test_a_door_keeper_who_asks_to_wait_is_waited_for(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, status: int
) -> None:
    """#6"""
    proxy.on(OPS, instead(status, "", {"Retry-After": "2"}), times=1)
    sell(counter, FORTY[:1])
    tablet.drained()
    first, second = proxy.asked(OPS, "POST")
    assert second.at - first.at >= 2
    assert book() == FORTY[:1]


NOT_OURS: list[Fault] = [
    instead(404, "<html>Not here", {"Content-Type": "text/html"}),  # 7
    PORTAL,  # 8
    cut(40),
    cut(700),
    stalled(700),  # 9
    instead(200, '{"results": []}', {"Content-Type": "application/json"}),
    instead(302, "", {"Location": "/accounts/login/"}),  # 16
]


@pytest.mark.parametrize("fault", NOT_OURS, ids=["404", "portal", "cut", "cut-body", "stall", "json", "302"])
def test_what_is_not_our_answer_is_none(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, fault: Fault
) -> None:
    """#7, #8, #9, #16"""
    proxy.on(OPS, fault)
    sell(counter, FORTY[:2])
    wait_until(lambda: len(proxy.asked(OPS, "POST")) >= 2, seconds=10)
    assert {row["status"] for row in tablet.queue()} <= {"queued", "sending"}
    proxy.clear()
    tablet.drained()
    assert book() == FORTY[:2]


def test_a_server_that_dies_in_the_middle_of_fifty_is_told_all_of_them_again(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """#10"""
    proxy.set(REFUSE)
    weights = FORTY + [weight + Decimal("0.1") for weight in FORTY[:10]]
    sell(counter, weights)
    said: list[str] = []
    batches: list[object] = []

    def dies(**asked: Any) -> dict[str, Any]:
        is_begun = bool(batches) and batches[-1] is asked["stream"]
        batches.append(asked["stream"])
        if is_begun and len(said) >= 30 and "died" not in said:
            said.append("died")
            raise SystemError("The server dies here.")
        said.append((result := services.apply(**asked))["status"])
        return result

    monkeypatch.setattr(views, "apply", dies)
    proxy.clear()
    tablet.drained(seconds=30)
    # In the middle of a batch, whatever it began with.
    assert said.index("died") >= 30
    assert {*said[: said.index("died")]} == {"applied"}
    assert said.count("duplicate") > 0
    assert said.count("applied") == 50
    assert book() == sorted(weights)


def test_an_operation_that_is_not_spoken_of_stays(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#11"""
    proxy.set(REFUSE)
    sell(counter, FORTY[:3])

    def silent(body: bytes) -> bytes:
        said = json.loads(body)
        said["results"].pop()
        return json.dumps(said).encode()

    proxy.on(OPS, rewrite(silent), times=1)
    proxy.on(OPS, instead(503), times=0)
    proxy.set(PASS)
    tablet.drained()
    ids = sent(proxy)
    assert sorted(ids.count(each) for each in set(ids)) == [1, 1, 2]
    assert book() == FORTY[:3]


def test_too_much_for_a_door_keeper_is_halved_until_it_goes_through(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#12"""
    proxy.set(REFUSE)
    sell(counter, FORTY[:8])
    proxy.on(OPS, instead(413), longer=1500)
    proxy.set(PASS)
    # Now all are due, and not each when its own wait is over.
    counter.page.evaluate("dispatchEvent(new Event('online'))")
    tablet.drained()
    said = [(len(each.body), len(json.loads(each.body)["ops"])) for each in proxy.asked(OPS, "POST")]
    # What was begun when only one was there goes first, alone.
    n = next(n for n, (size, _count) in enumerate(said) if size >= 1500)
    assert said[n + 1][1] == -(-said[n][1] // 2)
    assert said[-1][0] < 1500
    assert book() == FORTY[:8]


@contextmanager
def flipping(proxy: Proxy, seconds: float) -> Iterator[None]:
    """There and away, every so often."""
    is_over = threading.Event()

    def flip() -> None:
        while not is_over.wait(seconds):
            proxy.set(PASS if proxy._fault is REFUSE else REFUSE)

    flipper = threading.Thread(target=flip)
    flipper.start()
    yield
    is_over.set()
    flipper.join()
    proxy.clear()


def test_a_network_that_comes_and_goes_through_sixty_sales(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#13: and what the browser thinks of the network is not asked."""
    tablet.context.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    counter.page.reload()
    expect(counter.page.locator("#recents label").first).to_be_visible()
    weights = FORTY + [weight + Decimal("0.1") for weight in FORTY[:20]]
    with flipping(proxy, 0.2):
        sell(counter, weights)
    tablet.drained(seconds=30)
    assert book() == sorted(weights)


def test_an_outage_longer_than_every_try_loses_nothing(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#49: the five tries are a round, not the end."""
    page = counter.page
    proxy.set(REFUSE)
    sell(counter, FORTY[:3])
    wait_until(lambda: {row["status"] for row in tablet.queue()} == {"stalled"}, seconds=30)
    page.locator("#pill").click()
    expect(page.locator("#sync-list")).to_contain_text("Waits for the server")
    asked = len(proxy.seen)
    proxy.clear()
    tablet.drained()  # the heartbeat, and no hand
    assert len(proxy.seen) > asked
    assert book() == FORTY[:3]


def test_the_waits_of_a_round_are_one_two_four_eight_and_sixteen_seconds(
    tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    """#50: once, with the real ones; every other test divides them."""
    tablet.context.add_init_script("delete ServiceWorkerRegistration.prototype.sync")
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    tablet.is_known()
    shipped = tablet.evaluate("malarOffline.settings")
    assert {name: shipped[name] for name in WAITS} == WAITS
    # Whoever looks at the page sends a sign of life, which begins a new round: nobody looks.
    proxy.on(OPS, instead(500))
    proxy.on("^/sync/v1/ref/", instead(500))
    sell(counter, FORTY[:1])
    wait_until(lambda: tablet.queue()[0]["status"] == "stalled", seconds=45)
    at = [request.at for request in proxy.asked(OPS, "POST")]
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert len(gaps) == 5
    for gap, wait in zip(gaps, (1, 2, 4, 8, 16), strict=True):
        assert wait - 0.05 <= gap <= wait + 1.5
    (row,) = tablet.queue()
    assert row["retry_count"] == 6
    assert row["last_attempt"] > row["created"]
    proxy.clear()
    counter.page.locator("#pill").click()
    counter.page.get_by_role("button", name="Send now").click()
    tablet.drained()
    assert book() == FORTY[:1]


def test_one_over_which_the_server_falls_holds_up_nobody_else(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """#47"""
    proxy.set(REFUSE)
    sell(counter, FORTY[:20])
    poison = tablet.queue()[6]["id"]

    def falls(**asked: Any) -> dict[str, Any]:
        if str(asked["said"]["op_id"]) == poison:
            raise SystemError("It falls over this one.")
        return services.apply(**asked)

    monkeypatch.setattr(views, "apply", falls)
    proxy.clear()
    wait_until(lambda: len(tablet.unsent()) == 1, seconds=30)
    assert tablet.unsent()[0]["id"] == poison
    assert book() == sorted(set(FORTY[:20]) - {FORTY[6]})
    monkeypatch.setattr(views, "apply", services.apply)
    tablet.drained(seconds=30)
    assert book() == FORTY[:20]


def test_time_is_never_a_reason_to_give_up(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#27: asleep for three hours in the middle of a request; on waking it is broken off and asked again."""
    page = counter.page
    page.clock.install()
    proxy.on(OPS, BLACKHOLE)
    counter.type("207⏎8⏎⏎")
    counter.kept("5,120")
    wait_until(lambda: len(proxy.asked(OPS, "POST")) == 1, seconds=5)
    proxy.clear()
    page.clock.fast_forward(3 * 3600 * 1000)

    def has_gone() -> bool:
        page.clock.run_for(500)
        return not tablet.unsent()

    wait_until(has_gone, seconds=20)
    assert book() == [Decimal(8)]
    assert time.time() - 600 < DailyEntry.objects.latest("captured_at").captured_at.timestamp()
