"""/healthz and /readyz: what is told, and when it is 503."""

import datetime as dt
import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.ops import health
from malar.ops.books import LATE_AFTER
from malar.ops.tasks import beat_at_once, beat_heart, make_partitions
from malar.settings import base
from malar.trail.models import BooksCheck, Event, Pulse
from malar.trail.services.pulse import beat
from notifications.models import Message
from notifications.services.circuit import went_wrong
from notifications.services.queueing import react
from pricing.models import Flower
from tests import cast

ALL_OK = {
    "status": "ok",
    "database": "ok",
    "migrations": "ok",
    "redis": "ok",
    "worker": "ok",
    "dispatcher": "ok",
    "events": "ok",
    "messages": "ok",
    "books": "ok",
    "ages": {"worker": 0, "dispatcher": 0, "events": 0, "messages": 0},
}


def seconds_ago(seconds: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(seconds=seconds)


def readyz() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, json.loads(answer.content)


@pytest.fixture
def alive(db: None) -> None:
    beat_heart()
    beat("dispatcher", at=timezone.now())
    BooksCheck.objects.create(milliseconds=1, checked=50)


def test_the_process_lives_without_asking_anybody() -> None:
    # No database in this test: asking it would fail.
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_all_is_well(alive: None) -> None:
    assert readyz() == (200, ALL_OK)


@pytest.mark.parametrize(("process", "limit_s"), [("worker", 60), ("dispatcher", 30)])
def test_a_process_that_is_late_degrades_and_does_not_stop_us(
    process: str, limit_s: int, alive: None
) -> None:
    beat(process, at=seconds_ago(limit_s - 2))
    assert readyz()[1]["status"] == "ok"

    beat(process, at=seconds_ago(limit_s + 1))
    status, body = readyz()
    assert (status, body["status"], body[process], body["ages"][process]) == (
        200,
        "degraded",
        "late",
        limit_s + 1,
    )

    Pulse.objects.all().delete()
    status, body = readyz()
    assert (status, body[process], body["ages"][process]) == (200, "late", None)


def test_events_that_nobody_deals_with_are_told_with_their_age(
    alive: None, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    cast.recorded(kumar, raja, jasmine)
    cast.recorded(kumar, raja, jasmine)
    assert readyz()[1]["events"] == "ok"

    Event.objects.filter(pk=Event.objects.earliest("id").pk).update(at=seconds_ago(121))
    status, body = readyz()
    assert (status, body["status"], body["events"], body["ages"]["events"]) == (
        200,
        "degraded",
        "behind",
        121,
    )

    Event.objects.update(done_at=timezone.now())
    assert readyz()[1]["ages"]["events"] == 0


def test_a_message_that_could_go_and_does_not_is_told_though_the_worker_lives(
    alive: None, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    for _ in range(2):
        cast.recorded(kumar, raja, jasmine)
    first, second = (
        Message.objects.get(pk=react(event_id=event.pk)[0]) for event in Event.objects.order_by("id")
    )
    Message.objects.filter(pk=first.pk).update(next_attempt_at=timezone.now() + dt.timedelta(hours=1))
    Message.objects.filter(pk=second.pk).update(next_attempt_at=seconds_ago(400))
    assert readyz()[1]["messages"] == "ok", "it waits for its turn"
    Message.objects.filter(pk=first.pk).update(next_attempt_at=seconds_ago(299))
    assert readyz()[1]["messages"] == "ok"
    Message.objects.filter(pk=first.pk).update(next_attempt_at=seconds_ago(301))
    status, body = readyz()
    assert (status, body["status"], body["messages"]) == (200, "degraded", "behind")
    assert 301 <= body["ages"]["messages"] <= 303


def test_a_sender_that_was_stopped_is_told(alive: None) -> None:
    went_wrong("twilio_sms", at_once=True, is_probe=False, failure="20003")
    status, body = readyz()
    assert (status, body["status"], body["messages"]) == (200, "degraded", "stopped")


def test_without_redis_we_go_on(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # What PatientRedisCache does while Redis is away: writes are forgotten, reads miss.
    monkeypatch.setattr(cache, "set", lambda *_, **__: None)

    status, body = readyz()

    assert (status, body["status"], body["redis"], body["database"]) == (200, "degraded", "away", "ok")


def test_without_the_database_nothing_can_be_saved(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> str:
        raise OperationalError("connection to server at 10.0.0.7 failed: password of malar")

    monkeypatch.setattr(health, "_database", away)
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "degraded",
        "database": "away",
        "migrations": "unknown",
        "redis": "ok",
        "worker": "unknown",
        "dispatcher": "unknown",
        "events": "unknown",
        "messages": "unknown",
        "books": "unknown",
    }
    assert b"password" not in answer.content


def test_with_migrations_missing_nothing_can_be_saved(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *_: ["ledger.0002"]
    )

    status, body = readyz()

    assert (status, body["migrations"], body["worker"]) == (503, "behind", "unknown")


def test_finished_migrations_are_looked_for_once(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    readyz()

    def again(*_: Any) -> None:
        raise AssertionError("looked again")

    monkeypatch.setattr(health, "MigrationExecutor", again)

    assert readyz()[1]["migrations"] == "ok"


def test_books_that_were_never_checked_are_told_and_no_fault(alive: None) -> None:
    BooksCheck.objects.all().delete()
    status, body = readyz()
    assert (status, body["status"], body["books"]) == (200, "ok", "never")


def test_broken_and_late_books_degrade_and_do_not_stop_us(alive: None) -> None:
    BooksCheck.objects.update(at=timezone.now() - LATE_AFTER - dt.timedelta(minutes=1))
    status, body = readyz()
    assert (status, body["status"], body["books"]) == (200, "degraded", "late")

    BooksCheck.objects.create(milliseconds=1, checked=50, findings=[{"invariant": "sacks", "rows": []}])
    status, body = readyz()
    assert (status, body["status"], body["books"]) == (200, "degraded", "broken")


def test_health_is_only_read(db: None) -> None:
    assert Client().post("/readyz").status_code == 405


def test_a_worker_is_seen_as_soon_as_it_is_up(db: None) -> None:
    beat_at_once(sender="celery@here")

    assert Pulse.objects.get().process == "worker"


def test_the_worker_of_long_jobs_says_nothing_of_the_other(db: None) -> None:
    beat_at_once(sender="jobs@here")
    assert not Pulse.objects.exists()


def test_the_months_around_today_are_made(db: None) -> None:
    assert make_partitions() == 24 + 1 + 3


def test_what_beat_starts_exists() -> None:
    for entry in base.CELERY_BEAT_SCHEDULE.values():
        name = str(entry["task"])
        if name.startswith("malar.ops."):
            assert import_string(name).name == name
