"""The counter's page: the same for everybody, and nobody's."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.templatetags.static import static
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.quantities import Unit
from malar.pwa.views import LATER
from malar.pwa.words import counter_words
from pricing.models import Flower
from tests.conftest import page_of

pytestmark = pytest.mark.django_db
COUNTER = Path(__file__).parents[2] / "static/js/counter"


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_page_is_the_same_for_everybody_and_asks_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
    meena: Membership,
    kumar: Membership,
    devi: Membership,
    raja: Farmer,
    language: str,
) -> None:
    assert raja.member is not None
    path = f"/app/{language}/"
    stranger = Client().get(path)
    for member in (meena, kumar, devi, raja.member):
        client = page_of(member)
        with django_assert_num_queries(0):
            answer = client.get(path)
        assert answer.content == stranger.content


def test_the_page_holds_no_name_no_figure_and_no_token(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    answer = page_of(meena).get("/app/en/")
    page = answer.content.decode()
    for secret in (
        meena.shop.name_en,
        meena.shop.name_ta,
        meena.user.name,
        meena.user.email or "",
        raja.name_en,
        raja.name_ta,
        jasmine.name_en,
        jasmine.name_ta,
        "csrf",
    ):
        assert secret not in page, secret
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", page), "an id"
    assert not answer.cookies
    assert "Cookie" not in answer["Vary"]


def test_a_session_that_is_over_is_left_alone(meena: Membership) -> None:
    """Not even taken away: the page asks who is there, and says it in its place."""
    client = page_of(meena)
    Session.objects.all().delete()
    answer = client.get("/app/ta/")
    assert answer.status_code == 200
    assert not answer.cookies


def test_a_tablet_keeps_the_page_and_asks_only_whether_it_is_new() -> None:
    client = Client()
    first = client.get("/app/ta/", headers={"Accept-Encoding": "gzip"})
    assert first["Cache-Control"] == "no-cache"
    assert first["Content-Encoding"] == "gzip"
    again = client.get("/app/ta/", headers={"If-None-Match": first["ETag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    assert client.get("/app/en/")["ETag"] != client.get("/app/ta/")["ETag"]


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_page_speaks_its_own_language_whatever_the_reader_wants(language: str) -> None:
    answer = Client().get(
        f"/app/{language}/", headers={"Accept-Language": "en" if language == "ta" else "ta"}
    )
    assert answer["Content-Language"] == language
    page = answer.content.decode()
    assert f'<html lang="{language}">' in page
    assert ("சேமி" in page) == (language == "ta")


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_short_address_leads_to_the_readers_language(meena: Membership, language: str) -> None:
    meena.user.language = language
    meena.user.save()
    assert page_of(meena).get("/app/").headers["Location"] == f"/app/{language}/"


def test_without_javascript_there_is_the_plain_page() -> None:
    page = Client().get("/app/en/").content.decode()
    inside = page[page.index("<noscript>") : page.index("</noscript>")]
    assert 'href="/ledger/entries/new/"' in inside


def test_every_word_the_counter_says_is_there_and_none_is_there_for_nothing() -> None:
    source = "".join(script.read_text(encoding="utf-8") for script in COUNTER.glob("*.js"))
    families = tuple(f"{family}_" for family in re.findall(r"say\(`(\w+)_\$\{", source))
    assert set(re.findall(r'say\(\s*"(\w+)"', source)) - set(counter_words()) == set()
    assert families
    quoted = set(re.findall(r'"(\w+)"', source)) | {unit.value for unit in Unit}
    unused = {word for word in counter_words() if word not in quoted and not word.startswith(families)}
    assert unused == set()


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_empty_weight_stands_there_before_anything_is_known(language: str) -> None:
    """The largest thing of the screen: its first picture must not wait for two thousand farmers."""
    page = Client().get(f"/app/{language}/").content.decode()
    with translation.override(language):
        unit = counter_words()["kg"]
    assert f'data-none="0.000"></output><span class="u" id="unit">{unit}</span>' in page


def test_the_worker_keeps_each_address_once() -> None:
    """It counts what it fetched, each address once, and begins only where that comes to its version."""
    told = re.match(r"self\.malarShell = (.*);\n", Client().get("/sw.js").content.decode())
    assert told
    kept = json.loads(told[1])
    assert len(kept["files"]) == len(set(kept["files"]))
    assert set(map(static, LATER)) <= set(kept["files"])


def test_the_worker_keeps_whatever_the_counter_imports_now_or_later() -> None:
    """A sheet that is opened for the first time without a network is there."""
    told = re.match(r"self\.malarShell = (.*);\n", Client().get("/sw.js").content.decode())
    assert told
    kept = json.loads(told[1])["files"]
    root = COUNTER.parent
    found = [COUNTER / "counter.js"]
    for script in found:
        source = script.read_text(encoding="utf-8")
        for name in re.findall(r'(?:^import |from |import\()"(\.\.?/[^"]+)"', source, re.MULTILINE):
            imported = (script.parent / name).resolve()
            if imported not in found:
                found.append(imported)
    assert root / "counter" / "settlement.js" in found
    missing = [each for each in found if static(f"js/{each.relative_to(root)}") not in kept]
    assert missing == []


def test_whatever_becomes_of_a_form_that_is_kept_has_words_and_every_such_form_a_reader() -> None:
    """Which forms: their templates say. What may become of one: static/js/offline/forms.js says."""
    script = (COUNTER.parent / "offline" / "forms.js").read_text(encoding="utf-8")
    said = re.search(r"@typedef \{(.*?)\} Answer", script)
    assert said
    page = Client().get("/app/offline/en/").content.decode()
    assert set(re.findall(r'<template data-answer="(\w+)"', page)) == set(re.findall(r'"(\w+)"', said[1]))
    templates = [path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    forms = [form for text in templates for form in re.findall(r"<form [^>]*data-offline[^>]*>", text)]
    assert all("keep-offline" in form and 'method="post"' in form for form in forms)
    meant = {kind for form in forms for kind in re.findall(r'data-offline="(\w+)"', form)}
    assert meant == set(re.findall(r"^    (\w+)\(word", script, re.MULTILINE))
