"""The papers of many settlements as PDF, from the book to the file."""

import datetime as dt
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.utils import timezone

from malar.accounts.domain import Role
from malar.kernel.clock import business_date_of
from malar.ops.benchmarks.scene import own_database
from malar.ops.benchmarks.settlement import DAYS, FARMERS, load, scene_of_two_thousand
from settlements.documents.files import language_of
from settlements.documents.made import statements_of
from settlements.documents.pdf import Layout, render_pdf
from settlements.documents.statement import Language, Statement
from settlements.models import Settlement
from settlements.services.runs import Order, begin_run, make_run

PAPERS, LINES_EACH, MOST_S = 500, 15, 30
LAYOUTS: tuple[Layout, ...] = ("a5", "a4_six_up")


def spoken(made: list[Settlement]) -> Callable[[Statement], Language]:
    """The language of each paper."""
    languages = {settlement.reference: language_of(settlement) for settlement in made}
    return lambda paper: languages[paper.reference]


def five_hundred_papers(*, rounds: int, each: int) -> dict[str, Any]:
    """Seconds from 500 settlements of 15 lines in the book to one PDF, A5 and six to an A4, half of them in Tamil; and
    the memory of the process that sets them, which is another than the one that asks. `rounds` of each,
    at most three."""
    seconds: dict[str, list[float]] = {layout: [] for layout in LAYOUTS}
    size: dict[str, int] = {}
    with own_database():
        scene = scene_of_two_thousand()
        today = business_date_of(timezone.now(), scene.clerk.shop.turnover_hour)
        start = today - dt.timedelta(days=DAYS - 1)
        load(scene, start, 1, FARMERS * LINES_EACH)
        scene.clerk.shop.farmers.filter(number__gt=PAPERS // 2).update(language="en")
        owner = scene.clerk.shop.memberships.select_related("shop", "user").get(role=Role.ADMIN)
        few = tuple(farmer.pk for farmer in scene.farmers[:PAPERS])
        make_run(begin_run(by=owner, key=uuid4(), order=Order(start=start, end=today, farmers=few)).made)
        for _round in range(min(rounds, 3)):
            for layout in LAYOUTS:
                started = time.perf_counter()
                made = list(Settlement.objects.select_related("farmer", "shop").order_by("farmer__number"))
                pdf = render_pdf(statements_of(made), spoken(made), layout)
                seconds[layout].append(time.perf_counter() - started)
                size[layout] = len(pdf)
    medians = {layout: round(statistics.median(taken), 1) for layout, taken in seconds.items()}
    return {
        "bench": "papers",
        "papers": PAPERS,
        "lines_each": LINES_EACH,
        "seconds": medians,
        "kilobytes": {layout: length // 1024 for layout, length in size.items()},
        "child_memory_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "table": [
            {
                "what": f"{PAPERS} papers, {layout}",
                "ms": round(taken * 1000),
                "goal": MOST_S * 1000,
                "met": taken <= MOST_S,
            }
            for layout, taken in medians.items()
        ],
    }
