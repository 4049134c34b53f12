"""A provider's pages on loopback: it answers what it was told to, by method and path, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: its query, and its body where that is JSON."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    sign_in: str


@dataclass
class Loopback:
    """`says[method, path]` is a status and a body; what is not there is not found."""

    says: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Up, and down again at the end."""
    known = Loopback()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = json.loads(raw) if raw else None
            known.asked.append(
                Asked(self.command, url.path, query, body, self.headers.get("Authorization", ""))
            )
            status, said = known.says.get((self.command, url.path), (404, {"code": 20404, "message": "no"}))
            answer = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing: the requests are kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
