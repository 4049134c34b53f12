"""Messages of which the provider says nothing: it is asked, and what it says counts where it is certain."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import State
from notifications.models import Attempt, Message
from notifications.services.queueing import react
from notifications.services.sending import send
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_twilio import (
    ACCOUNT,
    FakeTwilio,
    approve,
    drops,
    fake_twilio,
    forget_connections,
    set_up,
    sid_of,
)
from tests.notifications.loopback import Loopback, loopback

pytestmark = pytest.mark.django_db

PHONE = "+919876500000"
LIST = ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        approve()
        yield fake


@pytest.fixture
def books(fake: FakeTwilio) -> Iterator[Loopback]:
    """Where Twilio is asked after messages."""
    with loopback() as books:
        yield books
        forget_connections()


@pytest.fixture
def message(fake: FakeTwilio, kumar: Membership, raja: Farmer, jasmine: Flower) -> Message:
    raja.phone = PHONE
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    return Message.objects.get(pk=made)


def sent_long_ago(message: Message, **ago: float) -> Message:
    """Sent so long ago, as far as the database knows."""
    send(message_id=message.pk)
    moment = timezone.now() - dt.timedelta(**ago)
    Attempt.objects.update(started_at=moment)
    Message.objects.exclude(sent_at=None).update(sent_at=moment)
    return message


def asked(message: Message, books: Loopback, settings: Any) -> Message:
    settings.TWILIO_BASE_URL = books.url
    tasks.ask_after()
    message.refresh_from_db()
    return message


def one(sid: str) -> tuple[str, str]:
    return ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json")


def as_listed(message: Message, sid: str = "SM-found", **other: Any) -> dict[str, Any]:
    """The message in Twilio's own list."""
    made = Attempt.objects.latest("id").started_at
    return {
        "sid": sid,
        "status": "delivered",
        "error_code": None,
        "to": f"whatsapp:{PHONE}",
        "body": message.text,
        "date_created": f"{made:%a, %d %b %Y %H:%M:%S} +0000",
        **other,
    }


# --- Handed over, and no word since -------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("delivered", None, State.DELIVERED),
        ("read", None, State.READ),
        ("undelivered", 63024, State.FAILED),
        ("queued", None, State.ACCEPTED),
        ("brand-new", None, State.ACCEPTED),
    ],
)
def test_half_an_hour_without_a_word_and_it_is_asked_after(
    message: Message, books: Loopback, settings: Any, status: str, code: int | None, state: State
) -> None:
    sent_long_ago(message, minutes=31)
    books.says[one(sid_of(1))] = (200, {"sid": sid_of(1), "status": status, "error_code": code})
    assert asked(message, books, settings).state == state
    assert len(books.asked) == 1
    asked(message, books, settings)
    assert len(books.asked) == 1, "not again for half an hour"


@pytest.mark.parametrize("ago", [{"minutes": 29}, {"minutes": 0}])
def test_one_that_went_just_now_is_left_alone(
    message: Message, books: Loopback, settings: Any, ago: dict[str, float]
) -> None:
    assert asked(sent_long_ago(message, **ago), books, settings).state == State.ACCEPTED
    assert books.asked == []


def test_an_answer_that_is_none_changes_nothing(message: Message, books: Loopback, settings: Any) -> None:
    sent_long_ago(message, hours=2)
    assert asked(message, books, settings).state == State.ACCEPTED
    assert len(books.asked) == 1
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    Message.objects.update(asked_at=None)
    tasks.ask_after()
    assert Message.objects.get().state == State.ACCEPTED


def test_another_message_than_the_one_asked_for_is_not_believed(
    message: Message, books: Loopback, settings: Any
) -> None:
    sent_long_ago(message, minutes=31)
    books.says[one(sid_of(1))] = (200, {"sid": "SM-another", "status": "delivered"})
    assert asked(message, books, settings).state == State.ACCEPTED


# --- Perhaps sent -------------------------------------------------------------------------------


@pytest.fixture
def unknown(message: Message, fake: FakeTwilio) -> Message:
    """The answer to its call was lost, twenty minutes ago."""
    fake.will(drops)
    sent_long_ago(message, minutes=20)
    return message


def test_what_was_perhaps_sent_is_found_where_there_is_one_like_it(
    unknown: Message, books: Loopback, settings: Any
) -> None:
    elsewhere = as_listed(unknown, "SM-other", body="something else")
    yesterday = as_listed(unknown, "SM-old", date_created="Fri, 06 Mar 2026 04:50:00 +0000")
    books.says[LIST] = (200, {"messages": [elsewhere, as_listed(unknown), yesterday]})
    found = asked(unknown, books, settings)
    assert (found.state, found.provider_id) == (State.DELIVERED, "SM-found")
    assert books.asked[0].query["To"] == f"whatsapp:{PHONE}"


def test_a_failure_found_is_a_failure(unknown: Message, books: Loopback, settings: Any) -> None:
    books.says[LIST] = (200, {"messages": [as_listed(unknown, status="failed", error_code=63024)]})
    assert (asked(unknown, books, settings).state, unknown.error_code) == (State.FAILED, "63024")


@pytest.mark.parametrize(
    "listed",
    [
        lambda m: {"messages": []},
        lambda m: {"messages": [as_listed(m, "SM1"), as_listed(m, "SM2")]},
        lambda m: {"messages": [as_listed(m)], "next_page_uri": "/more"},
        lambda m: {"messages": [as_listed(m, body="₹1.00")]},
        lambda m: {"messages": [as_listed(m, to="whatsapp:+919876500001")]},
        lambda m: {"messages": [as_listed(m, status="brand-new")]},
        lambda m: {"messages": [as_listed(m, date_created="yesterday")]},
        lambda m: {"messages": [as_listed(m, date_created="Fri, 06 Mar 2026 04:50:00 +0000")]},
        lambda m: {"messages": ["x"]},
        lambda m: {},
    ],
)
def test_where_there_is_a_doubt_it_is_left_to_people(
    unknown: Message, books: Loopback, settings: Any, listed: Any
) -> None:
    books.says[LIST] = (200, listed(unknown))
    assert asked(unknown, books, settings).state == State.UNKNOWN
    assert len(books.asked) == 1


def test_one_that_is_another_messages_is_not_taken(unknown: Message, books: Loopback, settings: Any) -> None:
    known = Attempt.objects.create(
        shop=unknown.shop, message=unknown, number=9, provider="x", provider_id="SM-found", outcome="accepted"
    )
    books.says[LIST] = (200, {"messages": [as_listed(unknown)]})
    assert asked(unknown, books, settings).state == State.UNKNOWN
    known.delete()
    # Another call to him at that time whose answer was lost, too: it could be that one's.
    Attempt.objects.create(
        shop=unknown.shop,
        message=unknown,
        number=9,
        provider="x",
        started_at=Attempt.objects.get().started_at,
    )
    Message.objects.update(asked_at=None)
    assert asked(unknown, books, settings).state == State.UNKNOWN


def test_after_a_day_nothing_is_asked(unknown: Message, books: Loopback, settings: Any) -> None:
    Message.objects.update(created_at=timezone.now() - dt.timedelta(days=2))
    assert asked(unknown, books, settings).state == State.UNKNOWN
    assert books.asked == []
