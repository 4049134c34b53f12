"""The Tamil we lend to Django, django-allauth and REST framework is whole, sound and up to date.

The frameworks are read as installed, so an upgrade that brings a new sentence fails here until
somebody writes its Tamil into locale/frameworks, or gives a reason in `not_for_people`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import allauth
import django
import pytest
import rest_framework
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

OURS = Path(__file__).resolve().parents[2] / "locale/frameworks/ta/LC_MESSAGES"
DJANGO = Path(django.__file__).parent
ALLAUTH = Path(allauth.__file__).parent
REST = Path(rest_framework.__file__).parent


class Sentence(NamedTuple):
    """What gettext looks up, and the files of the package that say it."""

    context: str | None
    text: str
    plural: str | None
    files: frozenset[str]

    @property
    def key(self) -> tuple[str | None, str]:
        return self.context, self.text


def forms(said: str | Sequence[str] | None) -> tuple[str, ...]:
    """One text, or singular and plural."""
    return (said or "",) if isinstance(said, str | None) else tuple(said)


def sources(message: Message) -> tuple[str, ...]:
    return forms(message.id)


def texts(message: Message) -> tuple[str, ...]:
    return forms(message.string)


def sentence(message: Message, files: Iterable[str]) -> Sentence:
    text, *more = sources(message)
    return Sentence(message.context, text, more[0] if more else None, frozenset(files))


# What the frameworks say


@cache
def shipped(po: Path, prefix: str) -> tuple[Sentence, ...]:
    """The sentences of a package that ships its English catalogue."""
    with po.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    assert messages, f"{po.name} is empty"
    return tuple(sentence(m, {prefix + name for name, _line in m.locations}) for m in messages)


@cache
def extracted(package: Path, prefix: str) -> tuple[Sentence, ...]:
    """The sentences of a package that ships no English catalogue, read from its source."""
    words = {
        "_": None,
        "gettext": None,
        "gettext_lazy": None,
        "ngettext": (1, 2),
        "ngettext_lazy": (1, 2),
        "pgettext": ((1, "c"), 2),
        "pgettext_lazy": ((1, "c"), 2),
    }
    found = Catalog()
    for name, line, text, comments, context in extract_from_dir(
        package, [("**.py", "python")], keywords=words
    ):
        found.add(text, None, [(prefix + name, line)], (), comments, context=context)
    assert len(found) > 0
    return tuple(sentence(m, {name for name, _line in m.locations}) for m in found if m.id)


def django_catalogue(app: str, domain: str = "django") -> tuple[Sentence, ...]:
    return shipped(DJANGO / app / f"locale/en/LC_MESSAGES/{domain}.po", "django/")


CATALOGUES: dict[str, tuple[str, Callable[[], tuple[Sentence, ...]]]] = {
    "django": ("django", lambda: django_catalogue("conf")),
    "auth": ("django", lambda: django_catalogue("contrib/auth")),
    "contenttypes": ("django", lambda: django_catalogue("contrib/contenttypes")),
    "sessions": ("django", lambda: django_catalogue("contrib/sessions")),
    "postgres": ("django", lambda: django_catalogue("contrib/postgres")),
    "humanize": ("django", lambda: django_catalogue("contrib/humanize")),
    "admin": ("django", lambda: django_catalogue("contrib/admin")),
    "admin scripts": ("djangojs", lambda: django_catalogue("contrib/admin", "djangojs")),
    "allauth": (
        "django",
        lambda: shipped(ALLAUTH / "locale/en/LC_MESSAGES/django.po", "allauth/"),
    ),
    "rest framework": ("django", lambda: extracted(REST, "rest_framework/")),
}

# What we leave in English, and why

FILES_NOT_FOR_PEOPLE = {
    r"django/contrib/(messages|sitemaps|staticfiles|syndication|humanize|postgres)/apps\.py":
        "names of applications without a table; the admin never lists them",
    r"django/contrib/auth/hashers\.py":
        "the parts of a password hash, which nobody reads",
    r"django/views/static\.py|django/views/templates/.*":
        "the development server's own pages",
    r"allauth/(socialaccount|mfa|idp)/.*|allauth/templates/(socialaccount|mfa|idp|openid)/.*":
        "parts of allauth that Malar does not install",
    r"allauth/headless/apps\.py":
        "the name of an application without a table",
    r"rest_framework/authtoken/.*":
        "an application that Malar does not install",
    r"rest_framework/schemas/.*":
        "words of the API description, which is English",
}  # fmt: skip

WORDS_NOT_FOR_PEOPLE = {
    r"django/conf/global_settings\.py": (
        r"(?!(Tamil|English)$).*",
        "names of languages that Malar does not speak",
    ),
    r"django/contrib/humanize/templatetags/humanize\.py": (
        r"%\(value\)s (\w+illion|googol)",
        "the trade counts in lakh and crore; intword is not used",
    ),
    r"rest_framework/(filters|pagination)\.py": (
        r"A search term\.|Which field to use when ordering the results\."
        r"|A page number within the paginated result set\."
        r"|Number of results to return per page\."
        r"|The initial index from which to return the results\."
        r"|The pagination cursor value\.",
        "words of the API description, which is English",
    ),
}


def not_for_people(file: str, text: str) -> bool:
    if any(re.fullmatch(pattern, file) for pattern in FILES_NOT_FOR_PEOPLE):
        return True
    return any(
        re.fullmatch(pattern, file) and re.fullmatch(words, text, re.DOTALL)
        for pattern, (words, _reason) in WORDS_NOT_FOR_PEOPLE.items()
    )


def for_people(said: Sentence) -> bool:
    return not all(not_for_people(file, said.text) for file in said.files)


# What we say


@cache
def our_catalogue(domain: str) -> Catalog:
    with (OURS / f"{domain}.po").open("rb") as file:
        return read_po(file, locale="ta", abort_invalid=True)


def our_messages() -> Iterator[tuple[str, Message]]:
    for domain in ("django", "djangojs"):
        for message in our_catalogue(domain):
            if message.id:
                yield domain, message


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[a-z]|%[a-z]|\{[^{}]*\}", text))


def tags(text: str) -> list[str]:
    return sorted(re.findall(r"<[^<>]+>", text))


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_the_catalogue_says_it_is_tamil_with_two_plural_forms(domain: str) -> None:
    headers = dict(our_catalogue(domain).mime_headers)
    assert headers["Language"] == "ta"
    assert headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    assert headers["Plural-Forms"] == "nplurals=2; plural=(n != 1);"


def test_nothing_is_fuzzy_or_empty() -> None:
    weak = [
        message.id
        for _domain, message in our_messages()
        if message.fuzzy or not all(text.strip() for text in texts(message))
    ]
    assert not weak


def test_each_plural_has_two_forms() -> None:
    short = [
        message.id for _domain, message in our_messages() if len(texts(message)) != len(sources(message))
    ]
    assert not short


def test_placeholders_survive_the_translation() -> None:
    for _domain, message in our_messages():
        wanted = [placeholders(source) for source in sources(message)]
        given = [placeholders(text) for text in texts(message)]
        assert given == wanted, message.id


def test_html_tags_survive_the_translation() -> None:
    for _domain, message in our_messages():
        for source, text in zip(sources(message), texts(message), strict=True):
            assert tags(text) == tags(source), source


def test_spaces_at_both_ends_survive_the_translation() -> None:
    for _domain, message in our_messages():
        for source, text in zip(sources(message), texts(message), strict=True):
            assert text[:1].isspace() == source[:1].isspace(), source
            assert text[-1:].isspace() == source[-1:].isspace(), source


def test_the_text_is_normalised() -> None:
    for _domain, message in our_messages():
        for text in texts(message):
            assert unicodedata.is_normalized("NFC", text), text


def test_digits_are_western() -> None:
    for _domain, message in our_messages():
        for text in texts(message):
            assert not re.search("[\u0be6-\u0bf2]", text), text


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_every_sentence_people_meet_has_its_tamil(catalogue: str) -> None:
    domain, read = CATALOGUES[catalogue]
    ours = {sentence(m, ()).key for of, m in our_messages() if of == domain}
    silent = [said.key for said in read() if for_people(said) and said.key not in ours]
    assert not silent


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_plurals_are_those_of_the_frameworks(catalogue: str) -> None:
    domain, read = CATALOGUES[catalogue]
    ours = {said.key: said.plural for said in (sentence(m, ()) for of, m in our_messages() if of == domain)}
    wrong = [said.key for said in read() if said.key in ours and ours[said.key] != said.plural]
    assert not wrong


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_we_keep_no_sentence_that_the_frameworks_dropped(domain: str) -> None:
    said = {s.key for of, read in CATALOGUES.values() if of == domain for s in read()}
    ours = {sentence(m, ()).key for of, m in our_messages() if of == domain}
    assert not ours - said


@pytest.mark.parametrize("pattern", [*FILES_NOT_FOR_PEOPLE, *WORDS_NOT_FOR_PEOPLE])
def test_each_reason_to_stay_silent_is_still_needed(pattern: str) -> None:
    files = {file for _domain, read in CATALOGUES.values() for said in read() for file in said.files}
    assert any(re.fullmatch(pattern, file) for file in files)


@pytest.fixture
def in_tamil(tmp_path: Path) -> Iterator[None]:
    """Speak Tamil from our catalogue, compiled on the spot."""
    from django.apps import apps
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings
    from django.utils.translation import override

    try:
        usable = apps.ready
    except ImproperlyConfigured:
        usable = False
    if not usable:
        pytest.skip("needs Django's settings")
    compiled = tmp_path / "ta/LC_MESSAGES/django.mo"
    compiled.parent.mkdir(parents=True)
    with compiled.open("wb") as file:
        write_mo(file, our_catalogue("django"))
    with override_settings(USE_I18N=True, LOCALE_PATHS=[tmp_path]), override("ta"):
        yield


@pytest.mark.usefixtures("in_tamil")
def test_a_forgotten_field_is_answered_in_tamil() -> None:
    from django.forms import CharField, Form, IntegerField

    class Slip(Form):
        farmer = CharField()
        kg = IntegerField(max_value=9)

    errors = Slip({"kg": "12"}).errors
    assert errors["farmer"] == ["இதை நிரப்புவது அவசியம்."]
    assert errors["kg"] == ["இது 9 அல்லது அதற்குக் குறைவாக இருக்க வேண்டும்."]


@pytest.mark.usefixtures("in_tamil")
def test_one_and_many_letters_are_both_counted_in_tamil() -> None:
    from django.core.exceptions import ValidationError
    from django.core.validators import MinLengthValidator

    said = []
    for least in (1, 4):
        with pytest.raises(ValidationError) as refused:
            MinLengthValidator(least)("")
        said += refused.value.messages
    assert said == [
        "குறைந்தது 1 எழுத்து வேண்டும் (இப்போது 0).",
        "குறைந்தது 4 எழுத்துகள் வேண்டும் (இப்போது 0).",
    ]


@pytest.mark.usefixtures("in_tamil")
def test_days_and_spans_of_time_are_said_in_tamil() -> None:
    from datetime import UTC, datetime

    from django.utils.dateformat import format as spell
    from django.utils.timesince import timesince

    friday = datetime(2026, 3, 6, 5, 30, tzinfo=UTC)
    assert spell(friday, "l, j F Y") == "வெள்ளி, 6 மார்ச் 2026"
    assert timesince(friday, datetime(2026, 3, 8, 8, 30, tzinfo=UTC)) == "2\xa0நாட்கள், 3\xa0மணி\xa0நேரம்"
