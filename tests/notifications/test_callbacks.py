"""What Twilio calls back: whether it is Twilio, kept once, and what becomes of the message."""

import datetime as dt
import itertools
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import State
from notifications.models import Attempt, Callback, Message, Recipient
from notifications.providers import twilio
from notifications.services import statuses
from notifications.services.queueing import react
from notifications.services.sending import send_again
from notifications.services.statuses import forget, take_statuses
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_twilio import (
    OLD_TOKEN,
    PUBLIC,
    TOKEN,
    FakeTwilio,
    Logs,
    approve,
    drops,
    fake_twilio,
    listen,
    set_up,
    sid_of,
    status_of,
    tells,
)
from tests.notifications.messages import sent

AN_HOUR = dt.timedelta(hours=1)


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def message(fake: FakeTwilio, kumar: Membership, raja: Farmer, jasmine: Flower, db: None) -> Message:
    approve()
    raja.phone = "+919876500000"
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    return Message.objects.get(pk=made)


@pytest.fixture
def accepted(message: Message) -> Message:
    """Twilio has it, as its first message."""
    return sent(message)


def path_of(message: Message, attempt: int = 1) -> str:
    return f"/webhooks/twilio/status/{message.pk}/{attempt}/"


def told(message: Message, status: str, *, sid: str = sid_of(1), attempt: int = 1, **fields: str) -> Message:
    """Twilio tells, and the worker reads it."""
    assert tells(path_of(message, attempt), status_of(sid, status, **fields)) == 200
    take_statuses()
    message.refresh_from_db()
    return message


# --- Whether it is Twilio -----------------------------------------------------------------------

LETTERS = "abcXYZ09 &=+%/?#~.:;,'\"\\\n\t" + "ஆம்சரிஇல்லைகணக்கு" + "é€₹😀"
TWO_THOUSAND = 2_000


def a_request(draw: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Any address and any fields: Tamil, blanks, names that come twice, ports."""
    words = ["Body", "From", "MediaUrl0", "body", "ButtonText", "பெயர்", ""]
    scheme, host = draw.choice(["https", "http"]), draw.choice(["malar.example", "10.0.0.7", "a.b.example"])
    port = draw.choice(["", "", ":443", ":80", ":8443"])
    query = draw.choice(["", "?rc=3", "?a=b&c=%E0%AE%86", "?x="])
    fields = [
        (draw.choice(words), "".join(draw.choices(LETTERS, k=draw.choice([0, 0, 1, 5, 40]))))
        for _ in range(draw.randrange(12))
    ]
    return f"{scheme}://{host}{port}/webhooks/twilio/inbound/{query}", fields


def test_signatures_agree_with_twilios_own_library_on_two_thousand_requests(settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_OLD = TOKEN, ""
    draw, theirs = random.Random(7), RequestValidator(TOKEN)
    repeated = blank = tamil = ports = 0
    for _ in range(TWO_THOUSAND):
        url, fields = a_request(draw)
        received = QueryDict(urlencode(fields))
        ours = dict(received.lists())
        signed = theirs.compute_signature(url, received)
        assert twilio.signature_of(TOKEN, url, ours) == signed
        for called in (url, twilio.with_port(url), twilio.without_port(url)):
            given = theirs.compute_signature(called, received)
            assert twilio.is_signed(url, ours, given) == theirs.validate(url, received, given)
        wrong = signed[::-1]
        assert not twilio.is_signed(url, ours, wrong)
        assert not theirs.validate(url, received, wrong)
        repeated += any(len(values) > 1 for values in ours.values())
        blank += any("" in values for values in ours.values())
        tamil += any("ஆ" in value for _, value in fields)
        ports += ":8443" in url
    assert min(repeated, blank, tamil, ports) > 100


@pytest.mark.django_db
@pytest.mark.parametrize("token", [TOKEN, OLD_TOKEN])
def test_both_tokens_sign_while_one_takes_over_from_the_other(fake: FakeTwilio, token: str) -> None:
    assert tells("/webhooks/twilio/inbound/", {"MessageSid": "SM1", "Body": "ஆம்"}, token=token) == 200
    assert Callback.objects.get().body["Body"] == "ஆம்"


@pytest.mark.django_db
@pytest.mark.parametrize("signature", [None, "", "x", "ü", "A" * 28, "A" * 5000])
def test_what_is_not_signed_is_refused_and_nothing_kept(
    fake: FakeTwilio, signature: str | None, logs: Logs
) -> None:
    headers: Any = {} if signature is None else {"HTTP_X_TWILIO_SIGNATURE": signature}
    for path in (f"/webhooks/twilio/status/{uuid4()}/1/", "/webhooks/twilio/inbound/"):
        answer = Client(enforce_csrf_checks=True).post(path, status_of("SM1", "delivered"), **headers)
        assert answer.status_code == 403
    assert not Callback.objects.exists()


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    return listen(monkeypatch)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["field", "blank", "path", "token"])
def test_what_was_changed_on_the_way_is_refused(fake: FakeTwilio, change: str) -> None:
    path, fields = "/webhooks/twilio/inbound/", {"MessageSid": "SM1", "Body": "சரி", "Cc": ""}
    signed = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{path}", fields)
    other = "/webhooks/twilio/inbound/?a=b"
    sent_path, sent_fields = {
        "field": (path, fields | {"Body": "சரி."}),
        "blank": (path, {"MessageSid": "SM1", "Body": "சரி"}),
        "path": (other, fields),
        "token": (path, fields),
    }[change]
    if change == "token":
        signed = RequestValidator("another").compute_signature(f"{PUBLIC}{path}", fields)
    answer = Client().post(sent_path, sent_fields, HTTP_X_TWILIO_SIGNATURE=signed)
    assert answer.status_code == 403
    good = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{path}", fields)
    assert Client().post(path, fields, HTTP_X_TWILIO_SIGNATURE=good).status_code == 200


@pytest.mark.django_db
def test_behind_a_proxy_the_address_is_the_public_one(fake: FakeTwilio) -> None:
    """The proxy speaks http to us, by another name and port; Twilio signed what it called."""
    path, fields = "/webhooks/twilio/inbound/", {"MessageSid": "SM1"}
    for called in (f"{PUBLIC}{path}", f"{PUBLIC}:443{path}"):
        signed = RequestValidator(TOKEN).compute_signature(called, fields)
        inside: Any = {"HTTP_HOST": "10.0.0.7:8000", "wsgi.url_scheme": "http", "SERVER_PORT": "8000"}
        answer = Client().post(path, fields, HTTP_X_TWILIO_SIGNATURE=signed, **inside)
        assert answer.status_code == 200
    inner = RequestValidator(TOKEN).compute_signature(f"http://10.0.0.7:8000{path}", fields)
    answer = Client().post(path, fields, HTTP_X_TWILIO_SIGNATURE=inner, HTTP_HOST="10.0.0.7:8000")
    assert answer.status_code == 403


@pytest.mark.django_db
def test_without_a_token_nobody_is_twilio(settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = settings.TWILIO_AUTH_TOKEN_OLD = ""
    settings.PUBLIC_BASE_URL = PUBLIC
    assert tells("/webhooks/twilio/inbound/", {"MessageSid": "SM1"}, token="") == 403


@pytest.mark.django_db
def test_a_body_too_long_for_a_callback_is_not_read(fake: FakeTwilio) -> None:
    assert tells("/webhooks/twilio/inbound/", {"MessageSid": "SM1", "Body": "x" * 200_000}) == 403


# --- Kept and answered --------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_is_kept_with_one_statement_and_answered_with_nothing(
    accepted: Message, django_assert_num_queries: Any
) -> None:
    path, fields = path_of(accepted), status_of(sid_of(1), "delivered")
    signed = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{path}", fields)
    with django_assert_num_queries(1):
        answer = Client().post(path, fields, HTTP_X_TWILIO_SIGNATURE=signed)
    assert (answer.status_code, answer.content) == (200, b"<Response/>")
    accepted.refresh_from_db()
    assert accepted.state == State.ACCEPTED, "a worker makes something of it, not the request"
    tasks.take_callbacks()
    accepted.refresh_from_db()
    assert accepted.state == State.DELIVERED


@pytest.mark.django_db
def test_what_is_said_twice_is_kept_once(accepted: Message) -> None:
    for _ in range(3):
        told(accepted, "delivered")
    assert Callback.objects.count() == 1
    assert (accepted.state, Callback.objects.get().state) == (State.DELIVERED, "done")


# --- Order --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_whatever_order_they_come_in_it_was_read(accepted: Message, order: tuple[str, ...]) -> None:
    for status in order:
        told(accepted, status)
    assert accepted.state == State.READ
    assert accepted.delivered_at is not None
    assert accepted.read_at is not None
    assert Attempt.objects.get().outcome == "read"


@pytest.mark.django_db
def test_read_without_delivered_is_read(accepted: Message) -> None:
    assert told(accepted, "read").state == State.READ
    assert accepted.delivered_at is None


@pytest.mark.django_db
def test_failed_after_sent_counts(accepted: Message) -> None:
    told(accepted, "sent")
    assert (told(accepted, "failed", ErrorCode="63024").state, accepted.error_code) == (State.FAILED, "63024")
    assert accepted.failed_at is not None


@pytest.mark.django_db
def test_failed_after_delivered_does_not_and_is_noted(accepted: Message, logs: Logs) -> None:
    told(accepted, "delivered")
    assert (told(accepted, "failed", ErrorCode="63024").state, accepted.error_code) == (State.DELIVERED, "")
    assert len(logs.of("failed_after_delivered")) == 1


@pytest.mark.django_db
def test_delivered_after_failed_counts(accepted: Message) -> None:
    told(accepted, "undelivered", ErrorCode="30005")
    assert accepted.state == State.FAILED
    assert told(accepted, "delivered").state == State.DELIVERED


@pytest.mark.django_db
def test_a_phone_that_was_off_is_tried_once_more_half_an_hour_later(
    accepted: Message, fake: FakeTwilio
) -> None:
    told(accepted, "undelivered", ErrorCode="30003")
    assert accepted.state == State.RETRY
    assert accepted.next_attempt_at is not None
    wait = (accepted.next_attempt_at - timezone.now()).total_seconds()
    assert 29 * 60 < wait <= 30 * 60
    told(accepted, "sent")  # late, and of the call that failed
    assert accepted.state == State.RETRY
    Message.objects.update(next_attempt_at=timezone.now())
    free(accepted)
    assert (sent(accepted).state, accepted.attempt) == (State.ACCEPTED, 2)
    told(accepted, "undelivered", sid=sid_of(2), attempt=2, ErrorCode="30003")
    assert accepted.state == State.FAILED
    assert len(fake.calls) == 2


def free(message: Message) -> None:
    """Its address may have the next message."""
    Recipient.objects.filter(address=message.address).update(free_at=timezone.now())


@pytest.mark.django_db
def test_delivered_while_it_waits_to_be_sent_again_saves_the_second_time(
    accepted: Message, fake: FakeTwilio
) -> None:
    told(accepted, "undelivered", ErrorCode="30003")
    assert told(accepted, "delivered").state == State.DELIVERED
    sent(accepted)
    assert len(fake.calls) == 1


@pytest.mark.django_db
def test_trouble_of_the_account_that_is_told_later_stops_the_sender(accepted: Message, logs: Logs) -> None:
    told(accepted, "failed", ErrorCode="63038")
    assert (accepted.state, accepted.tries) == (State.RETRY, 0)
    assert accepted.next_attempt_at is not None
    assert accepted.next_attempt_at > timezone.now() + dt.timedelta(seconds=50)
    assert len(logs.of("sender_stopped")) == 1


# --- Before our own answer, or without it -------------------------------------------------------


@pytest.mark.django_db
def test_it_comes_before_we_have_heard_the_answer(message: Message, fake: FakeTwilio) -> None:
    """While the call still runs; then the answer to the call comes, and takes nothing back."""

    original = twilio.result_of

    def after_the_callback(response: Any) -> Any:
        assert tells(fake.calls[0].status_path, status_of(sid_of(1), "delivered")) == 200
        take_statuses()
        return original(response)

    with pytest.MonkeyPatch.context() as between:
        between.setattr(twilio, "result_of", after_the_callback)
        sent(message)
    assert (message.state, message.provider_id) == (State.DELIVERED, sid_of(1))


@pytest.mark.django_db
def test_a_callback_settles_what_was_perhaps_sent(message: Message, fake: FakeTwilio) -> None:
    fake.will(drops)
    assert sent(message).state == State.UNKNOWN
    told(message, "sent", sid="SM-first-heard-of")
    assert (message.state, message.provider_id) == (State.SENT, "SM-first-heard-of")
    assert message.sent_at is not None


@pytest.mark.django_db
def test_a_callback_saves_the_second_sending_that_a_person_asked_for(
    message: Message, fake: FakeTwilio
) -> None:
    fake.will(drops)
    sent(message)
    send_again(messages=Message.objects.all())
    assert told(message, "sent").state == State.SENT
    sent(message)
    assert len(fake.calls) == 1


@pytest.mark.django_db
def test_news_of_an_earlier_call_does_not_lead_a_later_one_on(message: Message, fake: FakeTwilio) -> None:
    fake.will(drops)
    sent(message)
    send_again(messages=Message.objects.all())
    free(message)
    sent(message)
    assert (message.state, message.attempt, message.provider_id) == (State.ACCEPTED, 2, sid_of(2))
    told(message, "failed", sid=sid_of(1), attempt=1, ErrorCode="63024")
    assert (message.state, message.provider_id) == (State.ACCEPTED, sid_of(2))
    told(message, "read", sid=sid_of(1), attempt=1)
    assert message.state == State.ACCEPTED
    assert [each.provider_id for each in Attempt.objects.all()] == [sid_of(1), sid_of(2)]


@pytest.mark.django_db
def test_a_callback_that_names_another_of_twilios_messages_changes_nothing(
    accepted: Message, logs: Logs
) -> None:
    assert told(accepted, "delivered", sid="SM-of-somebody-else").state == State.ACCEPTED
    assert len(logs.of("callback_names_another_message")) == 1


# --- Nobody's -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_one_about_nothing_we_know_is_kept_and_looked_at_again(fake: FakeTwilio) -> None:
    path = f"/webhooks/twilio/status/{uuid4()}/1/"
    assert tells(path, status_of("SM7", "delivered")) == 200
    for minutes in (1, 5, 30):
        assert take_statuses() == 1
        callback = Callback.objects.get()
        assert callback.state == "orphan"
        assert callback.next_try_at is not None
        wait = callback.next_try_at - timezone.now()
        assert abs(wait - dt.timedelta(minutes=minutes)) < dt.timedelta(seconds=5)
        assert take_statuses() == 0
        Callback.objects.update(next_try_at=timezone.now())
    take_statuses()
    assert Callback.objects.get().next_try_at is None
    assert take_statuses() == 0


@pytest.mark.django_db
def test_an_orphan_finds_its_message_when_that_is_there(message: Message, fake: FakeTwilio) -> None:
    told(message, "delivered")  # no call was made yet
    assert (message.state, Callback.objects.get().state) == (State.QUEUED, "orphan")
    assert sent(message).state == State.ACCEPTED
    Callback.objects.update(next_try_at=timezone.now())
    take_statuses()
    message.refresh_from_db()
    assert (message.state, Callback.objects.get().state) == (State.DELIVERED, "done")


@pytest.mark.django_db
def test_one_that_makes_no_sense_holds_up_no_other(accepted: Message, logs: Logs) -> None:
    path = path_of(accepted)
    assert tells(path, {"MessageSid": sid_of(1)}) == 200
    assert tells(path, {"MessageSid": sid_of(1), "MessageStatus": "brand-new"}) == 200
    told(accepted, "delivered")
    assert accepted.state == State.DELIVERED
    states = set(Callback.objects.values_list("state", flat=True))
    assert states == {"bad", "done"}


@pytest.mark.django_db
def test_a_month_later_they_are_forgotten(accepted: Message) -> None:
    told(accepted, "delivered")
    assert forget() == 0
    Callback.objects.update(received_at=timezone.now() - statuses.KEPT_FOR - AN_HOUR)
    assert (tasks.forget_callbacks(), Callback.objects.count()) == (1, 0)
