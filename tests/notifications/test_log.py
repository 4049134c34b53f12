"""The log's money and days, the page of one message, and what is done there by hand."""

import datetime as dt
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.trail.services.events import hand_over
from notifications.domain import State
from notifications.models import Attempt, ByHand, Message, Spending
from notifications.selectors import days_of, message_log, spent_on
from notifications.services.claims import today
from notifications.services.statuses import take_in
from pricing.models import Flower
from tests.cast import recorded
from tests.conftest import page_of
from tests.notifications.test_redaction import put

pytestmark = pytest.mark.django_db

LOG = "/messages/"


@pytest.fixture
def log(kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower) -> None:
    """Raja was told, and Lakshmi."""
    for farmer in (raja, lakshmi):
        recorded(kumar, farmer, jasmine)
    hand_over()


@pytest.fixture
def message(log: None) -> Message:
    """To Raja."""
    return Message.objects.get(farmer__number=14)


@pytest.fixture
def other(log: None) -> Message:
    """To Lakshmi."""
    return Message.objects.get(farmer__number=15)


def page(member: Membership, address: str) -> str:
    answer = page_of(member).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def detail(message: Message) -> str:
    return reverse("notifications:message_detail", args=[message.pk])


class TestList:
    def test_only_what_did_not_arrive(self, kumar: Membership, message: Message, other: Message) -> None:
        put(other, State.UNKNOWN, sent_at=None)
        html = page(kumar, f"{LOG}?stuck=on")
        assert html.count("<details>") == 1
        assert "S. Lakshmi (F015)" in html.split("<tbody>")[1]

    def test_what_the_found_ones_cost_and_what_the_day_may(
        self, kumar: Membership, message: Message, other: Message, settings: Any
    ) -> None:
        settings.MESSAGE_DAILY_CAP_PAISE = 10_000
        Message.objects.filter(pk=message.pk).update(cost_paise=55)
        Message.objects.filter(pk=other.pk).update(cost_paise=1400)
        Spending.objects.create(shop=kumar.shop, day=today(), paise=1455)
        html = page(kumar, LOG)
        assert "₹14.55" in html
        assert "Today ₹14.55 of ₹100.00" in html
        assert 'value="14"' in html
        assert "nearly spent" not in html
        assert "₹0.55" in page(kumar, f"{LOG}?farmer=14")
        assert "₹14.00" in page(kumar, f"{LOG}?farmer=15&state=sent")
        assert "₹14.00" not in page(kumar, f"{LOG}?farmer=15&stuck=on")
        Spending.objects.update(paise=9_100)
        assert "nearly spent" in page(kumar, LOG)

    def test_without_a_limit_there_is_no_bar(self, kumar: Membership, message: Message) -> None:
        assert spent_on(kumar.shop, today()).cap is None
        assert "<progress" not in page(kumar, LOG)

    def test_each_day_is_counted_by_how_far_its_messages_came(
        self, kumar: Membership, message: Message, other: Message
    ) -> None:
        late = dt.datetime(2026, 3, 6, 23, 59, tzinfo=KOLKATA)
        put(message, State.READ, created_at=late)
        put(other, State.DEAD, sent_at=None, created_at=late + dt.timedelta(minutes=2))
        days = days_of(message_log(kumar.shop), start=dt.date(2026, 3, 5), end=dt.date(2026, 3, 7))
        assert [(day.sent, day.under_way, day.failed) for day in days] == [(0, 0, 0), (1, 0, 0), (0, 0, 1)]
        html = page(kumar, f"{LOG}?from=2026-03-05&to=2026-03-07")
        assert (
            "06/03/2026: sent 1, on the way 0, not sent 0. 07/03/2026: sent 0, on the way 0, not sent 1."
            in html
        )
        assert html.count("log-chart__part--") == 2
        # The picture stays while one looks at a state: it says how large a part of the day that is.
        assert page(kumar, f"{LOG}?from=2026-03-05&to=2026-03-07&state=dead").count("log-chart__part--") == 2
        assert "log-chart" not in page(kumar, f"{LOG}?from=2026-04-05&to=2026-04-07").split('id="found"')[1]

    def test_a_long_span_is_drawn_by_its_last_days(self, kumar: Membership, message: Message) -> None:
        html = page(kumar, f"{LOG}?from=2020-01-01")
        assert html.count("log-chart__part--") == 1

    def test_ticked_ones_are_sent_again_and_one_is_back_where_one_ticked(
        self, kumar: Membership, message: Message, other: Message
    ) -> None:
        put(message, State.FAILED, sent_at=None)
        put(other, State.UNKNOWN, sent_at=None)
        client = page_of(kumar)
        html = client.get(f"{LOG}?stuck=on").content.decode()
        assert html.count('name="message"') == 2
        assert "the farmer may be told twice" in html
        address = re.search(r'action="([^"]*again[^"]*)"', html)
        assert address is not None
        answer = client.post(address[1], {"message": [message.pk, other.pk]}, follow=True)
        assert answer.redirect_chain == [(f"{LOG}?stuck=on", 302)]
        html = answer.content.decode()
        assert "1 message will be sent again." in html
        assert "This message may have arrived." in html
        states = dict(Message.objects.values_list("pk", "state"))
        assert states == {message.pk: "queued", other.pk: "unknown"}
        client.post(address[1], {"message": [other.pk], "despite_risk": "on"})
        assert ByHand.objects.get(message=other).member == kumar

    def test_nothing_ticked_says_so(self, kumar: Membership, message: Message) -> None:
        answer = page_of(kumar).post(f"{LOG}again/", follow=True)
        assert "Tick the messages" in answer.content.decode()

    def test_what_nobody_needs_has_no_tick(self, kumar: Membership, message: Message) -> None:
        assert 'name="message"' not in page(kumar, LOG)

    def test_another_shops_message_cannot_be_ticked(
        self, devi: Membership, message: Message, kumar: Membership
    ) -> None:
        put(message, State.FAILED, sent_at=None)
        answer = page_of(devi).post(f"{LOG}again/", {"message": [message.pk, "x", uuid4()]})
        assert [str(each) for each in get_messages(answer.wsgi_request)]
        message.refresh_from_db()
        assert message.state == State.FAILED


class TestMessage:
    def test_every_call_and_what_the_provider_told(self, kumar: Membership, message: Message) -> None:
        Attempt.objects.all().delete()
        call = {"shop": kumar.shop, "message": message, "provider": "twilio_sms"}
        now = timezone.now()
        Attempt.objects.create(**call, number=1, outcome="retry", code="20429", ended_at=now)
        Attempt.objects.create(**call, number=2, started_at=now - dt.timedelta(hours=1))
        Attempt.objects.create(**call, number=3, outcome="accepted", provider_id="SM3", ended_at=now)
        for number, status in enumerate(("delivered", "nonsense", "undelivered")):
            take_in(
                provider="twilio",
                about="status",  # type: ignore[arg-type]
                dedupe_key=str(number),
                body={"MessageSid": "SM3", "MessageStatus": status, "ErrorCode": "30005"},
                message_id=message.pk,
                attempt=3,
            )
        html = page(kumar, detail(message))
        for said in (
            "It was made.",
            "Call 1: will be tried again.",
            "twilio_sms 20429",
            "Call 2: it broke off.",
            "Call 3: handed over.",
            "twilio_sms SM3",
            "The provider says: delivered.",
            "The provider told us something.",
            "The provider says: could not be sent.",
            "twilio 30005",
        ):
            assert said in html
        assert html.count("story__one--wrong") == 2

    def test_the_words_as_sent_in_their_language_and_their_length(
        self, kumar: Membership, message: Message
    ) -> None:
        html = page(kumar, detail(message))
        assert '<div class="message-words" lang="ta"><p>வணக்கம்' in html
        assert re.search(r"SMS: \d+ units, \d parts", html)
        assert reverse("ledger:entry_detail", args=[message.event.payload["entry"]]) in html

    def test_markup_in_a_name_stays_a_name(self, kumar: Membership, message: Message) -> None:
        Message.objects.update(text="<i>x</i>", provider="<i>y</i>")
        Attempt.objects.update(code="<i>z</i>")
        assert "<i>" not in page(kumar, detail(message))

    def test_what_waits_is_taken_back_there_and_sent_after_all(
        self, kumar: Membership, message: Message
    ) -> None:
        put(message, State.QUEUED)
        client = page_of(kumar)
        assert "Take it back" in client.get(detail(message)).content.decode()
        html = client.post(f"{detail(message)}take-back/", follow=True).content.decode()
        assert "It is taken back: this message is not sent." in html
        assert "Somebody of the shop took it back." in html
        assert "Kumar took it back." in html
        html = client.post(f"{detail(message)}again/", follow=True).content.decode()
        assert "1 message will be sent again." in html
        assert "Kumar sent it again." in html
        assert "Take it back" in html

    def test_where_nobody_knows_the_risk_is_said_before_the_button(
        self, kumar: Membership, message: Message
    ) -> None:
        put(message, State.UNKNOWN, sent_at=None, error_code="broke_off")
        client = page_of(kumar)
        html = client.get(detail(message)).content.decode()
        assert "If it did, the farmer is told twice" in html
        assert "Send again all the same" in html
        refused = client.post(f"{detail(message)}again/")
        assert refused.status_code == 409
        assert "This message may have arrived." in refused.content.decode()
        client.post(f"{detail(message)}again/", {"despite_risk": "on"})
        message.refresh_from_db()
        assert message.state == State.QUEUED

    def test_what_arrived_has_no_button(self, kumar: Membership, message: Message) -> None:
        html = page(kumar, detail(message))
        assert "Send again" not in html
        assert "Take it back" not in html
        client = page_of(kumar)
        assert client.post(f"{detail(message)}again/").status_code == 409
        assert client.post(f"{detail(message)}take-back/").status_code == 409

    def test_why_it_cannot_be_sent_again_stands_instead_of_the_button(
        self, kumar: Membership, message: Message
    ) -> None:
        put(message, State.FAILED, sent_at=None, created_at=timezone.now() - dt.timedelta(days=40))
        html = page(kumar, detail(message))
        assert "This message is too old to be sent again." in html
        assert "<form" not in html.split('id="again"')[1].split("</section>")[0]

    def test_its_page_costs_few_queries(
        self, kumar: Membership, message: Message, django_assert_num_queries: Any
    ) -> None:
        """User, member, message, calls, what was told, by hand."""
        client = page_of(kumar)
        client.get(detail(message))
        with django_assert_num_queries(6):
            client.get(detail(message))

    def test_nobody_else_opens_it(self, devi: Membership, raja: Farmer, message: Message) -> None:
        assert raja.member is not None
        assert page_of(devi).get(detail(message)).status_code == 404
        assert page_of(raja.member).get(detail(message)).status_code == 403
        for act in ("again", "take-back"):
            assert page_of(devi).post(f"{detail(message)}{act}/").status_code == 404
            assert page_of(raja.member).post(f"{detail(message)}{act}/").status_code == 403
