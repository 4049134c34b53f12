"""The tablets' door: operations against the same rows by psycopg alone, and five tablets that come back at once."""

import datetime as dt
import http.client
import json
import math
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.accounts.services import verified_user
from malar.kernel.clock import business_date_of
from malar.kernel.ids import new_id
from malar.ops.benchmarks.counter import packed_static
from malar.ops.benchmarks.entries import address, coolie_scene, row_counts, sale_by_psycopg
from malar.ops.benchmarks.requests import server
from malar.ops.benchmarks.scene import PASSWORD, Scene, in_turn, percentile
from malar.ops.supervisor import GRANIAN

DOOR = "/sync/v1/"
BATCH = 50
FIRST, FEWEST, QUICK_MS, SLOW_MS = 10, 5, 120, 300
"""How a tablet sizes its batches (static/js/offline/outbox.js)."""
TABLETS, OPERATIONS = 5, 200
ALLOWED_S = 60.0


class Tablet:
    """A tablet as the server meets it, signed in and known: sales with slip numbers of its own series."""

    def __init__(self, member: Membership) -> None:
        self.member, self.id, self.stream, self.seq = member, str(uuid4()), str(uuid4()), 0
        browser = Client(SERVER_NAME="127.0.0.1")
        browser.force_login(member.user)
        self.session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        self.browser = browser
        self.series = self.post("device", json.dumps({"id": self.id}))["series"]

    def post(self, where: str, body: str) -> Any:
        """Through Django in this process. Raises RuntimeError for what is not 200."""
        headers = {"X-Sync-Protocol": "1"}
        answer = self.browser.post(f"{DOOR}{where}/", body, content_type="application/json", headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{where}/ answered {answer.status_code}: {answer.content!r}")
        return answer.json()

    def sale(self, farmer: object, flower: object) -> dict[str, Any]:
        """The next operation: a sack weighed now by a clock that was compared with the server's. Its weight in kg
        is that of no other for many numbers, so that it is nobody's twin."""
        self.seq += 1
        now = timezone.now()
        day = business_date_of(now, self.member.shop.turnover_hour)
        return {
            "op_id": str(uuid4()),
            "seq": self.seq,
            "v": 1,
            "operation": "CREATE",
            "entity": "daily_entry",
            "entity_id": str(new_id()),
            "base_version": None,
            "base": None,
            "set": {
                "farmer": str(farmer),
                "flower": str(flower),
                "gross_quantity": str(Decimal((self.seq + 1500 * int(self.series[1:])) % 9000 + 500) / 1000),
                "tare": "0.200",
                "sacks": 1,
                "slip_number": f"{self.series}-{day:%d%m}-{self.seq:03}",
            },
            "captured": {
                "device_ms": int(now.timestamp() * 1000),
                "offset_ms": 0,
                "unc_ms": 20,
                "mono_ms": 1.5,
                "boot": "b",
            },
            "quoted": {"rate": "900.00", "slot": None},
            "supersedes": None,
        }

    def batch(self, ops: Sequence[dict[str, Any]]) -> str:
        """The body of a request that sends them."""
        queue = {"pending": len(ops), "stalled": 0, "conflicts": 0, "oldest_ms": None, "last_seq": self.seq}
        return json.dumps(
            {
                "device_id": self.id,
                "stream_id": self.stream,
                "author_id": str(self.member.user_id),
                "clock": {"offset_ms": 0, "rtt_ms": 40, "age_s": 60, "jumps": 0},
                "queue": queue,
                "ops": ops,
            }
        )


# --- Against psycopg alone -------------------------------------------------------------------------


def operations_against_psycopg(*, rounds: int, each: int) -> dict[str, Any]:
    """Operations a second, Malar / raw, and the rows that each side wrote for one.

    Malar answers batches of fifty through all of Django; one transaction an operation. The raw side writes the
    same rows, one transaction an operation, with the same triggers and locks, and knows all answers beforehand:
    it reads no request, decides, checks and answers nothing. `asks` lets it ask the questions of a line as well.
    """
    scene = coolie_scene()
    tablet, raws = Tablet(scene.clerk), Tablet(scene.clerk)
    raws.post("ops", raws.batch([]))  # so that its queue is there to write under
    raw = psycopg.connect(**address())
    sides: dict[str, Callable[[int], None]] = {
        "malar": lambda n: _batch_by_malar(tablet, scene, n),
        "psycopg": lambda n: _batch_by_psycopg(raw, raws, scene, n, asks=False),
        "psycopg_that_asks": lambda n: _batch_by_psycopg(raw, raws, scene, n, asks=True),
    }
    sides["malar"](0)  # the first one of a day makes more than an operation does
    written = {}
    for name, act in sides.items():
        before = row_counts("sync_syncop")
        act(1)
        after = row_counts("sync_syncop")
        written[name] = {table: (after[table] - before[table]) / BATCH for table in after}
    seconds = in_turn(sides, rounds=rounds, each=max(each // BATCH, 1))
    raw.close()
    a_second = {name: BATCH / statistics.median(values) for name, values in seconds.items()}
    return {
        "bench": "sync_ops",
        "ratio": round(a_second["malar"] / a_second["psycopg"], 3),
        "ratio_to_one_that_asks": round(a_second["malar"] / a_second["psycopg_that_asks"], 3),
        "goal": 0.25,
        "operations_a_second": {name: round(value, 1) for name, value in a_second.items()},
        "operations_each": len(seconds["malar"]) * BATCH,
        "rows_per_operation": written,
    }


def _sales(tablet: Tablet, scene: Scene, n: int) -> list[dict[str, Any]]:
    """Fifty, of as many farmers."""
    first = n * BATCH
    farmers = (scene.farmers[number % len(scene.farmers)] for number in range(first, first + BATCH))
    return [tablet.sale(farmer.pk, scene.flower.pk) for farmer in farmers]


def _batch_by_malar(tablet: Tablet, scene: Scene, n: int) -> None:
    results = tablet.post("ops", tablet.batch(_sales(tablet, scene, n)))["results"]
    if other := [result for result in results if (result["status"], result["flags"]) != ("applied", [])]:
        raise RuntimeError(f"not simply applied: {other[0]}")


def _batch_by_psycopg(
    raw: psycopg.Connection[Any], tablet: Tablet, scene: Scene, n: int, *, asks: bool
) -> None:
    """Fifty operations by the statements that write them, every value known beforehand."""
    for op in _sales(tablet, scene, n):
        body, now = json.dumps(op), dt.datetime.now(dt.UTC)
        digest = sha256(body.encode()).hexdigest()
        result = {"op_id": op["op_id"], "status": "applied", "version": 1, "pad": "x" * 1100}
        with raw.transaction(), raw.cursor() as cursor:
            sale_by_psycopg(
                cursor,
                scene,
                id=UUID(op["entity_id"]),
                key=UUID(op["op_id"]),
                farmer=UUID(op["set"]["farmer"]),
                gross=Decimal(op["set"]["gross_quantity"]),
                slip=op["set"]["slip_number"],
                asks=asks,
            )
            cursor.execute(
                "INSERT INTO sync_syncop (id, shop_id, stream_id, seq, author_id, sha256, body, result, received_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    op["op_id"],
                    scene.clerk.shop_id,
                    tablet.stream,
                    op["seq"],
                    scene.clerk.pk,
                    digest,
                    body,
                    json.dumps(result),
                    now,
                ],
            )


# --- Five come back in the same second --------------------------------------------------------------


class Line:
    """A tablet's connection to a real web server, which it keeps."""

    def __init__(self, port: int, tablet: Tablet) -> None:
        self.tablet, self.csrf = tablet, ""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ALLOWED_S)

    def hello(self) -> None:
        headers = {"X-Device-Id": self.tablet.id, "Cookie": self._cookies()}
        self.csrf = self._answer("GET", f"hello/?stream={self.tablet.stream}", "", headers)["csrf"]

    def send(self, body: str) -> dict[str, Any]:
        """What is said of a batch. Raises RuntimeError for what is not 200."""
        headers = {"X-Sync-Protocol": "1", "X-CSRFToken": self.csrf, "Cookie": self._cookies()}
        headers |= {"Content-Type": "application/json"}
        answer: dict[str, Any] = self._answer("POST", "ops/", body, headers)
        return answer

    def _cookies(self) -> str:
        cookies = {settings.SESSION_COOKIE_NAME: self.tablet.session, settings.CSRF_COOKIE_NAME: self.csrf}
        return "; ".join(f"{name}={value}" for name, value in cookies.items() if value)

    def _answer(self, method: str, where: str, body: str, headers: dict[str, str]) -> Any:
        self.connection.request(method, DOOR + where, body, headers)
        response = self.connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"{where} answered {response.status}: {said[:200]!r}")
        return json.loads(said)


@dataclass
class Reconnected:
    """Seconds of each batch, what each operation was told, and what was no answer at all."""

    batches_s: list[float]
    statuses: list[str]
    errors: list[str]
    elapsed_s: float


def reconnect(port: int, queues: Sequence[tuple[Tablet, Sequence[dict[str, Any]]]]) -> Reconnected:
    """All tablets ask at the same moment who they are, and send what they have, in batches as outbox.js sizes them."""
    seen = Reconnected([], [], [], 0.0)
    start = threading.Barrier(len(queues))

    def drain(tablet: Tablet, ops: Sequence[dict[str, Any]]) -> None:
        line = Line(port, tablet)
        start.wait()
        try:
            line.hello()
            size, left = FIRST, list(ops)
            while left:
                batch, left = left[:size], left[size:]
                body = tablet.batch(batch)
                began = time.perf_counter()
                answer = line.send(body)
                seen.batches_s.append(time.perf_counter() - began)
                seen.statuses += [result["status"] for result in answer["results"]]
                if answer["took_ms"] > SLOW_MS:
                    size = max(FEWEST, math.ceil(len(batch) / 2))
                elif answer["took_ms"] < QUICK_MS and len(batch) == size:
                    size = min(BATCH, size * 2)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            seen.errors.append(f"{tablet.series}: {error}")
        finally:
            line.connection.close()

    threads = [threading.Thread(target=drain, args=queue) for queue in queues]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.elapsed_s = time.perf_counter() - began
    return seen


def five_tablets_reconnect(*, rounds: int, each: int) -> dict[str, Any]:
    """Five tablets with two hundred operations each, against granian as production runs it; all of `rounds` together.

    They sell of the same farmers. `alone`: the same batches of one tablet, with nobody beside it. `psycopg`: the same
    rows by five threads with a connection each, one transaction an operation. `each` does not matter here.
    """
    scene = coolie_scene()
    tablets = [Tablet(clerk) for clerk in _clerks(scene, TABLETS)]
    batches: list[float] = []
    alone: list[float] = []
    floor: list[float] = []
    told: list[str] = []
    errors: list[str] = []
    elapsed: list[float] = []
    deadlocks = _deadlocks()
    with packed_static() as home, server(GRANIAN, MALAR_HOME=home) as port:
        for turn in range(rounds + 1):  # the first warms up
            one = reconnect(port, [(tablets[0], _queue(tablets[0], scene))])
            before = row_counts()["ledger_dailyentry"]
            all_of_them = reconnect(port, [(tablet, _queue(tablet, scene)) for tablet in tablets])
            errors += one.errors + all_of_them.errors
            if turn and not errors:
                alone += one.batches_s
                batches += all_of_them.batches_s
                told += all_of_them.statuses
                elapsed.append(all_of_them.elapsed_s)
            written = row_counts()["ledger_dailyentry"] - before
            if written != TABLETS * OPERATIONS:
                errors.append(f"{written} rows of {TABLETS * OPERATIONS}")
            bare = _reconnect_by_psycopg(tablets, scene)
            if turn:
                floor += bare
    if errors:
        raise RuntimeError(f"not everything came in, once: {errors}")
    return {
        "bench": "reconnect",
        "batch_ms": {f"p{percent}": percentile(batches, percent) for percent in (50, 95, 99)},
        "alone_ms": {f"p{percent}": percentile(alone, percent) for percent in (50, 95)},
        "psycopg_ms": {f"p{percent}": percentile(floor, percent) for percent in (50, 95)},
        "ratio_of_p95": round(percentile(floor, 95) / percentile(batches, 95), 3),
        "all_in_s": round(statistics.median(elapsed), 2),
        "operations": len(told),
        "not_applied": len([status for status in told if status != "applied"]),
        "deadlocks": _deadlocks() - deadlocks,
        "table": [
            {
                "what": "a batch, five tablets at once, p95",
                "ms": percentile(batches, 95),
                "goal": 500,
                "met": percentile(batches, 95) <= 500,
            }
        ],
    }


def _reconnect_by_psycopg(tablets: Sequence[Tablet], scene: Scene) -> list[float]:
    """Seconds of each batch."""
    seconds: list[float] = []
    start = threading.Barrier(len(tablets))

    def drain(place: int, tablet: Tablet) -> None:
        with psycopg.connect(**address()) as raw:
            start.wait()
            for n in range(OPERATIONS // BATCH):
                began = time.perf_counter()
                _batch_by_psycopg(raw, tablet, scene, place * 2 + n, asks=False)
                seconds.append(time.perf_counter() - began)
        connection.close()

    threads = [threading.Thread(target=drain, args=each) for each in enumerate(tablets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def _clerks(scene: Scene, count: int) -> list[Membership]:
    """People of the shop, one for each tablet."""
    shop = scene.clerk.shop
    with transaction.atomic():
        return [
            Membership.objects.create(
                shop=shop,
                role=Role.STAFF,
                user=verified_user(
                    name=f"clerk {n}",
                    password=PASSWORD,
                    email=f"clerk-{n}@{shop.name_en}.example",
                    language="en",
                ),
            )
            for n in range(count)
        ]


def _queue(tablet: Tablet, scene: Scene) -> list[dict[str, Any]]:
    """Sales of all farmers in turn; no two tablets begin with the same one."""
    first = int(tablet.series[1:]) * 37
    farmers = scene.farmers
    return [tablet.sale(farmers[(first + n) % len(farmers)].pk, scene.flower.pk) for n in range(OPERATIONS)]


def _deadlocks() -> int:
    """How many the server has broken in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)
