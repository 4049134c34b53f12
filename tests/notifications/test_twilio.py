"""Twilio: what it is asked, what its answers mean, and what is never written down."""

import datetime as dt
import json
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from ledger.models import Farmer
from malar.accounts.domain import normal_phone
from malar.accounts.models import Membership
from malar.kernel.logs import configure_logging
from malar.trail.models import Event
from notifications.domain import Failure, State
from notifications.models import Attempt, Message
from notifications.providers import Outcome, Outgoing, http
from notifications.providers.twilio import CODES, TwilioSms, TwilioWhatsApp, refusal, segments
from notifications.services.queueing import react
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_twilio import (
    ACCOUNT,
    CONTENT,
    FROM,
    OLD_TOKEN,
    PUBLIC,
    TOKEN,
    Answer,
    FakeTwilio,
    approve,
    drops,
    fake_twilio,
    forget_connections,
    hangs,
    refuses,
    says,
    set_up,
)
from tests.notifications.messages import ID, PHONE, a_call, sent


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def message(fake: FakeTwilio, kumar: Membership, raja: Farmer, jasmine: Flower) -> Message:
    """To Raja, in Tamil; queued."""
    approve()
    raja.phone = PHONE
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    return Message.objects.get(pk=made)


def outgoing(**other: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "attempt": 1,
        "template": "entry_receipt",
        "values": ("பெ. ராஜா", "06-03-2026", "ரூ.8,555.00"),
        "text": "வணக்கம் பெ. ராஜா, 06-03-2026: ரூ.8,555.00",
        "ref": CONTENT,
    }
    return a_call(**usual | other)


# --- What it is asked ---------------------------------------------------------------------------


class Notes(TwilioHttpClient):
    """Twilio's own library, asking nobody."""

    asked: Mapping[str, Any]

    def request(self, method: str, url: str, **more: Any) -> Response:
        self.asked = {"method": method, "url": url, **more}
        return Response(201, '{"sid": "SM1", "status": "queued"}')


def as_twilios_library_asks(**what: Any) -> tuple[str, dict[str, str], tuple[str, str]]:
    """Path, fields and sign-in of the call that the library would make."""
    notes = Notes()
    Client(ACCOUNT, TOKEN, http_client=notes).messages.create(**what)
    fields = {name: str(value) for name, value in notes.asked["data"].items()}
    return notes.asked["url"].removeprefix("https://api.twilio.com"), fields, notes.asked["auth"]


CALLBACK = f"{PUBLIC}/webhooks/twilio/status/{ID}/1/"


def test_whatsapp_is_asked_as_twilios_own_library_asks(fake: FakeTwilio) -> None:
    assert TwilioWhatsApp().send(outgoing()).outcome == Outcome.ACCEPTED
    (call,) = fake.calls
    variables = '{"1": "பெ. ராஜா", "2": "06-03-2026", "3": "ரூ.8,555.00"}'
    path, fields, sign_in = as_twilios_library_asks(
        to=f"whatsapp:{PHONE}",
        from_=f"whatsapp:{FROM}",
        content_sid=CONTENT,
        content_variables=variables,
        status_callback=CALLBACK,
        validity_period=36_000,
    )
    assert (call.path, call.fields, call.sign_in) == (path, fields, ":".join(sign_in))


@pytest.mark.parametrize("service", ["", "MG" + "2" * 32])
def test_sms_is_asked_as_twilios_own_library_asks(fake: FakeTwilio, settings: Any, service: str) -> None:
    settings.TWILIO_MESSAGING_SERVICE_SID = service
    assert TwilioSms().send(outgoing(valid_s=600)).outcome == Outcome.ACCEPTED
    (call,) = fake.calls
    sender = {"messaging_service_sid": service} if service else {"from_": FROM}
    path, fields, sign_in = as_twilios_library_asks(
        to=PHONE, body=outgoing().text, status_callback=CALLBACK, validity_period=600, **sender
    )
    assert (call.path, call.fields, call.sign_in) == (path, fields, ":".join(sign_in))


@pytest.mark.django_db
def test_a_message_is_sent_with_its_variables_in_the_order_of_the_wording(
    message: Message, fake: FakeTwilio
) -> None:
    assert sent(message).state == State.ACCEPTED
    (call,) = fake.calls
    variables = json.loads(call.fields["ContentVariables"])
    assert list(variables) == [str(number) for number in range(1, len(variables) + 1)]
    # The wording names farmer, date, time, flower, quantity and slip, in this order.
    names = ("farmer", "date", "time", "flower", "quantity", "slip")
    assert list(variables.values()) == [message.variables[name] for name in names]
    assert call.message_id == message.pk
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.outcome, attempt.provider_id) == (1, "accepted", message.provider_id)
    assert attempt.ended_at is not None


# --- What is refused before it is asked ---------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "code", "failure"),
    [
        ({"values": ("Raja", "")}, "bad_variables", Failure.BUG),
        ({"values": ("Raja", " \n\t ")}, "bad_variables", Failure.BUG),
        ({"values": ("Raja", "\u200b\u200d\ufeff")}, "bad_variables", Failure.BUG),
        ({"text": "அ" * 1025}, "bad_variables", Failure.BUG),
        ({"ref": ""}, "no_template", Failure.TEMPLATE),
        ({"address": "09840012345"}, "bad_address", Failure.WRONG_NUMBER),
        ({"address": "+91 98400 12345"}, "bad_address", Failure.WRONG_NUMBER),
        ({"address": "console:F014"}, "bad_address", Failure.WRONG_NUMBER),
    ],
)
def test_what_twilio_would_not_take_is_not_asked(
    fake: FakeTwilio, other: dict[str, Any], code: str, failure: Failure
) -> None:
    result = TwilioWhatsApp().send(outgoing(**other))
    assert (result.outcome, result.code, result.failure) == (Outcome.FAILED, code, failure)
    assert fake.calls == []


def test_values_go_as_one_line_without_invisible_signs(fake: FakeTwilio) -> None:
    TwilioWhatsApp().send(outgoing(values=("P.\n\tRaja  of     Vellodu", "ரா\u200bஜா\ufeff")))
    assert json.loads(fake.calls[0].fields["ContentVariables"]) == {
        "1": "P. Raja of Vellodu",
        "2": "ராஜா",
    }


def test_braces_and_stars_in_a_name_are_sent_as_they_are(fake: FakeTwilio) -> None:
    values = ("{{1}} {{2}}", "*bold* _low_ ~gone~", '"quoted" \\ back')
    TwilioWhatsApp().send(outgoing(values=values))
    assert tuple(json.loads(fake.calls[0].fields["ContentVariables"]).values()) == values


@pytest.mark.parametrize(
    "phone", ["09840012345", "98400 12345", "+91 98400-12345", "+919840012345", "0091 98400 12345"]
)
def test_however_a_phone_is_written_it_is_one_address(fake: FakeTwilio, phone: str) -> None:
    TwilioSms().send(outgoing(address=normal_phone(phone)))
    assert fake.calls[0].fields["To"] == "+919840012345"


@pytest.mark.parametrize("phone", ["", "123", "malar", "+91", "98400 12345 678901"])
def test_what_is_no_phone_is_none(phone: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(phone)}$"):
        normal_phone(phone)


# --- What its answers mean ----------------------------------------------------------------------

HTML = "<html><body>Bad gateway</body></html>"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (says(201, {"sid": "SM9", "status": "accepted", "brand_new": [1]}), State.ACCEPTED, ""),
        (says(201, {"sid": "SM9", "status": "failed", "error_code": 63024}), State.FAILED, "63024"),
        (says(200, HTML), State.UNKNOWN, "no_sid"),
        (says(201, {"status": "queued"}), State.UNKNOWN, "no_sid"),
        (says(201, "[]"), State.UNKNOWN, "no_sid"),
        (says(302, HTML, Location="http://192.0.2.1/portal"), State.RETRY, "302"),
        (says(400, HTML), State.DEAD, "400"),
        (says(401, HTML), State.RETRY, "401"),
        (says(403, {"code": 99999}), State.RETRY, "99999"),
        (says(429, HTML), State.RETRY, "429"),
        (says(500, HTML), State.UNKNOWN, "500"),
        (says(503, {"code": 20503}), State.UNKNOWN, "503"),
        (refuses(400, 21211), State.FAILED, "21211"),
        (refuses(400, 21610), State.FAILED, "21610"),
        (refuses(400, 21656), State.FAILED, "21656"),
        (refuses(400, 63016), State.DEAD, "63016"),
        (refuses(400, 12345), State.DEAD, "12345"),
        (refuses(404, 20404), State.DEAD, "20404"),
        (refuses(400, 63018), State.RETRY, "63018"),
        (drops, State.UNKNOWN, "lost"),
    ],
)
def test_an_answer_and_what_becomes_of_the_message(
    message: Message, fake: FakeTwilio, answer: Answer, state: State, code: str
) -> None:
    fake.will(answer)
    assert (sent(message).state, message.error_code) == (state, code)
    sent(message)
    assert len(fake.calls) == 1, "nothing is sent again at once"
    attempt = Attempt.objects.get()
    assert attempt.outcome in {"accepted", "retry", "unknown", "failed"}
    assert attempt.code == code


@pytest.mark.django_db
def test_too_many_requests_are_left_alone_for_as_long_as_asked(message: Message, fake: FakeTwilio) -> None:
    fake.will(refuses(429, 20429, Retry_After="70"))
    before = timezone.now()
    assert (sent(message).state, message.tries) == (State.RETRY, 0)
    assert message.next_attempt_at is not None
    assert message.next_attempt_at - before >= dt.timedelta(seconds=70)


@pytest.mark.parametrize("text", ["", "soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_is_nobody_s_wish(text: str) -> None:
    assert http.retry_after(text) is None
    assert http.retry_after("7") == dt.timedelta(seconds=7)
    assert http.retry_after("9" * 30) == dt.timedelta(hours=1)


@pytest.mark.django_db
def test_nobody_listens(message: Message, fake: FakeTwilio) -> None:
    fake.close()
    assert (sent(message).state, message.error_code, message.tries) == (State.RETRY, "away", 1)


@pytest.mark.django_db
def test_a_name_that_does_not_resolve(message: Message, settings: Any) -> None:
    settings.TWILIO_BASE_URL = "https://twilio.invalid"
    assert (sent(message).state, message.error_code) == (State.RETRY, "away")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_connections()
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(connect=0.2, read=0.2, write=0.2, pool=0.2))
    yield
    forget_connections()


@pytest.mark.django_db
def test_no_answer_in_time(message: Message, fake: FakeTwilio, impatient: None) -> None:
    fake.will(hangs(5))
    assert (sent(message).state, message.error_code) == (State.UNKNOWN, "lost")
    assert len(fake.calls) == 1


def test_no_connection_in_time(fake: FakeTwilio, settings: Any, impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        settings.TWILIO_BASE_URL = f"http://127.0.0.1:{full.getsockname()[1]}"
        filling = [socket.socket() for _ in range(3)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        result = TwilioSms().send(outgoing())
        for each in filling:
            each.close()
    assert (result.outcome, result.failure) == (Outcome.RETRY, Failure.AWAY)


def test_one_client_serves_all_and_waits_less_than_a_task_may_run(settings: Any) -> None:
    assert http.client() is http.client()
    waits = http.TIMEOUT.as_dict().values()
    assert sum(wait for wait in waits if wait) < settings.CELERY_TASK_SOFT_TIME_LIMIT
    assert not http.client().follow_redirects
    assert not http.client().trust_env


def test_every_code_of_the_table_has_one_meaning() -> None:
    for code, failure in CODES.items():
        result = refusal(code)
        assert result.failure == failure
        assert (result.outcome == Outcome.RETRY) == (
            failure in {Failure.BUSY, Failure.ACCOUNT} or code in {30003, 30008}
        )
    assert refusal("abc").failure is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("அ" * 70, 1),
        ("அ" * 71, 2),
        ("அ" * 134, 2),
        ("அ" * 135, 3),
        ("₹" + "a" * 69, 1),
        ("₹" + "a" * 70, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("{" * 80, 1),
        ("{" * 81, 2),
    ],
)
def test_sms_are_counted_by_the_units_that_are_paid_for(text: str, said: int) -> None:
    assert segments(text) == said


# --- Secrets ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_token_no_number_and_no_text_is_written_to_a_log(
    message: Message, fake: FakeTwilio, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.LOG_LEVEL = "DEBUG"
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging()
    try:
        fake.will(refuses(401, 20003))
        sent(message)
        TwilioWhatsApp().send(outgoing())
        fake.will(drops)
        TwilioSms().send(outgoing())
        logging.getLogger("tests").debug("%r %r", outgoing(), TwilioSms())
    finally:
        root.handlers[:] = handlers
        # Not by assignment: what each logger has found enabled would stay so, and later tests would write it all.
        root.setLevel(level)
    written = capfd.readouterr().err
    assert "message_not_sent" in written
    assert len(fake.calls) == 3
    basic = httpx.BasicAuth(ACCOUNT, TOKEN)._auth_header
    for secret in (TOKEN, OLD_TOKEN, basic.removeprefix("Basic "), PHONE, PHONE[3:], "ராஜா", "\\u0bb0"):
        assert secret not in written


def test_the_token_goes_to_no_plain_address(settings: Any, fake: FakeTwilio) -> None:
    settings.TWILIO_BASE_URL = "http://api.twilio.com"
    with pytest.raises(ImproperlyConfigured, match="https"):
        TwilioSms().send(outgoing())
