"""The link that a farmer is sent with his settlement, from the message in which it came (scenario 46)."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.models import Message
from notifications.services.queueing import react
from notifications.services.sending import send
from settlements.models import Approval, ApprovalLink, Settlement
from settlements.services.approvals import change_recovery, submit
from settlements.services.links import hashed
from tests.conftest import page_of
from tests.notifications.fake_twilio import FakeTwilio, fake_twilio, set_up
from tests.settlements.acts import settled, settlement_for
from tests.settlements.test_links import answered, everything_logged, phone, reader

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sunday")]

BOTS = (
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


@pytest.fixture
def twilio(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def pending(settlement_a: Farmer, meena: Membership, twilio: FakeTwilio) -> Settlement:
    """Settlement A, sent to its farmer for approval."""
    settlement_a.phone = "+919876500014"
    settlement_a.save()
    settlement = settlement_for(settlement_a, settled(meena))
    submit(by=meena, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement


def link_sent() -> str:
    """The path of the link in the newest message that asks a farmer for his yes."""
    event = Event.objects.filter(name="SettlementReady").latest("id")
    (made,) = react(event_id=event.pk)
    token = Message.objects.get(pk=made).variables["token"]
    send(message_id=made)
    return f"/s/{token}/"


def unanswered(settlement: Settlement) -> bool:
    settlement.refresh_from_db()
    return settlement.status == "pending" and not Approval.objects.exists()


def test_of_all_that_opens_it_only_the_farmers_own_post_answers(
    pending: Settlement, meena: Membership, kumar: Membership
) -> None:
    with everything_logged() as written:
        address = link_sent()
        token = address.split("/")[2]

        # Messengers fetch it for a picture, mail filters ask for its head, somebody's finger slips.
        for bot in BOTS:
            seen = phone().get(address, headers={"User-Agent": bot})
            assert seen.status_code == 200
            assert phone().head(address, headers={"User-Agent": bot}).status_code == 405
            assert phone().post(address, {"answer": "yes"}, headers={"User-Agent": bot}).status_code == 403
        for method in ("put", "patch", "delete", "options"):
            assert getattr(phone(), method)(address).status_code in {403, 405}
        assert phone().get(f"{address}?answer=yes").status_code == 200
        assert unanswered(pending)

        # It is told to nobody: not to the pages it leads to, not to the files it loads.
        assert seen["Referrer-Policy"] == "strict-origin"
        assert "no-store" in seen["Cache-Control"]
        assert token not in seen.content.decode()

        # Another version of the figures is not what the link asks about.
        cache.clear()
        client = reader(address)
        change_recovery(by=meena, settlement_id=pending.pk, recovery=Decimal(2500), version=pending.version)
        submit(by=meena, settlement_id=pending.pk)
        assert answered(client, address, answer="yes")[0] == 409
        assert unanswered(pending)

        # Too old.
        fresh = link_sent()
        client = reader(fresh)
        with time_machine.travel(timezone.now() + dt.timedelta(days=7, minutes=1), tick=True):
            assert answered(client, fresh, answer="yes")[0] == 410
        assert unanswered(pending)

        # His own post, once.
        assert answered(client, fresh, answer="yes")[0] == 200
        assert [(each.method, each.content_hash) for each in Approval.objects.all()] == [
            ("link", pending.content_hash)
        ]
        assert answered(client, fresh, answer="no", what="weight")[0] == 410
        assert Approval.objects.count() == 1

        # Guessed: nothing is told, and who goes on guessing is not even asked what he has.
        cache.clear()
        guesses = [phone().get(f"/s/{number:043}/").status_code for number in range(61)]
        assert (set(guesses[:60]), guesses[60]) == ({404}, 429)
    log = written.getvalue()
    assert "/s/…" in log
    for each in (token, fresh.split("/")[2]):
        assert each not in log
        assert ApprovalLink.objects.filter(token_hash=hashed(each)).exists()
    assert_no_office_page_shows(token, meena, kumar)


def assert_no_office_page_shows(token: str, owner: Membership, clerk: Membership) -> None:
    message = Message.objects.filter(kind="settlement_ready").earliest("created_at")
    pages = [
        page_of(clerk).get("/messages/"),
        page_of(owner).get(f"/admin/notifications/message/{message.pk}/change/"),
        page_of(owner).get("/api/v1/notifications/messages/"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert token not in page.content.decode()


def test_without_the_check_of_csrf_a_bots_post_would_count(pending: Settlement) -> None:
    """What the refusals above hang on: the same post, from a client that is not asked for its token."""
    address = link_sent()
    assert Client().post(address, {"answer": "yes"}).status_code == 200
    assert Approval.objects.count() == 1


def test_the_button_of_the_message_carries_the_token_and_the_text_does_not(
    pending: Settlement, twilio: FakeTwilio
) -> None:
    token = link_sent().split("/")[2]
    message = Message.objects.get(kind="settlement_ready")
    assert token not in message.text
    assert django_settings.PUBLIC_BASE_URL in json.dumps(message.variables)
