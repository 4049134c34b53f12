"""Twilio on loopback: records what it is asked and misbehaves on command."""

import base64
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import structlog
from django.test import Client
from twilio.request_validator import RequestValidator

from notifications.domain import Approval
from notifications.models import MessageTemplate, TemplateApproval
from notifications.services import circuit, claims, sending, statuses
from tests.notifications.fakes import Answer as Answer
from tests.notifications.fakes import Fake, Handler, up
from tests.notifications.fakes import drops as drops
from tests.notifications.fakes import forget_connections as forget_connections
from tests.notifications.fakes import hangs as hangs
from tests.notifications.fakes import says as says

ACCOUNT = "AC" + "0" * 32
TOKEN, OLD_TOKEN = "the-present-token", "the-token-of-last-year"
PUBLIC = "https://malar.example"
CONTENT = "HX" + "1" * 32
FROM = "+14155550100"


@dataclass(frozen=True)
class Call:
    """What we were asked, and when."""

    path: str
    fields: dict[str, str]
    sign_in: str
    at: float

    @property
    def status_path(self) -> str:
        """Where it wants to be told, as a path."""
        return urlsplit(self.fields["StatusCallback"]).path

    @property
    def message_id(self) -> UUID:
        return UUID(self.status_path.split("/")[4])


def refuses(status: int, code: int, **headers: str) -> Answer:
    """Twilio's own way to refuse."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return says(status, {"code": code, "message": "no", "more_info": more, "status": status}, **headers)


class _Handler(Handler):
    def asked(self) -> Call:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        sign_in = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        return Call(self.path, fields, sign_in, time.monotonic())


class FakeTwilio(Fake):
    """Answers 201."""

    handler = _Handler
    calls: list[Call]

    def takes(self, number: int) -> Answer:
        sid = sid_of(number)
        return says(201, {"sid": sid, "status": "queued", "num_segments": "1", "new": {"x": 1}})


def sid_of(number: int) -> str:
    """The id of the call with this number, from 1."""
    return f"SM{number:032x}"


def fake_twilio() -> AbstractContextManager[FakeTwilio]:
    """Up, and down again at the end."""
    return up(FakeTwilio)


class Logs(list[dict[str, Any]]):
    """What the services said, as they said it."""

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self if line["event"] == event]


def listen(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """Hear what the services say instead of writing it down; loggers in use cannot be changed otherwise."""
    logs = Logs()

    def keep(_: Any, level: str, line: Any) -> Any:
        logs.append({**line, "level": level})
        raise structlog.DropEvent

    for module in (circuit, claims, sending, statuses):
        monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[keep]))
    return logs


def environment(fake: FakeTwilio) -> dict[str, str]:
    """Malar's settings for WhatsApp by this Twilio."""
    return {
        "MESSAGE_PROVIDER": "twilio_whatsapp",
        "PUBLIC_BASE_URL": PUBLIC,
        "TWILIO_BASE_URL": fake.url,
        "TWILIO_CONTENT_BASE_URL": fake.url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_AUTH_TOKEN_OLD": OLD_TOKEN,
        "TWILIO_WHATSAPP_FROM": FROM,
        "TWILIO_SMS_FROM": FROM,
    }


def set_up(settings: Any, fake: FakeTwilio) -> None:
    """The same in this process."""
    for name, value in environment(fake).items():
        setattr(settings, name, value)
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["twilio_whatsapp"]


def approve() -> None:
    """Twilio has approved every wording that is in use, each as a content of its own."""
    for number, wording in enumerate(MessageTemplate.objects.filter(is_active=True), start=1):
        TemplateApproval.objects.update_or_create(
            template=wording,
            provider="twilio_whatsapp",
            defaults={"state": Approval.APPROVED, "ref": f"HX{number:032x}"},
        )


def tells(path: str, fields: Mapping[str, str], *, token: str = TOKEN, url: str = "") -> int:
    """Twilio calls us back, and signs it with its own library; the status it got."""
    signed = RequestValidator(token).compute_signature(url or f"{PUBLIC}{path}", dict(fields))
    answer = Client().post(path, dict(fields), HTTP_X_TWILIO_SIGNATURE=signed)
    return answer.status_code


def status_of(sid: str, status: str, **fields: str) -> dict[str, str]:
    """The fields of a status callback, as Twilio sends them."""
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "ChannelPrefix": "whatsapp",
        "From": f"whatsapp:{FROM}",
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "To": "whatsapp:+919876500000",
        **fields,
    }
