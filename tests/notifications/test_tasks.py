"""Celery's door, and what must never be behind it."""

import ast
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

import malar
from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.kernel import jobs
from malar.kernel.jobs import BrokerAway, registered_tasks
from malar.trail.models import Event
from malar.trail.services.events import REACT, hand_over
from notifications import tasks
from notifications.domain import State
from notifications.models import ConsoleText, Message
from pricing.models import Flower
from tests.cast import recorded
from tests.conftest import api_of
from tests.stack import celery_at

ROOT = Path(malar.__file__).parent.parent
SOURCES = [
    path
    for room in ("malar", "pricing", "ledger", "notifications")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts
]


@pytest.fixture
def entry(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    return recorded(kumar, raja, jasmine)


@pytest.mark.django_db
def test_from_an_entry_to_the_farmer(entry: DailyEntry, raja: Farmer) -> None:
    assert hand_over() == 1
    message = Message.objects.get(farmer=raja)
    assert message.state == State.SENT
    assert entry.slip_number in ConsoleText.objects.get(message=message).body


@pytest.mark.django_db
def test_a_task_that_runs_twice_tells_once(entry: DailyEntry) -> None:
    event = str(Event.objects.get().pk)
    tasks.react(event)
    tasks.react(event)
    tasks.send(str(Message.objects.get().pk))
    assert ConsoleText.objects.count() == 1
    assert Message.objects.get().attempt == 1


def away(*_: object, **__: object) -> None:
    raise BrokerAway


@pytest.mark.django_db
def test_with_the_broker_away_after_reacting_he_is_told_all_the_same(
    entry: DailyEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "start", away)
    tasks.react(str(Event.objects.get().pk))
    assert Message.objects.get().state == State.SENT


@pytest.mark.django_db
def test_what_there_was_no_time_for_and_no_broker_the_sweep_sends(
    entry: DailyEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as hung:
        hung.setattr(tasks, "AT_ONCE_S", 0)
        hung.setattr(tasks, "start", away)
        tasks.react(str(Event.objects.get().pk))
        tasks.sweep()
    assert Message.objects.get().state == State.QUEUED
    tasks.sweep()
    assert Message.objects.get().state == State.SENT


# --- No request talks to the broker -------------------------------------------------------------


@pytest.fixture
def hung_broker() -> Iterator[list[Any]]:
    """Celery as in production, with a broker that takes connections and says nothing; who came."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            with contextlib.suppress(OSError):  # the end of the test
                while True:
                    came.append(server.accept())

        taker = threading.Thread(target=take)
        taker.start()
        try:
            with celery_at(f"redis://127.0.0.1:{server.getsockname()[1]}/0"):
                yield came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            taker.join()
            for link, _ in came:
                link.close()


@pytest.mark.django_db
def test_recording_an_entry_never_opens_a_connection_to_the_broker(
    kumar: Membership, raja: Farmer, jasmine: Flower, hung_broker: list[Any]
) -> None:
    answer = api_of(kumar).post(
        "/api/v1/daily-entries/",
        {
            "farmer": str(raja.pk),
            "flower": str(jasmine.pk),
            "captured_at": "2026-03-06T04:50:00+05:30",
            "gross_quantity": "6.100",
        },
        format="json",
        headers={"Idempotency-Key": str(uuid4())},
    )
    assert answer.status_code == 201, answer.content
    assert hung_broker == []


def test_the_hung_broker_would_have_noticed(hung_broker: list[Any]) -> None:
    with pytest.raises(BrokerAway):
        jobs.start(REACT, event_id="")
    assert hung_broker != []


# --- Rules of the house -------------------------------------------------------------------------


def calls_in(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def places(wanted: Any) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for name, call in calls_in(path)
        if wanted(name, call)
    ]


def test_celery_keeps_no_time_for_us() -> None:
    """With Redis as broker, what waits longer than its visibility timeout runs several times: waiting is a column."""
    forbidden = {"countdown", "eta", "autoretry_for", "retry_backoff", "retry_kwargs", "max_retries"}
    assert places(lambda name, call: forbidden & {word.arg for word in call.keywords}) == []
    assert places(lambda name, call: name in {"retry", "delay", "delay_on_commit", "send_task"}) == []


def test_only_jobs_hands_tasks_to_the_broker() -> None:
    found = places(lambda name, call: name in {"apply_async", "signature"})
    assert {place.partition(":")[0] for place in found} == {"malar/kernel/jobs.py"}


def test_only_the_dispatcher_and_tasks_start_tasks() -> None:
    starters = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "malar.kernel.jobs"
        and {name.name for name in node.names} & {"start", "defer"}
    }
    # trail's events are handed over by the dispatcher alone.
    assert {starter for starter in starters if not starter.endswith("tasks.py")} == {
        "malar/trail/services/events.py"
    }
    callers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "hand_over" in path.read_text() and path.name != "tasks.py"
    }
    assert callers == {"malar/trail/services/events.py", "malar/trail/management/commands/dispatch.py"}


def test_every_task_that_is_started_by_name_exists() -> None:
    names = {REACT, tasks.SEND} | {job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values()}
    assert names <= set(registered_tasks())


def test_beat_sweeps_and_late_sweeps_do_not_pile_up() -> None:
    sweep: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["sweep-messages"]
    assert (sweep["task"], sweep["schedule"]) == ("notifications.tasks.sweep", 10.0)
    assert sweep["options"]["expires"] <= 60


def test_a_lease_outlives_every_task() -> None:
    assert settings.MESSAGE_LEASE_S > settings.CELERY_TASK_TIME_LIMIT
