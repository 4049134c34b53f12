"""Twilio on loopback: records what it is asked and misbehaves on command."""

import base64
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import structlog
from django.test import Client
from twilio.request_validator import RequestValidator

from notifications.domain import Approval
from notifications.models import MessageTemplate, TemplateApproval
from notifications.providers import http
from notifications.services import circuit, claims, sending, statuses

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


Answer = Callable[["_Handler"], None]


def says(status: int, body: Mapping[str, Any] | str, **headers: str) -> Answer:
    """An answer: JSON for a mapping, HTML for a text."""

    def answer(handler: "_Handler") -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        raw = text.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(raw)

    return answer


def refuses(status: int, code: int, **headers: str) -> Answer:
    """Twilio's own way to refuse."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return says(status, {"code": code, "message": "no", "more_info": more, "status": status}, **headers)


def hangs(seconds: float) -> Answer:
    """Takes the request and says nothing for so long."""

    def answer(handler: "_Handler") -> None:
        handler.server.fake.released.wait(seconds)
        handler.close_connection = True

    return answer


def drops(handler: "_Handler") -> None:
    """Takes the request and hangs up."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


class FakeTwilio:
    """Answers 201 unless `will` said otherwise of the next calls, or `always` of all others."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.planned: deque[Answer] = deque()
        self.always: Answer | None = None
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.port = 0
        self.listen_again()

    def listen_again(self) -> None:
        """Come up, at the same port as before."""
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.fake = self
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop_listening(self) -> None:
        """From now on connections are refused; those that stand are let go."""
        self.server.shutdown()
        self.server.server_close()
        for each in self.server.connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will(self, *answers: Answer) -> None:
        self.planned.extend(answers)

    def close(self) -> None:
        """For good."""
        self.released.set()
        self.stop_listening()

    def answer_to(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            sid = sid_of(len(self.calls))
            if self.planned:
                return self.planned.popleft()
        return self.always or says(
            201, {"sid": sid, "status": "queued", "num_segments": "1", "new": {"x": 1}}
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeTwilio

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        taken, address = super().get_request()
        self.connections.append(taken)
        return taken, address

    def handle_error(self, *_: object) -> None:
        """A caller that is gone is what some of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        sign_in = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        self.server.fake.answer_to(Call(self.path, fields, sign_in, time.monotonic()))(self)

    def log_message(self, *_: object) -> None:
        """Nothing: the calls are kept."""


def sid_of(number: int) -> str:
    """The id of the call with this number, from 1."""
    return f"SM{number:032x}"


@contextmanager
def fake_twilio() -> Iterator[FakeTwilio]:
    """Up, and down again at the end."""
    fake = FakeTwilio()
    try:
        yield fake
    finally:
        fake.close()
        forget_connections()


def forget_connections() -> None:
    """Let this process's client begin anew."""
    for client in http._clients.values():
        client.close()
    http._clients.clear()


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
