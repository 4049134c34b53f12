"""The worker is killed, or PostgreSQL is, while farmers are settled: nothing is half made, and it is made once. Real
processes, and a PostgreSQL of our own that keeps its word: fsync and all."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from malar.ops.embedded import Postgres
from malar.ops.state import make_folder, state_folder
from tests.faults.settler import POINTS
from tests.stack import ROOT, database_of_the_test, wait_until

pytestmark = pytest.mark.race

DONE = {"status": "done", "settled": 3, "settlements": 3, "lines": 6, "loose": 0, "broken": []}
NOTHING = {"status": "running", "settled": 0, "settlements": 0, "lines": 0, "loose": 0, "broken": []}


class House:
    """A PostgreSQL with the tests' tables, and a process that settles in it."""

    def __init__(self, home: Path) -> None:
        self.server = Postgres(home)
        self.log = home / "settler.log"
        self.start()
        tools = self.server.program.parent
        dump = subprocess.run(
            [tools / "pg_dump", "--no-owner", "--no-comments", "--dbname", database_of_the_test()],
            check=True,
            capture_output=True,
        ).stdout
        load = [str(tools / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", self.url]
        subprocess.run(load, check=True, input=dump, stdout=subprocess.DEVNULL)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.settler"],
                cwd=ROOT,
                env=os.environ | {"DJANGO_SETTINGS_MODULE": "malar.settings.test", "DATABASE_URL": self.url},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.ask(act="open")

    @property
    def url(self) -> str:
        return self.server.environment({})["DATABASE_URL"]

    def start(self) -> None:
        self.server.start()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.server.ask_to_stop()
        self.server.wait_stopped()
        if self.server._process:
            self.server._process.wait(20)
        self.server.leave()

    def died(self) -> None:
        """Wait until PostgreSQL has ended, and start it again."""
        assert self.server._process
        self.server._process.wait(20)
        self.start()

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, self.log.read_text()[-2000:]
        answer: dict[str, Any] = json.loads(said)
        return answer

    def stands(self, run: str) -> dict[str, Any]:
        found = self.ask(act="state", run=run)
        assert found.pop("exit") == 0, self.log.read_text()[-2000:]
        return found

    def made_again(self, run: str) -> dict[str, Any]:
        """Make it until it is: who died holds its lock for as long as PostgreSQL takes him to be alive."""

        def is_done() -> bool:
            assert self.ask(act="make", run=run)["exit"] == 0
            return bool(self.stands(run)["status"] == "done")

        wait_until(is_done, seconds=20)
        # Once more changes nothing.
        assert self.ask(act="make", run=run)["exit"] == 0
        return self.stands(run)


@pytest.fixture(scope="module")
def house(django_db_setup: None) -> Iterator[House]:
    home = state_folder(os.environ) / "fault-tests" / f"settling-{os.getpid()}"
    make_folder(home)
    try:
        house = House(home)
        try:
            yield house
        finally:
            house.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("point", POINTS)
def test_the_worker_is_killed(house: House, point: str) -> None:
    run = house.ask(act="begin")["run"]
    assert house.ask(act="make", run=run, at=point)["exit"] == -9
    made = point == "after commit"
    assert house.stands(run) == (DONE if made else NOTHING) | {"tries": 1}
    assert house.made_again(run) == DONE | {"tries": 1 if made else 2}


@pytest.mark.parametrize("point", POINTS)
def test_the_database_is_killed(house: House, point: str) -> None:
    run = house.ask(act="begin")["run"]
    asked = house.ask(act="make", run=run, at=point, postgres=house.server.pid())
    house.died()
    made = point == "after commit"
    assert asked["exit"] == (0 if made else 1)
    assert house.stands(run) == (DONE if made else NOTHING) | {"tries": 1}
    assert house.made_again(run) == DONE | {"tries": 1 if made else 2}


def test_a_run_that_commits_what_it_took_is_left_half_made(house: House) -> None:
    """Negative control: the guard is that all of it is one transaction."""
    run = house.ask(act="begin")["run"]
    assert house.ask(act="make", run=run, at="after claim", early=True)["exit"] == -9
    assert house.stands(run) == NOTHING | {"tries": 1, "loose": 6, "broken": ["claims_once"]}
    with psycopg.connect(house.url) as other:
        other.execute("ALTER TABLE ledger_claimedrow DISABLE TRIGGER USER")
        other.execute("DELETE FROM ledger_claimedrow WHERE claim_id NOT IN (SELECT id FROM ledger_claim)")
        other.execute("ALTER TABLE ledger_claimedrow ENABLE TRIGGER USER")
    assert house.made_again(run) == DONE | {"tries": 2}
