"""Which words the code shows to people, found without GNU gettext (a bare machine has none).

    manage.py words        put new ones into locale/ta and drop those that went

Python and templates go through Babel's extractor; templates are first turned into Python-like text by
Django's own `templatize`, as makemessages does. Scripts have few words and name them with gettext().
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_javascript, extract_python
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOMS = ("malar", "pricing", "ledger", "settlements", "notifications")
KEYWORDS = {
    "_": None,
    "_now": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
HEADER = """\
# Malar: our own words. The frameworks' words are in locale/frameworks.
msgid ""
msgstr ""
"Project-Id-Version: Malar\\n"
"Language: ta\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""No dates and no names in it: the same words give the same file."""
DOMAINS = ("django", "djangojs")


def catalog_path(domain: str) -> Path:
    """Where our Tamil is."""
    return Path(settings.BASE_DIR) / "locale" / "ta" / "LC_MESSAGES" / f"{domain}.po"


def extract(domain: str) -> Catalog:
    """Every message of our code as a catalogue without translations, with the files it is in."""
    catalog = Catalog(locale="ta", charset="utf-8")
    for path, found in _found(domain):
        for _line, keyword, message, comments in found:
            context, ids = _message(keyword, message)
            if ids:
                catalog.add(ids, locations=[(path, 0)], context=context, auto_comments=comments)
    return catalog


Found = Iterator[tuple[int, str, str | tuple[str, ...], list[str]]]
"""What Babel's extractors yield: line, function, arguments, comments. Its annotations say otherwise."""


def _found(domain: str) -> Iterator[tuple[str, Found]]:
    root = Path(settings.BASE_DIR)
    if domain == "djangojs":
        for path in sorted((root / "static" / "js").rglob("*.js")):
            calls = extract_javascript(BytesIO(path.read_bytes()), KEYWORDS, [], {})
            yield str(path.relative_to(root)), cast(Found, calls)
        return
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            if "migrations" not in path.parts:
                calls = extract_python(BytesIO(path.read_bytes()), KEYWORDS, ["Translators:"], {})
                yield str(path.relative_to(root)), cast(Found, calls)
    for path in sorted((root / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            text = templatize(path.read_text(), origin=str(path))
            # Python's tokenizer minds indentation, which means nothing in a template.
            flat = "\n".join(line.strip() for line in text.splitlines())
            calls = extract_python(BytesIO(flat.encode()), KEYWORDS, [], {})
            yield str(path.relative_to(root)), cast(Found, calls)


def _message(keyword: str, message: object) -> tuple[str | None, str | tuple[str, ...] | None]:
    """Context and id (or singular and plural) of one call, None where it has no constant text."""
    spec = KEYWORDS[keyword]
    parts = list(message) if isinstance(message, tuple) else [message]
    if spec is None:
        return None, parts[0] if isinstance(parts[0], str) else None
    context, texts = None, []
    for place in spec:
        number, is_context = (place[0], True) if isinstance(place, tuple) else (place, False)
        value = parts[number - 1]
        if not isinstance(value, str):
            return None, None
        if is_context:
            context = value
        else:
            texts.append(value)
    return context, texts[0] if len(texts) == 1 else tuple(texts)


def load(domain: str) -> Catalog:
    """Our Tamil as it stands; empty where the file is missing."""
    path = catalog_path(domain)
    if not path.exists():
        return Catalog(locale="ta", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale="ta", domain=domain)


def refresh(domain: str) -> list[str]:
    """Bring the catalogue up to the code; returns the messages that still need Tamil."""
    catalog, template = load(domain), extract(domain)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    if not len(catalog):
        return []
    path = catalog_path(domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False, omit_header=True)
    return [str(message.id) for message in catalog if message.id and not message_is_done(message.string)]


def message_is_done(translation: object) -> bool:
    """Whether every form of a translation has text."""
    forms = translation if isinstance(translation, tuple | list) else [translation]
    return all(isinstance(form, str) and form.strip() for form in forms)
