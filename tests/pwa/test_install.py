"""What a browser needs to put Malar on the tablet's home screen, and the worker's script."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from malar.accounts.models import Membership
from malar.pwa import views
from malar.pwa.selectors import content_of
from tests.conftest import page_of
from tests.pwa.test_budgets import KILO, loaded, packed


@pytest.fixture(autouse=True)
def _made_anew() -> None:
    views._worker.cache_clear()


def shell() -> dict[str, object]:
    """What the worker is told to keep."""
    script = Client().get("/sw.js").content.decode()
    told = re.match(r"self\.malarShell = (.*);\n", script)
    assert told
    return json.loads(told[1])  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("language", "name", "entry"), [("ta", "மலர்", "புதிய பதிவு"), ("en", "Malar", "New entry")]
)
def test_the_manifest_speaks_the_language_of_the_page_that_asks(language: str, name: str, entry: str) -> None:
    other = "en" if language == "ta" else "ta"
    page = Client().get(f"/app/{language}/").content.decode()
    link = re.search(r'<link rel="manifest" href="([^"]+)">', page)
    assert link
    answer = Client().get(link[1], headers={"Accept-Language": other})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert (told["name"], told["short_name"], told["lang"]) == (name, name, language)
    assert (told["start_url"], told["scope"], told["display"]) == ("/app/", "/", "standalone")
    assert (told["theme_color"], told["background_color"]) == ("#0b4a38", "#edf3ec")
    assert told["shortcuts"][0] == {"name": entry, "url": "/app/"}
    assert {(icon["sizes"], icon["purpose"]) for icon in told["icons"]} >= {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in told["icons"]:
        head = content_of(icon["src"])[:24]
        width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        assert f"{width}x{height}" == icon["sizes"]


@pytest.mark.parametrize("path", ["/serviceworker.js", "/offline/"])
def test_django_pwas_own_worker_and_page_are_not_there(path: str) -> None:
    assert Client().get(path).status_code == 404


def test_no_page_has_a_script_of_its_own_in_it() -> None:
    """django-pwa would register its worker in one, which the content security policy forbids."""
    for path in ("/app/en/", "/app/offline/en/", "/accounts/login/"):
        page = Client().get(path).content.decode()
        scripts = re.findall(r"<script([^>]*)>(?!</script>)", page)
        assert all("application/json" in attributes for attributes in scripts), path


def test_the_worker_is_answered_to_everybody_and_never_kept(db: None, kumar: Membership) -> None:
    stranger, clerk = Client().get("/sw.js"), page_of(kumar).get("/sw.js")
    for answer in (stranger, clerk):
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/javascript")
        assert answer["Cache-Control"] == "no-cache"
        assert not answer.cookies
        assert "Cookie" not in answer["Vary"]
    assert stranger.content == clerk.content
    again = Client().get("/sw.js", headers={"If-None-Match": stranger["ETag"]})
    assert again.status_code == 304


def test_the_worker_is_small() -> None:
    source = Path("templates/pwa/sw.js").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 200
    assert packed(Client().get("/sw.js").content) <= 5 * KILO


def test_the_worker_keeps_both_languages_with_everything_they_load_and_nothing_else() -> None:
    told = shell()
    assert set(told["pages"]) == {  # type: ignore[call-overload]
        *("/app/ta/", "/app/en/"),
        *("/app/offline/ta/", "/app/offline/en/"),
    }
    files = set(told["files"])  # type: ignore[call-overload]
    needed = {
        f"/static/{path}"
        for page in ("/app/ta/", "/app/en/", "/app/offline/ta/", "/app/offline/en/")
        for paths in loaded(page).values()
        for path in paths
    }
    assert needed <= files
    assert all(path.startswith("/static/") for path in files)


def test_the_version_is_the_hash_of_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shell()
    digest = hashlib.sha256()
    for address in dict.fromkeys(told["pages"]):  # type: ignore[call-overload]
        digest.update(Client().get(address).content)
    # Each once, as the worker counts them.
    for address in dict.fromkeys(told["files"]):  # type: ignore[call-overload]
        digest.update(content_of(address))
    assert told["version"] == digest.hexdigest()
    monkeypatch.setattr(views, "_offline", lambda language: f"<html>{language}")
    views._worker.cache_clear()
    assert shell()["version"] != told["version"]


def test_the_kill_switch_takes_the_worker_away_and_leaves_the_entries(settings: LazySettings) -> None:
    settings.SERVICE_WORKER = False
    script = Client().get("/sw.js").content.decode()
    assert "unregister" in script
    assert "indexedDB" not in script.replace("IndexedDB", "")


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_offline_page_is_the_same_for_everybody(db: None, kumar: Membership, language: str) -> None:
    path = f"/app/offline/{language}/"
    stranger = Client().get(path)
    assert stranger.status_code == 200
    assert page_of(kumar).get(path).content == stranger.content
    page = stranger.content.decode()
    assert f'<html lang="{language}">' in page
    assert f'href="/app/{language}/"' in page
    assert ("சர்வருடன்" in page) == (language == "ta")
    assert stranger["Cache-Control"] == "no-cache"


def test_other_pages_are_kept_by_nobody(db: None, kumar: Membership) -> None:
    for path in ("/", "/ledger/farmers/", "/accounts/login/", "/api/v1/farmers/", "/nowhere/"):
        assert "no-store" in page_of(kumar).get(path)["Cache-Control"], path
