"""The cache in front of a Redis that is stopped, hung and started again. A real one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches

from malar.kernel import cache as patient
from malar.settings import base
from tests.stack import BreakableRedis, breakable_redis, wait_until

COUNTER = "allauth:rl:login_failed:5/5m/key:abc"


@pytest.fixture(scope="module")
def server() -> Iterator[BreakableRedis]:
    with breakable_redis("cache") as redis:
        yield redis


@pytest.fixture
def cache(server: BreakableRedis, monkeypatch: pytest.MonkeyPatch) -> Iterator[patient.PatientRedisCache]:
    monkeypatch.setattr(patient, "PAUSE_S", 0.3)
    patient.breakers.clear()
    server.go_on()
    cache = patient.PatientRedisCache(server.url, {"KEY_PREFIX": "test"})
    cache.clear()
    yield cache
    server.go_on()


def client_of(cache: patient.PatientRedisCache) -> patient.PatientClient:
    client = getattr(cache, "_cache")  # noqa: B009 - the stubs do not know it
    assert isinstance(client, patient.PatientClient)
    return client


Break = Callable[[BreakableRedis], None]
either_way = pytest.mark.parametrize("break_it", [BreakableRedis.stop, BreakableRedis.hang])


def everything_of(cache: patient.PatientRedisCache) -> list[object]:
    """What every call answers that Django and its applications may make."""
    cache.set("a", 1)
    cache.set_many({"a": 1})
    cache.delete_many(["a"])
    return [
        cache.get("a", "none"),
        "a" in cache,
        cache.get_many(["a", "b"]),
        cache.add("a", 1),
        cache.touch("a"),
        cache.incr("a"),
        cache.delete("a"),
        cache.get_or_set("a", 1),
    ]


def test_with_redis_up_it_is_a_cache(cache: patient.PatientRedisCache) -> None:
    cache.set("a", {"rate": 900})
    assert cache.get("a") == {"rate": 900}
    assert cache.add("a", 1) is False
    cache.set("n", 1)
    assert cache.incr("n") == 2
    assert cache.delete("a") is True
    assert "a" not in cache


@either_way
def test_without_redis_no_call_fails_and_reads_miss(
    cache: patient.PatientRedisCache, server: BreakableRedis, break_it: Break
) -> None:
    cache.set("a", 5)
    break_it(server)
    assert everything_of(cache) == ["none", False, {}, True, False, 0, False, 1]


@either_way
def test_without_redis_a_hundred_calls_cost_one_short_wait(
    cache: patient.PatientRedisCache,
    server: BreakableRedis,
    break_it: Break,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patient, "PAUSE_S", 60)
    cache.get("a")
    client = client_of(cache).redis
    ask = client.get
    calls = []

    def count(*args: Any) -> Any:
        calls.append(args)
        return ask(*args)

    monkeypatch.setattr(client, "get", count)
    break_it(server)
    began = time.monotonic()
    for _ in range(100):
        cache.get("a")
    assert len(calls) == 1
    assert time.monotonic() - began < 1


@either_way
def test_one_thread_learns_for_all(
    cache: patient.PatientRedisCache, server: BreakableRedis, break_it: Break
) -> None:
    other = patient.PatientRedisCache(server.url, {"KEY_PREFIX": "test"})
    break_it(server)
    cache.get("a")
    assert client_of(other).breaker.is_open


@either_way
def test_when_redis_is_back_it_is_used_again(
    cache: patient.PatientRedisCache, server: BreakableRedis, break_it: Break
) -> None:
    break_it(server)
    cache.get("a")
    server.go_on()

    def is_kept() -> bool:
        cache.set("a", 1)
        return bool(cache.get("a") == 1)

    wait_until(is_kept)


def test_after_a_pause_one_call_tries_and_the_others_do_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaker = patient.Breaker()
    monkeypatch.setattr(patient, "PAUSE_S", 0)
    breaker.failed(TimeoutError())
    monkeypatch.setattr(patient, "PAUSE_S", 60)
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.answered()
    assert [breaker.lets_through() for _ in range(3)] == [True, True, True]


def test_what_was_changed_without_redis_does_not_come_back_with_it(
    cache: patient.PatientRedisCache, server: BreakableRedis
) -> None:
    """Else who signs out while Redis hangs is signed in again when it goes on."""
    cache.set("session", "signed in")
    cache.set("board", "rates of five")
    cache.set("other", "kept")
    cache.set("hit", 1)
    server.hang()
    cache.get("hit")
    cache.delete("session")
    cache.set("board", "rates of six")
    server.go_on()
    wait_until(lambda: cache.get("other") == "kept")
    assert cache.get("session") is None
    assert cache.get("board") is None


@either_way
@pytest.mark.django_db
def test_sign_in_attempts_are_counted_in_the_database_meanwhile(
    cache: patient.PatientRedisCache, server: BreakableRedis, break_it: Break
) -> None:
    break_it(server)
    cache.set(COUNTER, [1.0, 2.0], 300)
    assert cache.get(COUNTER, []) == [1.0, 2.0]
    assert cache.add(f"{COUNTER}:lock", True, 10) is True
    assert cache.add(f"{COUNTER}:lock", True, 10) is False
    cache.delete(f"{COUNTER}:lock")
    assert cache.add(f"{COUNTER}:lock", True, 10) is True


def test_the_prefix_is_the_one_allauth_uses() -> None:
    from allauth.core.internal import ratelimit

    rate = ratelimit.parse_rate("5/5m/key")
    key = ratelimit.get_cache_key(
        None, app="account", action="login_failed", rate=rate, key="x"
    )  # no request is looked at
    assert patient.COUNTED_IN_DATABASE in caches["default"].make_key(key)


def test_counters_in_the_database_are_not_pushed_out_by_many_invented_names() -> None:
    settings: Any = base.CACHES["database"]
    assert settings["OPTIONS"]["MAX_ENTRIES"] >= 100_000
