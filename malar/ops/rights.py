"""As whom our servers run: PostgreSQL refuses root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from malar.ops.state import CannotStartError


@dataclass(frozen=True)
class Account:
    """As whom a server runs: ourselves, unless we are root."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    @classmethod
    def for_program(cls, program: Path, home: Path) -> "Account":
        """Ourselves; for root, whoever began here, at first `nobody`."""
        if os.geteuid() != 0:
            return cls()
        nobody = pwd.getpwnam("nobody")
        plain = cls(nobody.pw_uid, nobody.pw_gid)
        for folder in (home / "postgres", home / "redis"):
            if folder.exists() and (owner := folder.stat()).st_uid:
                plain = cls(owner.st_uid, owner.st_gid)
        # A checkout below /root is closed to nobody. Opening it up is not ours to do, so the servers keep
        # the one right of root's that they need, to pass through (access() too: the securebit).
        right = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
        identity = (f"--reuid={plain.uid}", f"--regid={plain.gid}", "--clear-groups")
        let_in = replace(plain, prefix=("setpriv", *identity, *right))
        for account in (plain, let_in):
            if account.can("test", "-x", str(home)) and account.can(str(program), "--version"):
                return account
        raise CannotStartError(
            f"PostgreSQL does not run as root, and user number {plain.uid} cannot enter {home}. Run as a "
            "plain user, move the checkout to a folder others may enter, or set DATABASE_URL."
        )

    def can(self, *argv: str) -> bool:
        """Whether this account is able to run a command."""
        try:
            return self.run(argv).returncode == 0
        except OSError:
            return False

    def run(self, argv: Sequence[str], text_in: str = "") -> subprocess.CompletedProcess[str]:
        """Run a short command as this account; output and errors come back together."""
        return subprocess.run(
            [*self.prefix, *argv],
            **self._identity(),
            env=_server_environment(),
            cwd="/",
            input=text_in,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    def launch(self, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a server in a session of its own: a Ctrl-C at the terminal is not meant for it."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.prefix, *argv],
                **self._identity(),
                env=_server_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _identity(self) -> dict[str, Any]:
        # `setpriv` has to start as root: it changes over itself, keeping the one right.
        if self.uid is None or self.prefix:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hand a file or folder over to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def _server_environment() -> dict[str, str]:
    # A PGPORT or PGDATA meant for another server must not reach ours.
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
