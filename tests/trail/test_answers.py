"""The same request twice makes one thing and gives one answer."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from ledger.models import DailyEntry, Farmer
from ledger.services.entries import record_entry
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, RuleBroken
from malar.trail.domain import fingerprint
from malar.trail.models import AnsweredRequest, Event
from malar.trail.services.answers import Answer
from pricing.models import Flower

pytestmark = pytest.mark.django_db


def write(by: Membership, farmer: Farmer, flower: Flower, key: UUID, **figures: Any) -> Answer:
    figures = {"gross_quantity": Decimal("6.1"), **figures}
    return record_entry(by=by, key=key, farmer_id=farmer.pk, flower_id=flower.pk, **figures)


def test_a_repeated_key_with_the_same_body_gives_the_first_answer(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    key = uuid4()
    first, again = write(kumar, raja, jasmine, key), write(kumar, raja, jasmine, key)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.made, again.body) == (first.made, first.body)
    assert (DailyEntry.objects.count(), Event.objects.count()) == (1, 1)


def test_900_and_900_00_are_the_same_rate(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    key = uuid4()
    write(kumar, raja, jasmine, key, rate=Decimal(900))
    assert write(kumar, raja, jasmine, key, rate=Decimal("900.00")).replayed


def test_a_repeated_key_with_another_body_is_refused(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    key = uuid4()
    write(kumar, raja, jasmine, key)
    for other in (Decimal("6.2"), Decimal(0)):  # also one that a rule would refuse
        with pytest.raises(RuleBroken) as refused:
            write(kumar, raja, jasmine, key, gross_quantity=other)
        assert refused.value.code == "idempotency_key_reused"
    assert DailyEntry.objects.count() == 1


def test_the_first_answer_is_given_even_when_a_rule_would_refuse_now(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    key = uuid4()
    first = write(kumar, raja, jasmine, key)
    Farmer.objects.filter(pk=raja.pk).update(is_active=False)
    assert write(kumar, raja, jasmine, key).body == first.body


def test_a_refused_request_leaves_its_key_free(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    key = uuid4()
    with pytest.raises(RuleBroken):
        write(kumar, raja, jasmine, key, gross_quantity=Decimal(0))
    assert not write(kumar, raja, jasmine, key).replayed


def test_an_id_is_used_once(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    made = uuid4()
    write(kumar, raja, jasmine, uuid4(), id=made)
    with pytest.raises(Conflict) as refused:
        write(kumar, raja, jasmine, uuid4(), id=made)
    assert refused.value.code == "id_exists"


def test_an_id_is_used_once_also_on_another_day(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    """The book's own key is (day, id); only the record of answers knows the id alone."""
    from tests.cast import at

    made = uuid4()
    write(kumar, raja, jasmine, uuid4(), id=made, captured_at=at("2026-03-06", "05:00"))
    with pytest.raises(Conflict) as refused:
        write(kumar, raja, jasmine, uuid4(), id=made, captured_at=at("2026-03-07", "05:00"))
    assert refused.value.code == "id_exists"
    assert DailyEntry.objects.count() == 1


def test_keys_of_two_shops_do_not_meet(
    kumar: Membership, raja: Farmer, jasmine: Flower, devi: Membership, selvi: Farmer, mullai: Flower
) -> None:
    key = uuid4()
    write(kumar, raja, jasmine, key)
    assert not write(devi, selvi, mullai, key).replayed


def test_the_fingerprint_knows_no_order_and_no_trailing_zeros() -> None:
    assert fingerprint({"a": Decimal("1.50"), "b": None}) == fingerprint({"b": None, "a": Decimal("1.5")})
    assert fingerprint({"a": Decimal(100)}) != fingerprint({"a": Decimal(10)})


def at_once(times: int, act: Callable[[], object]) -> None:
    """Run `act` in so many threads, all let go at the same moment."""
    start = threading.Barrier(times)

    def run() -> None:
        try:
            start.wait()
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_hundred_times_the_same_request_at_once_makes_one_line(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    key, answers = uuid4(), []
    at_once(100, lambda: answers.append(write(kumar, raja, jasmine, key)))
    assert len(answers) == 100
    assert sum(not answer.replayed for answer in answers) == 1
    assert all(answer.body == answers[0].body for answer in answers)
    assert (DailyEntry.objects.count(), Event.objects.count()) == (1, 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_unique_key_the_same_race_doubles_the_line(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """The negative control: it is the constraint that holds, not luck."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trail_answeredrequest DROP CONSTRAINT one_answer_per_key")
    try:
        key = uuid4()
        at_once(100, lambda: write(kumar, raja, jasmine, key))
        assert DailyEntry.objects.count() > 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE trail_answeredrequest")
            cursor.execute(
                "ALTER TABLE trail_answeredrequest ADD CONSTRAINT one_answer_per_key UNIQUE (shop_id, key)"
            )
    assert AnsweredRequest.objects.count() == 0
