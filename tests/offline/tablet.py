"""A tablet: a browser with a profile on the disk, which can be killed in the middle of anything and started again."""

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser import chromium
from tests.stack import wait_until


class Tablet:
    """Chromium on `profile`, a folder that no other process names, opened at `address`."""

    def __init__(self, playwright: Playwright, path: str, profile: Path, address: str) -> None:
        self.profile, self.address = profile, address
        self._playwright, self._path = playwright, path
        self.thrown: list[str] = []
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
            timezone_id="Asia/Kolkata",
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
