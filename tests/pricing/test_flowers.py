"""What a flower is called on a tile, and its picture."""

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import translation

from malar.accounts.models import Shop
from pricing.domain import Glyph
from pricing.models import Flower
from tests.cast import a_flower

PICTURES = import_module("pricing.migrations.0003_pictures_of_known_flowers")


@pytest.mark.parametrize(
    ("short_ta", "short_en", "tamil", "english"),
    [
        ("மல்லி", "Malli", "மல்லி", "Malli"),
        ("மல்லி", "", "மல்லி", "Jasmine (Madurai malli)"),
        ("", "Malli", "மல்லிகை", "Malli"),
        ("", "", "மல்லிகை", "Jasmine (Madurai malli)"),
    ],
)
def test_a_tile_shows_the_short_name_in_the_reader_s_language_or_the_whole_one(
    short_ta: str, short_en: str, tamil: str, english: str
) -> None:
    flower = Flower(short_name_ta=short_ta, short_name_en=short_en)
    flower.name_ta, flower.name_en = "மல்லிகை", "Jasmine (Madurai malli)"

    for language, name in (("ta", tamil), ("en", english)):
        with translation.override(language):
            assert flower.short_name == name


@pytest.mark.django_db
def test_flowers_that_were_there_before_get_their_pictures_and_chosen_ones_stay(shop: Shop) -> None:
    a_flower(shop, "MAL", "மல்லிகை", "Jasmine")
    a_flower(shop, "LOT", "தாமரை", "Lotus")
    a_flower(shop, "XYZ", "பூ", "Flower")
    a_flower(shop, "ROS", "ரோஜா", "Rose", glyph=Glyph.BUTTON)

    PICTURES.give_pictures(apps, None)

    assert dict(shop.flowers.values_list("code", "glyph")) == {
        "MAL": "malli",
        "LOT": "thamarai",
        "XYZ": "poo",
        "ROS": "button",
    }
    assert set(PICTURES.PICTURES.values()) <= set(Glyph.values)


@pytest.mark.django_db
def test_the_history_of_a_flower_knows_its_picture_and_short_names(shop: Shop) -> None:
    flower = a_flower(shop, "MAL", "மல்லிகை", "Jasmine", glyph="malli", short_name_en="Malli")
    flower.glyph, flower.short_name_en = "poo", "Madurai malli"
    flower.save()

    kept = flower.versions.order_by("pgh_id").values_list("glyph", "short_name_en")  # type: ignore[attr-defined]

    assert list(kept) == [("malli", "Malli"), ("poo", "Madurai malli")]
