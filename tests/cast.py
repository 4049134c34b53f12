"""The standing cast of the tests. Meena owns shop one, Kumar is her clerk, Devi keeps shop two and must
never see anything of shop one. Raja grows jasmine for Meena; Selvi grows for Devi."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from ledger.models import DailyEntry, Farmer
from ledger.services.buyers import BuyerParticulars, add_buyer, record_buyer_sale, record_receipt
from ledger.services.entries import record_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.accounts.services import verified_user
from malar.kernel.clock import KOLKATA
from malar.kernel.quantities import Unit
from pricing.models import Flower, TimeSlot
from pricing.services.rates import publish_rate

PASSWORD = "malli-poo-2026"


def a_shop(name: str) -> Shop:
    return Shop.objects.create(name_ta=f"{name} மலர் மண்டி", name_en=f"{name} Flowers")


def a_member(shop: Shop, name: str, role: Role, language: str = "en") -> Membership:
    with transaction.atomic():
        user = verified_user(
            name=name,
            password=PASSWORD,
            email=f"{name.lower()}@{shop.pk.hex[-12:]}.example",
            language=language,
        )
        return Membership.objects.create(shop=shop, user=user, role=role)


def a_flower(shop: Shop, code: str, name_ta: str, name_en: str, unit: str = Unit.KG, **fields: Any) -> Flower:
    """`fields` are others of the model's: glyph="malli", short_name_en="Malli"."""
    flower = Flower(shop=shop, code=code, unit=unit, **fields)
    flower.name_ta, flower.name_en = name_ta, name_en
    flower.save()
    return flower


def a_farmer(shop: Shop, number: int, name_ta: str, name_en: str, **fields: Any) -> Farmer:
    return Farmer.objects.create(
        shop=shop, number=number, code=f"F{number:03}", name_ta=name_ta, name_en=name_en, **fields
    )


def a_slot(shop: Shop, start: str, end: str, **fields: Any) -> TimeSlot:
    slot = TimeSlot(shop=shop, start=dt.time.fromisoformat(start), end=dt.time.fromisoformat(end), **fields)
    slot.name_ta, slot.name_en = f"{start} மணி விலை", f"{start} rate"
    slot.save()
    return slot


def at(day: str, clock: str) -> dt.datetime:
    """A moment in the shop's time: at("2026-03-06", "04:50")."""
    return dt.datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=KOLKATA)


def called(flower: Flower, rate: str, when: dt.datetime, by: Membership) -> None:
    publish_rate(by=by, key=uuid4(), flower=flower, rate=Decimal(rate), effective_from=when)


def recorded(by: Membership, farmer: Farmer, flower: Flower, **figures: Any) -> DailyEntry:
    """A line written by the service; 5.900 kg of 6.100 with sack unless told otherwise."""
    if not {"gross_quantity", "quantity", "sack_weights"} & figures.keys():
        figures |= {"gross_quantity": Decimal("6.100"), "tare": Decimal("0.200"), "sacks": 1}
    key: UUID = figures.pop("key", None) or uuid4()
    answer = record_entry(by=by, key=key, farmer_id=farmer.pk, flower_id=flower.pk, **figures)
    return DailyEntry.objects.get(pk=answer.made)


def a_buyer_of(by: Membership, flower: Flower, day: dt.date) -> tuple[UUID, UUID, UUID]:
    """A buyer who took 4.800 kg on credit and paid 2,000 of it: his id, the sale's and the receipt's."""
    said: BuyerParticulars = {
        "name_ta": "மணி",
        "name_en": "Mani",
        "place_ta": "நிலக்கோட்டை",
        "place_en": "Nilakottai",
    }
    buyer = add_buyer(by=by, key=uuid4(), particulars=said).made
    sale = record_buyer_sale(
        by=by,
        key=uuid4(),
        buyer_id=buyer,
        flower_id=flower.pk,
        business_date=day,
        quantity=Decimal("4.800"),
        rate=Decimal(900),
    )
    paid = record_receipt(
        by=by, key=uuid4(), buyer_id=buyer, amount=Decimal(2000), business_date=day, mode="cash"
    )
    return buyer, sale.made, paid.made
