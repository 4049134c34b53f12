"""Bringing the figures of an older book over: what stood between the shop and many farmers on one evening."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from django.db import connection
from django.utils.translation import gettext as _

from ledger.domain import ACCOUNT_MOVED, AccountKind, JournalKind, Mode, MovementKind, farmer_is_debited
from ledger.events import MovementPosted
from ledger.models import Account, Farmer, Movement, Transfer
from ledger.selectors.movements import opened_among
from ledger.services.faults import refusal
from ledger.services.movements import movement_faults
from ledger.services.posting import closed_day_refused, money_account, next_vouchers
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, Fault, NotAllowed
from malar.kernel.formatting import rupees
from malar.kernel.ids import new_id
from malar.kernel.money import ZERO
from malar.kernel.transactions import step
from malar.trail.services.events import record_all


@dataclass(frozen=True)
class Figures:
    """What stands between the shop and a farmer, in ₹: `balance` above zero is owed to him, below zero by him;
    `advance` is what he has not paid back of advances."""

    balance: Decimal = ZERO
    advance: Decimal = ZERO

    def __bool__(self) -> bool:
        return bool(self.balance or self.advance)

    @property
    def we_owe(self) -> Decimal:
        return max(self.balance, ZERO)

    @property
    def he_owes(self) -> Decimal:
        return max(-self.balance, ZERO)

    def amounts(self) -> dict[MovementKind, Decimal]:
        """The movements they are written as."""
        both = {MovementKind.OPENING_BALANCE: self.balance, MovementKind.OPENING_ADVANCE: self.advance}
        return {kind: amount for kind, amount in both.items() if amount}


@dataclass(frozen=True)
class Totals:
    """Sums of opening figures in ₹, as an older book has them at its end."""

    we_owe: Decimal
    he_owes: Decimal
    advance: Decimal


def totals_of(figures: Iterable[Figures]) -> Totals:
    """What the figures of some farmers come to."""
    all_of_them = list(figures)
    return Totals(
        we_owe=sum((his.we_owe for his in all_of_them), ZERO),
        he_owes=sum((his.he_owes for his in all_of_them), ZERO),
        advance=sum((his.advance for his in all_of_them), ZERO),
    )


def check_totals(figures: Iterable[Figures], typed: Totals | None, opened_on: dt.date | None) -> None:
    """Raise RuleBroken `total_differs` or `required` at each total that is not, to the paisa, what the figures
    come to, or is not there; and without the day they are of."""
    faults = []
    if opened_on is None:
        faults.append(Fault("/opened_on", "required", _("Enter the last day of the older book.")))
    for name, comes_to in vars(totals_of(figures)).items():
        says = getattr(typed, name) if typed else None
        if says is None:
            missing = _("Enter the total of the older book; 0 where there is none.")
            faults.append(Fault(f"/{name}", "required", missing))
        elif says != comes_to:
            more = _("The list comes to %(list)s: %(difference)s more than your book says.")
            less = _("The list comes to %(list)s: %(difference)s less than your book says.")
            words = (more if comes_to > says else less) % {
                "list": rupees(comes_to),
                "difference": rupees(abs(comes_to - says)),
            }
            faults.append(Fault(f"/{name}", "total_differs", words))
    if faults:
        raise refusal(faults)


def standing_among(farmers: Sequence[Farmer]) -> dict[Farmer, Figures]:
    """The opening figures that farmers have already, taken-back ones left out. One query."""
    sums = opened_among(farmers)
    opened = {pk for pk, _kind in sums}
    return {
        farmer: Figures(
            sums.get((farmer.pk, MovementKind.OPENING_BALANCE), ZERO),
            sums.get((farmer.pk, MovementKind.OPENING_ADVANCE), ZERO),
        )
        for farmer in farmers
        if farmer.pk in opened
    }


@step
def bring_over(*, by: Membership, figures: dict[Farmer, Figures], day: dt.date) -> int:
    """Post the opening figures of many farmers at once, dated `day`, each with its voucher number; how many.

    As many statements for two thousand farmers as for one. Holds them all until the commit. Raises
    NotAllowed for others than the owner, RuleBroken for a day that cannot be or `day_locked`, Conflict
    `opened` naming those who have opening figures already.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may bring over opening figures."))
    movements = [
        Movement(
            id=new_id(),
            shop=by.shop,
            farmer=farmer,
            kind=kind,
            amount=amount,
            business_date=day,
            mode=Mode.NONE,
            created_by=by,
        )
        for farmer, his in figures.items()
        for kind, amount in his.amounts().items()
    ]
    for each in movements:
        if faults := movement_faults(
            by.shop, kind=each.kind, amount=each.amount, business_date=day, mode=each.mode
        ):
            raise refusal(faults)
    _hold(list(figures))
    if opened := standing_among(list(figures)):
        raise Conflict(
            _("These farmers have opening figures already: %(names)s.")
            % {"names": " · ".join(f"{farmer.number} {farmer.name}" for farmer in opened)},
            code="opened",
        )
    accounts = _accounts(by, movements)
    other = money_account(by.shop, Mode.NONE)
    with closed_day_refused(day, "/opened_on"):
        transfers = []
        for each in movements:
            his = accounts[each.farmer_id, ACCOUNT_MOVED[MovementKind(each.kind)]]
            is_debited = farmer_is_debited(each.kind, each.amount)
            transfers.append(
                Transfer(
                    shop=by.shop,
                    journal_kind=JournalKind.MOVEMENT,
                    journal=each.pk,
                    seq=1,
                    debit=his if is_debited else other,
                    credit=other if is_debited else his,
                    amount=abs(each.amount),
                    value_date=day,
                    created_by=by,
                )
            )
        Transfer.objects.bulk_create(transfers, batch_size=1000)
        for each, voucher in zip(movements, next_vouchers(by.shop, day, len(movements)), strict=True):
            each.voucher = voucher
        Movement.objects.bulk_create(movements, batch_size=1000)
    record_all([MovementPosted(movement=each.pk, farmer=each.farmer_id) for each in movements], shop=by.shop)
    return len(movements)


@step
def _hold(farmers: Sequence[Farmer]) -> None:
    """Hold the farmers' money as `hold_farmer` does, all of them: rows and buckets in one order."""
    pks = [farmer.pk for farmer in farmers]
    list(Farmer.objects.filter(pk__in=pks).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(1, bucket) FROM"
            " (SELECT DISTINCT hashtext(farmer::text) & 1023 AS bucket FROM unnest(%s::uuid[]) AS farmer"
            " ORDER BY bucket) AS buckets",
            [pks],
        )


@step
def _accounts(by: Membership, movements: Sequence[Movement]) -> dict[tuple[object, AccountKind], Account]:
    """The farmers' accounts that are moved, by farmer and kind; opened where there are none yet."""
    wanted = [
        Account(shop=by.shop, kind=ACCOUNT_MOVED[MovementKind(each.kind)], farmer=each.farmer)
        for each in movements
    ]
    Account.objects.bulk_create(wanted, batch_size=1000, ignore_conflicts=True)
    found = Account.objects.filter(shop=by.shop, farmer__in=[each.farmer for each in movements])
    return {(account.farmer_id, cast(AccountKind, account.kind)): account for account in found}
