"""The counter without a server: Chromium at a quarter of its speed opens what was kept, and writes on its own disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError
from django.test import Client

from malar.ops.benchmarks.counter import (
    COUNTER,
    LOOPBACK,
    SLOWER,
    chromium_here,
    packed_static,
    page_of,
    sales_of,
    use,
    warm_up,
)
from malar.ops.benchmarks.requests import START_S, server
from malar.ops.benchmarks.scene import percentile, set_counter_scene
from malar.ops.supervisor import GRANIAN

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright

# What a page can tell of itself: its worker has everything, and the tablet a series of slip numbers.
IS_READY = """async () => {
  if (navigator.serviceWorker.controller?.state !== "activated") return false;
  const itself = await new self.malarOffline.Device().itself();
  return Boolean(itself.series);
}"""


def counter_without_a_server(*, rounds: int, each: int) -> dict[str, Any]:
    """Starts of a browser that was closed, to its first accepted key, with nobody at the server's address; and Save to
    "kept on this tablet", with the server there and without it. In ms; `rounds` starts, `each` keys on each side.

    The browser slows the page down, not the worker, which has a thread of its own. Raises CommandError where there is
    no browser.
    """
    scene = set_counter_scene()
    sales = sales_of(scene, each // 6)
    visitor = Client(SERVER_NAME="127.0.0.1")
    visitor.force_login(scene.clerk.user)
    session = visitor.cookies[settings.SESSION_COOKIE_NAME].value
    with chromium_here() as (playwright, path), TemporaryDirectory() as profile:

        @contextmanager
        def tablet() -> Iterator["BrowserContext"]:
            yield from _opened(playwright, path, Path(profile))

        with packed_static() as home, server(GRANIAN, MALAR_HOME=home) as port:
            address = f"http://127.0.0.1:{port}"
            for where in (COUNTER, "/sync/v1/hello/", "/sync/v1/ref/"):
                warm_up(address + where, session)
            with tablet() as context:
                context.add_cookies(
                    [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}]
                )
                page = page_of(context, LOOPBACK)
                page.goto(address + COUNTER)
                _wait(page, IS_READY)
                page.close()
                there = use(page_of(context, LOOPBACK), address, sales)["saved"]
        starts = []
        for _ in range(rounds):
            with tablet() as context:
                starts.append(_start(context, address))
        with tablet() as context:
            gone = use(page_of(context, LOOPBACK), address, sales)["saved"]
    rows = [
        ("first key accepted, server refused, median", median(start["accepted"] for start in starts), 1500),
        ("first key accepted, server refused, worst", max(start["accepted"] for start in starts), 1500),
        ("Save to kept on this tablet, server there, p95", _p95(there), 150),
        ("Save to kept on this tablet, server refused, p95", _p95(gone), 150),
    ]
    return {
        "bench": "offline",
        "slower": SLOWER,
        "table": [
            {"what": what, "ms": round(ms, 1), "goal": goal, "met": ms <= goal} for what, ms, goal in rows
        ],
        "median_ms": {
            "kept_server_there": round(median(there), 1),
            "kept_server_refused": round(median(gone), 1),
            "first_key_painted": round(median(start["painted"] for start in starts)),
        },
        "counted": {"starts": len(starts), "kept": len(there) + len(gone)},
    }


def _opened(playwright: "Playwright", path: str, profile: Path) -> Iterator["BrowserContext"]:
    """A browser with the profile of the one before it."""
    from tests.browser import chromium

    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=path,
        args=chromium.ARGUMENTS,
        viewport={"width": 1280, "height": 800},
        has_touch=True,
        locale="ta-IN",
        timezone_id="Asia/Kolkata",
    )
    yield context
    context.close()


def _start(context: "BrowserContext", address: str) -> dict[str, float]:
    """The counter comes from the worker, whose thread is not there yet either."""
    page = page_of(context, LOOPBACK, knocks=True)
    page.goto(address + COUNTER)
    _wait(page, "() => self.seen.painted > 0")
    seen: dict[str, float] = page.evaluate("self.seen")
    return seen


def _wait(page: "Page", script: str) -> None:
    """From outside: the page's own rules forbid the browser's way of waiting, which is eval."""
    deadline = time.monotonic() + START_S
    while not page.evaluate(script):
        if time.monotonic() > deadline:
            raise CommandError(f"never so: {script}")
        page.wait_for_timeout(100)


def _p95(values: list[float]) -> float:
    return percentile([value / 1000 for value in values], 95)
