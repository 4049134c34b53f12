"""The line that breaks breaks as it says, and is whole otherwise."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.offline.proxy import (
    BLACKHOLE,
    DROP_RESPONSE,
    PASS,
    PORTAL,
    REFUSE,
    Proxy,
    after,
    cut,
    instead,
    rewrite,
    slow,
    stall,
)


class Book(BaseHTTPRequestHandler):
    """Writes down every body; answers with how many there are."""

    protocol_version = "HTTP/1.1"
    lines: list[bytes] = []

    def do_POST(self) -> None:
        self.lines.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def do_GET(self) -> None:
        body = json.dumps({"lines": len(self.lines), "fill": "x" * 3000}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 1000):
                part = body[start : start + 1000]
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    Book.lines = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Book)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    line = Proxy(server.server_address[1])
    yield line
    line.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def link(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=0.5)
    yield opened
    opened.close()


def post(link: http.client.HTTPConnection, path: str = "/") -> tuple[int, bytes]:
    link.request("POST", path, b"12.5")
    answer = link.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("path", ["/", "/chunked"])
def test_a_whole_line_passes_on_and_keeps_its_socket(
    proxy: Proxy, link: http.client.HTTPConnection, path: str
) -> None:
    for lines in (1, 2, 3):
        status, body = post(link, path)
        assert (status, json.loads(body)["lines"]) == (200, lines)
    assert [request.is_warm for request in proxy.seen] == [False, True, True]
    assert [(request.method, request.body, request.reached) for request in proxy.seen] == [
        ("POST", b"12.5", True)
    ] * 3


def test_refused_means_that_nobody_listens_and_the_port_comes_back(
    proxy: Proxy, link: http.client.HTTPConnection
) -> None:
    post(link)
    with proxy.broken(REFUSE):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            post(link)  # the open socket has died
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port))
    link.close()
    assert post(link)[0] == 200
    assert len(Book.lines) == 2


def test_a_black_hole_takes_everything_and_answers_nothing(
    proxy: Proxy, link: http.client.HTTPConnection
) -> None:
    with proxy.broken(BLACKHOLE), pytest.raises(TimeoutError):
        post(link)
    assert Book.lines == []
    assert not proxy.seen[0].reached


@pytest.mark.parametrize("is_warm", [False, True])
def test_a_lost_answer_is_lost_after_the_server_acted(
    proxy: Proxy, link: http.client.HTTPConnection, is_warm: bool
) -> None:
    if is_warm:
        post(link)
    proxy.set(DROP_RESPONSE, keep_sockets=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        post(link)
    assert len(Book.lines) == 1 + is_warm
    assert proxy.seen[-1].is_warm == is_warm


def test_an_answer_is_cut_or_stalls_where_it_is_told(proxy: Proxy, link: http.client.HTTPConnection) -> None:
    proxy.on("/", cut(500), times=1)
    with pytest.raises(http.client.IncompleteRead):
        post(link)
    link.close()
    proxy.on("/", cut(0), times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        post(link)
    link.close()
    proxy.on("/", stall(500), times=1)
    link.request("POST", "/", b"12.5")
    answer = link.getresponse()  # the head is there
    with pytest.raises(TimeoutError):
        answer.read()
    assert len(Book.lines) == 3


def test_a_slow_line_takes_its_time(proxy: Proxy, link: http.client.HTTPConnection) -> None:
    proxy.set(slow(0.05, size=1000))
    began = time.monotonic()
    status, body = post(link)
    assert (status, json.loads(body)["lines"]) == (200, 1)
    assert 0.15 <= time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    ("fault", "status", "lines"),
    [
        (instead(500), 500, 0),
        (after(500), 500, 1),
        (instead(302, headers={"Location": "/accounts/login/"}), 302, 0),
        (instead(413, "{}"), 413, 0),
        (instead(426, "{}"), 426, 0),
        (instead(503, headers={"Retry-After": "20"}), 503, 0),
        (PORTAL, 200, 0),
    ],
)
def test_somebody_else_answers_before_or_after_the_server_acted(
    proxy: Proxy, link: http.client.HTTPConnection, fault: object, status: int, lines: int
) -> None:
    proxy.on("^/sync/", fault, method="POST", times=1)  # type: ignore[arg-type]
    link.request("POST", "/sync/v1/ops/", b"12.5")
    answer = link.getresponse()
    assert (answer.status, len(Book.lines)) == (status, lines)
    if status == 503:
        assert answer.headers["Retry-After"] == "20"
    if status == 302:
        assert answer.headers["Location"] == "/accounts/login/"
    answer.read()
    assert post(link, "/sync/v1/ops/")[0] == 200  # once is over, and the socket lives


@pytest.mark.parametrize("path", ["/", "/chunked"])
def test_an_answer_is_rewritten(proxy: Proxy, link: http.client.HTTPConnection, path: str) -> None:
    proxy.on(".", rewrite(lambda body: body.replace(b'"lines": 1', b'"lines": 1000')))
    _, body = post(link, path)
    assert json.loads(body)["lines"] == 1000


def test_only_what_matches_breaks_and_clearing_makes_it_whole(
    proxy: Proxy, link: http.client.HTTPConnection
) -> None:
    proxy.on("^/a", instead(500))
    assert [post(link, path)[0] for path in ("/a", "/b", "/a")] == [500, 200, 500]
    assert len(proxy.asked("^/a", "POST")) == 2
    proxy.clear()
    link.close()
    assert post(link, "/a")[0] == 200
    assert proxy._fault is PASS
