"""A provider on loopback for `bench messages`, a process of its own: answers in 50 ms and takes 80 messages a second.

Speaks as much Twilio as a send needs. `GET /calls` says which message it was called for and when; its first line of
output is its port.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ANSWERS_IN_S, A_SECOND = 0.05, 80


class Provider(ThreadingHTTPServer):
    """What it was called for, and when the next message may be taken."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.calls: list[tuple[str, float]] = []
        self.free_at = 0.0

    def take(self, message: str) -> float:
        """Note a call; the seconds until it is answered."""
        now = time.time()
        with self.lock:
            self.calls.append((message, now))
            self.free_at = max(self.free_at + 1 / A_SECOND, now)
            return max(self.free_at - now, 0.0) + ANSWERS_IN_S


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Head and body in one piece: in two, the second waits 40 ms for the word that the first is there.
    wbufsize = -1
    server: Provider

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        back = urlsplit(parse_qs(raw)["StatusCallback"][0]).path
        message, attempt = back.split("/")[4:6]
        # What it is there for: an answer takes its time, and so many a second.
        time.sleep(self.server.take(message))
        self._say(201, {"sid": f"SM{message.replace('-', '')}{attempt}", "status": "queued"})

    def do_GET(self) -> None:
        with self.server.lock:
            calls, self.server.calls = self.server.calls, []
        self._say(200, calls)

    def _say(self, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Nothing: the calls are kept."""


if __name__ == "__main__":
    provider = Provider()
    sys.stdout.write(f"{provider.server_address[1]}\n")
    sys.stdout.flush()
    provider.serve_forever(0.05)
