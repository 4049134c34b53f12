"""Many messages while everything breaks: none is lost, and none that is known to be sent goes twice.

`make soak-messages` sends 2,000 (SOAK_MESSAGES), the suite a few; SOAK_SEED is which way it breaks. Twilio takes,
refuses, is busy, hangs, hangs up after it took the message or answers with a page; workers are killed in the middle,
Redis is emptied, ids are given out forty times, and callbacks come late, twice and in any order.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from malar.accounts.models import Membership
from malar.kernel.jobs import start
from malar.trail.models import Event
from notifications.domain import FAILURES_THAT_STOP, UNFINISHED, State
from notifications.models import Message, Sender
from notifications.services.sending import send_again
from notifications.tasks import SEND
from pricing.models import Flower
from tests import cast
from tests.notifications.fake_twilio import (
    Answer,
    Call,
    FakeTwilio,
    approve,
    drops,
    environment,
    forget_connections,
    hangs,
    refuses,
    says,
    set_up,
    status_of,
    tells,
)
from tests.stack import BreakableRedis, Processes, breakable_redis, celery_at, wait_until

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

COUNT = int(os.environ.get("SOAK_MESSAGES", "40"))
SEED = int(os.environ.get("SOAK_SEED", "7"))
AT_ONCE = 25
"""Farmers written down at a time."""


class MoodyTwilio(FakeTwilio):
    """Draws by lot what becomes of each call, and knows which ones it took: those farmers were told."""

    def __init__(self, seed: int) -> None:
        self.lot = random.Random(seed)
        self.took: list[tuple[Call, str]] = []
        self.moods: Counter[str] = Counter()
        self.is_well = False
        super().__init__()

    def answer_to(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            sid = f"SM{len(self.calls):032x}"
            mood = "takes" if self.is_well else self.lot.choices(*zip(*MOODS.items(), strict=True))[0]
            self.moods[mood] += 1
            if mood not in ("busy", "refuses"):
                self.took.append((call, sid))
        return {
            "takes": says(201, {"sid": sid, "status": "queued"}),
            "busy": refuses(429, 20429, Retry_After="1"),
            "refuses": refuses(400, 21211),
            "page": says(500, "<html>Oh no</html>"),
            "drops": drops,
            "hangs": hangs(1),
        }[mood]

    def told(self) -> Counter[UUID]:
        """How often each farmer was told, by message."""
        with self.lock:
            return Counter(call.message_id for call, _sid in self.took)


MOODS = {"takes": 86, "busy": 6, "refuses": 2, "page": 2, "drops": 2, "hangs": 2}


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("soak") as redis:
        yield redis


@pytest.fixture
def twilio(settings: Any) -> Iterator[MoodyTwilio]:
    moody = MoodyTwilio(SEED)
    try:
        set_up(settings, moody)
        yield moody
    finally:
        moody.close()
        forget_connections()


@pytest.fixture
def processes(server: BreakableRedis, twilio: MoodyTwilio, tmp_path: Any) -> Iterator[Processes]:
    processes = Processes(server.url, tmp_path)
    processes.environment |= environment(twilio) | {"CALLBACK_SWEEP_S": "1"}
    try:
        processes.start("worker", "dispatcher", "beat")
        wait_until(lambda: " ready." in processes.log("worker"))
        yield processes
    finally:
        processes.kill_all()


def test_nothing_is_lost_and_nothing_that_is_known_goes_twice(
    twilio: MoodyTwilio, processes: Processes, server: BreakableRedis, kumar: Membership, jasmine: Flower
) -> None:
    approve()
    lot = random.Random(SEED)
    over, kills = threading.Event(), Counter[str]()
    provider = threading.Thread(target=_calls_back, args=(twilio, random.Random(SEED + 1), over))
    provider.start()
    try:
        number = 0
        while number < COUNT:
            for _ in range(min(AT_ONCE, COUNT - number)):
                number += 1
                phone = f"+9198760{number:05}"
                farmer = cast.a_farmer(kumar.shop, number, f"வி {number}", f"V {number}", phone=phone)
                cast.recorded(kumar, farmer, jasmine)
            _break_something(lot, processes, server, kills)
            _let_time_pass()
        deadline = time.monotonic() + 60 + COUNT
        while Event.objects.undone().exists() or Message.objects.filter(state__in=UNFINISHED).exists():
            assert time.monotonic() < deadline, Counter(Message.objects.values_list("state", "error_code"))
            _let_time_pass()
            time.sleep(0.5)  # worker and beat are other processes: they wake nobody here
        told = twilio.told()
        # What was taken and whose answer was lost: Twilio says so in the end, however late.
        wait_until(
            lambda: not Message.objects.filter(pk__in=told, state=State.UNKNOWN).exists(),
            why=str(Counter(Message.objects.values_list("state", "error_code"))),
        )
    finally:
        over.set()
        provider.join()
    states = dict(Message.objects.values_list("pk", "state"))
    sys.stdout.write(
        f"\n{COUNT} messages, {len(twilio.calls)} calls {dict(twilio.moods)}, broken: {dict(kills)},"
        f" ended {dict(Counter(states.values()))}\n"
    )
    assert len(states) == COUNT, "an event made no message"
    assert _lost(states, told) == []
    assert _doubled(told) == []
    _the_counting_notices(twilio, told, server)


def _lost(states: dict[UUID, str], told: Counter[UUID]) -> list[UUID]:
    """Messages that say they are on their way and that nobody got, or that were given up for no reason of Twilio's."""
    sent = (State.ACCEPTED, State.SENT, State.DELIVERED, State.READ)
    return [pk for pk, state in states.items() if (state in sent) != (pk in told) and state != State.FAILED]


def _doubled(told: Counter[UUID]) -> list[UUID]:
    """Farmers who were told twice."""
    return [pk for pk, times in told.items() if times > 1]


def _the_counting_notices(twilio: MoodyTwilio, told: Counter[UUID], server: BreakableRedis) -> None:
    """One that was told is sent once more by hand, forty times over: one call more, and it is counted as doubled."""
    twilio.is_well = True
    pk = next(iter(told))
    Sender.objects.update(open_until=None)
    Message.objects.filter(pk=pk).update(state=State.UNKNOWN)
    with transaction.atomic():
        send_again(messages=Message.objects.filter(pk=pk))
    with celery_at(server.url):
        for _ in range(40):
            start(SEND, message_id=str(pk))
    wait_until(lambda: _doubled(twilio.told()) == [pk])
    wait_until(lambda: server.waiting() == 0)
    assert twilio.told()[pk] == 2


def _break_something(
    lot: random.Random, processes: Processes, server: BreakableRedis, kills: Counter[str]
) -> None:
    what = lot.choice(("worker", "worker", "worker", "redis", "forty", "nothing"))
    kills[what] += 1
    if what == "worker":
        processes.kill("worker")
        processes.start("worker")
    elif what == "redis":
        server.flush()
    elif what == "forty":
        waiting = Message.objects.waiting().values_list("pk", flat=True).first()
        with celery_at(server.url):
            for _ in range(40 if waiting else 0):
                start(SEND, message_id=str(waiting))


def _let_time_pass() -> None:
    """What waits for minutes is due now: tries that were put off, and a sender that was stopped for too many losses."""
    now = timezone.now()
    Sender.objects.filter(open_until__gt=now).update(open_until=now, failures=0)
    Message.objects.waiting().filter(next_attempt_at__gt=now).update(next_attempt_at=now)
    assert FAILURES_THAT_STOP < COUNT


def _calls_back(twilio: MoodyTwilio, lot: random.Random, over: threading.Event) -> None:
    """Twilio tells of what it took: some of it twice, in any order, while we are busy."""
    done = 0
    try:
        while not over.wait(0.1):
            with twilio.lock:
                new, done = twilio.took[done:], len(twilio.took)
            said = [
                (call.status_path, status_of(sid, status))
                for call, sid in new
                for status in ("sent", "delivered", "delivered")
            ]
            lot.shuffle(said)
            for path, fields in said:
                tells(path, fields)
    finally:
        connection.close()
