"""The counter on a slow tablet: Chromium at a quarter of its speed, a shop of 2,000 farmers, the real web server.

Needs the browser of the tests; `make setup-tests` gets it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from ledger.selectors.habits import Habit, habits_in
from malar.kernel.clock import business_date_of
from malar.ops.benchmarks.requests import START_S, server
from malar.ops.benchmarks.scene import CounterScene, percentile, set_counter_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

PROBE = Path(__file__).with_name("counter-probe.js").read_text()
COUNTER, PLAIN = "/app/ta/", "/ledger/entries/new/"
SLOWER = 4
# Lighthouse's slow 4G, while pages load: 150 ms there and back, 1.6 Mbit/s down, 750 kbit/s up.
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
LOOPBACK = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
BETWEEN_TAPS_MS = 150
SHOWN_MS = 1000
"""How long a clerk looks at what he has saved."""
# Two names, a sound misspelt, a village; in both scripts.
SEARCHED = ("murugesan", "முருகேசன்", "arogyasami", "பாண்டியம்மாள்", "vellodu", "kitnan")
BARE = """<!doctype html><button data-key="1">1</button><p id="weight"></p>"""


@dataclass(frozen=True)
class Sale:
    """What is typed for one: a farmer and a weight that is usual for him, so that nothing is asked."""

    number: str
    weight: str


def counter_on_a_slow_tablet(*, rounds: int, each: int) -> dict[str, Any]:
    """Loads, keys, letters and saves against their goals (design of the counter), in ms; `rounds` loads, `each` keys.

    Raises CommandError where there is no browser.
    """
    scene = set_counter_scene()
    sales = sales_of(scene, each // 6)
    visitor = Client(SERVER_NAME="127.0.0.1")
    visitor.force_login(scene.clerk.user)
    session = visitor.cookies[settings.SESSION_COOKIE_NAME].value
    with packed_static() as home, server(MALAR_HOME=home) as port, _chromium() as browser:
        address = f"http://127.0.0.1:{port}"
        for path in (COUNTER, PLAIN, "/sync/v1/hello/", "/sync/v1/ref/"):
            warm_up(address + path, session)
        loads = [_load(browser, address, session) for _ in range(rounds)]
        with _tablet(browser, address, session) as context:
            used = use(page_of(context, LOOPBACK), address, sales)
        bare = _bare(browser, len(used["keys"]))
    middle = {name: round(median(load[name] for load in loads)) for name in loads[0]}
    interactions = list(used["interactions"].values())
    rows = [
        ("LCP, first visit, slow 4G", middle["lcp_first"], 2000),
        ("LCP, again", middle["lcp_again"], 800),
        ("first key accepted and painted, first visit, slow 4G", middle["key_first"], 2500),
        ("first key accepted and painted, again", middle["key_again"], 1000),
        ("key to painted digit, p95", _ms(used["keys"], 95), 50),
        ("INP: 98th percentile of interactions", _ms(interactions, 98), 100),
        ("worst interaction", round(max(interactions)), 200),
        ("search, a letter, p95", _ms(used["search"], 95), 16),
        ("search, a letter, worst", round(max(used["search"]), 1), 16),
        ("Save to saved, p95", _ms(used["saved"], 95), 150),
    ]
    return {
        "bench": "counter",
        "slower": SLOWER,
        "table": [{"what": what, "ms": ms, "goal": goal, "met": ms <= goal} for what, ms, goal in rows],
        # The same things, in the same run, of the plain form and of a page with one key and nothing else.
        "floors_ms": {
            "plain_lcp": middle["lcp_plain"],
            "plain_ready": middle["ready_plain"],
            "bare_key": round(median(bare), 1),
            "bare_key_p95": _ms(bare, 95),
        },
        "ratio_lcp_to_plain_page": round(middle["lcp_first"] / middle["lcp_plain"], 2),
        "ratio_first_key_to_plain_page": round(middle["key_first"] / middle["ready_plain"], 2),
        "ratio_key_to_bare_page": round(median(used["keys"]) / median(bare), 2),
        "counted": {name: len(used[name]) for name in ("keys", "search", "saved")},
        "loads": rounds,
    }


def warm_up(address: str, session: str) -> None:
    """A worker's first request loads half of Django; there are two workers and no saying which one answers."""
    for _ in range(8):
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
        with urlopen(Request(address, headers=headers)) as answer:  # noqa: S310  # our own address, above
            answer.read()


def _ms(values: list[float], percent: int) -> float:
    return round(percentile([value / 1000 for value in values], percent), 1)


def sales_of(scene: CounterScene, count: int) -> list[Sale]:
    """Farmers with a band of a flower that is weighed, one sale each."""
    numbers = {farmer.pk: farmer.number for farmer in scene.farmers}
    weighed = {flower.pk for flower in scene.flowers if flower.unit == "kg"}
    usual: dict[UUID, Habit] = {}
    for habit in habits_in(
        scene.clerk.shop, business_date_of(timezone.now(), scene.clerk.shop.turnover_hour)
    ):
        usual.setdefault(habit.farmer_id, habit)
    return [
        Sale(f"{numbers[habit.farmer_id]:04}", str(round((habit.low + habit.high) / 2)))
        for habit in usual.values()
        if habit.flower_id in weighed and habit.low is not None and habit.high is not None
    ][:count]


@contextmanager
def packed_static() -> Iterator[str]:
    """A state folder with the static files as they are on disk now, packed and named as in production."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
        subprocess.run(command, env=os.environ | {"MALAR_HOME": home}, cwd=settings.BASE_DIR, check=True)
        yield home


@contextmanager
def chromium_here() -> Iterator[tuple["Playwright", str]]:
    """What drives the browser, and where that is. Raises CommandError where there is none."""
    try:
        from playwright.sync_api import sync_playwright

        from tests.browser import chromium
    except ImportError as error:
        raise CommandError("This needs the browser of the tests: make setup-tests") from error
    path = chromium.find()
    if path is None:
        raise CommandError(chromium.HELP)
    with sync_playwright() as playwright:
        yield playwright, path


@contextmanager
def _chromium() -> Iterator["Browser"]:
    with chromium_here() as (playwright, path):
        from tests.browser import chromium

        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def _tablet(browser: "Browser", address: str, session: str) -> Iterator["BrowserContext"]:
    """Ten inches, lying, touched; nothing kept from before; signed in."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": 1280, "height": 800},
        has_touch=True,
        locale="ta-IN",
        timezone_id="Asia/Kolkata",
    )
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    yield context
    context.close()


def page_of(context: "BrowserContext", network: dict[str, Any], *, knocks: bool = False) -> "Page":
    page = context.new_page()
    chromium = context.new_cdp_session(page)
    chromium.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    chromium.send("Network.enable")
    chromium.send("Network.emulateNetworkConditions", network)
    page.add_init_script(f"self.knocks = {json.dumps(knocks)};\n{PROBE}")
    return page


def _load(browser: "Browser", address: str, session: str) -> dict[str, float]:
    """One first visit and one that finds the files in the browser's store, of the counter and of the plain page."""
    times = {}
    with _tablet(browser, address, session) as context:
        for visit in ("first", "again"):
            times[f"lcp_{visit}"] = _seen(context, COUNTER, "lcp")
    with _tablet(browser, address, session) as context:
        for visit in ("first", "again"):
            times[f"key_{visit}"] = _seen(context, COUNTER, "painted", knocks=True)
    with _tablet(browser, address, session) as context:
        times["lcp_plain"] = _seen(context, PLAIN, "lcp")
    with _tablet(browser, address, session) as context:
        ready = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        times["ready_plain"] = _seen(context, PLAIN, "lcp", ready)
    return times


def _seen(
    context: "BrowserContext", path: str, name: str, instead: str | None = None, *, knocks: bool = False
) -> float:
    """Load a page and wait until what is asked for was seen and the page is quiet."""
    page = page_of(context, SLOW_4G, knocks=knocks)
    page.goto(path, wait_until="load")
    page.wait_for_load_state("networkidle")
    deadline = time.monotonic() + START_S
    # Asked from outside: the page's own rules forbid the browser's way of waiting, which is eval.
    while not page.evaluate(f"self.seen.{name}"):
        if time.monotonic() > deadline:
            raise CommandError(f"{path}: {name} was never seen.")
        page.wait_for_timeout(100)
    seen = float(page.evaluate(instead or f"self.seen.{name}"))
    page.close()
    return seen


def use(page: "Page", address: str, sales: list[Sale]) -> dict[str, Any]:
    """Write the sales by tapping, then look for farmers by name; what the probe saw."""
    page.goto(address + COUNTER)
    page.locator("#recents input").first.wait_for(state="attached")
    keys = {key: _place(page, f'[data-key="{key}"]') for key in "0123456789"}
    save, find = _place(page, "#save"), _place(page, "#find-open")
    for sale in sales:
        for key in sale.number + sale.weight:
            _tap(page, keys[key])
        _tap(page, save)
        page.wait_for_timeout(SHOWN_MS)
    for words in SEARCHED:
        _tap(page, find)
        page.keyboard.type(words, delay=BETWEEN_TAPS_MS)
        page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    seen: dict[str, Any] = page.evaluate("self.seen")
    if seen["unchanged"] or len(seen["saved"]) != len(sales):
        raise CommandError(
            f"{seen['unchanged']} keys changed nothing and {len(seen['saved'])} of {len(sales)} slips were saved:"
            " what was measured is not a morning."
        )
    return seen


def _place(page: "Page", selector: str) -> tuple[float, float]:
    """The middle of a button. Found once: Playwright's own tap looks at the page, and that costs what is measured."""
    box = page.locator(selector).bounding_box()
    if box is None:
        raise CommandError(f"{selector} is not to be seen.")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _tap(page: "Page", place: tuple[float, float]) -> None:
    page.touchscreen.tap(*place)
    page.wait_for_timeout(BETWEEN_TAPS_MS)


def _bare(browser: "Browser", count: int) -> list[float]:
    """The same key on a page that does nothing else: what the browser itself takes."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    page = page_of(context, LOOPBACK)
    page.route("**/*", lambda route: route.fulfill(body=BARE, content_type="text/html"))
    page.goto("http://bare.example/")
    page.evaluate(
        "addEventListener('pointerdown', () => { document.getElementById('weight').textContent += '1'; })"
    )
    key = _place(page, "[data-key]")
    for _ in range(count):
        _tap(page, key)
    keys: list[float] = page.evaluate("self.seen.keys")
    context.close()
    return keys
