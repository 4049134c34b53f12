"""`make run`: how processes are kept alive, and what the terminal says."""

import asyncio
import fcntl
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from malar.ops import supervisor
from malar.ops.embedded import free_port
from malar.ops.state import CannotStartError
from malar.ops.supervisor import Child


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0)
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 1)


def python(script: str) -> list[str]:
    return [sys.executable, "-u", "-c", script]


async def keep(child: Child, home: Path, started: Callable[[], None] = lambda: None) -> None:
    with (home / "lifeline").open("w") as lifeline:
        await child.keep_alive(os.environ, lifeline.fileno(), started)


def test_a_process_that_dies_is_started_again_and_that_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = f"import pathlib, time\nseen = pathlib.Path({str(home / 'seen')!r})\n" + (
        "if seen.exists(): time.sleep(60)\nseen.touch()\nprint('out of flowers')"
    )

    async def scenario() -> None:
        child = Child("worker", python(script), home)
        starts: list[int | None] = []
        kept = asyncio.create_task(keep(child, home, lambda: starts.append(child.pid)))
        while len(starts) < 2:
            await asyncio.sleep(0.01)
        await child.stop(patience=5)
        await kept

    asyncio.run(scenario())
    said = f"worker stopped and is started again: out of flowers (see {home}/log/worker.log)\n"
    assert capsys.readouterr().out == said
    assert (home / "log/worker.log").read_text() == "out of flowers\n"


def test_a_process_that_keeps_dying_ends_the_run_with_its_last_word(home: Path) -> None:
    child = Child("worker", python("print('no such table')"), home)
    with pytest.raises(CannotStartError, match="worker stopped 5 times within a minute: no such table"):
        asyncio.run(keep(child, home))


def test_a_process_that_does_not_want_to_end_is_made_to_with_its_children(home: Path) -> None:
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\nif child: print(child)\ntime.sleep(60)"
    )

    async def scenario() -> None:
        child = Child("worker", python(script), home)
        kept = asyncio.create_task(keep(child, home))
        while not (text := (home / "log/worker.log").read_text()):
            await asyncio.sleep(0.01)
        await child.stop(patience=0.2)
        await kept
        deadline = time.monotonic() + 5
        while Path(f"/proc/{int(text)}/exe").exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("line", "is_bad", "gist"),
    [
        ('{"event": "request_started", "level": "info"}', False, "request_started"),
        ('{"event": "broker_away", "level": "error"}', True, "broker_away"),
        (
            '{"event": "failed", "level": "error", "exception": "Traceback\\n  File\\nValueError: no"}',
            True,
            "failed: ValueError: no",
        ),
        ("[INFO] Listening at: http://127.0.0.1:8000", False, "[INFO] Listening at: http://127.0.0.1:8000"),
        ("[ERROR] Unexpected exit from worker-1", True, "[ERROR] Unexpected exit from worker-1"),
        ("django.db.utils.OperationalError: gone", True, "django.db.utils.OperationalError: gone"),
        ('  File "x.py", line 1, in <module>', False, 'File "x.py", line 1, in <module>'),
        ("{ not json", False, "{ not json"),
    ],
)
def test_only_bad_news_reaches_the_terminal(line: str, is_bad: bool, gist: str) -> None:
    assert supervisor.judge(line) == (is_bad, gist)


@pytest.fixture
def answers() -> Iterator[dict[str, object]]:
    """What /readyz says, at `port`."""
    said: dict[str, object] = {}

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        said["port"] = server.server_port
        threading.Thread(target=server.serve_forever).start()
        yield said
        server.shutdown()


def all_well(**ages: int) -> dict[str, object]:
    parts = dict.fromkeys(("database", "migrations", "redis", "worker", "dispatcher"), "ok")
    return {**parts, "ages": {"worker": 0, "dispatcher": 0, **ages}}


def test_it_is_ready_when_each_part_says_so(answers: dict[str, object]) -> None:
    port = answers["port"]
    assert isinstance(port, int)
    answers |= all_well()
    assert supervisor.unready(port, 3) == ""
    answers |= {"redis": "away", "events": "behind"}
    assert supervisor.unready(port, 3) == "redis away"


def test_a_sign_of_life_from_the_run_before_does_not_count(answers: dict[str, object]) -> None:
    port = answers["port"]
    assert isinstance(port, int)
    answers |= all_well(worker=20)
    assert supervisor.unready(port, 3) == "worker late"
    assert supervisor.unready(port, 30) == ""


def test_it_is_not_ready_while_nobody_answers() -> None:
    assert supervisor.unready(free_port(0), 0) == "the web server does not answer"


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_said(text: str) -> None:
    with pytest.raises(CannotStartError, match=r"PORT is .*; it should be a number from 1 to 65535"):
        supervisor.web_port({"PORT": text})


def test_the_port_is_8000_unless_told_otherwise() -> None:
    assert supervisor.web_port({}) == 8000
    assert supervisor.web_port({"PORT": "8080"}) == 8080


def test_a_busy_port_proposes_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(
            CannotStartError, match=rf"^Port {port} is in use. Take another one: make run PORT=\d+$"
        ):
            supervisor.claim(port)


def test_a_second_run_in_the_same_folder_is_told_where_the_first_is(home: Path) -> None:
    port = free_port(0)
    with (
        supervisor.only_run(home, port),
        pytest.raises(CannotStartError, match=rf"already runs at http://127\.0\.0\.1:{port} "),
        supervisor.only_run(home, port),
    ):
        pass


def test_processes_of_a_killed_run_are_ended_by_the_next(home: Path) -> None:
    with (home / "children.lock").open("a+") as lifeline:
        orphan = leave_orphan(lifeline)
    began = time.monotonic()
    with supervisor.only_run(home, free_port(0)):
        assert os.waitpid(orphan, 0)[1] == signal.SIGTERM
    assert time.monotonic() - began < 5


def test_a_stranger_with_the_id_of_a_process_of_old_is_let_live(home: Path) -> None:
    with (home / "children.lock").open("a+") as lifeline:
        orphan = leave_orphan(lifeline)
        stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
        supervisor.note(lifeline, json.dumps([stranger.pid, orphan]))
    with supervisor.only_run(home, free_port(0)):
        assert os.waitpid(orphan, 0)[1] == signal.SIGTERM
    assert stranger.poll() is None
    stranger.communicate()


def test_whoever_reads_the_list_of_processes_finds_it_whole(home: Path) -> None:
    lists = [list(range(10_000, 10_000 + length)) for length in (0, 3, 1, 7, 2)]
    told = threading.Event()

    def tell() -> None:
        while not told.is_set():
            for pids in lists:
                supervisor.note(lifeline, json.dumps(pids))

    with (home / "children.lock").open("a+") as lifeline:
        supervisor.note(lifeline, "[]")
        writer = threading.Thread(target=tell)
        writer.start()
        try:
            assert all(json.loads(supervisor.noted(lifeline)) in lists for _ in range(2000))
        finally:
            told.set()
            writer.join()


def leave_orphan(lifeline: IO[str]) -> int:
    """A process in a group of its own that holds the lock, noted as a run notes its children."""
    fcntl.flock(lifeline, fcntl.LOCK_EX)
    os.set_inheritable(lifeline.fileno(), True)
    pid = os.posix_spawn(sys.executable, python("import time; time.sleep(60)"), os.environ, setpgroup=0)
    supervisor.note(lifeline, json.dumps([pid]))
    return pid
