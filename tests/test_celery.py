"""What Celery makes of a Redis that goes away while tasks are under way. A real one."""

from collections.abc import Iterator
from typing import Any

import pytest

from malar.celery import app, look_at_connections
from malar.kernel.jobs import start
from tests.stack import BreakableRedis, breakable_redis, celery_at


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("celery") as redis:
        yield redis


@pytest.fixture
def link(server: BreakableRedis) -> Iterator[Any]:
    """A worker's connection."""
    server.flush()
    with celery_at(server.url), app.connection_for_read() as link:
        yield link


@pytest.fixture
def task(link: Any) -> Any:
    """A task under way in a worker that may hold one."""
    start("some.task")
    link.default_channel.basic_qos(0, 1, False)
    task = link.default_channel.basic_get(app.conf.task_default_queue)
    assert not link.default_channel.qos.can_consume()
    return task


@pytest.mark.parametrize("end", ["ack", "reject", "requeue"])
def test_a_task_that_ends_while_redis_hangs_makes_room_for_another(
    server: BreakableRedis, link: Any, task: Any, end: str
) -> None:
    with server.hung(), pytest.raises(link.connection_errors):
        getattr(task, end)()
    assert link.default_channel.qos.can_consume()


def test_a_worker_that_lost_redis_can_close_what_it_had(server: BreakableRedis, link: Any, task: Any) -> None:
    with server.stopped():
        link.collect()
        link.close()


def test_a_task_that_ends_after_its_connection_was_closed_is_an_error_celery_expects(
    server: BreakableRedis, link: Any, task: Any
) -> None:
    with server.stopped():
        link.collect()
        with pytest.raises(link.connection_errors):
            task.ack()


def test_the_database_connection_stays_from_task_to_task(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr("malar.celery.close_old_connections", lambda: looked.append(True))

    @app.task(name="tests.look", shared=False)
    def look() -> None:
        """Nothing."""

    try:
        look.apply()
        assert looked == []  # it runs where it is called, perhaps inside a transaction
        look_at_connections(task=look)
        assert looked == [True]
    finally:
        app.tasks.unregister("tests.look")
    assert app.conf.get("CELERY_DB_REUSE_MAX") > 1000
