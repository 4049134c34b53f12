"""A shop to try Malar with."""

import datetime as dt
import os
import random
import secrets
from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.charges import record_charge
from ledger.services.entries import Changes, edit_entry, record_entry
from ledger.services.partitions import ensure_window
from malar.accounts.domain import Language, Role
from malar.accounts.models import Membership, Shop
from malar.accounts.services import verified_user
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.transactions import in_unit, through
from malar.ops.mornings import NINE, PRICED_AT_NINE, Call, Sale, farmers, fixture, morning, opens_at
from pricing.models import FeeRule, Flower, TimeSlot
from pricing.services.rates import publish_rate

LINES_TO_A_TRIP = 12
PEOPLE = (
    (Role.ADMIN, "admin@malar.demo", "மீனா", Language.ENGLISH),
    (Role.STAFF, "staff@malar.demo", "குமார்", Language.TAMIL),
    (Role.FARMER, "farmer@malar.demo", "மு. முருகேசன்", Language.TAMIL),
)


class Command(BaseCommand):
    help = (
        "Make a demo shop with sign-ins, farmers, rates and some mornings. Reaches nobody: no phone numbers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--farmers", type=int, default=30)
        parser.add_argument("--days", type=int, default=8, help="mornings, today's included")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where there is a shop already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and Shop.objects.exists():
            return
        password = os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9)
        people = farmers(options["farmers"])
        now = timezone.now()
        first_day = business_date_of(now, 0) - dt.timedelta(days=options["days"] - 1)
        with through("demo"):
            ensure_window(now.astimezone(KOLKATA).date())
            members = in_unit(lambda: self.open(password, people), by=None)
            self.set_slot_rates(members[Role.ADMIN], first_day)
            chance = random.Random(options["seed"])  # noqa: S311  # mornings, not secrets
            for n in range(options["days"]):
                day = first_day + dt.timedelta(days=n)
                lines = self.live(members, morning(opens_at(day, now), people, chance), now)
                if options["verbosity"]:
                    self.stdout.write(f"{day:%d/%m/%Y}  {lines} lines")
        if options["verbosity"]:
            for _, email, name, _ in PEOPLE:
                self.stdout.write(f"{email}  {password}  {name}")

    def open(self, password: str, people: list[dict[str, Any]]) -> dict[Role, Membership]:
        """Shop, people, catalogue, farmers: one unit of work."""
        shop = Shop.objects.create(**fixture()["shop"])
        members = {
            role: Membership.objects.create(
                shop=shop,
                role=role,
                user=verified_user(name=name, email=email, password=password, language=language),
            )
            for role, email, name, language in PEOPLE
        }
        for slot in fixture()["slots"]:
            TimeSlot.objects.create(shop=shop, **slot)
        for fee in fixture()["fees"]:
            FeeRule.objects.create(shop=shop, **fee)
        for position, flower in enumerate(fixture()["flowers"], start=1):
            named = {name: value for name, value in flower.items() if name != "slot_rates"}
            Flower.objects.create(shop=shop, position=position, **named)
        for number, person in enumerate(people, start=1):
            particulars = {name: value for name, value in person.items() if name != "brings"}
            member = members[Role.FARMER] if number == 1 else None
            Farmer.objects.create(shop=shop, number=number, member=member, **particulars)
        return members

    def set_slot_rates(self, owner: Membership, first_day: dt.date) -> None:
        """Rates by slot for every flower but those that are priced at nine."""
        start = dt.datetime.combine(first_day, dt.time(0), tzinfo=KOLKATA)
        flowers = {flower.code: flower for flower in owner.shop.flowers.all()}
        slots = list(owner.shop.time_slots.all())
        for flower in fixture()["flowers"]:
            if flower["code"] not in PRICED_AT_NINE:
                for slot, rate in zip(slots, flower["slot_rates"], strict=True):
                    publish_rate(
                        by=owner,
                        key=uuid4(),
                        flower=flowers[flower["code"]],
                        slot=slot,
                        rate=Decimal(rate),
                        effective_from=start,
                    )

    def live(
        self, members: dict[Role, Membership], happenings: Iterator[Call | Sale], now: dt.datetime
    ) -> int:
        """Let a morning happen through the services, up to now; returns how many lines it has."""
        owner, clerk = members[Role.ADMIN], members[Role.STAFF]
        flowers = {flower.code: flower for flower in owner.shop.flowers.all()}
        growers = {farmer.code: farmer for farmer in owner.shop.farmers.all()}
        lines = 0
        for happening in happenings:
            if happening.at > now:
                break
            if isinstance(happening, Call):
                flower = flowers[happening.flower]
                publish_rate(
                    by=owner, key=uuid4(), flower=flower, rate=happening.rate, effective_from=happening.at
                )
            else:
                self.sell(clerk, growers[happening.farmer], flowers[happening.flower], happening, now)
                lines += 1
                if lines % LINES_TO_A_TRIP == 0:
                    self.bring_luggage(clerk, growers[happening.farmer], happening)
        return lines

    def bring_luggage(self, clerk: Membership, farmer: Farmer, sale: Sale) -> None:
        """His sacks came by a hired auto; it is charged by hand."""
        record_charge(
            by=clerk,
            key=uuid4(),
            farmer_id=farmer.pk,
            fee_id=clerk.shop.fees.get(code="luggage").pk,
            business_date=business_date_of(sale.at, clerk.shop.turnover_hour),
            quantity=Decimal(1),
        )

    def sell(self, clerk: Membership, farmer: Farmer, flower: Flower, sale: Sale, now: dt.datetime) -> None:
        gross, count = (None, sale.gross) if sale.is_counted else (sale.gross, None)
        answer = record_entry(
            by=clerk,
            key=uuid4(),
            farmer_id=farmer.pk,
            flower_id=flower.pk,
            captured_at=sale.at,
            now=sale.at,
            sacks=sale.sacks,
            rate=sale.rate,
            gross_quantity=gross,
            tare=None if sale.is_counted else sale.tare,
            quantity=count,
        )
        version = 1
        if sale.corrected is not None:
            right: Changes = (
                {"quantity": sale.corrected} if sale.is_counted else {"gross_quantity": sale.corrected}
            )
            edit_entry(
                by=clerk,
                entry_id=answer.made,
                version=version,
                changes=right,
                reason="எடை தவறாகப் பதிவு",
            )
            version += 1
        nine = dt.datetime.combine(sale.at.date(), NINE, tzinfo=KOLKATA)
        waited = sale.priced_at_nine is not None and sale.rate is None and sale.at < nine
        if waited and nine < now - dt.timedelta(hours=12):
            edit_entry(by=clerk, entry_id=answer.made, version=version, changes={"rate": sale.priced_at_nine})
