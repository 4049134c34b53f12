"""`POST /api/v1/daily-entries/` against a view that only authenticates, through the real web server."""

import datetime as dt
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import uuid4

from malar.ops.benchmarks.scene import PASSWORD, Scene, percentile, set_scene
from malar.ops.embedded import free_port

CLIENTS = 4
START_S = 60.0
AUTHENTICATES_ONLY = "/api/v1/auth/me/"
ENTRIES = "/api/v1/daily-entries/"


def post_entry_against_authentication(*, rounds: int, each: int) -> dict[str, Any]:
    """Requests a second of both, four clients at a time, and the percentiles of the POST in ms.

    The server is granian with two workers, on loopback, with its limits switched off. Both sides
    send the same bearer token; the floor reads it, finds user and membership, and answers.
    """
    scene = set_scene()
    with server() as port:
        token = _sign_in(port, scene)
        rates: dict[str, list[float]] = {"post": [], "authenticate": []}
        taken: list[float] = []
        for turn in range(rounds + 1):
            for side in rates:
                seconds, elapsed = _round(port, token, scene, side, each)
                if turn:
                    rates[side].append(len(seconds) / elapsed)
                    taken += seconds if side == "post" else []
    per_second = {side: median(values) for side, values in rates.items()}
    return {
        "bench": "post_entry",
        "ratio": round(per_second["post"] / per_second["authenticate"], 3),
        "goal": 0.2,
        "per_second": {side: round(value, 1) for side, value in per_second.items()},
        "post_ms": {f"p{percent}": percentile(taken, percent) for percent in (50, 95, 99)},
        "clients": CLIENTS,
        "requests_each": rounds * each,
    }


TWO_WORKERS = ("--interface", "wsgi", "--workers", "2", "--blocking-threads", "4")


@contextmanager
def server(granian: Sequence[str] = TWO_WORKERS, **environment: str) -> Iterator[int]:
    """Granian on a free port of loopback, stopped at the end; yields the port."""
    port = free_port(0)
    command = [sys.executable, "-m", "granian", *granian, "--host", "127.0.0.1", "--port", str(port)]
    command += ["malar.wsgi:application"]
    environ = os.environ | {"API_RATE_LIMITS": "0", "LOG_LEVEL": "ERROR"} | environment
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the web server did not start")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _sign_in(port: int, scene: Scene) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps({"username": scene.clerk.user.email, "password": PASSWORD})
    connection.request("POST", "/api/v1/auth/token/", body, {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    connection.close()
    return str(answer["access"])


def _round(port: int, token: str, scene: Scene, side: str, each: int) -> tuple[list[float], float]:
    """Seconds of each request and of the whole round; every client keeps its connection."""
    seconds: list[float] = []
    share = each // CLIENTS

    def client(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for n in range(first, first + share):
            started = time.perf_counter()
            status = _send(connection, token, scene, side, n)
            seconds.append(time.perf_counter() - started)
            if status not in (200, 201):
                raise RuntimeError(f"{side} answered {status}")
        connection.close()

    clients = [threading.Thread(target=client, args=(n * share,)) for n in range(CLIENTS)]
    started = time.perf_counter()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    elapsed = time.perf_counter() - started
    if len(seconds) != share * CLIENTS:
        raise RuntimeError(f"{share * CLIENTS - len(seconds)} requests failed")
    return seconds, elapsed


def _send(connection: http.client.HTTPConnection, token: str, scene: Scene, side: str, n: int) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if side == "authenticate":
        connection.request("GET", AUTHENTICATES_ONLY, headers=headers)
    else:
        body = {
            "farmer": str(scene.farmers[n % len(scene.farmers)].pk),
            "flower": str(scene.flower.pk),
            "captured_at": dt.datetime.now(dt.UTC).isoformat(),
            "gross_quantity": str(Decimal(n % 9000 + 500) / 1000),
            "tare": "0.200",
            "sacks": 1,
        }
        headers["Idempotency-Key"] = str(uuid4())
        connection.request("POST", ENTRIES, json.dumps(body), headers)
    response = connection.getresponse()
    response.read()
    return response.status
