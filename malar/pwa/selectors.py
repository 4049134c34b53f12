"""What a tablet keeps of us: the static files of pages, and one figure for all of it."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage


def static_files(pages: Iterable[str]) -> list[str]:
    """The addresses below /static/ that these pages (HTML) name, each once, in that order.

    What a sheet or a script asks for itself must be named in the page too: tests look.
    """
    link = re.compile(rf'(?:href|src)="({re.escape(settings.STATIC_URL)}[^"#]+)')
    return list(dict.fromkeys(address for page in pages for address in link.findall(page)))


def digest_of(bodies: Iterable[bytes]) -> str:
    """SHA-256, in hex, of all these one after the other."""
    digest = hashlib.sha256()
    for body in bodies:
        digest.update(body)
    return digest.hexdigest()


def content_of(address: str) -> bytes:
    """What is served at an address below /static/. Raises FileNotFoundError."""
    name = address.removeprefix(settings.STATIC_URL)
    return Path(finders.find(name) or staticfiles_storage.path(name)).read_bytes()
