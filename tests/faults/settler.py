"""A process that settles farmers, and dies or has the database die at a point of it. Each request is served by a
child of its own, forked when Django is up.

Reads a request a line and answers with a line. `{"act": "open"}` keeps a shop; `{"act": "begin"}` writes lines of new
farmers and asks for their run, `{"run": id}`; `{"act": "make", "run": id, "at": point, "postgres": pid}` makes it and
kills itself there, or that process; `{"act": "state", "run": id}` tells how things stand. An answer has the child's
`exit`, too.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import django

POINTS = ("before claim", "after claim", "after sum", "before commit", "after commit")


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            answer = ACTS[asked.pop("act")](**asked)
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            answer = json.loads(said.read() or "{}")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps(answer | {"exit": code}) + "\n")
        sys.stdout.flush()


def open_shop() -> dict[str, Any]:
    from django.utils import timezone

    from ledger.services.partitions import ensure_window
    from malar.accounts.domain import Role
    from tests import cast

    ensure_window(timezone.localdate())
    shop = cast.a_shop("Meena")
    cast.a_member(shop, "Meena", Role.ADMIN)
    cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine")
    return {}


def begin() -> dict[str, Any]:
    from django.utils import timezone

    from malar.accounts.models import Membership
    from malar.kernel.clock import business_date_of
    from settlements.services.runs import Order, begin_run
    from tests import cast

    owner = Membership.objects.get()
    now, first = timezone.now(), owner.shop.farmers.count() + 1
    farmers = []
    for number in range(first, first + 3):
        farmer = cast.a_farmer(owner.shop, number, f"விவசாயி {number}", f"Farmer {number}")
        for rate in (100, 200):
            flower = owner.shop.flowers.get()
            cast.recorded(owner, farmer, flower, captured_at=now, rate=Decimal(rate))
        farmers.append(farmer.pk)
    day = business_date_of(now, owner.shop.turnover_hour)
    order = Order(start=day, end=day, farmers=tuple(farmers))
    return {"run": str(begin_run(by=owner, key=uuid4(), order=order).made)}


def make(run: str, at: str = "", postgres: int = 0, early: bool = False) -> dict[str, Any]:
    from django.db import connection

    from settlements.services import runs

    def die() -> None:
        if not postgres:
            os.kill(os.getpid(), signal.SIGKILL)
        os.kill(postgres, signal.SIGQUIT)
        # Until our own session has ended: else it might get another statement through.
        select.select([connection.connection.pgconn.socket], [], [], 20)

    def killing(name: str, *, before: bool, when: Callable[..., bool] = lambda *said: True) -> None:
        right = getattr(runs, name)

        def act(*said: Any) -> Any:
            if before and when(*said):
                die()
            made = right(*said)
            if early:
                connection.connection.commit()
            if not before:
                die()
            return made

        setattr(runs, name, act)

    match at:
        case "before claim":
            killing("take_rows", before=True)
        case "after claim":
            killing("take_rows", before=False)
        case "after sum":
            killing("sums_of", before=False)
        case "before commit":
            killing("finish", before=False)
        case "after commit":
            killing("tell_progress", before=True, when=lambda run_id, percent: percent == 100)
    runs.make_run(UUID(run))
    return {}


def state(run: str) -> dict[str, Any]:
    from ledger.models import Claim, ClaimedRow
    from malar.ops.books import broken
    from settlements.models import SettlementRun

    found = SettlementRun.objects.get(pk=run)
    made = list(found.settlements.values_list("pk", flat=True))
    return {
        "status": found.status,
        "tries": found.tries,
        "settled": found.settled,
        "settlements": len(made),
        "lines": ClaimedRow.objects.filter(claim__in=made).count(),
        "loose": ClaimedRow.objects.exclude(claim__in=Claim.objects.all()).count(),
        "broken": [each.invariant.name for each in broken()],
    }


ACTS: dict[str, Callable[..., dict[str, Any]]] = {
    "open": open_shop,
    "begin": begin,
    "make": make,
    "state": state,
}


if __name__ == "__main__":
    main()
