"""Interakt on loopback, and what it calls back."""

import hmac
import json
from typing import Any
from uuid import UUID

from django.test import Client

from notifications.models import Message, TemplateApproval
from tests.notifications.fake_twilio import PUBLIC
from tests.notifications.fakes import Answer, Fake, says

KEY = "a2V5IGFzIHNob3duOg=="
SECRET, OLD_SECRET = "the-present-secret", "the-secret-of-last-year"
PATH = "/webhooks/interakt/"


class FakeInterakt(Fake):
    """Takes what it is asked."""

    def takes(self, number: int) -> Answer:
        said = "Message queued for sending via Interakt. Check webhook for delivery status"
        return says(201, {"result": True, "message": said, "id": id_of(number), "new": {"x": 1}})


def id_of(number: int) -> str:
    """Its id of the call with this number, from 1."""
    return str(UUID(int=number))


def set_up(settings: Any, fake: Fake) -> None:
    """Malar's settings for WhatsApp by this Interakt."""
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.INTERAKT_BASE_URL = fake.url
    settings.INTERAKT_API_KEY = KEY
    settings.INTERAKT_WEBHOOK_SECRET = SECRET
    settings.INTERAKT_WEBHOOK_SECRET_OLD = OLD_SECRET
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["interakt"]


def approved(message: Message, provider: str, ref: str) -> None:
    """The provider has approved the wording of this message, and calls it so."""
    TemplateApproval.objects.create(
        template=message.template, provider=provider, ref=ref, state="approved", category="utility"
    )


def signed(raw: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, "sha256").hexdigest()


def posts(raw: bytes, signature: str | None = None) -> int:
    """Interakt posts these bytes; the status it got."""
    given = signed(raw) if signature is None else signature
    answer = Client(enforce_csrf_checks=True).post(
        PATH, raw, content_type="application/json", HTTP_INTERAKT_SIGNATURE=given
    )
    return answer.status_code


def tells(event: dict[str, Any]) -> int:
    """Interakt tells an event; the status it got."""
    return posts(json.dumps(event).encode())


def status_of(
    named: str, call: str, kind: str, *, at: str = "05:43:33.237499", **more: Any
) -> dict[str, Any]:
    """An event about a message, as Interakt's page shows one."""
    return {
        "version": "1.0",
        "timestamp": f"2026-11-22T{at}",
        "type": kind,
        "data": {
            "customer": {
                "id": "52918eb3-bd00-4331-a51d-c4dcffee48d6",
                "channel_phone_number": "919876500000",
                "traits": {"name": "ராஜா", "whatsapp_opted_in": True},
            },
            "message": {
                "id": named,
                "chat_message_type": "PublicApiMessage",
                "channel_failure_reason": None,
                "message_status": "Sent",
                "received_at_utc": "2026-11-22T05:43:33.133000",
                "is_template_message": True,
                "raw_template": '{"name": "entry_receipt_1", "language": "ta"}',
                "channel_error_code": None,
                "message_content_type": "Template",
                "media_url": None,
                "message": '[{"type": "body", "parameters": [{"type": "text", "text": "ராஜா"}]}]',
                "meta_data": {
                    "source": "PublicInterakt",
                    "source_data": {"callback_data": call},
                    "message_cost": {"whatsapp_cost": "0.12", "interakt_markup": "0.2"},
                },
                **more,
            },
        },
    }


def tapped(named: str, call: str, words: str) -> dict[str, Any]:
    """A tap on a button of one of our messages."""
    event = status_of(named, call, "message_api_clicked", message_status="Read")
    event["data"]["message"]["meta_data"] |= {
        "click_type": "QR",
        "button_text": words,
        "button_link": "",
        "button_payload": {"payload": {"type": "QUICK_REPLY", "text": words}},
    }
    return event


def wrote(words: str | None, **more: Any) -> dict[str, Any]:
    """Something that a farmer wrote."""
    event = status_of("a-message-of-his", "", "message_received")
    event["data"]["message"] |= {
        "chat_message_type": "CustomerMessage",
        "message_content_type": "Text",
        "message": words,
        "is_template_message": False,
        "raw_template": None,
        "meta_data": {},
        **more,
    }
    return event
