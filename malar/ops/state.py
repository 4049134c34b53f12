"""The state folder (MALAR_HOME, default `.run`): what it remembers, and what can be wrong with it.

Everything that `make run` makes lives there: two folders are two independent installations.
"""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

SPACE_NEEDED = 400  # MB: an empty cluster is 60, its write-ahead log grows to 200 before it is reused


class CannotStartError(Exception):
    """Something the person at the keyboard can mend; the message is one line that says how."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """The absolute path of the state folder."""
    return Path(environ.get("MALAR_HOME") or ".run").resolve()


def make_folder(home: Path) -> None:
    """Make the state folder; refuse a disk with too little room before anything is half done."""
    if not home.exists():
        home.mkdir(parents=True)
        # The account that root's servers run as must pass through; a plain user's folder is its own.
        home.chmod(0o755 if os.geteuid() == 0 else 0o700)
    (home / "log").mkdir(exist_ok=True)
    (home / "static").mkdir(exist_ok=True)  # the web server warns of a folder that is not there
    needed = SPACE_NEEDED // 8 if (home / "postgres").exists() else SPACE_NEEDED
    if shutil.disk_usage(home).free < needed * 1_000_000:
        raise disk_full(home)


def disk_full(home: Path) -> CannotStartError:
    """The line for a full disk."""
    return CannotStartError(
        f"The disk that holds {home} is full. Free {SPACE_NEEDED} MB, "
        "or set MALAR_HOME to a folder on another disk."
    )


def speaks_of_full_disk(said: str) -> bool:
    """Whether a server or a command ended for want of room."""
    return "No space left on device" in said or "Check free disk space" in said


@contextmanager
def in_one_line(home: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into the line that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise disk_full(home) from error
        if error.filename is None:
            raise  # not about files
        raise CannotStartError(
            f"Cannot use {error.filename}: {error.strerror}. Run as the user who owns it, "
            "or set MALAR_HOME to a folder of your own."
        ) from error


@dataclass(frozen=True)
class Memory:
    """Ports, passwords and keys of one state folder, in `state.json`, readable by its owner only."""

    postgres_port: int = 0
    redis_port: int = 0
    database_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    superuser_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    redis_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))
    demo_password: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @classmethod
    def of(cls, home: Path) -> "Memory":
        """What the folder remembers; made on first use."""
        path = home / "state.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        memory = cls(**known)
        if asdict(memory) != known:  # new, or from before a field was added
            write_secret(path, json.dumps(asdict(memory), indent=1))
        return memory

    @classmethod
    def keep(cls, home: Path, **changes: int | str) -> None:
        """Remember something else."""
        write_secret(home / "state.json", json.dumps(asdict(cls.of(home)) | changes, indent=1))


def write_secret(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
    draft.replace(path)


def secrets_of(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets that `environ` does not bring, from the state folder."""
    found = {}
    if not given(environ, "SECRET_KEY"):
        found["SECRET_KEY"] = Memory.of(home).secret_key
    for name, file in (("JWT_PRIVATE_KEY", "jwt.pem"), ("SEAL_PRIVATE_KEY", "seal.pem")):
        if not given(environ, name):
            found[f"{name}_FILE"] = str(_private_key(home / file))
    return found


def _private_key(path: Path) -> Path:
    """The file of an RSA key; made on first use."""
    if not path.exists():
        # Imported here: it costs 0.1 s and is needed once.
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(path, pem.decode())
    return path


def given(environ: Mapping[str, str], name: str) -> str:
    """The value of a variable, or of the file that NAME_FILE points at, or nothing."""
    if not environ.get(name) and (path := environ.get(f"{name}_FILE")):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise CannotStartError(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error
    return environ.get(name, "")


def check_given(environ: Mapping[str, str]) -> None:
    """Try the servers that DATABASE_URL and REDIS_URL name; say in one line what is wrong with them."""
    if url := given(environ, "DATABASE_URL"):
        import psycopg  # here and not above: half a second that our own servers do not need

        try:
            _check_form("DATABASE_URL", url)
            psycopg.connect(url, connect_timeout=5).close()
        except (psycopg.Error, ValueError) as error:
            raise _unusable("DATABASE_URL", url, error) from error
    if url := given(environ, "REDIS_URL"):
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        try:
            _check_form("REDIS_URL", url)
            once = Retry(NoBackoff(), 0)
            redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=once).ping()
        except (redis.RedisError, ValueError) as error:
            raise _unusable("REDIS_URL", url, error) from error


EXAMPLES = {
    "DATABASE_URL": "postgres://user:password@host:5432/name",
    "REDIS_URL": "redis://:password@host:6379/0",
}


def _check_form(name: str, url: str) -> None:
    parts = urlsplit(url)
    schemes = {"DATABASE_URL": ("postgres", "postgresql"), "REDIS_URL": ("redis", "rediss")}[name]
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError("no such kind of address")
    _ = parts.port  # raises ValueError where it is no number


def _unusable(name: str, url: str, error: Exception) -> CannotStartError:
    parts = urlsplit(url)
    where = f"{parts.hostname}{parts.path}" if parts.hostname else "that address"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # libpq lists every address it tried and then gives advice; the last failure is the reason.
    reasons = [line.rpartition("failed: ")[2] for line in lines if "failed: " in line]
    reason = (reasons or lines or ["no answer"])[-1].rstrip(".")
    return CannotStartError(
        f"{name}: {where} cannot be used: {reason}. Correct it (it looks like {EXAMPLES[name]}), "
        "or unset it to use the server that Malar brings along."
    )
