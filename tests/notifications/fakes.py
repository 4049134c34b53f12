"""A provider on loopback: records what it is asked and misbehaves on command. What all of them share."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar

from notifications.providers import http

Answer = Callable[["Handler"], None]


def says(status: int, body: Mapping[str, Any] | str, **headers: str) -> Answer:
    """An answer: JSON for a mapping, HTML for a text."""

    def answer(handler: "Handler") -> None:
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


def hangs(seconds: float) -> Answer:
    """Takes the request and says nothing for so long."""

    def answer(handler: "Handler") -> None:
        handler.server.fake.released.wait(seconds)
        handler.close_connection = True

    return answer


def drops(handler: "Handler") -> None:
    """Takes the request and hangs up."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


@dataclass(frozen=True)
class Asked:
    """What we were asked, and when."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float

    @property
    def body(self) -> Any:
        """The JSON of it."""
        return json.loads(self.raw)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def asked(self) -> Any:
        """This request, as the provider keeps it."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Asked(self.command, self.path, headers, raw, time.monotonic())

    def do_POST(self) -> None:
        self.server.fake.answer_to(self.asked())(self)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Nothing: the calls are kept."""


class Fake:
    """Takes what it is asked unless `will` said otherwise of the next calls, or `always` of all others."""

    handler: ClassVar[type[Handler]] = Handler

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.planned: deque[Answer] = deque()
        self.always: Answer | None = None
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.port = 0
        self.listen_again()

    def takes(self, number: int) -> Answer:
        """The usual answer to the call with this number, from 1."""
        raise NotImplementedError

    def listen_again(self) -> None:
        """Come up, at the same port as before."""
        self.server = _Server(("127.0.0.1", self.port), self.handler)
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

    def answer_to(self, call: Any) -> Answer:
        with self.lock:
            self.calls.append(call)
            number = len(self.calls)
            if self.planned:
                return self.planned.popleft()
        return self.always or self.takes(number)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: Fake

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        taken, address = super().get_request()
        self.connections.append(taken)
        return taken, address

    def handle_error(self, *_: object) -> None:
        """A caller that is gone is what some of the tests are about."""


F = TypeVar("F", bound=Fake)


@contextmanager
def up(kind: type[F]) -> Iterator[F]:
    """Up, and down again at the end."""
    fake = kind()
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
