"""Compiling translations without gettext's tools."""

import gettext
import os
from pathlib import Path

import pytest
from babel.messages.pofile import PoFileError

from malar.ops.messages import compile_messages

HEAD = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A .po of one word, in a folder of its own."""
    path = tmp_path / "ta/LC_MESSAGES/django.po"
    path.parent.mkdir(parents=True)
    write(path, 'msgid "Flower"\nmsgstr "பூ"\n')
    return path


def write(path: Path, entries: str) -> None:
    path.write_text(HEAD + entries)


def word(source: Path, english: str) -> str:
    with source.with_suffix(".mo").open("rb") as file:
        return gettext.GNUTranslations(file).gettext(english)


def test_words_are_compiled_once(source: Path, tmp_path: Path) -> None:
    assert compile_messages(tmp_path) == [source.with_suffix(".mo")]
    assert word(source, "Flower") == "பூ"
    assert compile_messages(tmp_path) == []


def test_an_older_file_from_another_branch_is_compiled_too(source: Path, tmp_path: Path) -> None:
    compile_messages(tmp_path)
    write(source, 'msgid "Flower"\nmsgstr "மலர்"\n')
    os.utime(source, (1, 1))
    compile_messages(tmp_path)
    assert word(source, "Flower") == "மலர்"


def test_plurals_contexts_and_fuzzy_words_come_out_as_with_msgfmt(source: Path, tmp_path: Path) -> None:
    write(
        source,
        'msgid "%(n)s line"\nmsgid_plural "%(n)s lines"\nmsgstr[0] "%(n)s வரி"\nmsgstr[1] "%(n)s வரிகள்"\n\n'
        'msgctxt "month"\nmsgid "May"\nmsgstr "மே"\n\n'
        '#, fuzzy\nmsgid "Weight"\nmsgstr "தவறு"\n',
    )
    compile_messages(tmp_path)
    with source.with_suffix(".mo").open("rb") as file:
        words = gettext.GNUTranslations(file)
    assert words.ngettext("%(n)s line", "%(n)s lines", 2) == "%(n)s வரிகள்"
    assert words.pgettext("month", "May") == "மே"
    assert words.gettext("Weight") == "Weight"


def test_a_broken_file_names_its_line(source: Path, tmp_path: Path) -> None:
    source.write_text(HEAD + 'msgid "Flower"\nnonsense\n')
    with pytest.raises(PoFileError):
        compile_messages(tmp_path)
