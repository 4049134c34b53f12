"""The living page of the look, and what every page shares of it."""

import re

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from pytest_django import Settings

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.home import design
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

ADDRESS = "/design/"


def page(member: Membership) -> str:
    answer = page_of(member).get(ADDRESS)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_piece_is_there_in_both_languages_and_both_themes(kumar: Membership) -> None:
    panes = re.findall(r'<div class="pane stack" lang="(\w+)" data-theme="(\w+)"', page(kumar))
    assert panes == [("ta", "day"), ("en", "day"), ("ta", "dim"), ("en", "dim")] * len(design.PIECES)


def test_no_id_is_there_twice(kumar: Membership) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page(kumar))
    assert len(ids) > 20
    assert sorted(set(ids)) == sorted(ids)


def test_where_people_work_there_is_no_such_page(kumar: Membership, settings: Settings) -> None:
    settings.DESIGN_PAGE = False
    assert page_of(kumar).get(ADDRESS).status_code == 404
    assert page_of(kumar).post(ADDRESS).status_code == 404


def test_the_sample_undo_answers_with_a_message(kumar: Membership) -> None:
    answer = page_of(kumar).post(ADDRESS, follow=True)
    assert answer.redirect_chain == [(ADDRESS, 302)]
    assert "Taken back." in answer.content.decode()


@pytest.mark.parametrize("theme", ["day", "dim"])
def test_the_figures_shown_are_the_contrasts_asked_for(theme: str) -> None:
    """The same sum by another hand is tests/javascript/tokens.test.js."""
    texts, outlines = design.contrasts(theme, design.PAIRS), design.contrasts(theme, design.OUTLINES)
    assert min(each.ratio for each in texts) >= 7
    assert min(each.ratio for each in outlines) >= 3
    assert all(each.text_colour != each.ground_colour for each in [*texts, *outlines])


def test_contrast_is_wcags() -> None:
    assert design._ratio("#000000", "#ffffff") == pytest.approx(21)
    assert design._ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_every_flower_of_the_sprite_is_shown(kumar: Membership) -> None:
    glyphs = set(re.findall(r"flowers\.svg#([\w-]+)", page(kumar)))
    assert glyphs == set(design._symbols("flowers.svg"))
    assert {"malli", "kakarattan", "panneer", "button", "poo", "bud"} <= glyphs


def test_every_glyph_and_icon_a_template_names_is_in_its_sprite() -> None:
    templates = {
        path: path.read_text(encoding="utf-8")
        for path in (design.STATIC.parent / "templates").rglob("*.html")
    }
    for part, sprite in (("flower", "flowers.svg"), ("icon", "icons.svg")):
        word = "glyph" if part == "flower" else "icon"
        named = re.compile(rf'components/{part}\.html" with {word}="([\w-]+)"')
        found = {(path.name, name) for path, text in templates.items() for name in named.findall(text)}
        assert found
        assert {(path, name) for path, name in found if name not in design._symbols(sprite)} == set()


def test_a_flower_nobody_has_drawn_is_any_flower() -> None:
    for glyph in ("", None):
        assert "flowers.svg#poo" in render_to_string("components/flower.html", {"glyph": glyph})
    assert "flowers.svg#malli" in render_to_string("components/flower.html", {"glyph": "malli"})


def test_petals_open_one_by_one_and_the_centre_when_the_server_has_it() -> None:
    meter = render_to_string("components/petals.html", {"lit": 3})
    assert 'data-lit="3"' in meter
    assert "data-sent" not in meter
    assert "data-sent" in render_to_string("components/petals.html", {"lit": 5, "sent": True})
    assert 'data-lit="0"' in render_to_string("components/petals.html")


def test_a_bud_says_in_words_that_it_is_only_here() -> None:
    """Never by its colour or shape alone."""
    bead = {"glyph": "malli", "head": "₹5,280", "text": "207"}
    bud = render_to_string("components/bead.html", {**bead, "sent": False})
    assert "only on this tablet" in bud
    assert "flowers.svg#bud" in bud
    flower = render_to_string("components/bead.html", {**bead, "sent": True})
    assert "saved" in flower
    assert "flowers.svg#malli" in flower


def test_a_toast_offers_to_take_back_only_what_can_be(kumar: Membership) -> None:
    assert "<form" not in render_to_string("components/toast.html", {"words": "Saved."})
    html = render_to_string("components/toast.html", {"words": "Saved.", "undo": "/x/", "label": "Undo"})
    assert '<form method="post" action="/x/">' in html


def test_a_farmer_has_no_menu_and_the_shop_people_have(raja: Farmer, kumar: Membership) -> None:
    assert raja.member is not None
    assert 'id="nav"' not in page_of(raja.member).get("/").content.decode()
    assert 'id="nav"' in page(kumar)


def test_the_entrance_says_the_day_in_words() -> None:
    """The clock beside it is the device's: a script keeps it, and without one there is none."""
    with translation.override("ta"):
        html = render_to_string("account/login.html", {"form": []})
    assert re.search(r'class="entrance__day">\S+, \d+ \S+ \d{4}<', html)
    assert '<time class="clock" data-behaviour="clock"></time>' in html
