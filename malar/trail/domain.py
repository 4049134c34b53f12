"""Events before they are rows, and request bodies as they are compared."""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID


@dataclasses.dataclass(frozen=True)
class Happening:
    """Something that happened, in the past tense. Subclasses name the rows it is about, by id."""

    name: ClassVar[str]

    def payload(self) -> dict[str, str]:
        return {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}


def plain(value: Any) -> Any:
    """A value as JSON knows it; decimals lose trailing zeros, so 900 and 900.00 are the same rate."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def fingerprint(body: Mapping[str, Any]) -> str:
    """SHA-256 of a request's meaning: the same for the same fields in any order."""
    text = json.dumps(plain(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # JSON may escape half a surrogate pair, which is no text and still somebody's body.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
