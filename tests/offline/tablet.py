"""A tablet: a browser with a profile on the disk, which can be killed in the middle of anything and started again."""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser import chromium
from tests.stack import wait_until

WAITS: dict[str, Any] = {
    "waits": [1000, 2000, 4000, 8000, 16_000],
    "answer": 8000,
    "hello": 4000,
    "helloHolds": 60_000,
    "busy": 1000,
    "heartbeat": 30_000,
}
"""What malarOffline.settings has; scenario 50 compares."""

QUEUE = """async () => {
  const rows = [];
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith("ledger-")) continue;
    const opened = await new Promise((go) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => go(asked.result);
    });
    const all = await new Promise((go) => {
      const asked = opened.transaction("sync_queue").objectStore("sync_queue").getAll();
      asked.onsuccess = () => go(asked.result);
    });
    opened.close();
    rows.push(...all.sort((one, other) => one.payload.seq - other.payload.seq));
  }
  return rows;
}"""


SEALED = """async () => {
  const opened = await new Promise((go) => {
    const asked = indexedDB.open("device");
    asked.onsuccess = () => go(asked.result);
  });
  const count = await new Promise((go) => {
    const asked = opened.transaction("sealed").objectStore("sealed").count();
    asked.onsuccess = () => go(asked.result);
  });
  opened.close();
  return count;
}"""

SERIES = """async () => {
  const opened = await new Promise((go) => {
    const asked = indexedDB.open("device");
    asked.onsuccess = () => go(asked.result);
  });
  const itself = await new Promise((go) => {
    const asked = opened.transaction("device").objectStore("device").get("itself");
    asked.onsuccess = () => go(asked.result);
  });
  opened.close();
  return itself?.series ?? "";
}"""


def hurried(by: float) -> str:
    """A script for pages: the outbox waits so many times shorter, and is content with a third of the time for an
    answer, as a busy machine needs it. The worker keeps the real settings."""
    waits: dict[str, Any] = {"waits": [each / by for each in WAITS["waits"]]}
    waits |= {name: WAITS[name] / by for name in ("busy", "heartbeat")}
    waits |= {name: WAITS[name] / 3 for name in ("answer", "hello", "helloHolds")}
    waits["handOn"] = 30_000 / by  # of seal.js, which comes later
    return f"self.malarOffline = {{ settings: {json.dumps(waits)} }}"


class Tablet:
    """Chromium on `profile`, a folder that no other process names, opened at `address`."""

    def __init__(self, playwright: Playwright, path: str, profile: Path, address: str) -> None:
        self.profile, self.address = profile, address
        self._playwright, self._path = playwright, path
        self.thrown: list[str] = []
        self.timezone = "Asia/Kolkata"
        self.context: BrowserContext = self._launch()

    def _launch(self) -> BrowserContext:
        context = self._playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=self._path,
            args=chromium.ARGUMENTS,
            # Playwright switches it off, and Back would be tried with less than people have.
            ignore_default_args=["--disable-back-forward-cache"],
            base_url=self.address,
            viewport={"width": 1280, "height": 800},
            locale="en-IN",
            timezone_id=self.timezone,
        )
        context.set_default_timeout(8000)
        context.on("weberror", lambda error: self.thrown.append(str(error.error)))
        return context

    @property
    def page(self) -> Page:
        """The first tab."""
        return self.context.pages[0]

    def cdp(self, page: Page | None = None) -> CDPSession:
        """DevTools of a tab."""
        return self.context.new_cdp_session(page or self.page)

    def worker_is_ready(self, page: Page | None = None) -> None:
        """Wait until the worker has everything, and answers for this page."""
        (page or self.page).wait_for_function(
            "() => navigator.serviceWorker.controller?.state === 'activated'", polling=50
        )

    def kept(self) -> dict[str, list[str]]:
        """The paths in Cache Storage, by the name of the cache."""
        found: dict[str, list[str]] = self.page.evaluate(
            """async () => {
              const found = {};
              for (const name of await caches.keys()) {
                const keys = await (await caches.open(name)).keys();
                found[name] = keys.map(({ url }) => new URL(url).pathname).sort();
              }
              return found;
            }"""
        )
        return found

    def queue(self, page: Page | None = None) -> list[dict[str, Any]]:
        """The operations of everybody on this tablet, as the disk has them, by person and number."""
        rows: list[dict[str, Any]] = (page or self.page).evaluate(QUEUE)
        return rows

    def sealed(self) -> int:
        """How many operations lie here that somebody left behind."""
        count: int = self.evaluate(SEALED)
        return count

    def is_known(self) -> None:
        """Wait until the server knows the tablet, and the tablet its series."""
        wait_until(lambda: self.evaluate(SERIES), seconds=10, why="no series of slip numbers")

    def unsent(self, page: Page | None = None) -> list[dict[str, Any]]:
        """Those that the server has not taken yet."""
        return [row for row in self.queue(page) if row["status"] != "acked"]

    def drained(self, page: Page | None = None, *, seconds: float = 20) -> None:
        """Wait until the server has everything."""
        wait_until(lambda: not self.unsent(page), seconds=seconds, why="something still waits")

    def stop_workers(self, page: Page | None = None) -> None:
        """The browser ends all service workers, as it does when memory is short."""
        session = self.cdp(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        session.detach()

    def pids(self) -> list[int]:
        """The processes of this browser: those that were started with its profile, and their children."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.fsencode(self.profile) in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return found

    def kill(self) -> None:
        """The battery falls out: SIGKILL, at once, to everything of this browser."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.pids(), seconds=10)
        with contextlib.suppress(PlaywrightError):
            self.context.close()
        for lock in self.profile.glob("Singleton*"):
            lock.unlink()

    def start(self) -> None:
        """Start it again on what the disk still has."""
        self.context = self._launch()

    def close(self) -> None:
        with contextlib.suppress(PlaywrightError):
            self.context.close()
        for pid in self.pids():  # a test that failed in between
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.profile, ignore_errors=True)

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)
