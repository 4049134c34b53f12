"""A server, a line to it that breaks, and a tablet at the end of the line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright
from pytest_django.live_server_helper import LiveServer

from malar.accounts.models import Membership
from malar.pwa import views
from tests.browser.counter import Stall, a_stall
from tests.offline.proxy import Proxy
from tests.offline.tablet import Tablet


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[Proxy]:
    """The line to Malar."""
    line = Proxy(live_server.thread.port)
    yield line
    line.close()


@pytest.fixture
def tablets(playwright: Playwright, chromium_path: str, tmp_path: Path, proxy: Proxy) -> Iterator[Callable[[], Tablet]]:
    """Makes tablets at the end of the line. A script that throws on one of them fails the test."""
    made: list[Tablet] = []

    def another() -> Tablet:
        profile = tmp_path / f"tablet-{len(made) + 1}"
        made.append(Tablet(playwright, chromium_path, profile, proxy.url))
        return made[-1]

    yield another
    for tablet in made:
        tablet.close()
    assert [thrown for tablet in made for thrown in tablet.thrown] == []


@pytest.fixture
def tablet(tablets: Callable[[], Tablet]) -> Tablet:
    return tablets()


@pytest.fixture
def stall(kumar: Membership) -> Stall:
    """Meena's, in the morning."""
    return a_stall(kumar)


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts another version of the counter and the offline page on the server; `data-version` of <html> names it."""
    shell, offline = views._shell, views._offline

    def to(version: str) -> None:
        for name, before in (("_shell", shell), ("_offline", offline)):
            monkeypatch.setattr(
                views, name, lambda language, before=before: marked(before(language), version)
            )
        views._worker.cache_clear()

    yield to
    views._worker.cache_clear()


def marked(page: str, version: str) -> str:
    return page.replace("<html ", f'<html data-version="{version}" ', 1)
