"""The one HTTP client that talks to providers, and what is the same with all of them."""

import datetime as dt
import hmac
import os
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.domain import Failure
from notifications.providers import Outcome, SendResult

TIMEOUT = httpx.Timeout(connect=3, read=10, write=5, pool=3)
"""Together shorter than a task may run. Connect and read apart: before the connection stands nothing was sent,
after it nobody knows."""

_clients: dict[int, httpx.Client] = {}


def client() -> httpx.Client:
    """This process's client. It follows no redirect, tries nothing twice and reads no proxy from the environment."""
    # By process: a worker's children must not share their mother's connections.
    mine = _clients.get(os.getpid())
    if mine is None:
        transport = httpx.HTTPTransport(retries=0)
        mine = httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False, trust_env=False)
        _clients[os.getpid()] = mine
    return mine


NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors after which the provider has surely not seen the request."""

E164 = re.compile(r"\+[1-9]\d{7,14}")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
LOOPBACK = ("127.0.0.1", "localhost")
LONGEST_RETRY_AFTER = dt.timedelta(hours=1)
LONGEST_WHATSAPP = 1024
"""Characters of a wording with its variables."""


class Refused(Exception):
    """We know without asking that the provider would not take it; the code is ours."""

    def __init__(self, code: str, failure: Failure) -> None:
        super().__init__(code)
        self.code, self.failure = code, failure


def base_url(setting: str) -> str:
    """Where a provider is, by its setting. Raises ImproperlyConfigured for a plain address that is not our own."""
    base: str = getattr(settings, setting)
    url = urlsplit(base)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise ImproperlyConfigured(f"{setting} must be https: our secret goes there.")
    return base


def value_of(text: str) -> str:
    """A variable as WhatsApp takes it: one line, no runs of blanks, nothing invisible."""
    return " ".join(text.translate(INVISIBLE).split())


def values_of(texts: Iterable[str]) -> list[str]:
    """Variables as WhatsApp takes them. Raises Refused for one of which nothing is left."""
    values = [value_of(each) for each in texts]
    if not all(values):
        raise Refused("bad_variables", Failure.BUG)
    return values


def post(url: str, read: Callable[[httpx.Response], SendResult], **request: Any) -> SendResult:
    """One call that sends, and what came of it; its answer is read by `read`."""
    try:
        response = client().post(url, **request)
    except NOT_SENT:
        return SendResult(Outcome.RETRY, code="away", failure=Failure.AWAY)
    except httpx.TransportError:
        return SendResult(Outcome.UNKNOWN, code="lost", failure=Failure.LOST)
    return read(response)


def result_by_status(response: httpx.Response, code: str = "") -> SendResult:
    """What an answer means of which only the status is understood. None of them is an acceptance.

    `code`: the provider's own for it, where it gave one.
    """
    status = response.status_code
    code = code or str(status)
    if status == 429:
        wait = retry_after(response.headers.get("Retry-After", ""))
        return SendResult(Outcome.RETRY, code=code, failure=Failure.BUSY, retry_after=wait)
    if status >= 500:
        return SendResult(Outcome.UNKNOWN, code=code, failure=Failure.LOST)
    if status < 300:
        return SendResult(Outcome.UNKNOWN, code="no_id", failure=Failure.LOST)
    if status < 400:
        # Something between us and the provider wants us elsewhere. We did not go.
        return SendResult(Outcome.RETRY, code=code, failure=Failure.AWAY)
    return refusal_of(Failure.ACCOUNT if status in (401, 403) else Failure.BUG, code)


def refusal_of(failure: Failure | None, code: str, *, provider_id: str = "") -> SendResult:
    """What it means for a message that its provider refused it, surely."""
    again = failure in (Failure.BUSY, Failure.ACCOUNT)
    outcome = Outcome.RETRY if again else Outcome.FAILED
    return SendResult(outcome, provider_id=provider_id, code=code, failure=failure)


def retry_after(text: str) -> dt.timedelta | None:
    """How long we are asked to wait, in seconds and within reason; dates are left to our own backoff."""
    return min(dt.timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER) if text.isdecimal() else None


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The answer, where it is a JSON object; else an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def part(body: object, *names: str) -> dict[str, Any]:
    """The object that lies so deep in somebody's JSON; an empty one where it does not."""
    for name in names:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def is_signed(raw: bytes, given: str, secrets: Iterable[str]) -> bool:
    """Whether `given` is `sha256=` and the HMAC of exactly these bytes, with one of the secrets there are."""
    macs = [hmac.new(secret.encode(), raw, "sha256").hexdigest() for secret in secrets if secret]
    return any(hmac.compare_digest(f"sha256={mac}".encode(), given.encode()) for mac in macs)
