"""What a tablet asks for when it starts, of a large shop: the parts of /sync/v1/ref/ one by one."""

import gzip
import time
from statistics import median
from typing import Any

from django.test import Client

from malar.ops.benchmarks.scene import percentile, set_counter_scene

GOALS_MS = {"farmers": 300, "flowers": 100, "rates,day": 30}


def reference_of_a_large_shop(*, rounds: int, each: int) -> dict[str, Any]:
    """Median and p95 of answering each part through all of Django, in ms, and its bytes, packed and not.

    2,000 farmers, 14 flowers, 60 days of 800 lines. `each` is divided by ten: an answer takes long.
    """
    tablet = Client(SERVER_NAME="127.0.0.1", headers={"Accept-Encoding": "gzip"})
    tablet.force_login(set_counter_scene().clerk.user)
    taken: dict[str, list[float]] = {parts: [] for parts in GOALS_MS}
    sizes: dict[str, tuple[int, int]] = {}
    for turn in range(rounds * max(each // 10, 4) + 1):
        for parts, seconds in taken.items():
            started = time.perf_counter()
            answer = tablet.get("/sync/v1/ref/", {"parts": parts})
            if answer.status_code != 200:
                raise RuntimeError(f"{parts}: {answer.status_code}")
            packed = answer.content
            if turn:
                seconds.append(time.perf_counter() - started)
            else:
                sizes[parts] = (len(gzip.decompress(packed)), len(packed))
    middle = {parts: round(median(seconds) * 1000, 1) for parts, seconds in taken.items()}
    return {
        "bench": "reference",
        "p95_ms": {parts: percentile(seconds, 95) for parts, seconds in taken.items()},
        "bytes": {parts: size for parts, (size, _) in sizes.items()},
        "gzip_bytes": {parts: packed for parts, (_, packed) in sizes.items()},
        "times": len(taken["farmers"]),
        "table": [
            {"what": f"{parts}, median", "ms": middle[parts], "goal": goal, "met": middle[parts] <= goal}
            for parts, goal in GOALS_MS.items()
        ],
    }
