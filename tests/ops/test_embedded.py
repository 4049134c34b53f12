"""The servers that `make run` and `make test` bring along."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import redis

from malar.ops.embedded import Postgres, Redis, Server, servers
from malar.ops.state import CannotStartError, Memory, state_folder

pytestmark = pytest.mark.race

# What these tests start must not see the servers that the tests themselves run on.
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_PRIVATE_KEY_FILE", "SEAL_PRIVATE_KEY_FILE")
BARE = {name: value for name, value in os.environ.items() if name not in GIVEN}
RUN = [sys.executable, "-m", "malar.ops.embedded", "run", "--volatile", "--"]


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty state folder that root's servers can reach, unlike pytest's own temporary folders."""
    folder = state_folder(os.environ) / "embedded-tests" / f"{request.node.name}-{os.getpid()}"
    yield folder
    subprocess.run(
        [sys.executable, "-m", "malar.ops.embedded", "stop"],
        env=BARE | {"MALAR_HOME": str(folder)},
        check=True,
    )
    shutil.rmtree(folder, ignore_errors=True)


def answer(environment: Mapping[str, str], question: str) -> object:
    """The first column of the first row."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def make_table(environment: Mapping[str, str]) -> None:
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute("create table flower as select 'jasmine' as name")


def refusal(home: Path, **extra: str) -> str:
    """The line a start in this folder ends with."""
    with pytest.raises(CannotStartError) as caught, servers(home, volatile=True, environ=BARE | extra):
        pass
    line = str(caught.value)
    assert "\n" not in line
    return line


def are_up(home: Path) -> list[bool]:
    return [Postgres(home).is_up(), Redis(home).is_up()]


def kill(server: Server) -> None:
    pid = server.pid()
    assert pid  # 0 would be all of us
    os.kill(pid, signal.SIGKILL)
    while server.is_up():
        time.sleep(0.01)


def wait_until_up(home: Path) -> None:
    deadline = time.monotonic() + 20
    while not (home.exists() and all(are_up(home))):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_bare_folder_gets_both_servers_with_what_malar_needs(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE) as stack:
        with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("create extension btree_gist")
            connection.execute("create extension pg_trgm")
            connection.execute("create database another")
        assert (
            answer(stack.environment, "select rolsuper from pg_roles where rolname = current_user") is False
        )
        # Trigrams of Tamil exist only where the locale knows that these are letters.
        assert answer(stack.environment, "select count(*) from unnest(show_trgm('முருகன்'))") == 7
        assert redis.Redis.from_url(stack.environment["REDIS_URL"]).set("a", 1)
        assert (
            Path(stack.environment["JWT_PRIVATE_KEY_FILE"]).read_text().startswith("-----BEGIN PRIVATE KEY")
        )
        assert len(stack.environment["SECRET_KEY"]) >= 50
    assert are_up(home) == [False, False]


def test_secrets_are_readable_by_their_owner_only(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        for name in ("state.json", "jwt.pem", "seal.pem", "redis/redis.conf"):
            assert (home / name).stat().st_mode & 0o777 == 0o600
        for name in ("postgres", "redis"):
            assert (home / name).stat().st_mode & 0o777 == 0o700


def test_a_second_start_keeps_the_rows_and_the_ports(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE) as first:
        make_table(first.environment)
    with servers(home, volatile=True, environ=BARE) as second:
        assert second.environment == first.environment
        assert answer(second.environment, "select name from flower") == "jasmine"


def test_a_port_somebody_else_took_is_left_to_him(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        before = Memory.of(home)
    with (
        socket.create_server(("127.0.0.1", before.postgres_port)),
        socket.create_server(("127.0.0.1", before.redis_port)),
    ):
        assert are_up(home) == [False, False]
        with servers(home, volatile=True, environ=BARE) as stack:
            assert answer(stack.environment, "select 1") == 1
    assert Memory.of(home).postgres_port != before.postgres_port
    assert Memory.of(home).redis_port != before.redis_port


def test_whoever_leaves_last_stops_the_servers(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        subprocess.run([*RUN, "true"], env=BARE | {"MALAR_HOME": str(home)}, check=True)
        assert are_up(home) == [True, True]
    assert are_up(home) == [False, False]


def test_servers_left_by_a_killed_run_are_taken_over_and_stopped(home: Path) -> None:
    run = subprocess.Popen([*RUN, "cat"], env=BARE | {"MALAR_HOME": str(home)}, stdin=subprocess.PIPE)
    wait_until_up(home)
    postgres = Postgres(home).pid()
    run.kill()
    run.communicate()
    assert are_up(home) == [True, True]
    with servers(home, volatile=True, environ=BARE):
        assert Postgres(home).pid() == postgres
    assert are_up(home) == [False, False]


def test_killed_servers_start_again_with_their_rows(home: Path) -> None:
    with servers(home, environ=BARE) as stack:
        make_table(stack.environment)
        kill(Postgres(home))
        kill(Redis(home))
        assert stack.revive() == ["postgres", "redis"]
        assert stack.revive() == []
        assert answer(stack.environment, "select name from flower") == "jasmine"
        assert redis.Redis.from_url(stack.environment["REDIS_URL"]).ping()


def test_a_server_that_is_slow_to_answer_gets_no_twin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malar.ops.embedded.PASSING_SECONDS", 0.5)
    with servers(home, volatile=True, environ=BARE) as stack:
        pid = Redis(home).pid()
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            assert stack.revive() == []
            assert f"redis runs but does not answer. End it first: kill {pid}" in refusal(home)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_pid_file_that_names_a_stranger_stops_nobody(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE) as stack:
        pid_file = Postgres(home).pid_file
        lines = pid_file.read_text().splitlines()
        kill(Postgres(home))
        stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        stack.revive()
        assert answer(stack.environment, "select 1") == 1
        assert stranger.poll() is None
        stranger.communicate()


def test_an_interrupted_first_start_is_begun_anew(home: Path) -> None:
    (home / "postgres.new/base").mkdir(parents=True)
    with servers(home, volatile=True, environ=BARE) as stack:
        assert answer(stack.environment, "select 1") == 1
    assert not (home / "postgres.new").exists()


def test_each_address_wins_on_its_own(home: Path) -> None:
    elsewhere = os.environ["REDIS_URL"]
    with servers(home, volatile=True, environ=BARE | {"REDIS_URL": elsewhere}) as stack:
        assert stack.environment["REDIS_URL"] == elsewhere
        assert are_up(home) == [True, False]
    elsewhere = os.environ["DATABASE_URL"]
    with servers(home, volatile=True, environ=BARE | {"DATABASE_URL": elsewhere}) as stack:
        assert stack.environment["DATABASE_URL"] == elsewhere
        assert are_up(home) == [False, True]


@pytest.mark.parametrize(
    ("variable", "url", "reason"),
    [
        ("DATABASE_URL", "postgres://m:geheim@127.0.0.1:9/shop", "127.0.0.1/shop cannot be used: Conn"),
        ("DATABASE_URL", "postgres://m:geheim@no.host.invalid/shop", "no.host.invalid/shop cannot be used"),
        ("DATABASE_URL", "postgres://m:geheim@127.0.0.1:http/shop", "127.0.0.1/shop cannot be used: Port"),
        ("DATABASE_URL", "mysql://m:geheim@127.0.0.1/shop", "127.0.0.1/shop cannot be used: no such kind"),
        ("DATABASE_URL", "sqlite:///malar.db", "that address cannot be used"),
        ("REDIS_URL", "redis://:geheim@127.0.0.1:9/0", "127.0.0.1/0 cannot be used"),
        ("REDIS_URL", "http://127.0.0.1/", "127.0.0.1/ cannot be used"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_one_line_without_the_password(
    home: Path, variable: str, url: str, reason: str
) -> None:
    line = refusal(home, **{variable: url})
    assert line.startswith(f"{variable}: {reason}")
    assert "it looks like " in line
    assert "geheim" not in line


def test_a_wrong_password_says_so(home: Path) -> None:
    user, _, rest = os.environ["DATABASE_URL"].rpartition("@")
    assert "password authentication failed" in refusal(home, DATABASE_URL=f"{user}x@{rest}")


def test_a_disk_without_room_is_refused_before_anything_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(Path.cwd())._replace(free=1_000_000)
    monkeypatch.setattr("malar.ops.state.shutil.disk_usage", lambda _: usage)
    assert "is full. Free 400 MB, or set MALAR_HOME" in refusal(home)
    assert not (home / "state.json").exists()


def test_a_folder_that_is_a_file_is_one_line(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("")
    assert "set MALAR_HOME to a folder of your own" in refusal(home)
    home.unlink()


def test_a_cluster_of_another_version_is_not_opened(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres/PG_VERSION").write_text("12\n")
    assert "made by PostgreSQL 12, which is not installed" in refusal(home)


def test_a_server_that_fails_to_start_gives_its_own_reason(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        pass
    (home / "postgres/postgresql.auto.conf").write_text("shared_buffers = nonsense\n")
    assert re.search(r"postgres did not start: .*postgres\.log", refusal(home))


def test_run_hands_back_what_the_command_answered(home: Path) -> None:
    environment = BARE | {"MALAR_HOME": str(home)}
    assert subprocess.run([*RUN, "sh", "-c", "exit 7"], env=environment, check=False).returncode == 7
    unknown = subprocess.run(
        [*RUN, "no-such-command"], env=environment, capture_output=True, text=True, check=False
    )
    assert (unknown.returncode, unknown.stderr) == (1, "no-such-command: no such command.\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up its rights")
def test_root_runs_the_servers_as_nobody(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        for server in (Postgres(home), Redis(home)):
            assert Path(f"/proc/{server.pid()}").stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that are closed to nobody")
def test_root_runs_the_servers_in_a_folder_that_is_closed_to_nobody(home: Path) -> None:
    (home / "private").mkdir(parents=True)
    (home / "private").chmod(0o700)
    inside = home / "private/run"
    with servers(inside, volatile=True, environ=BARE) as stack:
        assert answer(stack.environment, "select 1") == 1
        assert Path(f"/proc/{Postgres(inside).pid()}").stat().st_uid == 65534
    assert (home / "private").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can go on with what a plain user began")
def test_root_goes_on_as_the_user_who_began(home: Path) -> None:
    with servers(home, volatile=True, environ=BARE):
        pass
    for path in [home, *home.rglob("*")]:
        os.chown(path, 12345, 12345)
    with servers(home, volatile=True, environ=BARE) as stack:
        assert answer(stack.environment, "select 1") == 1
        assert Path(f"/proc/{Postgres(home).pid()}").stat().st_uid == 12345
