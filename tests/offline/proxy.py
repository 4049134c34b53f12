"""A line that breaks on purpose: it stands between a browser and a server, on this machine only.

`Proxy(port)` listens on a port of its own and passes on what is asked. `set(fault)` breaks the whole line,
`on(pattern, fault)` only what is asked at matching paths. What breaks in the network (refused, swallowed, cut,
slow, the answer lost) happens to real sockets; what servers and walls in between say wrongly (500, 302, 413,
426, a hotel's page with 200) is an answer put in the place of the real one, before or after the server acted.
"""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

BLOCK = 65_536


@dataclass(frozen=True)
class Fault:
    """What happens to a request. Made by the names below."""

    kind: str
    size: int = 0
    seconds: float = 0
    answer: bytes = b""
    change: Callable[[bytes], bytes] = bytes


PASS = Fault("pass")
REFUSE = Fault("refuse")
"""Nobody listens: the browser knows at once. For the whole line only."""
BLACKHOLE = Fault("blackhole")
"""Taken, and never answered: what full bars without a network look like."""
DROP_RESPONSE = Fault("drop")
"""The server acts; the socket dies before a byte of its answer comes through."""


def http_answer(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """An answer as it travels."""
    lines = [f"HTTP/1.1 {status} -"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Type": "text/html"} | dict(headers)).items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def cut(size: int) -> Fault:
    """The socket dies after so many bytes of the answer, head included."""
    return Fault("cut", size=size)


def stall(size: int) -> Fault:
    """After so many bytes of the answer nothing more comes, and the socket stays open."""
    return Fault("stall", size=size)


def slow(seconds: float, size: int = 1024) -> Fault:
    """So many seconds before every `size` bytes of the answer."""
    return Fault("slow", size=size, seconds=seconds)


def instead(status: int, body: str = "", headers: Mapping[str, str] | None = None) -> Fault:
    """Somebody in between answers; the server hears nothing."""
    return Fault("instead", answer=http_answer(status, body.encode(), headers or {}))


def after(status: int, body: str = "", headers: Mapping[str, str] | None = None) -> Fault:
    """The server acts, and this comes back instead of its answer."""
    return Fault("after", answer=http_answer(status, body.encode(), headers or {}))


def rewrite(change: Callable[[bytes], bytes]) -> Fault:
    """The server's answer with another body."""
    return Fault("rewrite", change=change)


PORTAL = instead(200, "<html><title>Hotel</title>Please pay.", {"Content-Type": "text/html"})
"""The wall of a captive portal: cheerful, and not ours."""


@dataclass
class Request:
    """A request that came, and how far it got."""

    method: str
    path: str
    head: bytes
    body: bytes
    is_warm: bool
    """Not the first on its socket."""
    reached: bool = False
    """The server has got it, whatever became of the answer."""
    at: float = field(default_factory=time.monotonic)
    """When it came, in seconds."""


@dataclass
class Rule:
    pattern: re.Pattern[str]
    fault: Fault
    method: str | None
    times: int | None = None
    longer: int = 0


@dataclass
class Proxy:
    """The line to the server at `upstream`, a port of this machine."""

    upstream: int
    port: int = 0
    seen: list[Request] = field(default_factory=list)
    """Everything that came, in order."""

    def __post_init__(self) -> None:
        self._fault = PASS
        self._rules: list[Rule] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, fault: Fault, *, keep_sockets: bool = False) -> None:
        """From now on this happens to everything. Open sockets die, else they would go on as before;
        with `keep_sockets` the next request on them meets the fault."""
        self._fault = fault
        if fault is REFUSE:
            self._deafen()
        elif self._listener is None:
            self._listen()
        if not keep_sockets:
            self.kill_sockets()

    def on(
        self,
        pattern: str,
        fault: Fault,
        *,
        method: str | None = None,
        times: int | None = None,
        longer: int = 0,
    ) -> None:
        """This happens to requests whose path (with its query) matches and whose body has at least `longer` bytes,
        `times` times or until `clear()`. Of several that match, the one said last counts."""
        with self._lock:
            self._rules.append(Rule(re.compile(pattern), fault, method, times, longer))

    def clear(self) -> None:
        """The line is whole again; what was seen is kept."""
        with self._lock:
            self._rules.clear()
        self.set(PASS)

    @contextlib.contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """Broken inside, whole after."""
        self.set(fault)
        try:
            yield
        finally:
            self.set(PASS)

    def asked(self, pattern: str, method: str | None = None) -> list[Request]:
        """What came so far at matching paths."""
        return [
            request
            for request in self.seen
            if re.search(pattern, request.path) and method in {None, request.method}
        ]

    def kill_sockets(self) -> None:
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._deafen()
        self.kill_sockets()

    # --- Sockets --------------------------------------------------------------------------------

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _deafen(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._sockets.add(client)
        try:
            stream = client.makefile("rb")
            is_warm = False
            while (request := read_request(stream, is_warm=is_warm)) and self._answer(client, request):
                is_warm = True
        except (OSError, ValueError):
            pass  # the browser hung up
        finally:
            with self._lock:
                self._sockets.discard(client)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    # --- One request ----------------------------------------------------------------------------

    def _fault_for(self, request: Request) -> Fault:
        with self._lock:
            for rule in reversed(self._rules):
                fits = rule.pattern.search(request.path) and rule.method in {None, request.method}
                if fits and rule.times != 0 and len(request.body) >= rule.longer:
                    rule.times = None if rule.times is None else rule.times - 1
                    return rule.fault
        return self._fault

    def _answer(self, client: socket.socket, request: Request) -> bool:
        """Do to a request what is to be done; whether the socket may be used again."""
        fault = self._fault_for(request)
        with self._lock:
            self.seen.append(request)
        if fault is REFUSE:
            return False  # it had come through before
        if fault.kind == "blackhole":
            _wait_for_end(client)
            return False
        if fault.kind == "instead":
            client.sendall(fault.answer)
            return True
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            server.sendall(_for_server(request, plain=fault.kind == "rewrite"))
            request.reached = True
            first = server.recv(BLOCK)
            if fault.kind == "drop":
                _read_all(server)  # the server finishes
                return False
            head, first = _read_head(server, first)
            if fault.kind in {"after", "rewrite"}:
                body = _read_all(server, first)
                client.sendall(
                    fault.answer
                    if fault.kind == "after"
                    else _with_body(head, fault.change(_plain(head, body)))
                )
                return True
            self._pass_on(client, server, fault, head, first)
        return fault.kind in {"pass", "slow"} and _has_end(request, head)

    def _pass_on(
        self, client: socket.socket, server: socket.socket, fault: Fault, head: bytes, first: bytes
    ) -> None:
        """The answer as it comes, as far as the fault lets it."""
        sent, block = 0, _without(head, b"connection", b"keep-alive") + first
        while block:
            if fault.kind in {"cut", "stall"}:
                block = block[: fault.size - sent]
            size = fault.size if fault.kind == "slow" else len(block)
            for start in range(0, len(block), max(size, 1)):
                time.sleep(fault.seconds)  # the slow line itself; every other fault has 0
                client.sendall(block[start : start + size])
            sent += len(block)
            if fault.kind in {"cut", "stall"} and sent >= fault.size:
                break
            block = server.recv(BLOCK)
        if fault.kind == "stall":
            _wait_for_end(client)


# --- HTTP/1.1, as little of it as browsers and Django speak ---------------------------------------


def read_request(stream: BinaryIO, *, is_warm: bool = False) -> Request | None:
    """The next request; None when there is none. Raises ValueError for what is not HTTP."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(BLOCK)
        if not line:
            return None
        head += line
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    body = stream.read(int(_header(head, b"content-length") or 0))
    return Request(method, path, head, body, is_warm)


def _header(head: bytes, name: bytes) -> bytes | None:
    found = re.search(rb"(?im)^" + re.escape(name) + rb":[ \t]*([^\r\n]*)", head)
    return found[1] if found else None


def _without(head: bytes, *names: bytes) -> bytes:
    return re.sub(rb"(?im)^(?:" + rb"|".join(map(re.escape, names)) + rb"):[^\r\n]*\r\n", b"", head)


def _for_server(request: Request, *, plain: bool) -> bytes:
    """One request to a socket, so that its answer ends where the server closes."""
    # Plain: the whole answer, to be rewritten.
    packed = [b"accept-encoding", b"if-none-match", b"if-modified-since"] if plain else []
    return (
        _without(request.head, b"connection", b"keep-alive", *packed)[:-2]
        + b"Connection: close\r\n\r\n"
        + request.body
    )


def _read_head(server: socket.socket, got: bytes) -> tuple[bytes, bytes]:
    """The head of an answer, and what has come of its body."""
    while b"\r\n\r\n" not in got:
        block = server.recv(BLOCK)
        if not block:
            raise ValueError("The server has hung up.")
        got += block
    head, _, rest = got.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _read_all(server: socket.socket, got: bytes = b"") -> bytes:
    blocks = [got]
    while block := server.recv(BLOCK):
        blocks.append(block)
    return b"".join(blocks)


def _plain(head: bytes, body: bytes) -> bytes:
    """A body without its chunks."""
    if (_header(head, b"transfer-encoding") or b"").lower() != b"chunked":
        return body
    plain = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        plain, body = plain + body[:length], body[length + 2 :]
        if not length:
            break
    return plain


def _with_body(head: bytes, body: bytes) -> bytes:
    head = _without(head, b"connection", b"keep-alive", b"content-length", b"transfer-encoding", b"etag")
    return head[:-2] + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _has_end(request: Request, head: bytes) -> bool:
    """Whether a browser sees where this answer ends without the socket being closed."""
    status = head.split(b" ", 2)[1]
    is_framed = _header(head, b"content-length") or _header(head, b"transfer-encoding")
    return request.method == "HEAD" or status in {b"204", b"304"} or bool(is_framed)


def _wait_for_end(client: socket.socket) -> None:
    """Swallow what comes until the socket is closed."""
    while client.recv(BLOCK):
        pass
