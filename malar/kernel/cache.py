"""Redis as a cache that may be away: nothing waits for it, nothing fails without it, nothing stale comes back."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

TIMEOUT_S = 0.15
PAUSE_S = 5.0
COUNTED_IN_DATABASE = "allauth:rl:"
"""In keys of the sign-in limits. They may not vanish with Redis, or guessing passwords is free."""


class Breaker:
    """What this process knows of one Redis, in all its threads: whether it answers, and what it has missed."""

    def __init__(self) -> None:
        self.is_open = False
        self._until = 0.0
        self._missed: set[str] = set()
        self._turn = threading.Lock()

    def lets_through(self) -> bool:
        """Whether to ask Redis now: always while it answers, else one call in PAUSE_S."""
        if not self.is_open:
            return True
        with self._turn:
            if time.monotonic() < self._until:
                return False
            self._until = time.monotonic() + PAUSE_S
            return True

    def failed(self, error: Exception) -> None:
        """Note that Redis did not answer."""
        with self._turn:
            self._until = time.monotonic() + PAUSE_S
            if not self.is_open:
                log.warning("redis_away", error=type(error).__name__)
            self.is_open = True

    def answered(self) -> None:
        """Note that Redis answers."""
        if self.is_open:
            log.info("redis_back")
            self.is_open = False

    def miss(self, keys: Iterable[str]) -> None:
        """Remember keys that were changed without Redis."""
        with self._turn:
            self._missed.update(keys)

    def take_missed(self) -> list[str]:
        """Those keys, forgotten here."""
        if not self._missed:
            return []
        with self._turn:
            missed, self._missed = list(self._missed), set()
        return missed


breakers: dict[tuple[str, ...], Breaker] = {}
"""One for each Redis and process. Django makes a cache for each thread, and each would learn for itself."""


class PatientClient:
    """Django's Redis client behind a breaker.

    A call that fails or takes longer than 0.15 s opens the breaker; while it is open one call in 5 s
    goes out, reads miss and writes are forgotten. One hung Redis therefore costs a process 0.15 s in
    5 s, not 7 s a request. Counters of sign-in attempts go to the database meanwhile. What was
    changed without Redis is deleted there before anything is read again, else a session that was
    signed out would be back with it.
    """

    def __init__(self, servers: list[str], **options: Any) -> None:
        patience = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
        self.redis = RedisCacheClient(servers, **{**options, **patience})
        self.breaker = breakers.setdefault(tuple(servers), Breaker())

    def _call(self, name: str, without: Any, *args: Any, keys: list[str], changes: bool) -> Any:
        if self.breaker.lets_through():
            missed = self.breaker.take_missed()
            try:
                if missed:
                    self.redis.delete_many(missed)
                    missed = []
                answer = getattr(self.redis, name)(*args)
            except (RedisError, OSError) as error:
                self.breaker.miss(missed)
                self.breaker.failed(error)
            else:
                self.breaker.answered()
                return answer
        if any(COUNTED_IN_DATABASE in key for key in keys):
            return getattr(caches["database"], name)(*args)
        if changes:
            self.breaker.miss(keys)
        return without

    def get(self, key: str, default: Any) -> Any:
        return self._call("get", default, key, default, keys=[key], changes=False)

    def get_many(self, keys: Iterable[str]) -> Any:
        keys = list(keys)
        return self._call("get_many", {}, keys, keys=keys, changes=False)

    def has_key(self, key: str) -> Any:
        return self._call("has_key", False, key, keys=[key], changes=False)

    def add(self, key: str, value: Any, timeout: int | None) -> Any:
        return self._call("add", True, key, value, timeout, keys=[key], changes=True)

    def set(self, key: str, value: Any, timeout: int | None) -> Any:
        return self._call("set", None, key, value, timeout, keys=[key], changes=True)

    def set_many(self, data: Mapping[str, Any], timeout: int | None) -> Any:
        return self._call("set_many", None, data, timeout, keys=list(data), changes=True)

    def touch(self, key: str, timeout: int | None) -> Any:
        return self._call("touch", False, key, timeout, keys=[key], changes=False)

    def incr(self, key: str, delta: int) -> Any:
        return self._call("incr", 0, key, delta, keys=[key], changes=True)

    def delete(self, key: str) -> Any:
        return self._call("delete", False, key, keys=[key], changes=True)

    def delete_many(self, keys: Iterable[str]) -> Any:
        keys = list(keys)
        return self._call("delete_many", None, keys, keys=keys, changes=True)

    def clear(self) -> Any:
        return self._call("clear", False, keys=[], changes=False)


class PatientRedisCache(RedisCache):
    """Django's Redis cache with a client that does not wait."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = PatientClient
