"""Workers and Redis break; entries are taken all the same, and each is told once. Real processes all of them."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event, Pulse
from notifications.domain import State
from notifications.models import ConsoleText, Message
from pricing.models import Flower
from tests.stack import (
    ROOT,
    BreakableRedis,
    Processes,
    breakable_redis,
    database_of_the_test,
    wait_until,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

N = 12
"""Entries in each phase of a test."""

Note = Callable[[str, object], None]


class Web:
    """A process that takes entries as a web process does."""

    def __init__(self, processes: Processes) -> None:
        self.log = processes.folder / "web.log"
        self.asked: dict[str, object] = {}
        self.recorded = 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.recorder"],
                cwd=ROOT,
                env=processes.environment | {"API_RATE_LIMITS": "0"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def record(self) -> list[float]:
        """Take N entries, one after the other; the seconds each took."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(self.asked) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, self.log.read_text()[-2000:]
        answer = json.loads(said)
        self.recorded += len(answer["ids"])
        assert DailyEntry.objects.count() == self.recorded
        return list(answer["seconds"])

    def check_each_is_told_once(self) -> None:
        """Wait until all is sent: one message and one text for each entry, and no event left."""
        wait_until(lambda: sent() == self.recorded, why=f"{sent()} of {self.recorded} sent")
        wait_until(lambda: not Event.objects.undone().exists())
        assert Event.objects.count() == self.recorded
        told = Event.objects.annotate(times=Count("messages__console_text")).values_list("times", flat=True)
        assert set(told) == {1}
        assert Message.objects.count() == ConsoleText.objects.count() == self.recorded


def is_at_rest(name: str) -> bool:
    """Whether a process has asked the database nothing for a second."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND (state <> 'idle' OR state_change > clock_timestamp() - interval '1 s'))",
            [name],
        )
        return bool(cursor.fetchone()[0])


def sent() -> int:
    return Message.objects.filter(state=State.SENT).count()


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("delivery") as redis:
        yield redis


@pytest.fixture(scope="module")
def processes(
    server: BreakableRedis, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    """Dispatcher, worker and beat, up before the first test and ended after the last."""
    processes = Processes(server.url, tmp_path_factory.mktemp("processes"))
    try:
        processes.start("worker", "dispatcher", "beat")
        wait_until(lambda: " ready." in processes.log("worker"))
        yield processes
    finally:
        processes.kill_all()


@pytest.fixture(scope="module")
def web_process(processes: Processes) -> Iterator[Web]:
    with closing(Web(processes)) as web:
        yield web


@pytest.fixture
def web(web_process: Web, kumar: Membership, raja: Farmer, jasmine: Flower) -> Web:
    """Kumar takes jasmine from Raja."""
    web_process.recorded = 0
    web_process.asked = {
        "member": str(kumar.pk),
        "farmer": str(raja.pk),
        "flower": str(jasmine.pk),
        "count": N,
    }
    return web_process


def test_each_entry_is_told_once(web: Web, record_property: Note) -> None:
    seconds = web.record()
    web.check_each_is_told_once()
    delays = [
        (text.at - text.message.event.at).total_seconds()
        for text in ConsoleText.objects.select_related("message__event")
    ]
    record_property("median_seconds_to_record", statistics.median(seconds))
    record_property("median_seconds_from_record_to_text", statistics.median(delays))
    record_property("most_seconds_from_record_to_text", max(delays))


def test_a_worker_killed_while_it_sends(web: Web, processes: Processes) -> None:
    with psycopg.connect(database_of_the_test()) as other:
        # Whoever sends stands still at the provider's row, with the message claimed. When the lock
        # goes, PostgreSQL still writes the row of the dead worker: sent, and nobody noted it.
        other.execute("LOCK TABLE notifications_consoletext IN SHARE MODE")
        web.record()
        wait_until(lambda: Message.objects.filter(state=State.SENDING).exists())
        processes.kill("worker")
        assert Message.objects.filter(state=State.SENDING).exists()
        web.record()
    assert sent() < 2 * N
    processes.start("worker")
    web.check_each_is_told_once()
    assert Message.objects.filter(attempt=2).exists()


def test_redis_emptied_while_tasks_wait(web: Web, processes: Processes, server: BreakableRedis) -> None:
    processes.pause("worker")
    web.record()
    wait_until(lambda: server.waiting() >= N)
    server.flush()
    processes.go_on("worker")
    web.record()
    web.check_each_is_told_once()


def test_redis_stopped_and_started(web: Web, server: BreakableRedis) -> None:
    web.record()
    with server.stopped():
        web.record()
        assert Event.objects.undone().count() >= N
    web.record()
    web.check_each_is_told_once()


def test_redis_hung(web: Web, server: BreakableRedis, record_property: Note) -> None:
    healthy = web.record()
    with server.hung():
        hung = web.record()
        # Until the dispatcher has lost patience and come round again.
        since = timezone.now()
        wait_until(lambda: Pulse.objects.filter(process="dispatcher", at__gt=since).exists())
        assert Event.objects.undone().count() >= N
    web.check_each_is_told_once()
    record_property("median_seconds_healthy", statistics.median(healthy))
    record_property("median_seconds_hung", statistics.median(hung))
    record_property("most_seconds_hung", max(hung))


def test_dispatcher_and_worker_lose_their_database_sessions(
    web: Web, processes: Processes, server: BreakableRedis
) -> None:
    web.record()
    web.check_each_is_told_once()
    # Between two tasks, not in the middle of one, which could but fail; beat would start it again.
    processes.pause("beat")
    try:
        wait_until(lambda: server.waiting() == 0 and is_at_rest("worker"))
        before = len(processes.log("worker"))
        with psycopg.connect(database_of_the_test(), autocommit=True) as other:
            ended = other.execute(
                "SELECT application_name, pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name IN ('dispatcher', 'worker')"
            ).fetchall()
    finally:
        processes.go_on("beat")
    assert {("dispatcher", True), ("worker", True)} <= set(ended)
    web.record()
    web.check_each_is_told_once()
    assert processes.running["dispatcher"].poll() is None
    assert "raised unexpected" not in processes.log("worker")[before:]


def test_the_dispatcher_ends_at_once_when_asked(processes: Processes) -> None:
    processes.kill("dispatcher")
    Pulse.objects.filter(process="dispatcher").delete()
    processes.start("dispatcher", EVENT_SWEEP_S="60")
    wait_until(lambda: Pulse.objects.filter(process="dispatcher").exists())
    assert processes.end("dispatcher") < 10
    Pulse.objects.all().delete()
    processes.start("dispatcher")
    wait_until(lambda: Pulse.objects.filter(process="dispatcher").exists())
