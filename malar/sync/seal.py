"""What a tablet sealed when its author signed out: opened here, and nowhere else.

A box is AES-GCM under a fresh key, and that key under RSA-OAEP with this installation's public half (offline.md, d
58–60). The tablet has no private half, so nothing on it reads a box again. What stands beside a box in clear (whose
operation it is, of which queue, with which number) is bound into it: changed on the way, it does not open.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VERSION = 1
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class CannotOpen(Exception):
    """A box under a key that this installation does not have, or changed since it was closed."""


def public_key() -> dict[str, Any]:
    """What tablets seal with: `kid` and `jwk`, the public half (RFC 7517)."""
    kid, key = next(iter(_keys(settings.SEAL_PRIVATE_KEY).items()))
    return {"kid": kid, "jwk": {**_members(key), "alg": "RSA-OAEP-256", "ext": True}}


def bound(*, op_id: object, seq: object, stream_id: object, author_id: object) -> str:
    """What stands beside a box, as it is bound into it; static/js/offline/seal.js writes the same."""
    return f"{op_id} {seq} {stream_id} {author_id}"


def opened(box: Mapping[str, Any], beside: str) -> bytes:
    """The content of `{v, kid, key, iv, data}` (the last three in base64). Raises CannotOpen."""
    try:
        private = _keys(settings.SEAL_PRIVATE_KEY)[box["kid"]]
        wrapped, iv, sealed = (base64.b64decode(box[name], validate=True) for name in ("key", "iv", "data"))
        key = private.decrypt(wrapped, OAEP(MGF1(SHA256()), SHA256(), None))
        if box["v"] != VERSION:
            raise CannotOpen
        return AESGCM(key).decrypt(iv, sealed, beside.encode())
    except (KeyError, TypeError, ValueError, binascii.Error, InvalidTag) as error:
        raise CannotOpen from error


@cache
def _keys(text: str) -> dict[str, RSAPrivateKey]:
    """The private keys by their thumbprints (RFC 7638), in the order in which they were given."""
    keys = {}
    for pem in PEM.findall(text):
        key = serialization.load_pem_private_key(pem.encode(), None)
        if not isinstance(key, RSAPrivateKey):
            raise ImproperlyConfigured("SEAL_PRIVATE_KEY must be RSA.")
        thumb = hashlib.sha256(json.dumps(_members(key), separators=(",", ":"), sort_keys=True).encode())
        keys[_text(thumb.digest())] = key
    if not keys:
        raise ImproperlyConfigured("SEAL_PRIVATE_KEY holds no private key in PEM. See .env.example.")
    return keys


def _members(key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
    return {"e": _text(e), "kty": "RSA", "n": _text(n)}


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
