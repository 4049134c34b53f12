"""Fees that farmers bear: charged with a line by themselves, or by hand."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import ChargeStatus
from ledger.events import ChargeWaived
from ledger.models import Charge, DailyEntry
from ledger.selectors.answers import charge_answer
from ledger.selectors.charges import charge_of
from ledger.selectors.claims import live_rows
from ledger.services.faults import length_faults, refusal
from ledger.services.posting import closed_day_refused
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit, significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record
from pricing.domain import FeeBasis
from pricing.models import FeeRule
from pricing.selectors.terms import Fee, fees_with_every_line

LARGEST = Decimal("99999999999.999")
HIGHEST_RATE = Decimal("99999999.99")
WHOLE = (FeeBasis.PER_SACK, FeeBasis.PER_TRIP, FeeBasis.PER_PIECE, FeeBasis.PER_SETTLEMENT)


def _borne(basis: str, entry: DailyEntry) -> Decimal:
    """How much of a line a fee is charged for: sacks, kg, pieces, or the ₹ a percentage is taken of.

    0 where it has nothing of it: no sack, counted flowers for a fee per kg, no rate yet for a percentage.
    """
    match basis:
        case FeeBasis.PER_SACK:
            return Decimal(entry.sacks)
        case FeeBasis.PER_KG:
            return entry.quantity if entry.unit == Unit.KG else Decimal(0)
        case FeeBasis.PER_PIECE:
            return Decimal(0) if entry.unit == Unit.KG else entry.quantity
        case _:
            return entry.amount or Decimal(0)


@step
def make_automatic_charges(
    entry: DailyEntry, by: Membership, fees: Sequence[Fee] | None = None
) -> list[Charge]:
    """Freeze the fees in force on a new line's business date; answers those that come to something.

    `fees` saves asking for them. One statement where the shop has any, else none. A fee that has nothing
    to be charged for yet (no sacks, no rate) is kept as replaced from the start: it counts for nothing
    and shows nowhere, but is the one that is charged when a correction gives it something.
    """
    if fees is None:
        fees = fees_with_every_line(by.shop, entry.business_date)
    made = frozen_charges(entry, by, fees)
    _insert(made)
    standing = [charge for charge in made if charge.status == ChargeStatus.STANDING]
    vars(entry)["standing_charges"] = standing
    return standing


def frozen_charges(entry: DailyEntry, by: Membership, fees: Sequence[Fee]) -> list[Charge]:
    """The fees as charges of a line, unsaved. `entry.amount` must be known where it has a rate."""
    return [_frozen(entry, by, fee.id, fee.code, fee.basis, fee.rate, fee.income) for fee in fees]


def _frozen(
    entry: DailyEntry, by: Membership, fee: UUID, code: str, basis: str, rate: Decimal, income: str
) -> Charge:
    quantity = max(_borne(basis, entry), Decimal(0))
    return Charge(
        shop=by.shop,
        farmer_id=entry.farmer_id,
        fee=_named(fee, by.shop_id, code),
        entry=entry,
        business_date=entry.business_date,
        basis=basis,
        income=income,
        quantity=quantity,
        rate=rate,
        automatic=True,
        status=ChargeStatus.STANDING if quantity > 0 else ChargeStatus.REPLACED,
        created_by=by,
        created_at=timezone.now(),
    )


@lru_cache(maxsize=1024)
def _named(fee: UUID, shop: UUID, code: str) -> FeeRule:
    """A fee as far as an answer names it. Kept, because making a translated row costs as much as three others."""
    return FeeRule(id=fee, shop_id=shop, code=code)


WRITTEN = [field for field in Charge._meta.concrete_fields if not field.generated]
ROW = f"({', '.join(['%s'] * len(WRITTEN))})"
INSERT = f"INSERT INTO ledger_charge ({', '.join(field.column for field in WRITTEN)}) VALUES "  # noqa: S608


@step
def _insert(charges: Sequence[Charge]) -> None:
    """In SQL because a sale waits for it (docs/adr/0005-hot-path-in-sql.md). Sets the amounts."""
    if not charges:
        return
    values = [value for charge in charges for value in values_of(charge)]
    with connection.cursor() as cursor:
        cursor.execute(f"{INSERT}{', '.join([ROW] * len(charges))} RETURNING amount", values)
        for charge, (amount,) in zip(charges, cursor.fetchall(), strict=True):
            charge.amount = amount


def values_of(charge: Charge) -> list[Any]:
    """What is written of a charge, in the order of WRITTEN, as psycopg takes it."""
    values = (getattr(charge, field.attname) for field in WRITTEN)
    return [str(value) if isinstance(value, str) else value for value in values]


@step
def replace_automatic_charges(entry: DailyEntry, by: Membership) -> None:
    """Charge a corrected line's fees anew where what they are charged for, or the farmer, changed.

    Which fees, and at what rate, stays as frozen when the line was made. What was waived stays waived.
    `entry.amount` must be the new one.
    """
    last: dict[UUID, Charge] = {}
    for charge in _locked(entry.charges.filter(automatic=True)):
        last[charge.fee_id] = charge
    changed = [
        charge
        for charge in last.values()
        if charge.status in {ChargeStatus.STANDING, ChargeStatus.REPLACED}
        and (_stands(charge), charge.farmer_id)
        != (_borne(charge.basis, entry), entry.farmer_id if _stands(charge) else charge.farmer_id)
    ]
    _end(
        [charge for charge in changed if charge.status == ChargeStatus.STANDING],
        ChargeStatus.REPLACED,
    )
    anew = [
        _frozen(entry, by, each.fee_id, each.fee.code, each.basis, each.rate, each.income) for each in changed
    ]
    _insert([charge for charge in anew if charge.status == ChargeStatus.STANDING])
    forget_charges(entry)


def _stands(charge: Charge) -> Decimal:
    return charge.quantity if charge.status == ChargeStatus.STANDING else Decimal(0)


def forget_charges(entry: DailyEntry) -> None:
    """What was read of the line's charges before is no longer so."""
    vars(entry).pop("standing_charges", None)


@step
def void_charges_of(entry: DailyEntry, by: Membership, reason: str) -> None:
    """Cancel all that is charged with a line, because the line is; `reason` is the line's own."""
    _end(_locked(entry.charges.filter(status=ChargeStatus.STANDING)), ChargeStatus.VOIDED, reason)
    forget_charges(entry)


def _locked(charges: Any) -> list[Charge]:
    return list(charges.select_related("fee").select_for_update(of=("self",)).order_by("created_at", "pk"))


def _end(charges: Iterable[Charge], status: ChargeStatus, reason: str = "") -> None:
    for charge in charges:
        charge.status, charge.reason = status, reason
        charge.version += 1
        charge.save(update_fields=["status", "reason", "version"])


def record_charge(
    *,
    by: Membership,
    key: UUID,
    farmer_id: UUID | None,
    fee_id: UUID | None,
    business_date: dt.date,
    quantity: Decimal,
    rate: Decimal | None = None,
    note: str = "",
    id: UUID | None = None,
) -> Answer:
    """Charge a farmer a fee by hand: so many sacks, trips, kg or pieces on a day, or a percentage of so many ₹.

    Without `rate` (₹ for one, or the percentage) the fee's own is taken. Answers `charge_answer`.
    Raises NotAllowed for a farmer, RuleBroken naming each refused field (`unknown_farmer`,
    `unknown_fee`, `not_in_force`, `day_locked` …), Conflict `id_exists`.
    """
    _demand_staff(by)
    made = id or new_id()
    said: dict[str, Any] = {
        "farmer_id": farmer_id,
        "fee_id": fee_id,
        "business_date": business_date,
        "quantity": quantity,
        "rate": rate,
        "note": note,
    }
    effect = partial(write_charge, by, **said, id=made)
    return once(by=by, key=key, body=charge_request(**said, id=id), made=made, effect=effect)


def charge_request(
    *,
    farmer_id: UUID | None,
    fee_id: UUID | None,
    business_date: dt.date,
    quantity: Decimal,
    id: UUID | None,
    rate: Decimal | None = None,
    note: str = "",
) -> dict[str, Any]:
    """What two requests for a charge are compared by, whatever door they come to."""
    # The names under which requests were compared before must stay: one that comes again is the same.
    return {
        "farmer": farmer_id,
        "fee": fee_id,
        "business_date": business_date,
        "quantity": quantity,
        "rate": rate,
        "note": note,
        "id": id,
    }


@step
def write_charge(
    by: Membership,
    *,
    farmer_id: UUID | None,
    fee_id: UUID | None,
    business_date: dt.date,
    quantity: Decimal,
    id: UUID,
    rate: Decimal | None = None,
    note: str = "",
) -> dict[str, Any]:
    """What `record_charge` does, as a part of somebody's unit of work; answers `charge_answer`."""
    _demand_staff(by)
    faults: list[Fault] = []

    def refuse(pointer: str, code: str, detail: str) -> None:
        faults.append(Fault(pointer, code, detail))

    farmer = by.shop.farmers.filter(pk=farmer_id).first() if farmer_id else None
    if farmer is None:
        refuse("/farmer", "unknown_farmer", _("This farmer is not in your shop's list."))
    elif not farmer.is_active:
        refuse("/farmer", "inactive_farmer", _("This farmer is no longer active."))
    fee = by.shop.fees.filter(pk=fee_id).first() if fee_id else None
    if fee is None:
        refuse("/fee", "unknown_fee", _("This fee is not in your shop's list."))
    elif fee.basis == FeeBasis.PER_SETTLEMENT:
        refuse("/fee", "with_the_settlement", _("This fee is charged with the settlement."))
    elif not _holds(fee, business_date):
        refuse("/fee", "not_in_force", _("This fee is not charged on that day."))
    if business_date > business_date_of(timezone.now(), by.shop.turnover_hour):
        refuse("/business_date", "in_future", _("This day has not come yet."))
    _check_figures(fee, quantity, rate, refuse)
    faults.extend(length_faults("/note", note))
    if faults or farmer is None or fee is None:
        raise refusal(faults)
    charge = Charge(
        id=id,
        shop=by.shop,
        farmer=farmer,
        fee=fee,
        business_date=business_date,
        basis=fee.basis,
        income=fee.income,
        quantity=quantity,
        rate=fee.rate if rate is None else rate,
        note=note,
        created_by=by,
        created_at=timezone.now(),
    )
    with closed_day_refused(business_date):
        _insert([charge])
    return charge_answer(charge)


def _demand_staff(by: Membership) -> None:
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may charge fees."))


def _holds(fee: FeeRule, day: dt.date) -> bool:
    """Whether a fee may be charged on a day."""
    begun = fee.valid_from is None or fee.valid_from <= day
    return fee.is_active and begun and (fee.valid_to is None or day < fee.valid_to)


def _check_figures(fee: FeeRule | None, quantity: Decimal, rate: Decimal | None, refuse: Any) -> None:
    if quantity <= 0:
        refuse("/quantity", "not_positive", _("The quantity must be more than 0."))
    basis = fee.basis if fee else ""
    places = 0 if basis in WHOLE else 2 if basis == FeeBasis.PERCENT else 3
    if significant_decimals(quantity) > places:
        refuse(
            "/quantity",
            "too_precise",
            _("This is counted in whole numbers.")
            if places == 0
            else _("At most %(count)s decimals.") % {"count": places},
        )
    price = min((fee.rate if fee else Decimal(0)) if rate is None else rate, HIGHEST_RATE)
    if quantity > LARGEST or quantity * price > LARGEST:
        refuse("/quantity", "too_large", _("This number is too large."))
    if rate is None:
        return
    if rate < 0:
        refuse("/rate", "negative", _("A rate cannot be below zero."))
    if significant_decimals(rate) > 2:
        refuse("/rate", "too_precise", _("A rate has at most two decimals."))
    if rate > (100 if basis == FeeBasis.PERCENT else HIGHEST_RATE):
        refuse("/rate", "too_large", _("This number is too large."))


def waive_charge(
    *, by: Membership, key: UUID, charge_id: UUID, reason: str, version: int | None = None
) -> Answer:
    """Let a farmer off a charge: it stays in the book with the reason and counts for nothing.

    The shop's own people may (api.md, Roles). Answers `charge_answer`. Raises NotFound, NotAllowed for a
    farmer, Conflict `stale` with the present charge, Conflict `not_charged` where it does not stand any
    more or `settled` where a settlement has taken it, RuleBroken without a reason or in a closed day.
    """
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may waive a charge."))
    said = {"waive": charge_id, "reason": reason, "version": version}
    return once(
        by=by,
        key=key,
        body=said,
        made=new_id(),
        effect=partial(_waive, by, charge_id, reason.strip(), version),
        reason=reason.strip(),
    )


@step
def _waive(by: Membership, charge_id: UUID, reason: str, version: int | None) -> dict[str, Any]:
    if not reason:
        raise RuleBroken(_("Say why it is waived."), code="required", pointer="/reason")
    if faults := length_faults("/reason", reason):
        raise refusal(faults)
    charge = charge_of(by, charge_id, lock=True)
    if version is not None and charge.version != version:
        raise Conflict(
            _("Somebody changed this charge meanwhile. Look at it again."),
            code="stale",
            current=charge_answer(charge),
        )
    if charge.status != ChargeStatus.STANDING:
        raise Conflict(
            _("This charge does not count any more."), code="not_charged", current=charge_answer(charge)
        )
    if live_rows([charge.pk]).exists():
        raise Conflict(
            _("This charge is settled. Charge or pay it another way."),
            code="settled",
            current=charge_answer(charge),
        )
    with closed_day_refused(charge.business_date):
        _end([charge], ChargeStatus.WAIVED, reason)
    record(ChargeWaived(charge=charge.pk, farmer=charge.farmer_id), shop=by.shop)
    return charge_answer(charge)
