"""Fixtures everybody uses. Servers come from outside: `make test` starts them."""

import functools
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client
from django.utils import translation
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.celery import app
from malar.ops.migrated import begin_with_a_copy
from pricing.models import Flower
from tests import cast
from tests.stack import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> None:
    """Where a database is made, it begins as a copy of a migrated one."""
    if django_db_createdb or not django_db_keepdb:
        with django_db_blocker.unblock():
            begin_with_a_copy()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let transactional tests empty the book, which nothing else may; tests of that put the triggers back."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %I DISABLE TRIGGER %I', tgrelid::regclass, tgname)"
            " FROM pg_trigger WHERE tgname ~ 'keep_(lines|rows)' AND NOT tgisinternal"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
    post_migrate.connect(wordings_again, sender=apps.get_app_config("notifications"))
    flush.Command.handle = patiently(flush.Command.handle)  # type: ignore[method-assign]


def patiently(handle: Callable[..., None]) -> Callable[..., None]:
    """Emptying the tables, once more where it and a worker that goes on from test to test waited for each other."""

    @functools.wraps(handle)
    def empty(self: flush.Command, **options: Any) -> None:
        for _ in range(5):
            try:
                return handle(self, **options)
            except CommandError as error:
                if "deadlock" not in str(error.__cause__):
                    raise
        return handle(self, **options)

    return empty


def wordings_again(**kwargs: object) -> None:
    """Emptying the tables after a transactional test takes what a migration wrote, too."""
    for name in (
        "0002_first_wordings",
        "0004_advance_given",
        "0005_corrections",
        "0008_more_wordings",
        "0011_answers_of_farmers",
        "0012_sign_in_codes",
    ):
        import_module(f"notifications.migrations.{name}").write_wordings(apps, None)


@pytest.fixture(scope="session", autouse=True)
def _tasks() -> None:
    """Tasks are started by name and run where they are started: the names must be known."""
    app.loader.import_default_modules()


@pytest.fixture(scope="session")
def playwright() -> Iterator["Playwright"]:
    """What drives browsers; a thread can have it only once."""
    from playwright.sync_api import sync_playwright

    # It keeps an event loop in the thread that runs the tests, and Django takes that for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is."""
    from tests.browser import chromium

    path = chromium.find()
    if path is None:
        pytest.fail(chromium.HELP)
    return path


@pytest.fixture(autouse=True)
def _everything_answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before the tables are emptied: what a page that is closed by now has sent still ends, and would wait for us
    as we for it."""
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    busy = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
    )

    def is_quiet() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(busy)
            return bool(cursor.fetchone() == (0,))

    wait_until(is_quiet)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Each test starts in English, whatever the one before it spoke."""
    cache.clear()
    with translation.override("en"):
        yield


@pytest.fixture
def shop(db: None) -> Shop:
    """Meena's."""
    return cast.a_shop("Meena")


@pytest.fixture
def meena(shop: Shop) -> Membership:
    """Owner of shop one."""
    return cast.a_member(shop, "Meena", Role.ADMIN)


@pytest.fixture
def kumar(shop: Shop) -> Membership:
    """Meena's clerk."""
    return cast.a_member(shop, "Kumar", Role.STAFF)


@pytest.fixture
def jasmine(shop: Shop) -> Flower:
    return cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine")


@pytest.fixture
def lotus(shop: Shop) -> Flower:
    return cast.a_flower(shop, "THA", "தாமரை", "Lotus", unit="piece")


@pytest.fixture
def raja(shop: Shop) -> Farmer:
    """Grows jasmine for Meena, signs in himself, reads Tamil."""
    member = cast.a_member(shop, "Raja", Role.FARMER, language="ta")
    return cast.a_farmer(
        shop, 14, "பெ. ராஜா", "P. Raja", village_ta="வெள்ளோடு", village_en="Vellodu", member=member
    )


@pytest.fixture
def lakshmi(shop: Shop) -> Farmer:
    """Another grower of Meena's, without an account."""
    return cast.a_farmer(shop, 15, "ச. லட்சுமி", "S. Lakshmi")


@pytest.fixture
def devi(db: None) -> Membership:
    """Owner of shop two."""
    return cast.a_member(cast.a_shop("Devi"), "Devi", Role.ADMIN)


@pytest.fixture
def selvi(devi: Membership) -> Farmer:
    """Grows for Devi; unknown in shop one."""
    return cast.a_farmer(devi.shop, 14, "க. செல்வி", "K. Selvi")


@pytest.fixture
def mullai(devi: Membership) -> Flower:
    """Devi's flower."""
    return cast.a_flower(devi.shop, "MUL", "முல்லை", "Mullai")


def page_of(member: Membership) -> Client:
    """A browser in which `member` is signed in."""
    client = Client()
    client.force_login(member.user)
    return client


def api_of(member: Membership) -> APIClient:
    """A program that holds `member`'s session (tokens have tests of their own)."""
    client = APIClient()
    client.force_login(member.user)
    return client
