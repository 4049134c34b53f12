"""A server, a line to it that breaks, and a tablet at the end of the line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Playwright
from pytest_django.live_server_helper import LiveServer

from malar.accounts.models import Membership
from malar.pwa import views
from tests.browser.counter import Counter, Stall, a_stall
from tests.offline.privacy import leaks
from tests.offline.proxy import Proxy
from tests.offline.server import Server
from tests.offline.tablet import Tablet, hurried

CANARIES = ("Karuppasamy", "கருப்பசாமி", "Alanganallur", "அலங்காநல்லூர்", "Selvi R.")
"""Of the people of `stall`."""


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[Proxy]:
    """The line to Malar."""
    line = Proxy(live_server.thread.port)
    yield line
    line.close()


@pytest.fixture
def tablets(
    playwright: Playwright, chromium_path: str, tmp_path: Path
) -> Iterator[Callable[[Proxy], Tablet]]:
    """Makes tablets at the end of a line. A script that throws on one of them fails the test, and so does a name, an
    amount or a key to the server in a cache, or in a storage that scripts of any page can read."""
    made: list[Tablet] = []

    def another(line: Proxy) -> Tablet:
        profile = tmp_path / f"tablet-{len(made) + 1}"
        made.append(Tablet(playwright, chromium_path, profile, line.url))
        return made[-1]

    yield another
    # Before they are closed: what a page still fetches then is cut off.
    thrown = [each for tablet in made for each in tablet.thrown]
    leaked = [each for tablet in made for each in leaks_in(tablet)]
    for tablet in made:
        tablet.close()
    assert thrown == []
    assert leaked == []


def leaks_in(tablet: Tablet) -> list[str]:
    """What the browser keeps of people where it may not; nothing where it does not run any more."""
    try:
        return leaks(tablet, CANARIES)
    except (PlaywrightError, IndexError):
        return []


@pytest.fixture
def granian(transactional_db: None, tmp_path: Path, settings: LazySettings) -> Iterator[Proxy]:
    """The line to Malar as it runs in production: Granian, hashed static files, on the test's database."""
    home = tmp_path / "malar"
    settings.STATIC_ROOT = home / "static"
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": "malar.staticfiles.HashedStaticFiles"}}
    ):
        unseen = ["admin", "account", "drf*", "modeltranslation"]
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=unseen)
    server = Server(home, log=tmp_path / "granian.log", DJANGO_SETTINGS_MODULE="malar.settings.dev")
    try:
        server.start()
        line = Proxy(server.port)
        yield line
        line.close()
    finally:
        server.end()


@pytest.fixture
def tablet(tablets: Callable[[Proxy], Tablet], proxy: Proxy) -> Tablet:
    return tablets(proxy)


@pytest.fixture
def stall(kumar: Membership) -> Stall:
    """Meena's, in the morning."""
    return a_stall(kumar)


@pytest.fixture
def counter(tablet: Tablet, proxy: Proxy) -> Counter:
    """The counter at the end of the line, ten times as impatient as it is."""
    tablet.context.add_init_script(hurried(10))
    return Counter(tablet.page, proxy.url)


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
    # First the true pages: a tablet that still says hello makes the version anew, and it would stay.
    monkeypatch.undo()
    views._worker.cache_clear()


def marked(page: str, version: str) -> str:
    return page.replace("<html ", f'<html data-version="{version}" ', 1)
