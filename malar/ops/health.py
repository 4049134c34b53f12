"""/healthz and /readyz: does the process live, and what of what it needs is there."""

import datetime as dt
from dataclasses import dataclass, field

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from malar.kernel.ids import new_id
from malar.ops.books import LATE, NEVER, OK, state_of_books
from malar.trail.models import Event, Pulse
from notifications.selectors import due_since, stopped_senders

AWAY = "away"
BEHIND = "behind"
UNKNOWN = "unknown"
STOPPED = "stopped"

PARTS = ("database", "migrations", "redis", "worker", "dispatcher", "events", "messages", "books")
NEEDED_TO_SAVE = ("database", "migrations")
YOUNGER_THAN_S = {"worker": 60, "dispatcher": 30}
EVENTS_BEHIND_S = 120
MESSAGES_BEHIND_S = 300


@dataclass
class Health:
    """The state of each part, `ok` or what is wrong with it, and ages in seconds."""

    parts: dict[str, str]
    ages: dict[str, int | None] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return all(state in (OK, NEVER) for state in self.parts.values())

    @property
    def can_save(self) -> bool:
        """Entries can be saved: what is away beside that is made up for later."""
        return all(self.parts[name] == OK for name in NEEDED_TO_SAVE)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives and answers; it asks nobody else."""
    return JsonResponse({"status": OK})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Each part with its state. 503 only when entries cannot be saved."""
    health = look(timezone.now())
    body: dict[str, object] = {"status": OK if health.is_whole else "degraded", **health.parts}
    if health.ages:
        body["ages"] = health.ages
    return JsonResponse(body, status=200 if health.can_save else 503)


def look(now: dt.datetime) -> Health:
    """Ask every part. A part that fails is a state, never an error."""
    health = Health(parts=dict.fromkeys(PARTS, UNKNOWN))
    health.parts["redis"] = _redis()
    try:
        health.parts["database"] = _database()
        health.parts["migrations"] = _migrations()
        if health.can_save:
            _signs_of_life(health, now)
            health.parts["books"] = state_of_books(now)
    except Error:
        health.parts["database"] = AWAY
    return health


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


_migrated = False


def _migrations() -> str:
    """Whether every migration has run. Asked until it is so; after that it stays so for this process."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return OK if _migrated else BEHIND


def _redis() -> str:
    """Through the cache and its breaker: what requests meet is what is told."""
    token = new_id().hex
    cache.set("readyz", token, 10)
    return OK if cache.get("readyz") == token else AWAY


def _signs_of_life(health: Health, now: dt.datetime) -> None:
    beats = dict(Pulse.objects.values_list("process", "at"))
    for process, limit_s in YOUNGER_THAN_S.items():
        age = _age(beats.get(process), now)
        health.ages[process] = age
        health.parts[process] = OK if age is not None and age < limit_s else LATE
    oldest = Event.objects.undone().order_by("id").values_list("at", flat=True).first()
    age = _age(oldest, now)
    health.ages["events"] = age or 0
    health.parts["events"] = OK if age is None or age < EVENTS_BEHIND_S else BEHIND
    # A worker may live and take nothing: what counts is how long the first in line has been due.
    age = _age(due_since(), now)
    health.ages["messages"] = age or 0
    health.parts["messages"] = OK if age is None or age < MESSAGES_BEHIND_S else BEHIND
    if stopped_senders():
        health.parts["messages"] = STOPPED


def _age(moment: dt.datetime | None, now: dt.datetime) -> int | None:
    return None if moment is None else max(0, round((now - moment).total_seconds()))
