"""Malar as it runs in production, on the test's database: to be killed and started again on its port."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from malar.ops.supervisor import free_web_port
from tests.stack import ROOT, database_of_the_test, wait_until


class Server:
    """Granian with `application`; `home` is its state folder, with static/ in it, and `environment` goes to it."""

    def __init__(
        self, home: Path, application: str = "malar.wsgi:application", *, log: Path, **environment: str
    ) -> None:
        self.home, self.application, self.log, self.environment = home, application, log, environment
        self.port = free_web_port(20_000 + os.getpid() % 20_000)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        known = {"DATABASE_URL": database_of_the_test(), "MALAR_HOME": str(self.home)}
        argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--http", "1"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*argv, "--blocking-threads", "4", "--port", str(self.port), self.application],
                cwd=ROOT,
                env=os.environ | known | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._listens, why=f"see {self.log}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """All of it; nothing where it does not run."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            self.process.wait(10)
