"""Sums of days: true at every moment, whoever writes while they are made."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from ledger.domain import RollupKind
from ledger.models import DailyEntry, DailyRollup, DirtyDay, Farmer, MonthlyRollup
from ledger.selectors.invariants import SUMS_OF_DAYS
from ledger.selectors.rollups import Sums, figures, months_of_flowers, sums_of
from ledger.services import rollups
from ledger.services.charges import record_charge, waive_charge
from ledger.services.entries import edit_entry, void_entry
from ledger.services.rollups import sum_up_days
from ledger.tasks import renew_months
from malar.accounts.models import Membership, Shop
from malar.ops.books import broken
from pricing.models import Flower
from tests import cast
from tests.cast import at, recorded
from tests.ledger.terms import a_fee

DAY = dt.date(2026, 3, 6)
NEXT = DAY + dt.timedelta(1)
EARLY = at("2026-03-06", "04:50")


def of_farmers(shop: Shop, start: dt.date = DAY, end: dt.date = NEXT) -> list[Sums]:
    return sums_of(shop, RollupKind.FARMER, start, end, by_subject=True)


def from_entries(shop: Shop, kind: RollupKind) -> set[tuple[object, ...]]:
    """The sums of every day, from nothing but the entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT business_date, subject, unit, lines, quantity, amount, commission, charges FROM"
            f" ({figures(kind, 'shop_id = %(shop)s AND {day} IS NOT NULL')}) AS figures",
            {"shop": shop.pk},
        )
        return set(cursor.fetchall())


def as_answered(shop: Shop, kind: RollupKind) -> set[tuple[object, ...]]:
    rows = sums_of(shop, kind, dt.date(2026, 1, 1), dt.date(2026, 12, 31), by_day=True, by_subject=True)
    return {
        (row.day, row.subject, row.unit, row.lines, row.quantity, row.amount, row.commission, row.charges)
        for row in rows
    }


def are_true(shop: Shop) -> bool:
    return all(as_answered(shop, kind) == from_entries(shop, kind) for kind in RollupKind)


class TestSums:
    @pytest.fixture(autouse=True)
    def _lines(self, meena: Membership, raja: Farmer, jasmine: Flower) -> None:
        """Of Raja: 5.900 kg at 1450 and 900, a line without a rate, a cancelled one; coolie with each."""
        a_fee(meena.shop, "coolie", "per_sack", "10.00")
        for rate in ("1450", "900"):
            recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(rate))
        recorded(meena, raja, jasmine, captured_at=EARLY)
        wrong = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(700))
        void_entry(by=meena, entry_id=wrong.pk, version=1, reason="written twice")

    def test_they_are_what_the_slips_say(self, shop: Shop, raja: Farmer) -> None:
        for _how in ("from the entries", "from the sums"):
            (his,) = of_farmers(shop)
            assert (his.subject, his.times, his.lines, his.unpriced) == (raja.pk, 1, 3, 1)
            assert (his.quantity, his.priced) == (Decimal("17.700"), Decimal("11.800"))
            assert (his.amount, his.commission) == (Decimal("13865.00"), Decimal("1386.50"))
            assert his.charges == Decimal("30.00")
            assert his.left == Decimal("12448.50")
            sum_up_days()
        assert not DirtyDay.objects.exists()

    def test_of_a_flower_they_have_rates(self, shop: Shop, jasmine: Flower) -> None:
        sum_up_days()
        (its,) = sums_of(shop, RollupKind.FLOWER, DAY, DAY, by_subject=True)
        assert (its.subject, its.unit) == (jasmine.pk, "kg")
        assert (its.low, its.high, its.average) == (Decimal("900.00"), Decimal("1450.00"), Decimal(1175))

    def test_of_one_farmer_they_are_his(self, shop: Shop, meena: Membership, jasmine: Flower) -> None:
        other = cast.a_farmer(shop, 20, "முத்து", "Muthu")
        recorded(meena, other, jasmine, captured_at=EARLY, rate=Decimal(100))
        sum_up_days()
        (his,) = sums_of(shop, RollupKind.FLOWER, DAY, DAY, by_subject=True, farmer=other)
        assert his.amount == Decimal("590.00")

    def test_units_are_not_added_up(self, shop: Shop, meena: Membership, raja: Farmer) -> None:
        lotus = cast.a_flower(shop, "THA", "தாமரை", "Lotus", unit="piece")
        recorded(meena, raja, lotus, captured_at=EARLY, quantity=Decimal(50), rate=Decimal(3))
        for _how in ("from the entries", "from the sums"):
            assert of_farmers(shop)[0].quantity == Decimal("17.700")
            of_flowers = sums_of(shop, RollupKind.FLOWER, DAY, DAY, by_subject=True)
            assert {(row.unit, row.quantity) for row in of_flowers} == {
                ("kg", Decimal("17.700")),
                ("piece", Decimal("50.000")),
            }
            sum_up_days()

    def test_whatever_is_written_later_is_in_them_at_once(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        sum_up_days()
        line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        assert are_true(shop)
        sum_up_days()
        edit_entry(by=meena, entry_id=line.pk, version=1, changes={"gross_quantity": Decimal("7.100")})
        assert are_true(shop)
        sum_up_days()
        toll = a_fee(shop, "toll", "per_trip", "50.00", automatic=False)
        charge = record_charge(
            by=meena,
            key=uuid4(),
            farmer_id=raja.pk,
            fee_id=toll.pk,
            business_date=NEXT,
            quantity=Decimal(1),
        )
        assert are_true(shop)
        sum_up_days()
        assert of_farmers(shop)[0].charges == Decimal("90.00")
        waive_charge(by=meena, key=uuid4(), charge_id=charge.made, version=1, reason="asked")
        assert are_true(shop)
        assert of_farmers(shop)[0].charges == Decimal("40.00")
        assert broken(only=SUMS_OF_DAYS) == []

    def test_kept_ones_are_read_where_they_hold(self, shop: Shop) -> None:
        sum_up_days()
        DailyRollup.objects.filter(kind=RollupKind.FARMER).update(amount=Decimal(1))
        assert of_farmers(shop)[0].amount == Decimal("1.00")

    def test_a_month_that_is_over_is_read_from_its_own_sums(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        march = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
        before = of_farmers(shop, *march)
        sum_up_days()
        renew_months()
        assert of_farmers(shop, *march) == before
        assert before[0].times == 1
        assert broken(only=SUMS_OF_DAYS) == []
        MonthlyRollup.objects.filter(kind=RollupKind.FARMER).update(amount=Decimal(1))
        assert of_farmers(shop, *march)[0].amount == Decimal("1.00")
        # A part of it, and each of its days by itself, are not in the sums of the month.
        assert of_farmers(shop, march[0], dt.date(2026, 3, 30)) == before
        assert of_farmers(shop, DAY, march[1]) == before
        assert sums_of(shop, RollupKind.FARMER, *march, by_day=True)[0].amount == before[0].amount
        # What is written later is in the figures at once, and the month is made again when its day was.
        recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        assert of_farmers(shop, *march)[0].lines == 4
        sum_up_days()
        assert not MonthlyRollup.objects.exists()
        assert of_farmers(shop, *march)[0].lines == 4
        renew_months()
        assert {row.kind for row in MonthlyRollup.objects.all()} == set(RollupKind)
        assert of_farmers(shop, *march)[0].lines == 4
        assert broken(only=SUMS_OF_DAYS) == []

    def test_of_months_and_days_together_each_is_counted_once(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        for day in ("2026-01-31", "2026-02-01", "2026-02-28", "2026-04-02"):
            recorded(meena, raja, jasmine, captured_at=at(day, "04:50"), rate=Decimal(100))
        span = (dt.date(2026, 1, 31), dt.date(2026, 4, 2))
        fresh = {kind: sums_of(shop, kind, *span, by_subject=True) for kind in RollupKind}
        assert (fresh[RollupKind.FARMER][0].times, fresh[RollupKind.FARMER][0].lines) == (5, 7)
        sum_up_days()
        renew_months()
        recorded(meena, raja, jasmine, captured_at=at("2026-04-02", "04:50"), rate=Decimal(100))
        void_entry(
            by=meena, entry_id=DailyEntry.objects.latest("received_at").pk, version=1, reason="written twice"
        )
        assert DirtyDay.objects.exists()
        for kind in RollupKind:
            assert sums_of(shop, kind, *span, by_subject=True) == fresh[kind]

    def test_the_month_that_runs_is_not_kept(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        recorded(meena, raja, jasmine, captured_at=timezone.now(), rate=Decimal(100))
        sum_up_days()
        renew_months()
        assert {row.month for row in MonthlyRollup.objects.all()} == {dt.date(2026, 3, 1)}

    def test_another_shop_has_its_own(self, shop: Shop, devi: Membership) -> None:
        sum_up_days()
        assert of_farmers(devi.shop) == []
        assert of_farmers(shop) != []

    def test_they_are_one_question(
        self, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            of_farmers(shop)

    def test_days_of_nothing_are_nothing(self, shop: Shop) -> None:
        assert sums_of(shop, RollupKind.FARMER, DAY.replace(year=2020), DAY.replace(year=2020)) == []

    def test_months_are_as_old_as_they_say(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower
    ) -> None:
        sum_up_days()
        renew_months()
        (march,) = months_of_flowers(shop, DAY, DAY)
        assert (march.month, march.lines, march.average) == (dt.date(2026, 3, 1), 3, Decimal(1175))
        recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        assert months_of_flowers(shop, DAY, DAY) == [march]
        sum_up_days()
        renew_months()
        (later,) = months_of_flowers(shop, DAY, DAY, [jasmine.pk])
        assert later.lines == 4
        assert months_of_flowers(shop, DAY, DAY, [uuid4()]) == []


@contextmanager
def written_meanwhile(write: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Another connection writes inside a transaction that it holds open; what is given commits it."""
    wrote, may_commit = threading.Event(), threading.Event()

    def act() -> None:
        try:
            with transaction.atomic():
                write()
                wrote.set()
                may_commit.wait(timeout=20)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    assert wrote.wait(timeout=20)

    def commit() -> None:
        may_commit.set()
        thread.join()

    yield commit
    commit()


def weighed_again(line: DailyEntry) -> None:
    """A line made heavier, in raw SQL: a service would open a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_dailyentry SET quantity = 8, gross_quantity = 8, tare = 0, version = version + 1"
            " WHERE id = %s",
            [line.pk],
        )


def all_days_of(day: dt.date) -> None:
    """The mistake: take away whatever marks a day has by now."""
    DirtyDay.objects.filter(business_date=day).delete()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestRaces:
    """A writer commits while the day is being summed. Each is shown with the guard off as well."""

    @pytest.fixture
    def line(self, meena: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
        line = recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        sum_up_days()
        recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
        return line

    @pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
    def test_what_commits_between_marks_and_sums_is_not_lost(
        self, shop: Shop, line: DailyEntry, monkeypatch: pytest.MonkeyPatch, guarded: bool
    ) -> None:
        with written_meanwhile(lambda: weighed_again(line)) as commit:
            take, sum_days = rollups._take_marks, rollups._sum

            def take_then_wait(newest: int) -> set[tuple[UUID, dt.date]]:
                marked = take(newest)
                commit()
                return marked

            def sum_first(newest: int) -> int:
                # What a report's author writes first: sum the day up, then it is clean.
                sum_days([DAY], shop.pk)
                commit()
                all_days_of(DAY)
                return 0

            if guarded:
                monkeypatch.setattr(rollups, "_take_marks", take_then_wait)
            else:
                monkeypatch.setattr(rollups, "_sum_up", sum_first)
            sum_up_days()
        assert are_true(shop) == guarded
        assert (broken(only=SUMS_OF_DAYS) == []) == guarded

    def test_what_commits_after_the_sums_is_marked(self, shop: Shop, line: DailyEntry) -> None:
        with written_meanwhile(lambda: weighed_again(line)) as commit:
            assert sum_up_days() == 1
            assert not DirtyDay.objects.exists()
            commit()
            assert DirtyDay.objects.get().business_date == DAY
            assert are_true(shop)
        assert sum_up_days() == 1
        assert are_true(shop)

    def test_writers_of_a_day_do_not_wait_for_each_other_nor_for_the_sums(
        self, shop: Shop, meena: Membership, raja: Farmer, jasmine: Flower, line: DailyEntry
    ) -> None:
        with written_meanwhile(lambda: weighed_again(line)), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 200")
            try:
                assert sum_up_days() == 1
                recorded(meena, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
            finally:
                cursor.execute("RESET lock_timeout")

    def test_one_sums_at_a_time(self, line: DailyEntry) -> None:
        def take_the_lock() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [rollups.LOCK])

        with written_meanwhile(take_the_lock):
            assert sum_up_days() == 0
        assert sum_up_days() == 1

    @pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
    def test_a_month_is_not_kept_while_one_of_its_days_is_summed(
        self, shop: Shop, line: DailyEntry, monkeypatch: pytest.MonkeyPatch, guarded: bool
    ) -> None:
        """Without the lock the month is added up from what its day was, after the day has taken its sums away."""

        def add_it_up(of: UUID, month: dt.date) -> None:
            with connection.cursor() as cursor:
                cursor.execute(rollups.MONTH, {"shop": of, "month": month})

        if not guarded:
            monkeypatch.setattr(rollups, "_keep_month", add_it_up)
        kept = threading.Event()

        def keep() -> None:
            try:
                renew_months()
                kept.set()
            finally:
                connection.close()

        keeping = threading.Thread(target=keep)
        take = rollups._sum

        def sum_then_wait(days: list[dt.date], of: UUID) -> None:
            take(days, of)
            keeping.start()
            kept.wait(timeout=1 if guarded else 20)

        monkeypatch.setattr(rollups, "_sum", sum_then_wait)
        sum_up_days()
        keeping.join()
        assert MonthlyRollup.objects.exists()
        assert (broken(only=SUMS_OF_DAYS) == []) == guarded
