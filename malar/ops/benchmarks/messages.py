"""Telling farmers: from an event to the call, a long queue, and what the provider calls back."""

import contextlib
import datetime as dt
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from ledger.events import EntryRecorded
from ledger.models import DailyEntry, Farmer
from ledger.services.entries import record_entry
from malar.celery import app
from malar.kernel.ids import new_id
from malar.ops.benchmarks.requests import server
from malar.ops.benchmarks.scene import Scene, own_database, percentile, set_scene
from malar.ops.benchmarks.slow_provider import A_SECOND
from malar.trail.models import Event
from malar.trail.services.events import record
from notifications.domain import UNFINISHED, VALID_FOR, Kind, State, filled
from notifications.models import Callback, Message, MessageTemplate
from notifications.providers import provider_in_use
from notifications.providers.http import client
from notifications.providers.twilio import signature_of
from notifications.services.sending import send
from notifications.wordings import samples

EVENTS_A_SECOND, FOR_S, QUEUED, CALLBACKS_A_SECOND = 50, 60, 10_000, 100
CALL_WITHIN_MS, DRAINS_PERCENT, WEBHOOK_WITHIN_MS, QUERIES = 2000, 60, 50, 6
PUBLIC, TOKEN = "https://malar.example", "bench-token"
WORKER = (
    *("-m", "celery", "-A", "malar.celery", "worker", "--pool", "threads", "--concurrency", "4"),
    *("--without-gossip", "--without-mingle", "--loglevel", "ERROR"),
)
BEAT = ("-m", "celery", "-A", "malar.celery", "beat", "--pidfile", "", "--loglevel", "ERROR")
DISPATCHER = ("manage.py", "dispatch", "--skip-checks")
CLIENTS = 4


@dataclass(frozen=True)
class Stack:
    """The fake provider, and the settings of everything that speaks to it."""

    port: int
    environment: dict[str, str]

    def calls(self) -> dict[UUID, float]:
        """When it was called for each message since it was asked last."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port)
        asked.request("GET", "/calls")
        found = json.load(asked.getresponse())
        asked.close()
        return {UUID(message): at for message, at in found}


def messages_to_farmers(*, rounds: int, each: int, entries: int | None = None) -> dict[str, Any]:
    """Four figures, in a database and a corner of Redis of their own: from an event to the call (50 events a second for
    a minute); messages a second out of a long queue, against the 80 that the provider takes; a callback's answer
    at 100 a second; queries of one send.

    One worker process of four threads, beat and dispatcher, all real; the provider is a process of its own.
    `entries`: how many messages wait in the long queue, 10,000 unless told otherwise; with fewer the minute is
    shorter, too. `rounds` and `each` mean nothing here.
    """
    queued = entries or QUEUED
    seconds = max(2, min(FOR_S, queued * FOR_S // QUEUED))
    with own_database(), the_provider() as stack, override_settings(**in_this_process(stack)):
        scene = set_scene()
        Farmer.objects.filter(shop=scene.clerk.shop).update(language="ta")
        give_phones(scene)
        lines = [a_line(scene, n) for n in range(min(len(scene.farmers), EVENTS_A_SECOND * seconds))]
        Event.objects.update(done_at=timezone.now())
        queries = queries_of_a_send(scene, lines[0])
        stack.calls()
        with the_processes(stack):
            from_event_to_call(stack, scene, lines, 10)  # they are up, and have their connections
            to_call = from_event_to_call(stack, scene, lines, EVENTS_A_SECOND * seconds)
            drained = out_of_a_long_queue(stack, scene, lines[0], queued)
        with server(**stack.environment) as port:
            answers = callbacks(port, min(queued, CALLBACKS_A_SECOND * seconds))
    return result_of(queries, to_call, drained, answers, seconds=seconds, queued=queued)


def result_of(
    queries: list[int],
    to_call: list[float],
    drained: float,
    answers: list[float],
    *,
    seconds: int,
    queued: int,
) -> dict[str, Any]:
    share = round(100 * drained / A_SECOND)
    call_ms, webhook_ms = percentile(to_call, 95), percentile(answers, 95)
    return {
        "bench": "messages",
        "event_to_call_ms": {"p50": round(median(to_call) * 1000), "p95": round(call_ms)},
        "drained_a_second": round(drained, 1),
        "percent_of_80": share,
        "webhook_ms": {"p50": round(median(answers) * 1000, 1), "p95": webhook_ms},
        "queries_of_a_send": max(queries),
        "events": len(to_call),
        "for_s": seconds,
        "queued": queued,
        "callbacks": len(answers),
        "goals": {
            "event_to_call_p95_ms": CALL_WITHIN_MS,
            "percent_of_80": DRAINS_PERCENT,
            "webhook_p95_ms": WEBHOOK_WITHIN_MS,
            "queries_of_a_send": QUERIES,
        },
        "met": {
            "event_to_call_p95_ms": call_ms <= CALL_WITHIN_MS,
            "percent_of_80": share >= DRAINS_PERCENT,
            "webhook_p95_ms": webhook_ms <= WEBHOOK_WITHIN_MS,
            "queries_of_a_send": max(queries) <= QUERIES,
        },
    }


# --- Processes -------------------------------------------------------------------------------------


@contextlib.contextmanager
def the_provider() -> Iterator[Stack]:
    """The fake, up; and how it is spoken to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "malar.ops.benchmarks.slow_provider"], stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the provider says nothing")
        port = int(process.stdout.readline())
        known = connection.settings_dict
        database = (
            f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
        )
        environment = {
            "DATABASE_URL": database,
            "REDIS_URL": urlunsplit(urlsplit(settings.REDIS_URL)._replace(path="/9")),
            "MESSAGE_PROVIDER": "twilio_sms",
            "PUBLIC_BASE_URL": PUBLIC,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{port}",
            "TWILIO_ACCOUNT_SID": "ACbench",
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_SMS_FROM": "+14155550100",
            "LOG_LEVEL": "ERROR",
        }
        yield Stack(port, environment)
    finally:
        process.kill()
        process.wait()


def in_this_process(stack: Stack) -> dict[str, Any]:
    """The same settings here."""
    ours = {name: stack.environment[name] for name in stack.environment if name in IN_THIS_PROCESS}
    return {**ours, "MESSAGE_PROVIDER": settings.MESSAGE_PROVIDERS["twilio_sms"], "API_RATE_LIMITS": False}


IN_THIS_PROCESS = frozenset(
    {"PUBLIC_BASE_URL", "TWILIO_BASE_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_SMS_FROM"}
)


@contextlib.contextmanager
def the_processes(stack: Stack) -> Iterator[None]:
    """One worker of four threads, dispatcher and beat; killed at the end, their corner of Redis emptied before."""
    with app.connection_for_write(url=stack.environment["REDIS_URL"]) as link:
        link.default_channel.client.flushdb()
    environment = os.environ | stack.environment
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as notes:
        schedule = ("--schedule", f"{notes}/beat")
        try:
            for argv in (WORKER, DISPATCHER, (*BEAT, *schedule)):
                command, quiet = [sys.executable, *argv], subprocess.DEVNULL
                running.append(subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet))
            yield
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()


# --- What is measured ------------------------------------------------------------------------------


def give_phones(scene: Scene) -> None:
    """Each farmer has a number of his own: nobody waits for another."""
    for farmer in scene.farmers:
        farmer.phone = f"+9198760{farmer.number:05}"
    Farmer.objects.bulk_update(scene.farmers, ["phone"])


def a_line(scene: Scene, n: int) -> DailyEntry:
    farmer = scene.farmers[n % len(scene.farmers)]
    answer = record_entry(
        by=scene.clerk,
        key=new_id(),
        farmer_id=farmer.pk,
        flower_id=scene.flower.pk,
        captured_at=timezone.now(),
        gross_quantity=Decimal(n % 9000 + 500) / 1000,  # nobody's twin
    )
    return DailyEntry.objects.get(shop=scene.clerk.shop, pk=answer.made)


def queries_of_a_send(scene: Scene, line: DailyEntry) -> list[int]:
    """Statements from a message that waits to one that its provider has."""
    counted = []
    for _ in range(5):
        (message,) = queue_of(scene, line, 1)
        client()  # the connection is made once a process
        with CaptureQueriesContext(connection) as captured:
            send(message_id=message.pk)
        message.refresh_from_db()
        if message.state != State.ACCEPTED:
            raise RuntimeError(f"it was not sent: {message.state} {message.error_code}")
        counted.append(len(captured))
    return counted


def from_event_to_call(stack: Stack, scene: Scene, lines: Sequence[DailyEntry], count: int) -> list[float]:
    """Seconds from the moment an event was committed to the provider's call, 50 events a second."""
    shop, committed = scene.clerk.shop, list[float]()
    began = time.time()
    for n in range(count):
        # By the moment at which each is due, so that a slow one does not slow down those after it.
        time.sleep(max(0.0, began + n / EVENTS_A_SECOND - time.time()))
        line = lines[n % len(lines)]
        with transaction.atomic():
            record(EntryRecorded(entry=line.pk, farmer=line.farmer_id), shop=shop)
        committed.append(time.time())
    wait_for(lambda: Event.objects.undone().exists() or waiting().exists(), seconds=120 + count / 10)
    since = dt.datetime.fromtimestamp(began, dt.UTC)
    events = Event.objects.filter(shop=shop, name=EntryRecorded.name, at__gte=since).order_by("at", "id")
    messages = dict(Message.objects.filter(event__in=events).values_list("event_id", "pk"))
    calls = stack.calls()
    return [calls[messages[pk]] - committed[n] for n, pk in enumerate(events.values_list("pk", flat=True))]


def out_of_a_long_queue(stack: Stack, scene: Scene, line: DailyEntry, count: int) -> float:
    """Messages a second, from the first call to the last, with all of them waiting at the beginning."""
    queue_of(scene, line, count)
    wait_for(waiting().exists, seconds=60 + count / 10)
    if Message.objects.filter(state__in=(State.FAILED, State.DEAD, State.UNKNOWN)).exists():
        raise RuntimeError("some were not sent")
    times = sorted(stack.calls().values())
    return (len(times) - 1) / (times[-1] - times[0])


def queue_of(scene: Scene, line: DailyEntry, count: int) -> list[Message]:
    """Receipts that wait, of one line, to each farmer in turn."""
    shop, now = scene.clerk.shop, timezone.now()
    wording = MessageTemplate.objects.get(name="entry_receipt", language="ta", is_active=True)
    event = Event.objects.filter(shop=shop).earliest("id")
    text = filled(wording.body, samples("ta"))
    return Message.objects.bulk_create(
        [
            Message(
                shop=shop,
                farmer=scene.farmers[n % len(scene.farmers)],
                event=event,
                kind=Kind.ENTRY_RECEIPT,
                dedupe_key=f"bench {new_id()}",
                channel=provider_in_use().channel,
                address=scene.farmers[n % len(scene.farmers)].phone,
                language="ta",
                template=wording,
                variables=samples("ta"),
                text=text,
                expires_at=now + VALID_FOR,
            )
            for n in range(count)
        ],
        batch_size=1000,
    )


def waiting() -> QuerySet[Message]:
    return Message.objects.filter(state__in=UNFINISHED)


def wait_for(busy: Callable[[], bool], *, seconds: float) -> None:
    """Until nothing is left to do. Raises RuntimeError after so many seconds."""
    deadline = time.monotonic() + seconds
    while busy():
        if time.monotonic() > deadline:
            left = dict(Message.objects.values_list("state").annotate(count=Count("pk")))
            raise RuntimeError(f"not done in {seconds:.0f} s: {left}")
        time.sleep(0.2)  # other processes are at it, and tell nobody here when they are done


def callbacks(port: int, count: int) -> list[float]:
    """Seconds of each answer to a signed callback, 100 a second from four connections."""
    told = list(Message.objects.exclude(provider_id="").values_list("pk", "attempt", "provider_id")[:count])
    taken: list[float] = []
    began = time.time()

    def tell(first: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port)
        for n in range(first, count, CLIENTS):
            message, attempt, sid = told[n % len(told)]
            path = f"/webhooks/twilio/status/{message}/{attempt}/"
            fields = {"MessageSid": sid, "MessageStatus": "delivered", "Lap": str(n // len(told))}
            signed = signature_of(TOKEN, f"{PUBLIC}{path}", {name: [value] for name, value in fields.items()})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
            # By the moment at which each is due, as above.
            time.sleep(max(0.0, began + n / CALLBACKS_A_SECOND - time.time()))
            started = time.perf_counter()
            link.request("POST", path, urlencode(fields), headers)
            answer = link.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the callback was answered {answer.status}")
            taken.append(time.perf_counter() - started)
        link.close()

    threads = [threading.Thread(target=tell, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(taken) != count or not Callback.objects.exists():
        raise RuntimeError("callbacks failed")
    return taken
