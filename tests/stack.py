"""Real servers and processes for tests that break them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

from malar.celery import app
from malar.ops.embedded import Redis
from malar.ops.state import make_folder, state_folder

ROOT = Path(__file__).resolve().parent.parent


def wait_until(seen: Callable[[], object], *, seconds: float = 60, why: str = "") -> float:
    """Look until it is so; the seconds it took. Fails the test when it does not become so."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < seconds, why or f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


class BreakableRedis:
    """A Redis of our own that can be stopped, hung and emptied."""

    def __init__(self, home: Path) -> None:
        self._server = Redis(home, volatile=True)

    @property
    def url(self) -> str:
        return self._server.environment({})["REDIS_URL"]

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.ask_to_stop()
        self._server.wait_stopped()
        if self._server._process:
            self._server._process.wait(10)

    def leave(self) -> None:
        """Stop it for good."""
        self.go_on()
        self.stop()
        self._server.leave()

    def hang(self) -> None:
        """It takes connections and commands and answers none."""
        os.kill(self._server.pid() or 0, signal.SIGSTOP)

    def go_on(self) -> None:
        """Up and answering again, whatever was done to it."""
        if pid := self._server.pid():
            os.kill(pid, signal.SIGCONT)
        self._server.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        self.hang()
        try:
            yield
        finally:
            self.go_on()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.go_on()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as link:
            link.flushall()

    def waiting(self) -> int:
        """How many tasks wait in Celery's queue."""
        with redis.Redis.from_url(self.url) as link:
            return int(link.llen("malar-celery:default"))


@contextmanager
def breakable_redis(name: str) -> Iterator[BreakableRedis]:
    """Start one in a folder of its own, which root's servers can reach, unlike pytest's."""
    home = state_folder(os.environ) / "fault-tests" / f"{name}-{os.getpid()}"
    make_folder(home)
    server = BreakableRedis(home)
    try:
        server.start()
        yield server
    finally:
        server.leave()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def celery_at(url: str) -> Iterator[None]:
    """Celery in this process as in production, with the broker at `url`; it loses patience quickly."""
    config = {
        "task_always_eager": False,
        "broker_url": url,
        "broker_transport_options": {
            **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
            "socket_timeout": 0.2,
            "max_retries": 0,
        },
    }
    before = {name: app.conf[name] for name in config}
    app.conf.update(config)
    app._pool = app.amqp._producer_pool = None  # else it keeps the connections it has
    try:
        yield
    finally:
        app.conf.update(before)
        app._pool = app.amqp._producer_pool = None


class Processes:
    """Malar's processes beside the web server, real ones, on the test's database and a Redis that breaks."""

    ARGV = {
        "dispatcher": ["manage.py", "dispatch"],
        "worker": [
            "-m",
            "celery",
            "-A",
            "malar.celery",
            "worker",
            "--concurrency",
            "2",
            "--without-gossip",
            "--without-mingle",
            "--loglevel",
            "INFO",
        ],
        "jobs": [
            *("-m", "celery", "-A", "malar.celery", "worker", "--queues", "jobs", "--concurrency", "1"),
            *("--hostname", "jobs@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        ],
        # The same with a run that is not one transaction: what `jobs` is held against.
        "careless": ["-m", "tests.faults.careless"],
        "beat": ["-m", "celery", "-A", "malar.celery", "beat", "--pidfile", ""],
    }
    # Everything that is waited for in days of peace is waited for a second here.
    HASTE = {
        "EVENT_AGAIN_S": "1",
        "EVENT_SWEEP_S": "1",
        "MESSAGE_AGAIN_S": "1",
        "MESSAGE_LEASE_S": "2",
        "MESSAGE_SWEEP_S": "1",
        "RUN_SWEEP_S": "1",
    }

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.folder = folder
        self.environment = (
            os.environ
            | self.HASTE
            | {
                "DJANGO_SETTINGS_MODULE": "malar.settings.dev",
                "DATABASE_URL": database_of_the_test(),
                "REDIS_URL": redis_url,
            }
        )
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str, **other: str) -> None:
        """Start processes by name, with `other` settings than the rest."""
        for name in names:
            argv = [sys.executable, *self.ARGV[name]]
            if name == "beat":
                argv += ["--schedule", str(self.folder / "beat")]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    argv,
                    cwd=ROOT,
                    env=self.environment | {"PGAPPNAME": name} | other,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def kill(self, name: str) -> None:
        """kill -9, the worker's children too."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def pause(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def end(self, name: str) -> float:
        """Ask it to end; the seconds it took."""
        process = self.running.pop(name)
        began = time.monotonic()
        process.terminate()
        try:
            code = process.wait(20)
        finally:
            process.kill()
        assert code == 0, self.log(name)[-3000:]
        return time.monotonic() - began

    def kill_all(self) -> None:
        """End what runs, whatever state it is in."""
        for name in list(self.running):
            self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


def database_of_the_test() -> str:
    """The test's own database, for other processes."""
    known = connection.settings_dict
    return f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
