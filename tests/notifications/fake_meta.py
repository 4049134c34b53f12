"""Meta on loopback, and what it calls back."""

import hmac
import json
from typing import Any

from django.test import Client

from tests.notifications.fake_twilio import PUBLIC
from tests.notifications.fakes import Answer, Fake, says

TOKEN = "EAAG-the-access-token"
SECRET, OLD_SECRET = "the-present-app-secret", "the-app-secret-of-last-year"
VERIFY = "typed-in-at-meta"
NUMBER_ID, WABA_ID = "106540352242922", "102290129340398"
PATH = "/webhooks/meta/"


class FakeMeta(Fake):
    """Takes what it is asked."""

    def takes(self, number: int) -> Answer:
        return says(200, taken(number))


def taken(number: int, **more: Any) -> dict[str, Any]:
    """Its answer to the call with this number, from 1."""
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "919876500000", "wa_id": "919876500000"}],
        "messages": [{"id": id_of(number), "message_status": "accepted", "new": {"x": 1}, **more}],
    }


def refuses(status: int, code: int, details: str = "", **headers: str) -> Answer:
    """Meta's own way to refuse."""
    error = {
        "message": f"(#{code}) Something",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "Az8or2yhqkZfEZ",
    }
    return says(status, {"error": error}, **headers)


def id_of(number: int) -> str:
    """Its id of the call with this number, from 1."""
    return f"wamid.HBgMOTE5ODc2NTAwMDAwFQIAERgS{number:028X}AA=="


def set_up(settings: Any, fake: Fake) -> None:
    """Malar's settings for WhatsApp by this Meta."""
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.META_BASE_URL = fake.url
    settings.META_GRAPH_VERSION = "v23.0"
    settings.META_PHONE_NUMBER_ID = NUMBER_ID
    settings.META_WABA_ID = WABA_ID
    settings.META_ACCESS_TOKEN = TOKEN
    settings.META_APP_SECRET = SECRET
    settings.META_APP_SECRET_OLD = OLD_SECRET
    settings.META_WEBHOOK_VERIFY_TOKEN = VERIFY
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["meta"]


def signed(raw: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, "sha256").hexdigest()


def posts(raw: bytes, signature: str | None = None) -> int:
    """Meta posts these bytes; the status it got."""
    given = signed(raw) if signature is None else signature
    answer = Client(enforce_csrf_checks=True).post(
        PATH, raw, content_type="application/json", HTTP_X_HUB_SIGNATURE_256=given
    )
    return answer.status_code


def tells(*entries: dict[str, Any]) -> int:
    """Meta tells a batch; the status it got."""
    # As Meta does: what is no ASCII is written as \\u….
    batch = {"object": "whatsapp_business_account", "entry": list(entries)}
    return posts(json.dumps(batch).encode())


def entry(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"id": WABA_ID, "time": 1_698_268_000, "changes": list(changes)}


def change(field: str = "messages", **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "914523456789", "phone_number_id": NUMBER_ID}
    if field == "messages":
        value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    return {"field": field, "value": value}


def status_of(
    named: str, status: str, call: str | None = None, *, at: int = 1, **more: Any
) -> dict[str, Any]:
    """A status, as Meta sends it."""
    return {
        "id": named,
        "status": status,
        "timestamp": str(1_698_266_945 + at),
        "recipient_id": "919876500000",
        **({} if call is None else {"biz_opaque_callback_data": call}),
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
        **more,
    }


def error(code: int, details: str = "") -> dict[str, Any]:
    title = "Something"
    return {"code": code, "title": title, "message": title, "error_data": {"details": details}}


def wrote(named: str, **more: Any) -> dict[str, Any]:
    """Something that a farmer sent."""
    return {"from": "919876500000", "id": named, "timestamp": "1698266730", **more}


CONTACT = {
    "profile": {"name": "ராஜா", "username": "raja"},
    "wa_id": "919876500000",
    "user_id": "IN.13491208655302741918",
}
