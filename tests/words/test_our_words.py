"""Every word of ours has its Tamil, and the catalogue is what the code says."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings

from malar.ops.wording import DOMAINS, KEYWORDS, ROOMS, extract, load, message_is_done
from tests.words.test_framework_words import placeholders, sources, tags, texts


def ids(catalog: Catalog) -> set[tuple[str | None, str]]:
    return {(message.context, sources(message)[0]) for message in catalog if message.id}


def ours() -> Iterator[Message]:
    for domain in DOMAINS:
        yield from (message for message in load(domain) if message.id)


def test_the_extractor_knows_every_other_name_of_gettext() -> None:
    """Words asked for by a name it does not know have no Tamil, and nobody misses it."""
    root = Path(settings.BASE_DIR)
    code = "\n".join(path.read_text("utf-8") for room in ROOMS for path in (root / room).rglob("*.py"))
    names = set(re.findall(r"\bn?p?gettext(?:_lazy)? as (\w+)", code))
    assert names >= {"_", "_now"}
    assert names <= set(KEYWORDS)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_catalogue_holds_just_the_words_of_the_code(domain: str) -> None:
    """`manage.py words` leaves no difference."""
    code, catalogue = ids(extract(domain)), ids(load(domain))
    assert sorted(code - catalogue, key=str) == []
    assert sorted(catalogue - code, key=str) == []


def test_every_word_has_its_tamil_and_none_is_a_guess() -> None:
    assert [message.id for message in ours() if message.fuzzy or not message_is_done(message.string)] == []


def test_placeholders_and_tags_survive_the_translation() -> None:
    for message in ours():
        for said, text in zip(sources(message), texts(message), strict=True):
            assert set(placeholders(text)) <= set(placeholders(said)), said
            assert sorted(placeholders(sources(message)[-1])) == sorted(placeholders(texts(message)[-1])), (
                said
            )
            assert tags(said) == tags(text), said


def test_the_text_is_normalised_and_has_western_digits() -> None:
    for message in ours():
        for text in texts(message):
            assert unicodedata.is_normalized("NFC", text), text
            assert not set(text) & set("௦௧௨௩௪௫௬௭௮௯"), text
