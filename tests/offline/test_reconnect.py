"""The line comes back for everybody at once: five tablets, each with a day's work."""

from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.ops.benchmarks.tablets import OPERATIONS, TABLETS, Tablet, reconnect
from malar.sync.models import SyncOp
from pricing.models import Flower
from tests.cast import a_farmer, a_member
from tests.offline.proxy import Proxy

pytestmark = pytest.mark.django_db(transaction=True)


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)


def test_five_tablets_that_come_back_in_the_same_second_bring_everything_once(
    granian: Proxy, raja: Farmer, jasmine: Flower, tmp_path: Path
) -> None:
    """Scenario 71. All sell of the same farmers, each in another order, and each tablet says everything twice, as
    after answers that were lost: so they wait for one another, and what comes again meets what is being written."""
    farmers = [raja, *(a_farmer(raja.shop, n, f"விவசாயி {n}", f"Farmer {n}") for n in range(100, 119))]
    tablets = [Tablet(a_member(raja.shop, f"Clerk {n}", Role.STAFF)) for n in range(TABLETS)]
    queues = []
    for place, tablet in enumerate(tablets):
        order = farmers[place * 4 :] + farmers[: place * 4]
        order = order[:: -1 if place % 2 else 1]
        ops = [tablet.sale(order[n % len(order)].pk, jasmine.pk) for n in range(OPERATIONS)]
        for op in ops[::7]:
            op["set"]["gross_quantity"] = "6.000"  # twins of others': whoever comes second writes on both
        queues.append((tablet, ops))
    before = deadlocks()

    seen = reconnect(granian.port, [*queues, *queues])

    assert seen.errors == []
    assert Counter(seen.statuses) == {"applied": TABLETS * OPERATIONS, "duplicate": TABLETS * OPERATIONS}
    assert SyncOp.objects.count() == TABLETS * OPERATIONS
    said = {(op["entity_id"], op["set"]["slip_number"]) for _tablet, ops in queues for op in ops}
    written = [(str(line.pk), line.slip_number) for line in DailyEntry.objects.all()]
    assert len(written) == TABLETS * OPERATIONS
    assert set(written) == said
    assert DailyEntry.objects.filter(review_reasons__contains=["duplicate"]).count() > TABLETS
    assert deadlocks() == before
    log = (tmp_path / "granian.log").read_text()
    assert [word for word in ("deadlock", "Traceback", "ERROR") if word in log] == []
