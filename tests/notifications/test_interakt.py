"""Interakt: what it is asked, what its answers mean, what it calls back, and what it says of wordings."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications import apps, tasks
from notifications.domain import Approval, Failure, State
from notifications.models import Attempt, Callback, Message, MessageTemplate, TemplateApproval
from notifications.providers import (
    Inbound,
    Outcome,
    Outgoing,
    SubmissionRefused,
    WordingStatus,
    call_of,
    interakt,
)
from notifications.providers.http import is_signed
from notifications.providers.interakt import Interakt, InteraktDoor, heard_in, inbound_of
from notifications.services.approvals import doors, note_status
from notifications.services.queueing import react
from notifications.services.statuses import take_statuses
from notifications.wordings import samples
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_interakt import (
    KEY,
    OLD_SECRET,
    PATH,
    SECRET,
    FakeInterakt,
    approved,
    id_of,
    posts,
    set_up,
    signed,
    status_of,
    tapped,
    tells,
    wrote,
)
from tests.notifications.fakes import Answer, drops, says, up
from tests.notifications.messages import BUTTONS, ID, PHONE, a_call, sent


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeInterakt]:
    with up(FakeInterakt) as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def message(fake: FakeInterakt, kumar: Membership, raja: Farmer, jasmine: Flower, db: None) -> Message:
    """To Raja, in Tamil; queued, in a wording that Interakt has approved."""
    raja.phone = PHONE
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    message = Message.objects.get(pk=made)
    approved(message, "interakt", f"{message.template.name}_1/ta")
    return message


@pytest.fixture
def accepted(message: Message) -> Message:
    """Interakt has it, as its first message."""
    return sent(message)


def outgoing(**other: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "values": ("பெ. ராஜா", "06-03-2026", "ரூ.8,555.00"),
        "text": "வணக்கம் பெ. ராஜா, 06-03-2026: ரூ.8,555.00",
    }
    return a_call(**usual | other)


# --- What it is asked ---------------------------------------------------------------------------


def test_it_is_asked_as_its_own_documents_ask(fake: FakeInterakt) -> None:
    """The shape of its Postman collection; the key goes as it is shown, it is encoded already."""
    result = Interakt().send(outgoing(buttons=BUTTONS, variables={"token": "k7Qx2mPd9R"}))
    assert (result.outcome, result.provider_id) == (Outcome.ACCEPTED, id_of(1))
    (call,) = fake.calls
    assert (call.method, call.path) == ("POST", "/message/")
    assert call.headers["authorization"] == f"Basic {KEY}"
    assert call.headers["content-type"] == "application/json"
    assert call.body == {
        "fullPhoneNumber": "919876500000",
        "callbackData": f"{ID}.2",
        "type": "Template",
        "template_category": "utility",
        "template": {
            "name": "settlement_ready_1",
            "languageCode": "ta",
            "bodyValues": ["பெ. ராஜா", "06-03-2026", "ரூ.8,555.00"],
            "buttonValues": {"2": ["k7Qx2mPd9R"]},
        },
    }


def test_without_an_address_to_lead_to_no_button_has_a_value(fake: FakeInterakt) -> None:
    Interakt().send(outgoing(buttons=BUTTONS[:2]))
    assert "buttonValues" not in fake.calls[0].body["template"]


def test_a_code_to_sign_in_has_the_button_that_copies_it(fake: FakeInterakt) -> None:
    code = {"template": "otp_login", "ref": "otp_login_1/ta", "values": ("482915",)}
    Interakt().send(outgoing(**code, variables={"code": "482915"}))
    asked = fake.calls[0].body
    assert asked["template_category"] == "authentication"
    assert (asked["template"]["bodyValues"], asked["template"]["buttonValues"]) == (
        ["482915"],
        {"0": ["482915"]},
    )


def test_an_answer_to_who_has_just_written_goes_as_text_that_nobody_approved(fake: FakeInterakt) -> None:
    """The shape that public clients of its API use: its own documents do not show one."""
    said = Interakt().send(outgoing(template="reply", ref="", text="வணக்கம்.\nநன்றி."))
    assert said.outcome == Outcome.ACCEPTED
    assert fake.calls[0].body == {
        "fullPhoneNumber": "919876500000",
        "callbackData": f"{ID}.2",
        "type": "Text",
        "data": {"message": "வணக்கம்.\nநன்றி."},
    }


@pytest.mark.django_db
def test_a_message_goes_by_the_name_its_wording_has_there(message: Message, fake: FakeInterakt) -> None:
    assert sent(message).state == State.ACCEPTED
    (call,) = fake.calls
    template = call.body["template"]
    assert template["name"] == f"{message.template.name}_1"
    names = ("farmer", "date", "time", "flower", "quantity", "slip")
    assert template["bodyValues"] == [message.variables[name] for name in names]
    assert call_of(call.body["callbackData"]) == (message.pk, 1)
    assert Attempt.objects.get().provider_id == message.provider_id == id_of(1)


@pytest.mark.parametrize(
    "text", [None, 7, "", "x", f"{ID}", f"{ID}.0", f"{ID}.01", f"{ID}.1 ", f"{ID}/1", f"{ID}.99999", "௧"]
)
def test_what_is_no_name_of_a_call_is_nobody_s(text: object) -> None:
    assert call_of(text) == (None, None)
    assert call_of(outgoing().call) == (ID, 2)


@pytest.mark.parametrize(
    ("other", "code", "failure"),
    [
        ({"ref": ""}, "no_template", Failure.TEMPLATE),
        ({"values": ("Raja", " \n\t ")}, "bad_variables", Failure.BUG),
        ({"values": ("Raja", "\u200b\u200d\ufeff")}, "bad_variables", Failure.BUG),
        ({"text": "அ" * 1025}, "bad_variables", Failure.BUG),
        ({"buttons": BUTTONS}, "bad_variables", Failure.BUG),
        ({"address": "09840012345"}, "bad_address", Failure.WRONG_NUMBER),
        ({"address": "console:F014"}, "bad_address", Failure.WRONG_NUMBER),
    ],
)
def test_what_it_would_not_take_is_not_asked(
    fake: FakeInterakt, other: dict[str, Any], code: str, failure: Failure
) -> None:
    result = Interakt().send(outgoing(**other))
    assert (result.outcome, result.code, result.failure) == (Outcome.FAILED, code, failure)
    assert fake.calls == []


# --- What its answers mean ----------------------------------------------------------------------

HTML = "<html><body>Bad gateway</body></html>"


def no(said: str) -> dict[str, Any]:
    return {"result": False, "message": said}


NO_TEMPLATE = "No approved template found with name 'x' and language 'en'"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (says(200, {"result": True, "id": "x"}), State.ACCEPTED, ""),
        # 200 is no acceptance: `result` is.
        (says(200, no(NO_TEMPLATE)), State.FAILED, "no_template"),
        (says(400, no(NO_TEMPLATE)), State.FAILED, "no_template"),
        (says(200, no("Template category does not match")), State.FAILED, "category"),
        (says(200, no("Customer has not messaged within last 24 hours")), State.DEAD, "window"),
        (says(400, no("Customer is not available for the organization")), State.FAILED, "no_customer"),
        (says(200, no("Rate limit exceeded for this resource")), State.RETRY, "rate_limit"),
        (says(200, no("something new")), State.DEAD, "refused"),
        (says(200, {"result": True}), State.UNKNOWN, "no_id"),
        (says(200, {"result": True, "id": 7}), State.UNKNOWN, "no_id"),
        (says(200, {"id": "x"}), State.UNKNOWN, "no_id"),
        (says(200, HTML), State.UNKNOWN, "no_id"),
        (says(200, "[]"), State.UNKNOWN, "no_id"),
        (says(302, HTML, Location="http://192.0.2.1/portal"), State.RETRY, "302"),
        (says(400, no("something new")), State.DEAD, "400"),
        (says(401, {"detail": "Invalid token"}), State.RETRY, "401"),
        (says(403, HTML), State.RETRY, "403"),
        (says(429, no("Rate limit exceeded for this resource")), State.RETRY, "429"),
        (says(500, no(NO_TEMPLATE)), State.UNKNOWN, "500"),
        (says(503, HTML), State.UNKNOWN, "503"),
        (drops, State.UNKNOWN, "lost"),
    ],
)
def test_an_answer_and_what_becomes_of_the_message(
    message: Message, fake: FakeInterakt, answer: Answer, state: State, code: str
) -> None:
    fake.will(answer)
    assert (sent(message).state, message.error_code) == (state, code)
    sent(message)
    assert len(fake.calls) == 1, "nothing is sent again at once"
    assert Attempt.objects.get().code == code


@pytest.mark.django_db
def test_too_many_requests_are_left_alone_for_as_long_as_asked(message: Message, fake: FakeInterakt) -> None:
    fake.will(says(429, no("Rate limit exceeded"), Retry_After="70"))
    before = timezone.now()
    assert (sent(message).state, message.tries) == (State.RETRY, 0)
    assert message.next_attempt_at is not None
    assert message.next_attempt_at - before >= dt.timedelta(seconds=70)


@pytest.mark.django_db
def test_nobody_listens(message: Message, fake: FakeInterakt) -> None:
    fake.close()
    assert (sent(message).state, message.error_code, message.tries) == (State.RETRY, "away", 1)


def test_the_key_goes_to_no_plain_address(settings: Any, fake: FakeInterakt) -> None:
    settings.INTERAKT_BASE_URL = "http://api.interakt.ai/v1/public"
    with pytest.raises(ImproperlyConfigured, match="https"):
        Interakt().send(outgoing())


# --- Whether it is Interakt ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "body", "mac"),
    [
        # GitHub's own example of the same scheme, on its page about webhooks.
        (
            "It's a Secret to Everybody",
            b"Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ),
        # RFC 4231, case 2.
        (
            "Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        # printf '{"text":"சரி"}' | openssl dgst -sha256 -hmac the-present-secret
        (
            SECRET,
            '{"text":"சரி"}'.encode(),
            "e0b5836b9155d13ee2aab4b08f6474a9175cba7d8bf63eefccd8e00a2598f041",
        ),
    ],
)
def test_signatures_are_those_that_others_have_published(secret: str, body: bytes, mac: str) -> None:
    assert is_signed(body, f"sha256={mac}", ["", "another", secret])
    assert not is_signed(body, f"sha256={mac}", ["another"])
    assert not is_signed(body + b" ", f"sha256={mac}", [secret])
    assert not is_signed(body, mac, [secret])


RAW = json.dumps(status_of(id_of(1), f"{ID}.1", "message_api_sent"), indent=1).encode()


@pytest.mark.django_db
def test_both_secrets_sign_while_one_takes_over_from_the_other(fake: FakeInterakt) -> None:
    assert posts(RAW, signed(RAW, OLD_SECRET)) == 200
    assert posts(RAW, signed(RAW, SECRET)) == 200
    assert Callback.objects.count() == 1, "said twice, kept once"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature", ["", "x", "ü", "sha256=", signed(RAW, "another"), signed(RAW)[7:], signed(RAW + b"\n")]
)
def test_what_is_not_signed_is_refused_and_nothing_kept(fake: FakeInterakt, signature: str) -> None:
    assert posts(RAW, signature) == 403
    again = json.dumps(json.loads(RAW)).encode()
    assert posts(again, signed(RAW)) == 403, "the same, written anew, are other bytes"
    assert Client().post(PATH, RAW, content_type="application/json").status_code == 403
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_without_a_secret_nobody_is_interakt(fake: FakeInterakt, settings: Any) -> None:
    settings.INTERAKT_WEBHOOK_SECRET = settings.INTERAKT_WEBHOOK_SECRET_OLD = ""
    assert posts(RAW, signed(RAW, "")) == 403


@pytest.mark.django_db
def test_a_body_too_long_for_an_event_is_not_kept(fake: FakeInterakt) -> None:
    raw = b'{"type": "' + b"x" * 1_000_000 + b'"}'
    assert posts(raw) == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 200),
        (b'"x"', 200),
        (b"{}", 200),
        (b'{"type": "account_alerts", "data": {}}', 200),
        (b'{"type": ["message_api_sent"]}', 200),
        (b'{"type": "Webhook Test"}', 200),
    ],
)
def test_what_tells_nothing_is_answered_and_forgotten(fake: FakeInterakt, raw: bytes, status: int) -> None:
    assert posts(raw) == status
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_what_the_database_cannot_keep_is_left_out(fake: FakeInterakt) -> None:
    raw = rb'{"type": "message_received", "data": {"message": {"id": "\u0000a\ud800", "x": NaN}}}'
    assert posts(raw) == 200
    assert Callback.objects.get().body["data"]["message"] == {"id": "a?", "x": "NaN"}


# --- Kept and answered, also while the database is slow -----------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_slow_it_is_told_in_time_that_nothing_was_kept(fake: FakeInterakt) -> None:
    """Interakt waits for three seconds, and five failures switch its calls off."""
    locked, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE notifications_callback IN ACCESS EXCLUSIVE MODE")
            locked.set()
            let_go.wait(30)
            cursor.execute("ROLLBACK")
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    try:
        before = time.monotonic()
        assert posts(RAW) == 503
        took = time.monotonic() - before
    finally:
        let_go.set()
        holder.join()
    assert 1.5 < took < 2.9
    assert not Callback.objects.exists()
    before = time.monotonic()
    assert posts(RAW) == 200
    assert time.monotonic() - before < 1.5
    assert Callback.objects.count() == 1


# --- What becomes of the message ----------------------------------------------------------------


def told(message: Message, kind: str, *, named: str = id_of(1), call: str = "", **more: Any) -> Message:
    """Interakt tells, and the worker reads it."""
    assert tells(status_of(named, call or f"{message.pk}.1", kind, **more)) == 200
    tasks.take_callbacks()
    message.refresh_from_db()
    return message


@pytest.mark.django_db
def test_from_sent_to_read_in_whatever_order(accepted: Message) -> None:
    for kind in ("message_api_read", "message_api_sent", "message_api_delivered", "message_api_read"):
        told(accepted, kind)
    assert accepted.state == State.READ
    assert accepted.delivered_at is not None
    assert Callback.objects.count() == 3
    assert set(Callback.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "state"),
    [("1013", State.FAILED), ("131026", State.FAILED), ("131056", State.RETRY), ("9", State.FAILED)],
)
def test_that_it_failed_is_told_with_a_code_of_its_own_or_of_metas(
    accepted: Message, code: str, state: State
) -> None:
    told(accepted, "message_api_failed", channel_error_code=code)
    assert (accepted.state, accepted.error_code) == (state, code)


@pytest.mark.django_db
def test_what_was_perhaps_sent_is_settled_by_the_name_of_the_call(
    message: Message, fake: FakeInterakt
) -> None:
    fake.will(drops)
    assert sent(message).state == State.UNKNOWN
    told(message, "message_api_delivered", named="first-heard-of")
    assert (message.state, message.provider_id) == (State.DELIVERED, "first-heard-of")


@pytest.mark.django_db
def test_where_it_names_no_call_its_own_id_finds_the_message(accepted: Message) -> None:
    assert told(accepted, "message_api_sent", call="typed in the dashboard").state == State.SENT
    assert told(accepted, "message_api_read", call="?", named=id_of(9)).state == State.SENT
    assert Callback.objects.get(state="orphan").message_id is None


@pytest.mark.django_db
def test_one_that_makes_no_sense_holds_up_no_other(accepted: Message) -> None:
    for event in ({"type": "message_api_sent"}, {"type": "message_api_sent", "data": "x", "timestamp": "2"}):
        assert tells(event) == 200
    assert told(accepted, "message_api_delivered").state == State.DELIVERED
    assert sorted(Callback.objects.values_list("state", flat=True)) == ["bad", "bad", "done"]


@pytest.mark.django_db
def test_an_event_of_a_message_nobody_sent_is_kept_and_looked_at_again(fake: FakeInterakt) -> None:
    assert tells(status_of("x", f"{uuid4()}.1", "message_api_read")) == 200
    assert take_statuses() == 1
    assert Callback.objects.get().state == "orphan"


# --- What farmers say ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_tap_is_kept_with_the_message_it_answers(accepted: Message) -> None:
    event = tapped(id_of(1), f"{accepted.pk}.1", "சரி, ஒப்புதல்")
    assert tells(event) == 200
    assert tells(event) == 200
    callback = Callback.objects.get()
    assert (callback.about, callback.provider) == ("inbound", "interakt")
    assert inbound_of(callback.body) == Inbound(
        provider_id=f"{id_of(1)}:2026-11-22T05:43:33.237499",
        address=PHONE,
        text="சரி, ஒப்புதல்",
        answers=id_of(1),
    )


def test_what_we_said_is_not_kept_a_second_time() -> None:
    """It may be a code or a link, and callbacks are kept for a month."""
    event = status_of("x", f"{ID}.2", "message_api_delivered")
    event["data"]["message"] |= {"message": "482915", "raw_template": "482915"}
    (heard,) = heard_in(event)
    assert "482915" not in json.dumps(heard.body)
    assert (heard.message_id, heard.attempt) == (ID, 2)


def test_a_click_on_the_address_is_no_answer() -> None:
    event = tapped("x", "", "கணக்கைப் பார்க்க")
    event["data"]["message"]["meta_data"]["click_type"] = "CTA"
    assert heard_in(event) == []
    top = status_of("x", "", "message_api_clicked") | {"event": {"click_type": "CTA", "button_text": "View"}}
    assert heard_in(top) == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (wrote("நிலுவை"), ("a-message-of-his", PHONE, "நிலுவை", "", False)),
        (wrote(None, media_url="https://x/y.jpg"), ("a-message-of-his", PHONE, "", "", False)),
        (
            wrote("சரி", context={"id": "wamid.1", "from": "91"}),
            ("a-message-of-his", PHONE, "சரி", "wamid.1", False),
        ),
        (wrote("சரி", context={"forwarded": True}), ("a-message-of-his", PHONE, "சரி", "", True)),
        (
            wrote("", meta_data={"button_payload": {"payload": {"type": "QUICK_REPLY", "text": "சரி"}}}),
            ("a-message-of-his", PHONE, "சரி", "", False),
        ),
    ],
)
def test_what_he_wrote(event: dict[str, Any], said: tuple[object, ...]) -> None:
    heard = inbound_of(event)
    assert heard.button == ""
    assert (heard.provider_id, heard.address, heard.text, heard.answers, heard.is_forwarded) == said


@pytest.mark.parametrize(
    ("customer", "address"),
    [
        ({"channel_phone_number": "919876500000"}, PHONE),
        ({"channel_phone_number": "+919876500000"}, PHONE),
        ({"channel_phone_number": None, "country_code": "+91", "phone_number": "9876500000"}, PHONE),
        ({"channel_phone_number": "IN.13491208655302741918"}, ""),
        ({}, ""),
    ],
)
def test_who_has_no_number_is_known_by_none(customer: dict[str, Any], address: str) -> None:
    event = wrote("சரி")
    event["data"]["customer"] = customer
    assert inbound_of(event).address == address


# --- Wordings -----------------------------------------------------------------------------------


@pytest.fixture
def wording(db: None) -> MessageTemplate:
    return MessageTemplate.objects.get(name="settlement_ready", language="ta", is_active=True)


def test_a_wording_is_sent_in_with_its_samples(fake: FakeInterakt, wording: MessageTemplate) -> None:
    fake.will(says(200, {"result": True, "data": {"id": "1", "name": "settlement_ready_1_7f"}}))
    assert InteraktDoor().submit(wording) == "settlement_ready_1_7f/ta"
    (call,) = fake.calls
    assert (call.method, call.path) == ("POST", "/track/templates/")
    asked = call.body
    assert (asked["display_name"], asked["language"], asked["category"]) == (
        "settlement_ready_1",
        "Tamil",
        "Utility",
    )
    assert "{{1}}" in asked["body"]
    assert "{farmer}" not in asked["body"]
    assert asked["body_text"][0] == samples("ta")["farmer"]
    assert [each["type"] for each in asked["buttons"]] == ["QUICK_REPLY", "QUICK_REPLY", "URL"]
    assert asked["buttons"][2]["url"] == "https://malar.example/s/{{1}}"


@pytest.mark.parametrize("status", [200, 400])
def test_a_wording_it_does_not_take(fake: FakeInterakt, wording: MessageTemplate, status: int) -> None:
    fake.will(says(status, {"result": False, "message": "Template name already exists"}))
    with pytest.raises(SubmissionRefused, match="already exists"):
        InteraktDoor().submit(wording)


def test_what_became_of_a_wording_may_stand_on_a_later_page(fake: FakeInterakt) -> None:
    other = {"name": "receipt_1", "language": "en", "approval_status": "APPROVED", "category": "UTILITY"}
    english = other | {"name": "ready_1"}
    ours = english | {
        "language": "ta",
        "approval_status": "REJECTED",
        "rejection_reason": "TAG_CONTENT_MISMATCH",
    }
    fake.will(
        says(200, {"results": {"templates": [other, english]}, "has_next": True}),
        says(200, {"results": {"templates": [ours], "has_next": False}}),
    )
    assert InteraktDoor().status("ready_1/ta") == WordingStatus(
        Approval.REJECTED, "utility", "TAG_CONTENT_MISMATCH"
    )
    assert [call.path for call in fake.calls] == [
        f"/track/organization/templates?offset={offset}&language=all" for offset in (0, 2)
    ]
    fake.will(says(200, {"results": {"templates": []}}))
    with pytest.raises(LookupError):
        InteraktDoor().status("ready_1/ta")


def test_it_has_a_door_only_where_there_is_a_key(settings: Any) -> None:
    assert interakt.door() is None
    settings.INTERAKT_API_KEY = KEY
    assert isinstance(interakt.door(), InteraktDoor)
    before = dict(doors)
    try:
        apps.NotificationsConfig.ready(None)  # type: ignore[arg-type]
        assert isinstance(doors["interakt"], InteraktDoor)
    finally:
        doors.clear()
        doors.update(before)


def wording_event(**said: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": "2026-11-22T05:43:33.237499",
        "type": "message_template_status_update",
        "data": said,
    }


@pytest.mark.django_db
def test_a_wording_that_is_stopped_is_told_and_noted(message: Message, fake: FakeInterakt) -> None:
    name = f"{message.template.name}_1"
    event = wording_event(
        message_template_name=name, message_template_language="ta", event="PAUSED", reason="NONE"
    )
    assert tells(event) == 200
    tasks.take_callbacks()
    approval = TemplateApproval.objects.get()
    assert (approval.state, approval.category, approval.reason) == ("paused", "utility", "")
    message.refresh_from_db()
    assert (message.state, message.error_code) == (State.FAILED, "wording_stopped")
    assert Callback.objects.get().state == "done"
    again = wording_event(template={"name": name, "language": "Tamil", "approval_status": "APPROVED"})
    assert tells(again | {"timestamp": "later"}) == 200
    tasks.take_callbacks()
    approval.refresh_from_db()
    assert approval.state == "approved"


@pytest.mark.django_db
def test_word_of_the_category_alone_leaves_the_rest(message: Message) -> None:
    """And the other way round: what a provider does not say stays as it was."""
    ref = f"{message.template.name}_1/ta"
    note_status(provider="interakt", ref=ref, status=WordingStatus(None, "marketing"))
    note_status(provider="interakt", ref=ref, status=WordingStatus(Approval.APPROVED))
    approval = TemplateApproval.objects.get()
    assert (approval.state, approval.category, approval.lets_send) == ("approved", "marketing", False)
