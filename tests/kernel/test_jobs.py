"""Handing tasks to a broker. A real one."""

from collections.abc import Callable, Iterator

import pytest

from malar.kernel.jobs import BrokerAway, nothing_waits, start
from tests.stack import BreakableRedis, breakable_redis, celery_at

Break = Callable[[BreakableRedis], None]


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("jobs") as redis:
        yield redis


@pytest.fixture
def broker(server: BreakableRedis) -> Iterator[BreakableRedis]:
    server.go_on()
    server.flush()
    with celery_at(server.url):
        yield server
    server.go_on()


def test_what_was_started_waits_until_somebody_takes_it(broker: BreakableRedis) -> None:
    assert nothing_waits()
    start("some.task", event_id="1")
    assert not nothing_waits()
    broker.flush()
    assert nothing_waits()


@pytest.mark.parametrize("break_it", [BreakableRedis.stop, BreakableRedis.hang])
def test_a_broker_that_does_not_answer_is_away(broker: BreakableRedis, break_it: Break) -> None:
    start("some.task", event_id="1")
    break_it(broker)
    with pytest.raises(BrokerAway):
        start("some.task", event_id="2")
    with pytest.raises(BrokerAway):
        nothing_waits()


def test_a_broker_that_was_away_takes_tasks_at_once_when_it_is_back(broker: BreakableRedis) -> None:
    start("some.task", event_id="1")
    broker.stop()
    broker.start()
    start("some.task", event_id="2")
    assert broker.waiting() == 1
