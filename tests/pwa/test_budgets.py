"""What the counter costs to load the first time, in bytes on the line (ux.md §4): gzip 6, as it is served."""

import gzip
import os
import re
from pathlib import Path

import pytest
from django.test import Client

from malar.staticfiles import as_served

STATIC = Path(__file__).parents[2] / "static"
KILO = 1024


def loaded(address: str) -> dict[str, list[str]]:
    """The paths below static/ of all that a page loads, by kind. Scripts are followed to what they import, sheets
    to their fonts."""
    page = Client().get(address).content.decode()
    found = set(re.findall(r'(?:href|src)="/static/([^"#]+)', page))
    scripts = [path for path in found if path.endswith(".js")]
    for path in scripts:
        source = (STATIC / path).read_text(encoding="utf-8")
        for name in re.findall(r'^(?:import|export|\}) .*"(\.\.?/[^"]+)";', source, re.MULTILINE):
            imported = os.path.normpath(Path(path).parent / name)
            if imported not in scripts:
                scripts.append(imported)
    for path in [path for path in found if path.endswith(".css")]:
        source = (STATIC / path).read_text(encoding="utf-8")
        for name in re.findall(r'url\("([^"#]+)', source):
            found.add(os.path.normpath(Path(path).parent / name))
    return {
        "css": sorted(path for path in found if path.endswith(".css")),
        "js": scripts,
        "fonts": sorted(path for path in found if path.endswith(".woff2")),
        "pictures": sorted(path for path in found if path.endswith(".svg")),
    }


def weight(path: str) -> int:
    """Bytes on the line. Fonts are compressed already."""
    content = (STATIC / path).read_bytes()
    if path.endswith((".css", ".js")):
        content = as_served(path, content.decode()).encode()
    return len(content) if path.endswith(".woff2") else packed(content)


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_counter_stays_within_its_budgets(language: str) -> None:
    kinds = loaded(f"/app/{language}/")
    spent = {kind: sum(map(weight, paths)) for kind, paths in kinds.items()}
    spent["html"] = len(gzip.compress(Client().get(f"/app/{language}/").content, 6))
    assert all(kinds.values()), kinds
    assert spent["html"] <= 12 * KILO
    assert spent["css"] <= 8 * KILO
    assert spent["js"] <= 40 * KILO
    assert spent["fonts"] <= 100 * KILO
    assert sum(spent.values()) <= 190 * KILO


def test_every_script_of_the_counter_is_named_in_its_head() -> None:
    """Else a slow line fetches them one after the other."""
    page = Client().get("/app/en/").content.decode()
    named = set(re.findall(r'(?:rel="modulepreload" href|<script src)="/static/([^"]+)"', page))
    assert set(loaded("/app/en/")["js"]) == named


def test_what_the_server_is_asked_first_waits_for_no_font_and_no_other_script() -> None:
    """On a slow line the answers take as long as all the scripts, and six connections are soon taken."""
    head = Client().get("/app/en/").content.decode().partition("</head>")[0]
    links = re.findall(r"<(?:link|script) [^>]+>", head)
    late = [link for link in links if "modulepreload" in link or 'as="font"' in link]
    early = [link for link in late if "counter/ask" in link or "counter/first" in link]
    assert late[: len(early)] == early
    assert len(early) == 2
    assert not any("fetchpriority" in link for link in early)
    assert all('fetchpriority="low"' in link for link in late[len(early) :])
    asks = next(link for link in links if "<script" in link)
    assert "counter/first" in asks
    assert " async" in asks
