"""Calls as a program makes them: JSON, a language, a key for each new request."""

from typing import Any
from uuid import uuid4

from rest_framework.test import APIClient

from malar.accounts.models import Membership
from tests import cast

V1 = "/api/v1/"
NO_KEY = ""


def post(
    client: APIClient, path: str, body: Any, *, key: object = None, language: str = "en", **headers: str
) -> Any:
    """POST below /api/v1/ with a key of its own, unless told which or `NO_KEY`."""
    sent = {"Accept-Language": language, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if key != NO_KEY:
        sent["Idempotency-Key"] = str(key or uuid4())
    return client.post(V1 + path, body, format="json", headers=sent)


def patch(client: APIClient, path: str, body: Any, *, language: str = "en") -> Any:
    return client.patch(V1 + path, body, format="json", headers={"Accept-Language": language})


def get(client: APIClient, path: str, *, language: str = "en", **headers: str) -> Any:
    sent = {"Accept-Language": language, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.get(V1 + path, headers=sent)


def tokens_of(member: Membership) -> dict[str, str]:
    """Signed in at auth/token/ with his e-mail and the cast's password."""
    answer = post(
        APIClient(),
        "auth/token/",
        {"username": member.user.email, "password": cast.PASSWORD},
        key=NO_KEY,
    )
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def program_of(member: Membership) -> APIClient:
    """A program that signed in as `member` and holds his access token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_of(member)['access']}")
    return client


def line(farmer: Any, flower: Any, **fields: Any) -> dict[str, Any]:
    """The body of a new line; 5.900 kg of 6.100 with sack unless told otherwise. None leaves a field out."""
    body = {
        "farmer": str(getattr(farmer, "pk", farmer)),
        "flower": str(getattr(flower, "pk", flower)),
        "captured_at": "2026-03-06T04:50:00+05:30",
        "gross_quantity": "6.100",
        "tare": "0.200",
        "sacks": 1,
        "rate": "1450.00",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}
