"""`make run`: servers, tables, demo, static files; then web, dispatcher, workers and beat until Ctrl-C.

    python -m malar.ops.supervisor

The terminal stays quiet: the sign-ins, `ready http://127.0.0.1:PORT`, and what goes wrong. Everything
else is in MALAR_HOME/log. A process that dies is started again after a second; one that dies five
times within a minute ends the run. Reads PORT, MALAR_HOME, DEMO_PASSWORD, DATABASE_URL, REDIS_URL.
"""

import asyncio
import contextlib
import errno
import fcntl
import http.client
import json
import logging
import logging.handlers
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from malar.ops.embedded import Stack, servers
from malar.ops.messages import compile_messages
from malar.ops.prepare import ROOT, SIGN_INS, has_demo, prepare
from malar.ops.state import CannotStartError, Memory, given, in_one_line, make_folder, state_folder

READY_SECONDS = 120
STOP_SECONDS = 10
RESTART_SECONDS = 1
LOOK_SECONDS = 5
DEATHS, DEATHS_WITHIN_SECONDS = 5, 60
LOG_BYTES = 5_000_000
BAD_NEWS = re.compile(r"\b(ERROR|CRITICAL)\b|^[\w.]*(Error|Exception)\b")


# One web process with threads: it starts in half the time of two and needs half the memory, and a
# shop's requests wait for the database, not for Python.
GRANIAN = ("--interface", "wsgi", "--workers", "1", "--blocking-threads", "8", "--no-ws", "--http", "1")


def say(line: str) -> None:
    """A line on the terminal, at once."""
    print(line, flush=True)


def children(home: Path, port: int) -> list["Child"]:
    """What runs beside the servers, in the order in which it is stopped."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "malar.celery"]
    # Worker processes talk through shared memory, which a chroot may not have; threads do without.
    pool = "prefork" if os.access("/dev/shm", os.W_OK) else "threads"  # noqa: S108 - only looked at
    # Neither has anything to tell the other: gossip and mingle would only make them wait.
    worker = [*celery, "worker", "--pool", pool, "--without-gossip", "--without-mingle"]
    argvs = {
        "web": [python, "-m", "granian", *GRANIAN, "--port", str(port), "malar.wsgi:application"],
        "dispatcher": [python, "manage.py", "dispatch", "--skip-checks"],
        "beat": [*celery, "beat", "--schedule", str(home / "beat-schedule"), "--pidfile", ""],
        # Settlement runs take minutes: they have a worker of their own (architecture §5.16).
        "jobs": [*worker, "--queues", "jobs", "--concurrency", "1", "--hostname", "jobs@%h"],
        "worker": [*worker, "--queues", "default,send", "--concurrency", "2"],
    }
    return [Child(name, argv, home) for name, argv in argvs.items()]


# --- One process -----------------------------------------------------------------------------


class Child:
    """One process of Malar, kept alive until it is told to stop."""

    def __init__(self, name: str, argv: Sequence[str], home: Path) -> None:
        self.name = name
        self.argv = argv
        self.log = home / f"log/{name}.log"
        self.pid: int | None = None
        self._stopping = False
        self._ended = asyncio.Event()
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._last_line = ""
        self._file = logging.handlers.RotatingFileHandler(self.log, maxBytes=LOG_BYTES, backupCount=1)

    async def keep_alive(
        self, environment: Mapping[str, str], lifeline: int, started: Callable[[], None]
    ) -> None:
        """Start it, and again whenever it dies. Raises CannotStartError when that is pointless."""
        while not self._stopping:
            # A session of its own: Ctrl-C is for us, who then stop the processes in order. The lock it
            # inherits tells the next run that something of this one still lives.
            process = await asyncio.create_subprocess_exec(
                *self.argv,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lifeline],
            )
            self.pid = process.pid
            self._ended.clear()
            started()
            if process.stdout:
                await self._write_log(process.stdout)
            code = await process.wait()
            self.pid = None
            self._ended.set()
            if self._stopping:
                return  # type: ignore[unreachable]  # stop() sets it while this waits
            self._deaths.append(time.monotonic())
            reason = f"{self._last_line or f'exit {code}'} (see {self.log})"
            if len(self._deaths) == DEATHS and time.monotonic() - self._deaths[0] < DEATHS_WITHIN_SECONDS:
                raise CannotStartError(f"{self.name} stopped {DEATHS} times within a minute: {reason}")
            say(f"{self.name} stopped and is started again: {reason}")
            await asyncio.sleep(RESTART_SECONDS)

    async def _write_log(self, output: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await output.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._write_line(line.decode(errors="replace").rstrip())
        if rest:
            self._write_line(rest.decode(errors="replace"))

    def _write_line(self, line: str) -> None:
        self._file.emit(logging.makeLogRecord({"msg": line}))
        if line.strip():
            is_bad, gist = judge(line)
            if is_bad and gist != self._last_line:
                say(f"{self.name}: {gist} (see {self.log})")
            self._last_line = gist

    async def stop(self, *, patience: float) -> None:
        """End it: asked first, made to after `patience` seconds."""
        self._stopping = True
        if self.pid is None:
            return
        group = self.pid
        if patience:
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                os.kill(group, signal.SIGTERM)
                await asyncio.wait_for(self._ended.wait(), patience)
        # The whole group: a worker that was killed leaves its pool behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def judge(line: str) -> tuple[bool, str]:
    """Whether a line of a log is bad news, and its gist."""
    if line.startswith("{"):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            raised = str(entry.get("exception", "")).strip().splitlines()
            gist = ": ".join([" ".join(str(entry.get("event", line)).split()), *raised[-1:]])
            return entry.get("level") in {"error", "critical"}, gist
    return BAD_NEWS.search(line) is not None, line.strip()


# --- All of them -----------------------------------------------------------------------------


class Run:
    """One run: the processes together, from start to stop."""

    def __init__(self, stack: Stack, port: int, lifeline: IO[str]) -> None:
        self.stack = stack
        self.port = port
        self.lifeline = lifeline
        self.children = children(stack.home, port)
        self.signals = 0
        self.told_to_stop = asyncio.Event()

    async def until_stopped(self) -> None:
        """Run until a signal. Raises CannotStartError when something cannot be kept alive."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._note_signal)
        kept = [
            asyncio.create_task(
                child.keep_alive(self.stack.environment, self.lifeline.fileno(), self._note_pids)
            )
            for child in self.children
        ]
        others = [asyncio.create_task(self._announce()), asyncio.create_task(self._keep_servers())]
        stop = asyncio.create_task(self.told_to_stop.wait())
        try:
            watched = {*kept, *others, stop}
            while not stop.done():
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (*others, stop):
                task.cancel()
            for child in self.children:
                await child.stop(patience=0 if self.signals > 1 else STOP_SECONDS)
            await asyncio.gather(*kept, *others, stop, return_exceptions=True)

    def _note_signal(self) -> None:
        self.signals += 1
        self.told_to_stop.set()

    def _note_pids(self) -> None:
        note(self.lifeline, json.dumps([child.pid for child in self.children if child.pid]))

    async def _announce(self) -> None:
        began = time.monotonic()
        while missing := await asyncio.to_thread(unready, self.port, time.monotonic() - began):
            if time.monotonic() > began + READY_SECONDS:
                raise CannotStartError(
                    f"Not ready after {READY_SECONDS} s: {missing}. See {self.stack.home}/log."
                )
            await asyncio.sleep(0.1)
        say(f"ready http://127.0.0.1:{self.port}")

    async def _keep_servers(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name in await asyncio.to_thread(self.stack.revive):
                say(f"{name} had stopped and is started again (see {self.stack.home}/log/{name}.log)")


def unready(port: int, since_seconds: float) -> str:
    """What does not work yet, by /readyz; nothing when all does.

    A sign of life older than the run, `since_seconds` old, is one of the run before.
    """
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/readyz")
        body = json.loads(link.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return "the web server does not answer"
    finally:
        link.close()
    ages = body.get("ages", {})
    parts = {part: body.get(part) for part in ("database", "migrations", "redis", "worker", "dispatcher")}
    for part in ("worker", "dispatcher"):
        if parts[part] == "ok" and ages.get(part, 0) > since_seconds + 1:
            parts[part] = "late"
    return ", ".join(f"{part} {state}" for part, state in parts.items() if state != "ok")


# --- One run at a time -----------------------------------------------------------------------


@contextlib.contextmanager
def only_run(home: Path, port: int) -> Iterator[IO[str]]:
    """Hold the state folder and the port for this run; yield the lock that its processes inherit.

    Two locks tell a run that lives from one that was killed: `run.lock` is ours alone,
    `children.lock` is held as long as any process of the run lives.
    """
    with (home / "run.lock").open("a") as own, (home / "children.lock").open("a") as lifeline:
        if not lock(own):
            raise CannotStartError(
                f"Malar already runs at {noted(own)} with this state folder. Stop that with Ctrl-C, or start "
                f"a second one: make run MALAR_HOME=.run2 PORT={free_web_port(port + 1)}"
            )
        end_orphans(lifeline)
        claim(port)
        note(own, f"http://127.0.0.1:{port}")
        yield lifeline


def lock(file: IO[str]) -> bool:
    """Take the lock, if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def note(lock_file: IO[str], text: str) -> None:
    """Write down beside a lock what its holder has to say.

    In a file of its own that is put in place whole: whoever reads meanwhile, and the next run after a
    kill, finds the old text or the new one, never a part of either.
    """
    place = _beside(lock_file)
    fresh = place.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(place)


def noted(lock_file: IO[str]) -> str:
    """What the holder of a lock wrote down; nothing where nobody has yet."""
    with contextlib.suppress(FileNotFoundError):
        return _beside(lock_file).read_text()
    return ""


def _beside(lock_file: IO[str]) -> Path:
    return Path(lock_file.name).with_suffix(".txt")


def end_orphans(lifeline: IO[str]) -> None:
    """End the processes of a run that was killed, and wait until they are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if lock(lifeline):
            return
        for pid in json.loads(noted(lifeline) or "[]"):
            if holds(pid, Path(lifeline.name)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if lock(lifeline):
                return
            time.sleep(0.05)
    raise CannotStartError(f"Processes of an earlier run do not end; they hold {lifeline.name}.")


def holds(pid: int, path: Path) -> bool:
    """Whether a process has this file open. Ids are used again: who does not is a stranger by now."""
    if not Path("/proc/self/fd").exists():
        return True  # a system that does not tell
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed in this very moment
                if file.readlink() == path:
                    return True
    return False


def claim(port: int) -> None:
    """Refuse a port we cannot listen on, in words, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else "may not be used"
            raise CannotStartError(
                f"Port {port} {why}. Take another one: make run PORT={free_web_port(max(port, 7999) + 1)}"
            ) from error


def free_web_port(first: int) -> int:
    """A free port to propose, from `first` on."""
    for port in range(first, first + 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    return 0


def web_port(environ: Mapping[str, str]) -> int:
    """PORT, 8000 by default."""
    text = environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStartError(f"PORT is {text!r}; it should be a number from 1 to 65535, such as 8000.")
    return int(text)


def main() -> int:
    """Run the command line; the result is the exit status."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    logging.raiseExceptions = False  # a log that cannot be written, on a full disk, is no reason to stop
    home = state_folder(os.environ)
    try:
        port = web_port(os.environ)
        with in_one_line(home):
            make_folder(home)
        with in_one_line(home), only_run(home, port) as lifeline, servers(home) as stack:
            compile_messages()
            environment = stack.environment
            environment["PORT"] = str(port)
            environment.setdefault("DJANGO_SETTINGS_MODULE", "malar.settings.dev")
            environment["PYTHONUNBUFFERED"] = "1"
            environment["CELERY_SKIP_CHECKS"] = "1"  # `migrate` has made them
            known = Memory.of(home).demo_password
            password = environment["DEMO_PASSWORD"] = os.environ.get("DEMO_PASSWORD") or known
            own_database = not given(os.environ, "DATABASE_URL")
            prepare(home, environment, own_database=own_database, new_password=password != known)
            Memory.keep(home, demo_password=password)
            if has_demo(home):
                say("\n".join(f"{name}  {password}" for name in SIGN_INS))
            try:
                asyncio.run(Run(stack, port, lifeline).until_stopped())
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)  # stopping the servers is not to be cut short
    except CannotStartError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        pass
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
