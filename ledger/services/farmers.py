"""Taking farmers into the book and keeping what is known of them."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Max
from django.utils.translation import gettext as _

from ledger.events import FarmerReachable
from ledger.models import Buyer, Farmer
from ledger.selectors.answers import farmer_answer
from ledger.selectors.farmers import farmer_of
from malar.accounts.domain import ALLOWED, Role, normal_phone
from malar.accounts.models import Membership, Shop
from malar.accounts.services import account_by_code, shut_out
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import step, unit_of_work
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record

UPI = re.compile(r"[A-Za-z0-9._-]{2,}@[A-Za-z][A-Za-z0-9.-]{1,}")
NUMBERS = frozenset({"phone", "whatsapp"})
"""What a farmer signs in with."""
TAKEN = {"number_taken": "number", "code_taken": "code"}


class Particulars(TypedDict, total=False):
    """What is known of a farmer. Commission in percent; recovery_value in ₹ or percent."""

    code: str
    number: int
    name_ta: str
    name_en: str
    village_ta: str
    village_en: str
    phone: str
    whatsapp: str
    language: str
    commission_pct: Decimal | None
    cadence: str
    recovery: str
    recovery_value: Decimal | None
    upi: str
    is_active: bool


def add_farmer(*, by: Membership, key: UUID, particulars: Particulars, id: UUID | None = None) -> Answer:
    """Take a farmer into the book. Without a number the next free one is taken, without a code `F` and the number.

    The answer is `farmer_answer`. Raises NotAllowed, RuleBroken naming each refused field, Conflict `id_exists`.
    """
    _demand_staff(by)
    made = id or new_id()
    effect = partial(enrol, by, particulars, made)
    return once(by=by, key=key, body={**particulars, "id": id}, made=made, effect=effect)


@step
def enrol(by: Membership, particulars: Particulars, id: UUID) -> dict[str, Any]:
    """What `add_farmer` does, as a part of somebody's unit of work; answers `farmer_answer`."""
    _demand_staff(by)
    hold_list(by)
    if Farmer.objects.filter(pk=id).exists():
        raise Conflict(_("Something with this id was made before."), code="id_exists", pointer="/id")
    farmer = Farmer(id=id, shop=by.shop)
    farmer.number = particulars.get("number") or next_number(by.shop)
    farmer.code = particulars.get("code") or code_for(farmer.number)
    _take(farmer, particulars)
    farmer.save(force_insert=True)
    if farmer.is_reachable:
        record(FarmerReachable(farmer=farmer.pk), shop=by.shop)
    return farmer_answer(farmer)


@unit_of_work
def edit_farmer(*, by: Membership, farmer_id: UUID, version: int, particulars: Particulars) -> Farmer:
    """Change what is known of a farmer. A new commission acts on later lines only.

    Raises NotFound, NotAllowed, Conflict `stale` with the present farmer, RuleBroken naming each
    refused field.
    """
    _demand_staff(by)
    hold_list(by)
    farmer = farmer_of(by, farmer_id, lock=True)
    if farmer.version != version:
        raise Conflict(
            _("Somebody changed this farmer meanwhile. Look at it and change it again."),
            code="stale",
            current=farmer_answer(farmer),
        )
    numbers = {name: getattr(farmer, name) for name in NUMBERS}
    was_reachable = farmer.is_reachable
    _take(farmer, particulars)
    farmer.version += 1
    farmer.save()
    if any(getattr(farmer, name) != before for name, before in numbers.items()):
        number_changed(farmer)
    if farmer.is_reachable and not was_reachable:
        record(FarmerReachable(farmer=farmer.pk), shop=by.shop)
    return farmer


@step
def number_changed(farmer: Farmer) -> None:
    """Who signed in with the number that stood there is signed out: perhaps it was never the farmer's."""
    if farmer.member is not None:
        shut_out(farmer.member.user)


@step
def account_of(farmer: Farmer) -> Membership:
    """A farmer's own account; made where he has none. Two who ask at once get the same."""
    farmer = Farmer.objects.select_for_update(of=("self",), no_key=True).get(pk=farmer.pk)
    if farmer.member is None:
        name = farmer.name_ta or farmer.name_en
        farmer.member = account_by_code(shop=farmer.shop, name=name, language=farmer.language)
        farmer.save(update_fields=["member"])
    return farmer.member


def next_number(shop: Shop) -> int:
    """The number after the highest one, or the first gap once 9999 is used."""
    highest = shop.farmers.aggregate(Max("number"))["number__max"] or 0
    if highest < 9999:
        return highest + 1
    used = set(shop.farmers.values_list("number", flat=True))
    free = next((number for number in range(1, 10_000) if number not in used), None)
    if free is None:
        raise RuleBroken(_("All 9,999 farmer numbers are used."), code="no_number_left", pointer="/number")
    return free


def code_for(number: int) -> str:
    """The code of a farmer who was given none of his own."""
    return f"F{number:03}"


@step
def hold_list(by: Membership) -> None:
    """Lock the shop's list of farmers: two at once would be given the same number."""
    Shop.objects.select_for_update(no_key=True).get(pk=by.shop_id)


def _demand_staff(by: Membership) -> None:
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may change farmers."))


def put_on(person: Farmer | Buyer, particulars: Mapping[str, object]) -> list[Fault]:
    """Write particulars on a farmer or buyer as they are kept: the one place for that, also for whole lists.

    Spaces are straightened, letters composed (NFC), phones become E.164. Answers the faults of what
    could not be read and leaves that as it was; what the database demands is asked by `full_clean`.
    """
    faults: list[Fault] = []
    for name, value in particulars.items():
        if isinstance(value, str):
            value = unicodedata.normalize("NFC", " ".join(value.split()))
        if name in {"phone", "whatsapp"} and value:
            try:
                value = normal_phone(str(value))
            except ValueError:
                faults.append(Fault(f"/{name}", "invalid_phone", _("This is not a phone number.")))
                continue
        if name == "upi" and value and not UPI.fullmatch(str(value)):
            words = _("A UPI address is a name, @ and a bank, as in raja@okaxis.")
            faults.append(Fault("/upi", "invalid_upi", words))
            continue
        if name in {"number", "code"} and not value:
            continue
        setattr(person, name, value)
    return faults


def _take(farmer: Farmer, particulars: Particulars) -> None:
    """Put the particulars on the farmer and check him whole."""
    faults = put_on(farmer, particulars)
    try:
        farmer.full_clean(exclude=["member", "id"])
    except ValidationError as error:
        faults += faults_in(error)
    if faults:
        raise RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)


def faults_in(error: ValidationError) -> list[Fault]:
    """What a model refuses, field by field. A number or code that is taken is refused by a constraint,
    which names no field."""
    return [
        Fault(
            f"/{TAKEN.get(str(problem.code), '' if field == NON_FIELD_ERRORS else field)}",
            str(problem.code or "invalid"),
            " ".join(problem.messages),
        )
        for field, problems in error.error_dict.items()
        for problem in problems
    ]
