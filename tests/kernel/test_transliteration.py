"""Suggestions for the other script: measured on names the dictionary does not have."""

import json
from pathlib import Path
from typing import Any

import pytest

from malar.kernel import transliteration
from malar.kernel.sound import bones, spoken, words_of
from malar.kernel.transliteration import to_latin, to_tamil
from tests.names import read

SUGGEST = {"latin": ("tamil", to_tamil), "tamil": ("latin", to_latin)}


@pytest.fixture(scope="module")
def unknown() -> list[dict[str, list[str]]]:
    """Names of both scripts that the dictionary lacks."""
    rows: list[dict[str, list[str]]] = read("suggestions.json")["names"]
    known = {word for row in dictionary()["names"] for word in row}
    assert not known & {name for row in rows for names in row.values() for name in names}
    return rows


def dictionary() -> dict[str, Any]:
    path = Path(transliteration.__file__).with_name("transliteration.json")
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def sound_of(name: str) -> list[str]:
    return [bones(spoken(word)) for word in words_of(name)]


@pytest.mark.parametrize("script", ["latin", "tamil"])
def test_seven_of_ten_unknown_names_are_suggested_as_people_write_them(
    script: str, unknown: list[dict[str, list[str]]]
) -> None:
    other, suggest = SUGGEST[script]
    wrong = [
        (row[script][0], suggest(row[script][0]))
        for row in unknown
        if suggest(row[script][0]) not in row[other]
    ]

    assert len(unknown) >= 60
    assert len(wrong) <= 0.3 * len(unknown), wrong


@pytest.mark.parametrize("script", ["latin", "tamil"])
def test_every_suggestion_sounds_like_the_name(script: str, unknown: list[dict[str, list[str]]]) -> None:
    _, suggest = SUGGEST[script]
    names = [name for row in unknown for name in row[script]]

    assert [(name, suggest(name)) for name in names if sound_of(suggest(name)) != sound_of(name)] == []


def test_every_name_of_the_dictionary_is_written_as_it_has_it() -> None:
    for tamil, *spellings in dictionary()["names"]:
        assert to_latin(tamil) == spellings[0]
        assert to_tamil(spellings[0]) == tamil or [to_tamil(spellings[0]), spellings[0]] in [
            row[:2] for row in dictionary()["names"]
        ]


def test_every_pair_of_the_dictionary_sounds_the_same() -> None:
    differ = [
        (tamil, spelling)
        for tamil, *spellings in dictionary()["names"]
        for spelling in spellings
        if sound_of(tamil) != sound_of(spelling)
    ]
    assert differ == []


@pytest.mark.parametrize(
    ("latin", "tamil"),
    [
        ("M. Murugesan", "மு. முருகேசன்"),
        ("P. Selvi", "பெ. செல்வி"),
        ("S. Karuppasamy", "செ. கருப்பசாமி"),
        ("G. Nagarajan", "கோ. நாகராஜன்"),
        ("E. Rakkammal", "இ. ராக்கம்மாள்"),
    ],
)
def test_initials_go_both_ways(latin: str, tamil: str) -> None:
    assert to_tamil(latin) == tamil
    assert to_latin(tamil) == latin


@pytest.mark.parametrize(
    ("said", "suggested"),
    [
        ("Karuppasamy M.", "கருப்பசாமி மு."),
        ("karuppasamy m", "கருப்பசாமி மு"),
        ("  Abdul   Rahman ", "அப்துல்   ரகுமான்"),
    ],
)
def test_initials_may_follow_and_blanks_stay(said: str, suggested: str) -> None:
    assert to_tamil(said) == suggested


@pytest.mark.parametrize(
    ("tamil", "initial"), [("இரா.", "R."), ("செ.", "S."), ("ஞா.", "G."), ("ழ.", "Z."), ("ஜெ.", "J.")]
)
def test_a_tamil_initial_becomes_a_letter(tamil: str, initial: str) -> None:
    assert to_latin(tamil) == initial


@pytest.mark.parametrize("text", ["", "123", "முருகன் 2", "-", "ஃ", "F014"])
def test_what_is_no_name_is_no_error(text: str) -> None:
    assert to_tamil(to_latin(text)) is not None
    assert to_latin(to_tamil(text)) is not None


def test_what_is_in_the_asked_script_already_stays() -> None:
    assert to_tamil("மு. முருகேசன்") == "மு. முருகேசன்"
    assert to_latin("M. Murugesan") == "M. Murugesan"
