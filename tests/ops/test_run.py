"""`make run` as somebody at a terminal meets it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from malar.ops.embedded import Postgres, Redis, free_port
from malar.ops.state import state_folder

pytestmark = pytest.mark.race

ROOT = Path(__file__).resolve().parent.parent.parent
GIVEN = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "JWT_PRIVATE_KEY_FILE",
    "SEAL_PRIVATE_KEY_FILE",
    "DJANGO_SETTINGS_MODULE",
)
BARE = {name: value for name, value in os.environ.items() if name not in GIVEN}


@dataclass
class Terminal:
    """A running `make run` and what it has printed so far."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)

    def read_until(self, start: str) -> str:
        """The next line that starts so; fails when the run ends without it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(start):
                return self.lines[-1]
        raise AssertionError("\n".join(self.lines))

    def ask(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            body: dict[str, object] = json.load(answer)
        return body


@contextmanager
def run(home: Path, **extra: str) -> Iterator[Terminal]:
    """`make run` in this folder, ended with Ctrl-C if it still runs."""
    port = free_port(0)
    environment = BARE | {"MALAR_HOME": str(home), "PORT": str(port)} | extra
    process = subprocess.Popen(
        [sys.executable, "-m", "malar.ops.supervisor"],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Terminal(process, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A state folder in which Malar has run once already."""
    folder = state_folder(os.environ) / f"run-tests-{os.getpid()}"
    with run(folder, DEMO_PASSWORD="jasmine before dawn") as terminal:
        terminal.read_until("ready")
    yield folder
    shutil.rmtree(folder)


def test_the_terminal_shows_the_sign_ins_and_when_it_is_ready(home: Path) -> None:
    with run(home) as terminal:
        terminal.read_until("ready")
        assert terminal.lines == [
            "admin@malar.demo  jasmine before dawn",
            "staff@malar.demo  jasmine before dawn",
            "farmer@malar.demo  jasmine before dawn",
            f"ready http://127.0.0.1:{terminal.port}",
        ]
        states = terminal.ask("/readyz")
        assert {part: states[part] for part in ("database", "redis", "worker", "dispatcher")} == {
            "database": "ok",
            "redis": "ok",
            "worker": "ok",
            "dispatcher": "ok",
        }


def test_a_ctrl_c_stops_everything_without_a_traceback(home: Path) -> None:
    with run(home) as terminal:
        terminal.read_until("ready")
        terminal.process.send_signal(signal.SIGINT)
        rest, _ = terminal.process.communicate(timeout=60)
    assert (rest, terminal.process.returncode) == ("stopped\n", 0)
    assert not Postgres(home).is_up()
    assert not Redis(home).is_up()


def test_after_a_kill_the_next_run_takes_over(home: Path) -> None:
    with run(home) as killed:
        killed.read_until("ready")
        killed.process.kill()
        killed.process.wait()
        # Its web server still holds the port, its database runs; both are no obstacle.
        with run(home, PORT=str(killed.port)) as terminal:
            terminal.read_until(f"ready http://127.0.0.1:{killed.port}")
    assert not Postgres(home).is_up()


def test_a_worker_that_is_killed_comes_back(home: Path) -> None:
    with run(home) as terminal:
        terminal.read_until("ready")
        children = json.loads((home / "children.txt").read_text())
        os.kill(children[-1], signal.SIGKILL)
        assert terminal.read_until("worker stopped").startswith("worker stopped and is started again: ")
        deadline = time.monotonic() + 30
        while json.loads((home / "children.txt").read_text())[-1] == children[-1]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_management_command_uses_the_servers_of_the_run(home: Path) -> None:
    with run(home) as terminal:
        terminal.read_until("ready")
        asked = "from malar.accounts.models import Shop; print(Shop.objects.count())"
        manage = [
            "-m",
            "malar.ops.embedded",
            "run",
            "--",
            sys.executable,
            "manage.py",
            "shell",
            "-v",
            "0",
            "-c",
        ]
        answer = subprocess.check_output(
            [sys.executable, *manage, asked], cwd=ROOT, env=BARE | {"MALAR_HOME": str(home)}, text=True
        )
        assert answer == "1\n"
        assert Postgres(home).is_up()


def test_what_the_run_cannot_do_it_says_in_one_line(home: Path) -> None:
    for extra, line in (
        ({"PORT": "web"}, "PORT is 'web'; "),
        (
            {"DATABASE_URL": "postgres://m:x@127.0.0.1:9/shop"},
            "DATABASE_URL: 127.0.0.1/shop cannot be used: ",
        ),
        ({"REDIS_URL": "redis://127.0.0.1:9/0"}, "REDIS_URL: 127.0.0.1/0 cannot be used: "),
        ({"MALAR_HOME": str(ROOT / "manage.py")}, "Cannot use "),
    ):
        with run(home, **extra) as terminal:
            said, _ = terminal.process.communicate(timeout=60)
        assert re.fullmatch(rf"{re.escape(line)}.*\n", said), said
        assert terminal.process.returncode == 1
