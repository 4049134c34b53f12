"""A welcome for who is new, and a question that is asked again."""

import contextlib
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.farmer_csv import sheet_in
from ledger.services.farmer_import import import_farmers, plan_import
from ledger.services.farmers import add_farmer, edit_farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.models import Message
from notifications.services.queueing import react
from notifications.services.wishes import apply_inbound, change_wishes
from settlements.models import Settlement
from settlements.services import reminders
from settlements.services.approvals import approve, cancel, change_recovery, submit
from settlements.services.reminders import say_unanswered
from tests.settlements.acts import settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def told(kind: str) -> list[Message]:
    """What everything that happened tells of this kind."""
    for event in Event.objects.undone().order_by("id"):
        react(event_id=event.pk)
    return list(Message.objects.filter(kind=kind).order_by("pk"))


def added(by: Membership, **particulars: Any) -> Farmer:
    known = {"name_ta": "வேலு", "name_en": "Velu", **particulars}
    return Farmer.objects.get(pk=add_farmer(by=by, key=uuid4(), particulars=known).made)  # type: ignore[arg-type]


class TestWelcome:
    """consent_welcome"""

    def test_who_is_new_and_has_a_phone_is_welcomed_once(self, kumar: Membership) -> None:
        farmer = added(kumar, phone="98765 00021")
        (message,) = told("consent_welcome")
        assert (message.farmer, message.address) == (farmer, "+919876500021")
        assert "வேலு" in message.text
        assert kumar.shop.name_ta in message.text
        assert "STOP" in message.text
        react(event_id=message.event_id)
        edit_farmer(by=kumar, farmer_id=farmer.pk, version=1, particulars={"phone": ""})
        edit_farmer(by=kumar, farmer_id=farmer.pk, version=2, particulars={"phone": "98765 00022"})
        assert told("consent_welcome") == [message]

    def test_who_has_no_phone_is_welcomed_when_he_has_one(self, kumar: Membership) -> None:
        farmer = added(kumar)
        assert told("consent_welcome") == []
        edit_farmer(by=kumar, farmer_id=farmer.pk, version=1, particulars={"village_en": "Vellodu"})
        assert told("consent_welcome") == []
        edit_farmer(by=kumar, farmer_id=farmer.pk, version=2, particulars={"whatsapp": "98765 00021"})
        assert [each.address for each in told("consent_welcome")] == ["+919876500021"]

    def test_whose_number_is_taken_away_before_it_is_told_hears_nothing(self, kumar: Membership) -> None:
        farmer = added(kumar, phone="98765 00021")
        edit_farmer(by=kumar, farmer_id=farmer.pk, version=1, particulars={"phone": ""})
        assert told("consent_welcome") == []

    def test_who_said_no_is_not_welcomed(self, kumar: Membership) -> None:
        apply_inbound(added(kumar, phone="98765 00021"), "STOP")
        assert told("consent_welcome") == []

    @pytest.mark.parametrize("welcome", [False, True])
    def test_a_list_that_is_taken_over_welcomes_only_where_the_shop_wants_it(
        self, meena: Membership, welcome: bool
    ) -> None:
        text = "name_en,phone\nVelu,9876500021\nMuthu,\n"
        expected = plan_import(meena.shop, sheet_in(text)).fingerprint
        import_farmers(by=meena, key=uuid4(), text=text, expected=expected, welcome=welcome)
        assert Farmer.objects.count() == 2
        assert [each.address for each in told("consent_welcome")] == ["+919876500021"] * welcome


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the lock", "negative control"])
def test_two_who_look_at_once_ask_once(
    sunday: Any, settlement_a: Farmer, meena: Membership, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    settlement = settlement_for(settlement_a, settled(meena))
    submit(by=meena, settlement_id=settlement.pk)
    now = Event.objects.get(name="SettlementReady").at + 3 * DAY
    looked = threading.Barrier(2)
    look = reminders._of_each

    def both_have_looked(*asked: Any) -> Any:
        found = look(*asked)
        with contextlib.suppress(threading.BrokenBarrierError):
            looked.wait(2)
        return found

    monkeypatch.setattr(reminders, "_of_each", both_have_looked)
    if not guarded:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda found, **_: found)

    def say(_: int) -> int:
        try:
            return say_unanswered(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(say, range(2))) == (1 if guarded else 2)


class TestReminder:
    """settlement_reminder"""

    @pytest.fixture
    def settlement(self, sunday: Any, settlement_a: Farmer, meena: Membership) -> Settlement:
        """It waits for Raja since just now."""
        settlement = settlement_for(settlement_a, settled(meena))
        submit(by=meena, settlement_id=settlement.pk)
        settlement.refresh_from_db()
        told("settlement_reminder")
        return settlement

    @pytest.fixture
    def asked(self, settlement: Settlement) -> dt.datetime:
        return Event.objects.get(name="SettlementReady").at

    def test_he_is_asked_again_after_two_days_and_after_four_and_no_more(
        self, settlement: Settlement, asked: dt.datetime
    ) -> None:
        said = [say_unanswered(now=asked + hours * dt.timedelta(hours=1)) for hours in range(0, 200, 8)]
        assert said == [1 if hours in (48, 96) else 0 for hours in range(0, 200, 8)]

    def test_it_says_which_and_until_when(
        self, settlement: Settlement, asked: dt.datetime, settings: Any
    ) -> None:
        Event.objects.filter(name="SettlementReady").update(
            at=dt.datetime(2026, 3, 9, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=5.5)))
        )
        say_unanswered(now=dt.datetime(2026, 3, 11, 11, 0, tzinfo=dt.timezone(dt.timedelta(hours=5.5))))
        (message,) = told("settlement_reminder")
        assert message.text == (
            "வணக்கம் பெ. ராஜா, கணக்கு எண் R1-F014 இன்னும் உங்கள் ஒப்புதலுக்காகக் காத்திருக்கிறது. "
            "கைக்கு வரும் தொகை ₹38,125.00. தயவுசெய்து 15/03/2026 தேதிக்குள் பதில் அனுப்பவும்."
        )

    def test_who_has_answered_is_left_alone(
        self, settlement: Settlement, asked: dt.datetime, meena: Membership
    ) -> None:
        approve(
            by=meena,
            settlement_id=settlement.pk,
            content_hash=settlement.content_hash,
            for_farmer=True,
            method="paper",
        )
        assert say_unanswered(now=asked + 3 * DAY) == 0

    def test_who_answers_before_it_is_told_is_not_asked(
        self, settlement: Settlement, asked: dt.datetime, meena: Membership
    ) -> None:
        assert say_unanswered(now=asked + 3 * DAY) == 1
        cancel(by=meena, settlement_id=settlement.pk)
        assert told("settlement_reminder") == []

    def test_of_what_was_changed_since_the_days_count_anew(
        self, settlement: Settlement, asked: dt.datetime, meena: Membership
    ) -> None:
        Event.objects.filter(name="SettlementReady").update(at=asked - 3 * DAY)
        change_recovery(
            by=meena, settlement_id=settlement.pk, recovery=Decimal(1000), version=settlement.version
        )
        submit(by=meena, settlement_id=settlement.pk)
        assert say_unanswered(now=timezone.now()) == 0
        assert say_unanswered(now=timezone.now() + 2 * DAY) == 1

    def test_a_shop_that_wants_no_reminders_has_none(
        self, settlement: Settlement, asked: dt.datetime, settings: Any
    ) -> None:
        settings.SETTLEMENT_REMINDER_DAYS = 0
        assert say_unanswered(now=asked + 3 * DAY) == 0

    @pytest.mark.parametrize("kind", ["settlement_reminder", "settlement_ready"])
    def test_who_wants_none_gets_none(
        self, settlement: Settlement, asked: dt.datetime, meena: Membership, kind: str
    ) -> None:
        change_wishes(by=meena, farmer=settlement.farmer, wanted={kind: False})
        assert say_unanswered(now=asked + 3 * DAY) == 1
        assert told("settlement_reminder") == []
