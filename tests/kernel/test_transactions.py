"""Units of work."""

import threading
import time
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction

from malar.accounts.models import Membership, Shop
from malar.kernel.errors import Conflict
from malar.kernel.transactions import in_unit, step, unit_of_work


@unit_of_work
def rename(*, by: Membership, name: str) -> None:
    Shop.objects.filter(pk=by.shop_id).update(name_en=name)


@pytest.mark.django_db(transaction=True)
def test_use_cases_never_nest(meena: Membership) -> None:
    @unit_of_work
    def outer(*, by: Membership) -> None:
        rename(by=by, name="x")

    with pytest.raises(RuntimeError, match="durable"):
        outer(by=meena)


@pytest.mark.django_db(transaction=True)
def test_a_step_refuses_to_run_alone() -> None:
    @step
    def part() -> None: ...

    with pytest.raises(transaction.TransactionManagementError):
        part()
    with transaction.atomic():
        part()


@pytest.mark.django_db(transaction=True)
def test_a_lost_lock_is_tried_again_and_then_told_in_words(meena: Membership) -> None:
    tries: list[float] = []

    def locked_out() -> None:
        tries.append(time.monotonic())
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
        Shop.objects.select_for_update().get(pk=meena.shop_id)

    held, let_go = threading.Event(), threading.Event()

    def holder() -> None:
        with transaction.atomic():
            Shop.objects.select_for_update().get(pk=meena.shop_id)
            held.set()
            let_go.wait(10)
        connection.close()

    thread = threading.Thread(target=holder)
    thread.start()
    held.wait(10)
    with pytest.raises(Conflict) as refused:
        in_unit(locked_out, by=meena)
    let_go.set()
    thread.join()
    assert (refused.value.code, len(tries)) == ("busy", 3)
    in_unit(locked_out, by=meena)  # and once it is free, it goes through


@pytest.mark.django_db(transaction=True)
def test_other_faults_of_the_database_are_not_tried_again(meena: Membership) -> None:
    tries: list[int] = []

    def fails() -> None:
        tries.append(1)
        raise OperationalError("disk")

    with pytest.raises(OperationalError):
        in_unit(fails, by=meena)
    assert len(tries) == 1


@pytest.mark.django_db
def test_every_change_says_who_made_it(meena: Membership) -> None:
    name = uuid4().hex
    rename(by=meena, name=name)
    version = meena.shop.versions.select_related("pgh_context").get(name_en=name)  # type: ignore[attr-defined]
    assert version.pgh_context.metadata["user"] == str(meena.user_id)
