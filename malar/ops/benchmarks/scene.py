"""A throw-away shop to measure in, and the way rounds are run."""

import datetime as dt
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.accounts.services import verified_user
from pricing.models import Flower
from pricing.services.rates import publish_rate

PASSWORD = uuid4().hex


@dataclass(frozen=True)
class Scene:
    """A shop with one flower that has a called rate, 500 farmers and a clerk."""

    clerk: Membership
    flower: Flower
    farmers: list[Farmer]


def set_scene() -> Scene:
    """Make the shop. It stays in the database: measure in one that may be thrown away."""
    name = f"bench-{uuid4().hex[:8]}"
    with transaction.atomic():
        shop = Shop.objects.create(name_ta=name, name_en=name)
        people = {
            role: Membership.objects.create(
                shop=shop,
                role=role,
                user=verified_user(
                    name=role, password=PASSWORD, email=f"{role}@{name}.example", language="en"
                ),
            )
            for role in (Role.ADMIN, Role.STAFF)
        }
        flower = Flower.objects.create(shop=shop, code="MAL", name="மல்லிகை")
        farmers = Farmer.objects.bulk_create(
            Farmer(shop=shop, number=n, code=f"F{n:03}", name_ta=f"விவசாயி {n}", name_en=f"Farmer {n}")
            for n in range(1, 501)
        )
    publish_rate(
        by=people[Role.ADMIN],
        key=uuid4(),
        flower=flower,
        rate=Decimal("900.00"),
        effective_from=timezone.now() - dt.timedelta(minutes=5),
    )
    return Scene(people[Role.STAFF], flower, farmers)


def in_turn(sides: dict[str, Callable[[int], None]], *, rounds: int, each: int) -> dict[str, list[float]]:
    """Seconds of every single call, the sides in turn A B A B, after one warm-up round."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    number = 0
    for turn in range(rounds + 1):
        for name, act in sides.items():
            for _ in range(each):
                number += 1
                started = time.perf_counter()
                act(number)
                if turn:
                    seconds[name].append(time.perf_counter() - started)
    return seconds


def percentile(values: list[float], percent: int) -> float:
    """The value below which `percent` of a hundred lie, in milliseconds."""
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1000, 3)
