"""The machine of tests/ledger/machine.py is no ornament: each of these mistakes must stop it."""

from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from ledger.domain import ChargeStatus
from ledger.models import Charge, Farmer, Movement
from ledger.selectors import accounts
from ledger.selectors.accounts import Balance, Unsettled
from ledger.services import entries, movements
from malar.kernel.errors import RuleBroken
from malar.kernel.money import ZERO
from tests.ledger.machine import BookMachine, play
from tests.ledger.test_book_machine import PROFILE, make_months

pytestmark = pytest.mark.django_db

Mutation = Callable[[pytest.MonkeyPatch], None]


class Model(BookMachine):
    """Without the invariants of the house: what it is to notice, the model alone must."""

    in_house = False


def _with_balances(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Farmer, Balance], Balance]) -> None:
    right = accounts.balances_of

    def balances_of(farmers: Collection[Farmer], on: Any = None) -> dict[UUID, Balance]:
        balances = right(farmers, on)
        return {farmer.pk: wrong(farmer, balances[farmer.pk]) for farmer in farmers}

    monkeypatch.setattr(accounts, "balances_of", balances_of)


def commission_on_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(farmer: Farmer, balance: Balance) -> Balance:
        pct = farmer.shop.commission_pct if farmer.commission_pct is None else farmer.commission_pct
        commission = (balance.unsettled.gross * pct / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return replace(balance, unsettled=replace(balance.unsettled, commission=commission))

    _with_balances(monkeypatch, wrong)


def negative_net_clamped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Balance, "signed", property(lambda self: max(self.payable + self.unsettled.value, ZERO))
    )


def edit_without_version_check(monkeypatch: pytest.MonkeyPatch) -> None:
    right = entries._locked
    monkeypatch.setattr(entries, "_locked", lambda by, entry_id, version: right(by, entry_id, None))


def draw_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Unsettled,
        "value",
        property(lambda self: self.gross - self.commission - self.charges - 2 * self.draws),
    )


def pending_line_counted_as_0(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(farmer: Farmer, balance: Balance) -> Balance:
        return replace(balance, unsettled=replace(balance.unsettled, unpriced=0))

    _with_balances(monkeypatch, wrong)


def pending_line_written_with_rate_0(monkeypatch: pytest.MonkeyPatch) -> None:
    right = entries._priced

    def priced(*said: Any) -> entries.Priced:
        found = right(*said)
        return found if found.rate is not None else replace(found, rate=ZERO, rate_source="manual")

    monkeypatch.setattr(entries, "_priced", priced)


def waived_charge_still_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsettled_charges(farmers: Collection[UUID], _on: Any = None) -> Any:
        counted = (ChargeStatus.STANDING, ChargeStatus.WAIVED)
        return Charge.objects.filter(farmer__in=farmers, status__in=counted)

    monkeypatch.setattr(accounts, "unsettled_charges", unsettled_charges)


def reversal_dated_like_what_it_reverses(monkeypatch: pytest.MonkeyPatch) -> None:
    right = movements.reverse_movement

    def reverse_movement(*, movement_id: UUID, **said: Any) -> Any:
        day = Movement.objects.get(pk=movement_id).business_date
        return right(movement_id=movement_id, **said | {"business_date": day})

    monkeypatch.setattr(movements, "reverse_movement", reverse_movement)


def reversal_dated_in_a_locked_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, past the database's lock of the day; the model does not look at the date itself."""
    reversal_dated_like_what_it_reverses(monkeypatch)
    dated = movements.reverse_movement

    def let_through(on: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('malar.mutant', %s, true)", [on])

    def reverse_movement(**said: Any) -> Any:
        let_through("on")
        try:
            return dated(**said)
        finally:
            let_through("")

    monkeypatch.setattr(movements, "reverse_movement", reverse_movement)
    monkeypatch.setattr(Model, "is_today", lambda self, day: True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('ledger_day_is_open'::regproc)")
        ((locking,),) = cursor.fetchall()
        bypass = "BEGIN\n IF current_setting('malar.mutant', true) = 'on' THEN RETURN; END IF;"
        cursor.execute(locking.replace("BEGIN", bypass, 1))


@pytest.mark.parametrize(
    "mutation",
    [
        commission_on_the_total,
        negative_net_clamped,
        edit_without_version_check,
        draw_counted_twice,
        pending_line_counted_as_0,
        pending_line_written_with_rate_0,
        waived_charge_still_charged,
        reversal_dated_like_what_it_reverses,
        reversal_dated_in_a_locked_day,
    ],
)
def test_this_mistake_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    make_months()
    mutation(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, RuleBroken)):
        play(Model, PROFILE)
