"""A throw-away shop to measure in, and the way rounds are run."""

import datetime as dt
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from ledger.models import Farmer
from ledger.services import partitions
from ledger.services.partitions import ensure_month
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.accounts.services import verified_user
from malar.kernel.clock import business_date_of
from malar.ops.migrated import begin_with_a_copy
from malar.ops.mornings import farmers, fixture
from pricing.models import Flower
from pricing.services.rates import publish_rate

PASSWORD = uuid4().hex


@contextmanager
def own_database() -> Iterator[None]:
    """Measure in a database of its own, made as tests make theirs, and dropped at the end with all in it."""
    begin_with_a_copy()
    settings = connection.settings_dict
    ours, settings["TEST"]["NAME"] = settings["NAME"], f"bench_{uuid4().hex[:12]}"
    connection.creation.create_test_db(verbosity=0, serialize=False)
    partitions.forget_months()
    try:
        yield
    finally:
        connection.creation.destroy_test_db(ours, verbosity=0)
        partitions.forget_months()


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


FARMERS, DAYS, LINES_A_DAY = 2000, 60, 800
# Every farmer has three flowers, the first of them mostly, and a weight around which his sacks lie.
SIXTY_DAYS = """
    WITH thrown AS MATERIALIZED (
        SELECT day::date, line, (day + interval '4 hours' + line * interval '25 seconds')
                   AT TIME ZONE 'Asia/Kolkata' AS at, random() AS chance, random() AS which
        FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day
        CROSS JOIN generate_series(1, %(lines)s) AS line)
    INSERT INTO ledger_dailyentry (id, shop_id, farmer_id, flower_id, entry_date, captured_at, received_at,
        tare, quantity, unit, sacks, rate, rate_source, rate_reason, commission_pct, commission_per_unit,
        note, slip_number, slip_is_taken, status, void_reason, review_reasons, version, created_by_id,
        kind, adjustments)
    SELECT gen_random_uuid(), %(shop)s, farmer.id, flower.id, day, at, at,
           0, round((3 + farmer.number %% 12) * (0.7 + 0.6 * chance)::numeric * 20) / 20, flower.unit, 1,
           500, 'called', '', 10, 0, '', 'B1-' || to_char(day, 'DDMM') || '-' || line, false,
           'confirmed', '', '{}', 1, %(clerk)s, 'sale', '[]'
    FROM thrown
    JOIN ledger_farmer AS farmer ON farmer.shop_id = %(shop)s
        AND farmer.number = 1 + (line * 7919 + extract(doy FROM day)::int * 104729) %% %(farmers)s
    JOIN pricing_flower AS flower ON flower.shop_id = %(shop)s AND flower.position = 1 +
        (farmer.number * 5 + CASE WHEN which < 0.7 THEN 0 WHEN which < 0.9 THEN 4 ELSE 9 END) %% %(flowers)s
"""


@dataclass(frozen=True)
class CounterScene:
    """A large shop on a busy morning: 2,000 farmers, the demo's 14 flowers, sixty days of 800 lines."""

    clerk: Membership
    flowers: list[Flower]
    farmers: list[Farmer]


def set_counter_scene() -> CounterScene:
    """Make the shop. It stays in the database: measure in one that may be thrown away."""
    scene = set_scene()
    shop = scene.clerk.shop
    day = business_date_of(timezone.now(), shop.turnover_hour)
    first = day - dt.timedelta(days=DAYS - 1)
    for n in range(DAYS):
        ensure_month(first + dt.timedelta(days=n))
    with transaction.atomic(), connection.cursor() as cursor:
        for position, flower in enumerate(fixture()["flowers"], start=1):
            named = {name: value for name, value in flower.items() if name != "slot_rates"}
            Flower.objects.update_or_create(
                shop=shop, code=named.pop("code"), defaults=named | {"position": position}
            )
        Farmer.objects.filter(shop=shop).delete()
        people = [
            {name: value for name, value in person.items() if name != "brings"} for person in farmers(FARMERS)
        ]
        Farmer.objects.bulk_create(
            Farmer(shop=shop, number=n, **person) for n, person in enumerate(people, start=1)
        )
        cursor.execute(
            SIXTY_DAYS,
            {
                "shop": shop.pk,
                "clerk": scene.clerk.pk,
                "first": first,
                "last": day,
                "lines": LINES_A_DAY,
                "farmers": FARMERS,
                "flowers": len(fixture()["flowers"]),
            },
        )
        cursor.execute("ANALYZE ledger_dailyentry, ledger_farmer")
    owner = shop.memberships.select_related("user", "shop").get(role=Role.ADMIN)
    for flower in shop.flowers.all():
        publish_rate(by=owner, key=uuid4(), flower=flower, rate=Decimal("500.00"))
    return CounterScene(scene.clerk, list(shop.flowers.all()), list(shop.farmers.all()))


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
