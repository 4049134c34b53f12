"""Typed readers of the environment.

A setting that is missing or malformed refuses to start and says which one it is, what it holds
and what it should look like. Every `X` may also be given as `X_FILE`, the path of a file that
holds the value (container secrets).
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or of the file `name_FILE` points at.

    Raises ImproperlyConfigured when neither is set and there is no default.
    """
    value = os.environ.get(name)
    if value is not None and value != "":
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return default


def flag(name: str, *, default: bool) -> bool:
    """A yes/no setting: 1, true, yes, on or 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")


def number(name: str, default: int) -> int:
    """A whole number."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number.") from error


def words(name: str, default: str) -> list[str]:
    """A comma-separated list, without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def one_of(name: str, default: str, known: Collection[str]) -> str:
    """One of the words that are known."""
    value = text(name, default)
    if value not in known:
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of {', '.join(known)}.")
    return value


def database(name: str) -> dict[str, Any]:
    """A `postgres://user:password@host:port/name` address as one entry of DATABASES."""
    url = urlsplit(text(name))
    try:
        port = url.port or 5432
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: the port is not a number.") from error
    if url.scheme not in {"postgres", "postgresql"} or not url.hostname or len(url.path) < 2:
        raise ImproperlyConfigured(f"{name} should look like postgres://user:password@host:5432/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path[1:]),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname,
        "PORT": port,
    }


def redis(name: str) -> str:
    """A `redis://` or `rediss://` address."""
    value = text(name)
    if urlsplit(value).scheme not in {"redis", "rediss"}:
        raise ImproperlyConfigured(f"{name} should look like redis://:password@host:6379/0.")
    return value
