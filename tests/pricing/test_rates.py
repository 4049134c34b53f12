"""Publishing rates and finding the one in force."""

import datetime as dt
import threading
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction

from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from pricing.domain import Quote, RateSource
from pricing.models import Flower, MarketRate
from pricing.selectors.rates import board_at, board_now, rate_at
from pricing.services.rates import publish_rate
from tests.cast import a_slot, at, called

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"


def test_publishing_ends_the_rate_before_it(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    called(jasmine, "820", at(DAY, "05:30"), meena)
    first, second = MarketRate.objects.order_by("effective_from")
    assert first.effective_to == second.effective_from == at(DAY, "05:30")


def test_a_called_rate_holds_until_its_business_day_ends(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    assert rate_at(jasmine, at(DAY, "23:59")).rate == Decimal(900)
    assert rate_at(jasmine, at("2026-03-07", "00:00")) == Quote(None, None, None)


def test_the_business_day_ends_at_the_shops_own_hour(meena: Membership, jasmine: Flower) -> None:
    meena.shop.turnover_hour = 2
    meena.shop.save()
    called(jasmine, "900", at(DAY, "04:00"), meena)
    assert rate_at(jasmine, at("2026-03-07", "01:59")).rate == Decimal(900)
    assert rate_at(jasmine, at("2026-03-07", "02:00")).rate is None


def test_a_call_goes_before_the_slots_rate_on_its_day_and_not_on_the_next(
    meena: Membership, jasmine: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    publish_rate(
        by=meena, key=uuid4(), flower=jasmine, slot=slot, rate=Decimal(880), effective_from=at(DAY, "00:00")
    )
    called(jasmine, "900", at(DAY, "04:30"), meena)
    assert rate_at(jasmine, at(DAY, "04:29")) == Quote(Decimal(880), RateSource.SLOT, slot.pk)
    assert rate_at(jasmine, at(DAY, "04:30")) == Quote(Decimal(900), RateSource.CALLED, slot.pk)
    assert rate_at(jasmine, at("2026-03-07", "04:30")) == Quote(Decimal(880), RateSource.SLOT, slot.pk)


def test_a_rate_called_for_the_past_fits_between_its_neighbours(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    called(jasmine, "700", at(DAY, "07:00"), meena)
    called(jasmine, "820", at(DAY, "05:30"), meena)
    rates = [rate_at(jasmine, at(DAY, clock)).rate for clock in ("05:00", "06:00", "08:00")]
    assert rates == [Decimal(900), Decimal(820), Decimal(700)]


def test_of_two_calls_of_one_moment_the_later_said_holds_and_both_stay_on_record(
    meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    called(jasmine, "950", at(DAY, "04:00"), meena)
    assert rate_at(jasmine, at(DAY, "04:00")).rate == Decimal(950)
    assert MarketRate.objects.count() == 2


def test_the_same_request_twice_publishes_once(meena: Membership, jasmine: Flower) -> None:
    key = uuid4()
    first, again = (publish_rate(by=meena, key=key, flower=jasmine, rate=Decimal(900)) for _ in range(2))
    assert (first.replayed, again.replayed, again.body) == (False, True, first.body)
    assert MarketRate.objects.count() == 1


def test_only_the_owner_publishes(kumar: Membership, jasmine: Flower) -> None:
    with pytest.raises(NotAllowed):
        publish_rate(by=kumar, key=uuid4(), flower=jasmine, rate=Decimal(900))


@pytest.mark.parametrize(
    ("rate", "code"), [("-1", "negative"), ("10.005", "too_precise"), ("1e12", "too_precise")]
)
def test_an_impossible_rate_is_refused(meena: Membership, jasmine: Flower, rate: str, code: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal(rate))
    assert refused.value.code == code
    assert not MarketRate.objects.exists()


def test_the_database_refuses_two_rates_at_a_time(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    with pytest.raises(DatabaseError, match="one_rate_at_a_time"), transaction.atomic():
        MarketRate.objects.create(
            shop=meena.shop,
            flower=jasmine,
            rate=Decimal(1),
            effective_from=at(DAY, "05:00"),
            published_by=meena,
        )


def test_two_slots_do_not_share_a_time(meena: Membership) -> None:
    a_slot(meena.shop, "04:00", "05:30")
    a_slot(meena.shop, "05:30", "07:00")
    with pytest.raises(DatabaseError, match="slots_do_not_overlap"), transaction.atomic():
        a_slot(meena.shop, "05:00", "06:00")


def test_the_board_shows_every_flower_also_without_a_rate(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "900", at(DAY, "04:00"), meena)
    board = {row.flower_id: row.rate for row in board_at(meena.shop, at(DAY, "05:00"))}
    assert board == {jasmine.pk: Decimal(900), lotus.pk: None}


def test_the_kept_board_is_forgotten_when_a_rate_is_published(
    meena: Membership, jasmine: Flower, django_capture_on_commit_callbacks: object
) -> None:
    now = at(DAY, "05:00")
    called(jasmine, "900", at(DAY, "04:00"), meena)
    assert board_now(meena.shop, now)[0].rate == Decimal(900)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        called(jasmine, "820", at(DAY, "04:59"), meena)
    assert board_now(meena.shop, now)[0].rate == Decimal(820)


def test_a_board_read_before_and_kept_after_a_publishing_is_never_shown(
    meena: Membership,
    jasmine: Flower,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    """The race: somebody reads the board, the owner publishes, then the reader keeps what he read."""
    now = at(DAY, "05:00")
    called(jasmine, "900", at(DAY, "04:00"), meena)

    def read_then_publish(shop: object, moment: dt.datetime) -> list[object]:
        board = board_at(meena.shop, moment)
        monkeypatch.undo()
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            called(jasmine, "820", at(DAY, "04:59"), meena)
        return list(board)

    monkeypatch.setattr("pricing.selectors.rates.board_at", read_then_publish)
    assert board_now(meena.shop, now)[0].rate == Decimal(900)  # what he read, once
    assert board_now(meena.shop, now)[0].rate == Decimal(820)


def test_without_the_kept_board_the_rates_are_the_same(meena: Membership, jasmine: Flower) -> None:
    now = at(DAY, "05:00")
    called(jasmine, "900", at(DAY, "04:00"), meena)
    kept = board_now(meena.shop, now)
    cache.clear()
    assert board_now(meena.shop, now) == kept


@pytest.mark.django_db(transaction=True)
def test_two_owners_publishing_at_once_leave_one_rate_at_a_time(meena: Membership, jasmine: Flower) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(6)

    def call(n: int) -> None:
        try:
            start.wait()
            publish_rate(by=meena, key=uuid4(), flower=jasmine, rate=Decimal(800 + n))
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    rates = list(MarketRate.objects.order_by("effective_from", "published_at"))
    assert len(rates) == 6
    assert [rate.effective_to for rate in rates[:-1]] == [rate.effective_from for rate in rates[1:]]
