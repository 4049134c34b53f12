"""Finding farmers on the server by what is known of them, in either script."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.models import Farmer
from ledger.services.farmers import add_farmer, edit_farmer
from malar.accounts.models import Membership, Shop
from tests.api.calls import get
from tests.cast import a_farmer
from tests.conftest import api_of, page_of
from tests.names import crowd, pairs_of


def found(shop: Shop, words: str) -> list[int]:
    return [farmer.number for farmer in shop.farmers.matching(words)]


@pytest.mark.parametrize(("names", "known_in"), [("unseen_pairs.json", "en"), ("fresh_pairs.json", "ta")])
def test_95_of_100_names_are_among_the_first_five_of_2000(
    names: str, known_in: str, meena: Membership
) -> None:
    pairs = pairs_of(names)
    Farmer.objects.bulk_create(Farmer(shop=meena.shop, **person) for person in crowd(2000, pairs, known_in))

    missed = []
    for ta, en in pairs:
        typed, wanted = (en, ta) if known_in == "ta" else (ta, en)
        five = meena.shop.farmers.matching(typed).values_list("name_ta", "name_en")[:5]
        if not any(wanted in names for names in five):
            missed.append((typed, wanted))

    assert len(missed) <= 0.05 * len(pairs), missed


@pytest.fixture
def market(meena: Membership) -> Shop:
    people: list[tuple[int, str, str, dict[str, Any]]] = [
        (1, "மு. முருகேசன்", "M. Murugesan", {"village_ta": "வக்கம்பட்டி"}),
        (2, "க. கருப்பசாமி", "", {"village_ta": "வெள்ளோடு", "phone": "+919842054321"}),
        (14, "பெ. முருகேசன்", "P. Murugesan", {"village_en": "Vellodu"}),
        (20, "கா. அப்துல் ரகுமான்", "", {}),
        (143, "சே. முத்துலட்சுமி", "", {}),
        (4321, "S. Pandiammal", "", {}),
    ]
    for number, name_ta, name_en, more in people:
        a_farmer(meena.shop, number, name_ta, name_en, **more)
    return meena.shop


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("karupasami", [2]),
        ("kar", [2]),
        ("பாண்டியம்மாள்", [4321]),
        ("murugesan", [1, 14]),
        ("murugeshan p", [14]),
        ("பெ. முருகேசன்", [14]),
        ("P.Murukesan", [14]),
        ("murugesan vellodu", [14]),
        ("வெள்ளோடு", [2, 14]),
        ("abdulrahman", [20]),
        ("muthu lakshmi", [143]),
        ("lakshmi", [143]),
        ("karuppasany", [2]),
        ("14", [14]),
        ("௧௪", [14]),
        ("f014", [14]),
        ("14 murugesan", [14]),
        ("4321", [4321, 2]),
        ("9842054321", [2]),
        ("nobody", []),
        (".", []),
        ("%", []),
    ],
)
def test_whoever_is_meant_is_found_the_nearest_first(words: str, numbers: list[int], market: Shop) -> None:
    assert found(market, words) == numbers


def test_names_that_sound_nearly_so_are_left_out_where_one_sounds_so(market: Shop) -> None:
    a_farmer(market, 30, "கருப்பநாமி", "")

    assert found(market, "karuppasami") == [2]


def test_it_is_one_query(market: Shop, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        list(market.farmers.matching("murugesan vellodu")[:5])


def test_another_shops_farmers_change_nothing(market: Shop, devi: Membership) -> None:
    a_farmer(devi.shop, 1, "கருப்பசானி", "Karuppasany")

    assert found(market, "karuppasany") == [2]


def test_the_page_and_the_api_find_by_sound(market: Shop, kumar: Membership) -> None:
    shown = page_of(kumar).get("/ledger/farmers/", {"q": "karupasami"}).content.decode()
    assert "கருப்பசாமி" in shown
    assert "முருகேசன்" not in shown
    names = [row["name_ta"] for row in get(api_of(kumar), "farmers/?search=karupasami").json()["results"]]
    assert names == ["க. கருப்பசாமி"]


def test_a_farmer_is_found_by_his_new_name_and_no_longer_by_his_old(kumar: Membership) -> None:
    made = add_farmer(by=kumar, key=uuid4(), particulars={"name_ta": "கருப்பசாமி"}).made
    assert found(kumar.shop, "karupasamy")

    edit_farmer(by=kumar, farmer_id=made, version=1, particulars={"name_ta": "முனியாண்டி"})

    assert found(kumar.shop, "muniandi")
    assert not found(kumar.shop, "karupasamy")


def test_the_history_does_not_keep_what_follows_from_the_name(market: Shop) -> None:
    farmer = market.farmers.get(number=2)
    versions = farmer.versions.count  # type: ignore[attr-defined]  # pghistory adds it
    before = versions()

    Farmer.objects.filter(pk=farmer.pk).update(sound="")

    assert versions() == before
