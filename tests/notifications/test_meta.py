"""Meta's Cloud API: what it is asked, what its answers mean, what it calls back, and what it says of wordings."""

import datetime as dt
import hmac
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import Approval, Failure, State
from notifications.models import Attempt, Callback, Message, MessageTemplate, Recipient, TemplateApproval
from notifications.providers import (
    Inbound,
    Outcome,
    Outgoing,
    SubmissionRefused,
    WordingStatus,
    call_of,
    meta,
)
from notifications.providers.meta import CODES, Meta, MetaDoor, inbound_of, refusal
from notifications.services.queueing import react
from notifications.wordings import samples
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications import fake_interakt
from tests.notifications.fake_interakt import approved
from tests.notifications.fake_meta import (
    CONTACT,
    NUMBER_ID,
    OLD_SECRET,
    PATH,
    TOKEN,
    VERIFY,
    WABA_ID,
    FakeMeta,
    change,
    entry,
    error,
    id_of,
    posts,
    refuses,
    set_up,
    signed,
    status_of,
    taken,
    tells,
    wrote,
)
from tests.notifications.fakes import Answer, drops, says, up
from tests.notifications.messages import BUTTONS, ID, PHONE, a_call, sent


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeMeta]:
    with up(FakeMeta) as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def message(fake: FakeMeta, kumar: Membership, raja: Farmer, jasmine: Flower, db: None) -> Message:
    """To Raja, in Tamil; queued, in a wording that Meta has approved."""
    raja.phone = PHONE
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    message = Message.objects.get(pk=made)
    approved(message, "meta", f"{message.template.name}_1/ta")
    return message


@pytest.fixture
def accepted(message: Message) -> Message:
    """Meta has it, as its first message."""
    return sent(message)


def outgoing(**other: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "values": ("பெ. ராஜா", "06-03-2026"),
        "text": "வணக்கம் பெ. ராஜா, 06-03-2026",
    }
    return a_call(**usual | other)


# --- What it is asked ---------------------------------------------------------------------------


def test_it_is_asked_as_its_own_documents_ask(fake: FakeMeta) -> None:
    result = Meta().send(outgoing(buttons=BUTTONS, variables={"token": "k7Qx2mPd9R"}))
    assert (result.outcome, result.provider_id) == (Outcome.ACCEPTED, id_of(1))
    (call,) = fake.calls
    assert (call.method, call.path) == ("POST", f"/v23.0/{NUMBER_ID}/messages")
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert call.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "919876500000",
        "type": "template",
        "biz_opaque_callback_data": f"{ID}.2",
        "template": {
            "name": "settlement_ready_1",
            "language": {"policy": "deterministic", "code": "ta"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "பெ. ராஜா"},
                        {"type": "text", "text": "06-03-2026"},
                    ],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "approve"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "dispute"}],
                },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "2",
                    "parameters": [{"type": "text", "text": "k7Qx2mPd9R"}],
                },
            ],
        },
    }


def test_a_code_to_sign_in_has_the_button_that_copies_it(fake: FakeMeta) -> None:
    code = {"template": "otp_login", "ref": "otp_login_1/ta", "values": ("482915",)}
    Meta().send(outgoing(**code, variables={"code": "482915"}))
    assert fake.calls[0].body["template"]["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "482915"}]},
        {
            "type": "button",
            "sub_type": "url",
            "index": "0",
            "parameters": [{"type": "text", "text": "482915"}],
        },
    ]


def test_an_answer_to_who_has_just_written_goes_as_text_that_nobody_approved(fake: FakeMeta) -> None:
    assert Meta().send(outgoing(template="reply", ref="", text="வணக்கம்.\nநன்றி.")).outcome == Outcome.ACCEPTED
    assert fake.calls[0].body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "919876500000",
        "biz_opaque_callback_data": f"{ID}.2",
        "type": "text",
        "text": {"body": "வணக்கம்.\nநன்றி.", "preview_url": False},
    }


@pytest.mark.django_db
def test_a_message_goes_by_the_name_its_wording_has_there(message: Message, fake: FakeMeta) -> None:
    assert sent(message).state == State.ACCEPTED
    template = fake.calls[0].body["template"]
    assert template["name"] == f"{message.template.name}_1"
    (body,) = template["components"]
    names = ("farmer", "date", "time", "flower", "quantity", "slip")
    assert [each["text"] for each in body["parameters"]] == [message.variables[name] for name in names]
    assert call_of(fake.calls[0].body["biz_opaque_callback_data"]) == (message.pk, 1)
    assert Attempt.objects.get().provider_id == message.provider_id == id_of(1)


@pytest.mark.parametrize(
    ("other", "code", "failure"),
    [
        ({"ref": ""}, "no_template", Failure.TEMPLATE),
        ({"values": ("Raja", "\u200b\u200d\ufeff")}, "bad_variables", Failure.BUG),
        ({"text": "அ" * 1025}, "bad_variables", Failure.BUG),
        ({"buttons": BUTTONS}, "bad_variables", Failure.BUG),
        ({"address": "09840012345"}, "bad_address", Failure.WRONG_NUMBER),
        ({"address": "console:F014"}, "bad_address", Failure.WRONG_NUMBER),
    ],
)
def test_what_it_would_not_take_is_not_asked(
    fake: FakeMeta, other: dict[str, Any], code: str, failure: Failure
) -> None:
    result = Meta().send(outgoing(**other))
    assert (result.outcome, result.code, result.failure) == (Outcome.FAILED, code, failure)
    assert fake.calls == []


# --- What its answers mean ----------------------------------------------------------------------

HTML = "<html><body>Bad gateway</body></html>"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (says(200, {"messages": [{"id": "wamid.x"}]}), State.ACCEPTED, ""),
        # 200 with an id is no acceptance, either.
        (
            says(200, taken(1, message_status="held_for_quality_assessment")),
            State.UNKNOWN,
            "held_for_quality_assessment",
        ),
        (says(200, taken(1, message_status="paused")), State.FAILED, "paused"),
        (says(200, taken(1, message_status="brand_new")), State.UNKNOWN, "brand_new"),
        (says(200, {"messages": []}), State.UNKNOWN, "no_id"),
        (says(200, {"messages": ["x"]}), State.UNKNOWN, "no_id"),
        (says(200, HTML), State.UNKNOWN, "no_id"),
        (says(302, HTML, Location="http://192.0.2.1/portal"), State.RETRY, "302"),
        # The code counts, whatever the status.
        (refuses(400, 131056), State.RETRY, "131056"),
        (refuses(200, 131026), State.FAILED, "131026"),
        (refuses(400, 131026), State.FAILED, "131026"),
        (refuses(400, 131050), State.FAILED, "131050"),
        (refuses(404, 132001), State.FAILED, "132001"),
        (refuses(400, 131049), State.FAILED, "131049"),
        (refuses(400, 131047), State.DEAD, "131047"),
        (refuses(401, 190), State.RETRY, "190"),
        (refuses(403, 200), State.RETRY, "200"),
        (refuses(500, 131042), State.RETRY, "131042"),
        (refuses(400, 131000), State.UNKNOWN, "131000"),
        (refuses(503, 131016), State.UNKNOWN, "131016"),
        # What one code means is in its details.
        (refuses(400, 100, "Invalid parameter"), State.DEAD, "100"),
        (refuses(400, 131009, "Number of template parameters is wrong"), State.FAILED, "131009"),
        (refuses(400, 131009, "Recipient phone number is not valid"), State.FAILED, "131009"),
        # What we do not know is by its status.
        (refuses(400, 999999), State.DEAD, "999999"),
        (refuses(401, 999999), State.RETRY, "999999"),
        (refuses(500, 2), State.UNKNOWN, "2"),
        (says(400, {"error": "no"}), State.DEAD, "400"),
        (says(429, HTML), State.RETRY, "429"),
        (says(500, HTML), State.UNKNOWN, "500"),
        (drops, State.UNKNOWN, "lost"),
    ],
)
def test_an_answer_and_what_becomes_of_the_message(
    message: Message, fake: FakeMeta, answer: Answer, state: State, code: str
) -> None:
    fake.will(answer)
    assert (sent(message).state, message.error_code) == (state, code)
    sent(message)
    assert len(fake.calls) == 1, "nothing is sent again at once"
    assert Attempt.objects.get().code == code


@pytest.mark.django_db
def test_what_was_held_is_settled_by_its_callback(message: Message, fake: FakeMeta) -> None:
    fake.will(says(200, taken(1, message_status="held_for_quality_assessment")))
    assert (sent(message).state, message.provider_id) == (State.UNKNOWN, id_of(1))
    assert told(message, "delivered").state == State.DELIVERED


@pytest.mark.django_db
def test_too_many_requests_are_left_alone_for_as_long_as_asked(message: Message, fake: FakeMeta) -> None:
    fake.will(refuses(429, 130429, Retry_After="70"))
    before = timezone.now()
    assert (sent(message).state, message.tries) == (State.RETRY, 0)
    assert message.next_attempt_at is not None
    assert message.next_attempt_at - before >= dt.timedelta(seconds=70)


def test_every_code_of_the_table_has_one_meaning() -> None:
    for code, failure in CODES.items():
        result = refusal({"code": code})
        assert (result.failure, result.code) == (failure, str(code))
        assert (result.outcome == Outcome.RETRY) == (failure in {Failure.BUSY, Failure.ACCOUNT})
        assert (result.outcome == Outcome.UNKNOWN) == (failure == Failure.LOST)
    assert refusal({}).failure is None
    assert refusal({"code": "x" * 50}).failure is None


def test_the_token_goes_to_no_plain_address(settings: Any, fake: FakeMeta) -> None:
    settings.META_BASE_URL = "http://graph.facebook.com"
    with pytest.raises(ImproperlyConfigured, match="https"):
        Meta().send(outgoing())


# --- Whether it is Meta -------------------------------------------------------------------------


def asks(**query: str) -> Any:
    return Client().get(PATH, {f"hub.{name}": value for name, value in query.items()})


def test_its_challenge_is_answered_where_the_token_is_ours(fake: FakeMeta) -> None:
    answer = asks(mode="subscribe", verify_token=VERIFY, challenge="1158201444")
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"mode": "subscribe", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "", "challenge": "1"},
        {"mode": "subscribe", "verify_token": VERIFY + "x", "challenge": "1"},
        {"mode": "subscribe", "verify_token": VERIFY[:-1], "challenge": "1"},
        {"mode": "subscribe", "verify_token": "ü", "challenge": "1"},
        {"mode": "unsubscribe", "verify_token": VERIFY, "challenge": "1"},
        {"verify_token": VERIFY, "challenge": "1"},
    ],
)
def test_nobody_else_is_answered(fake: FakeMeta, query: dict[str, str]) -> None:
    answer = asks(**query)
    assert (answer.status_code, answer.content) == (403, b"")


def test_without_a_token_of_ours_no_challenge_is_answered(fake: FakeMeta, settings: Any) -> None:
    settings.META_WEBHOOK_VERIFY_TOKEN = ""
    assert asks(mode="subscribe", verify_token="", challenge="1").status_code == 403


def test_the_token_is_compared_in_constant_time(fake: FakeMeta, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(ours: bytes, theirs: bytes) -> bool:
        compared.append((ours, theirs))
        return ours == theirs

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert asks(mode="subscribe", verify_token="x", challenge="1").status_code == 403
    assert asks(mode="subscribe", verify_token=VERIFY, challenge="1").status_code == 200
    assert compared == [(VERIFY.encode(), b"x"), (VERIFY.encode(), VERIFY.encode())]


# Slashes and letters beyond ASCII as Meta writes them: what we would write are other bytes.
RAW = (
    b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
    b'{"messages":[{"from":"919876500000","id":"wamid.1","type":"text","text":{"body":"\\u0b9a\\u0bb0\\u0bbf '
    b'http:\\/\\/x"}}]}}]}]}'
)
OF_RAW = "90c3b94ad43d2f328595ac372de7df6889b66e0ba04120eb5767da2ad446f8fc"
"""printf '%s' "$RAW" | openssl dgst -sha256 -hmac the-present-app-secret"""


@pytest.mark.django_db
def test_both_app_secrets_sign_while_one_takes_over_from_the_other(fake: FakeMeta) -> None:
    assert posts(RAW, f"sha256={OF_RAW}") == 200
    assert posts(RAW, signed(RAW, OLD_SECRET)) == 200
    callback = Callback.objects.get()
    assert (callback.about, callback.dedupe_key) == ("inbound", "in:wamid.1")
    assert callback.body["message"]["text"]["body"] == "சரி http://x"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature",
    [
        "",
        "x",
        "ü",
        "sha256=",
        "sha1=" + OF_RAW[:40],
        OF_RAW,
        f"sha256={OF_RAW.upper()}",
        signed(RAW, "another"),
    ],
)
def test_what_is_not_signed_is_refused_and_nothing_kept(fake: FakeMeta, signature: str) -> None:
    assert posts(RAW, signature) == 403
    assert Client().post(PATH, RAW, content_type="application/json").status_code == 403
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_the_same_written_anew_is_not_what_was_signed(fake: FakeMeta) -> None:
    for again in (json.dumps(json.loads(RAW)), json.dumps(json.loads(RAW), separators=(",", ":"))):
        assert posts(again.encode(), f"sha256={OF_RAW}") == 403
    assert posts(RAW.replace(b"919876500000", b"919876500001"), f"sha256={OF_RAW}") == 403
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_without_a_secret_nobody_is_meta(fake: FakeMeta, settings: Any) -> None:
    settings.META_APP_SECRET = settings.META_APP_SECRET_OLD = ""
    assert posts(RAW, signed(RAW, "")) == 403


@pytest.mark.django_db
def test_three_megabytes_are_a_batch_and_more_are_none(fake: FakeMeta) -> None:
    """Django's own limit for forms is two and a half."""
    many = [status_of(f"wamid.{n}", "sent", at=n) for n in range(2_000)]
    padding = "x" * (2_900_000 - len(json.dumps(many)))
    assert tells(entry(change(statuses=many), {"field": "other", "value": {"x": padding}})) == 200
    assert Callback.objects.count() == 2_000
    assert posts(b'{"entry":"' + b"x" * 3 * 1024 * 1024 + b'"}') == 403


# --- A batch ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_of_a_batch_all_is_taken_but_what_is_broken(accepted: Message) -> None:
    """Two entries, three changes; statuses and messages; and things that are none."""
    call = f"{accepted.pk}.1"
    answered = tells(
        entry(
            change(statuses=[{"status": "delivered"}, 7, status_of(id_of(1), "sent", call)]),
            change(
                contacts=[CONTACT],
                messages=[wrote("wamid.in1", type="text", text={"body": "நிலுவை"}), {"type": "text"}, None],
            ),
        ),
        entry(change(statuses=[status_of(id_of(1), "read", call, at=5), status_of("?", "brand-new")])),
        {"id": "x", "changes": "y"},
    )
    assert answered == 200
    about = list(Callback.objects.order_by("dedupe_key").values_list("about", flat=True))
    assert sorted(about) == ["inbound"] * 2 + ["status"] * 4
    tasks.take_callbacks()
    accepted.refresh_from_db()
    assert accepted.state == State.READ
    states = Callback.objects.filter(about="status").values_list("state", flat=True)
    assert sorted(states) == ["bad", "done", "done", "done"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw", [b"[]", b"{}", b'{"entry": 7}', b'{"entry": [{"changes": [{"field": "account_update"}]}]}', b'"x"']
)
def test_what_tells_nothing_is_answered_and_forgotten(fake: FakeMeta, raw: bytes) -> None:
    assert posts(raw) == 200
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_whatever_comes_signed_is_answered(fake: FakeMeta) -> None:
    """Anything in place of anything: Meta's shapes change, and what is not answered comes again for days."""
    whole = entry(
        change(
            contacts=[CONTACT],
            messages=[wrote("wamid.in1", type="button", button={"payload": "approve", "text": "சரி"})],
            statuses=[status_of("wamid.1", "failed", "x", errors=[error(131026)])],
        ),
        change("message_template_status_update", event="APPROVED", message_template_name="x"),
    )
    draw = random.Random(7)
    for _ in range(150):
        broken = json.loads(json.dumps(whole))
        spoil(broken, draw)
        assert tells(broken) == 200
    tasks.take_callbacks()
    assert not Callback.objects.filter(about="status", state="new").exists()
    for callback in Callback.objects.filter(about="inbound"):
        try:
            inbound_of(callback.body)
        except (KeyError, TypeError, AttributeError):
            assert not isinstance(callback.body["message"].get("id"), str)


def spoil(value: Any, draw: random.Random) -> None:
    """Put something else in one place, some way down."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw.choice(keys)
    if isinstance(value[key], dict | list) and value[key] and draw.random() < 0.8:
        spoil(value[key], draw)
    else:
        value[key] = draw.choice([None, 7, "x", [], {}, [1], {"a": 1}, True, "\u0000", 1e30])


# --- What becomes of the message ----------------------------------------------------------------


def told(message: Message, status: str, *, named: str = id_of(1), at: int = 1, **more: Any) -> Message:
    """Meta tells, and the worker reads it."""
    call = more.pop("call", f"{message.pk}.1")
    assert tells(entry(change(statuses=[status_of(named, status, call, at=at, **more)]))) == 200
    tasks.take_callbacks()
    message.refresh_from_db()
    return message


@pytest.mark.django_db
def test_from_sent_to_read_in_whatever_order(accepted: Message) -> None:
    for status in ("read", "sent", "delivered", "played", "read"):
        told(accepted, status)
    assert accepted.state == State.READ
    assert Callback.objects.count() == 4, "said twice, kept once"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "state"),
    [
        (131026, State.FAILED),
        (131049, State.FAILED),
        (132015, State.FAILED),
        (131000, State.FAILED),
        (999999, State.FAILED),
        (131056, State.RETRY),
        (131042, State.RETRY),
    ],
)
def test_that_it_failed_is_told_with_a_code(accepted: Message, code: int, state: State) -> None:
    told(accepted, "failed", errors=[error(code)])
    assert (accepted.state, accepted.error_code) == (state, str(code))


@pytest.mark.django_db
def test_failed_without_a_reason_is_failed(accepted: Message) -> None:
    assert told(accepted, "failed").state == State.FAILED


@pytest.mark.django_db
def test_what_was_perhaps_sent_is_settled_by_the_name_of_the_call(message: Message, fake: FakeMeta) -> None:
    fake.will(drops)
    assert sent(message).state == State.UNKNOWN
    told(message, "delivered", named="wamid.first-heard-of")
    assert (message.state, message.provider_id) == (State.DELIVERED, "wamid.first-heard-of")


@pytest.mark.django_db
def test_where_it_names_no_call_its_own_id_finds_the_message(accepted: Message) -> None:
    assert told(accepted, "sent", call=None).state == State.SENT
    assert told(accepted, "read", call=None, named=id_of(9)).state == State.SENT


# --- What farmers say ---------------------------------------------------------------------------


def heard(message: dict[str, Any], **contact: Any) -> Inbound:
    return inbound_of({"message": message, "contact": CONTACT | contact})


def test_a_tap_on_a_button_of_a_wording() -> None:
    tap = wrote(
        "wamid.tap",
        type="button",
        button={"payload": "approve", "text": "சரி, ஒப்புதல்"},
        context={"from": "914523456789", "id": id_of(1)},
    )
    assert heard(tap) == Inbound("wamid.tap", PHONE, "சரி, ஒப்புதல்", "approve", id_of(1))
    del tap["context"]
    assert heard(tap).answers == "", "it does not always come"


def test_a_tap_in_a_conversation() -> None:
    reply = {"type": "button_reply", "button_reply": {"id": "dispute", "title": "தவறு"}}
    tap = wrote("wamid.tap", type="interactive", interactive=reply, context={"id": id_of(1)})
    assert heard(tap) == Inbound("wamid.tap", PHONE, "தவறு", "dispute", id_of(1))


def test_what_he_wrote_and_what_it_quotes() -> None:
    text = wrote("wamid.text", type="text", text={"body": "ஆம்"})
    assert heard(text) == Inbound("wamid.text", PHONE, "ஆம்")
    assert heard(text | {"context": {"id": id_of(1), "from": "91"}}).answers == id_of(1)
    assert not heard(text | {"context": {"id": id_of(1)}}).is_forwarded
    for word in ("forwarded", "frequently_forwarded"):
        assert heard(text | {"context": {word: True}}).is_forwarded


def test_a_picture_says_nothing() -> None:
    assert heard(wrote("wamid.image", type="image", image={"id": "1", "caption": "சரி"})).text == ""


@pytest.mark.django_db
def test_who_has_a_user_name_may_have_no_number(fake: FakeMeta) -> None:
    """He is found by the message that he answers."""
    message = wrote(
        "wamid.x", type="button", button={"payload": "approve", "text": "சரி"}, context={"id": "wamid.y"}
    )
    del message["from"]
    contact = {name: value for name, value in CONTACT.items() if name != "wa_id"}
    assert tells(entry(change(contacts=[contact], messages=[message]))) == 200
    body = Callback.objects.get().body
    assert body["contact"]["user_id"] == "IN.13491208655302741918"
    assert inbound_of(body) == Inbound("wamid.x", "", "சரி", "approve", "wamid.y")


@pytest.mark.django_db
def test_each_in_a_batch_is_kept_with_his_own_name(fake: FakeMeta) -> None:
    other = {"profile": {"name": "முருகன்"}, "wa_id": "919876500001"}
    messages = [
        wrote("wamid.1", type="text", text={"body": "சரி"}),
        wrote("wamid.2", type="text", text={"body": "சரி"}) | {"from": "919876500001"},
    ]
    assert tells(entry(change(contacts=[other, CONTACT], messages=messages))) == 200
    whose = {each.dedupe_key: each.body["contact"]["profile"]["name"] for each in Callback.objects.all()}
    assert whose == {"in:wamid.1": "ராஜா", "in:wamid.2": "முருகன்"}


# --- Wordings -----------------------------------------------------------------------------------


@pytest.fixture
def wording(db: None) -> MessageTemplate:
    return MessageTemplate.objects.get(name="settlement_ready", language="ta", is_active=True)


def test_a_wording_is_sent_in_with_its_samples(fake: FakeMeta, wording: MessageTemplate) -> None:
    fake.will(says(200, {"id": "572279198452421", "status": "PENDING", "category": "UTILITY"}))
    name = f"settlement_ready_{wording.version}"
    assert MetaDoor().submit(wording) == f"{name}/ta"
    (call,) = fake.calls
    assert (call.method, call.path) == ("POST", f"/v23.0/{WABA_ID}/message_templates")
    asked = call.body
    assert (asked["name"], asked["language"], asked["category"]) == (name, "ta", "UTILITY")
    body, buttons = asked["components"]
    assert "{{1}}" in body["text"]
    assert body["example"]["body_text"][0][0] == samples("ta")["farmer"]
    assert buttons["buttons"] == [
        {"type": "QUICK_REPLY", "text": wording.buttons[0]["text"]},
        {"type": "QUICK_REPLY", "text": wording.buttons[1]["text"]},
        {
            "type": "URL",
            "text": wording.buttons[2]["text"],
            "url": "https://malar.example/s/{{1}}",
            "example": [samples("ta")["link"]],
        },
    ]


def test_a_wording_it_does_not_take(fake: FakeMeta, wording: MessageTemplate) -> None:
    fake.will(refuses(400, 100))
    with pytest.raises(SubmissionRefused, match="Something"):
        MetaDoor().submit(wording)


def test_what_became_of_a_wording(fake: FakeMeta) -> None:
    listed = [
        {"name": "ready_10", "language": "ta", "status": "APPROVED", "category": "UTILITY"},
        {"name": "ready_1", "language": "en", "status": "APPROVED", "category": "UTILITY"},
        {
            "name": "ready_1",
            "language": "ta",
            "status": "REJECTED",
            "category": "MARKETING",
            "rejected_reason": "PROMOTIONAL",
        },
    ]
    fake.will(says(200, {"data": listed}), says(200, {"data": listed}), says(200, {"data": []}))
    assert MetaDoor().status("ready_1/ta") == WordingStatus(Approval.REJECTED, "marketing", "PROMOTIONAL")
    assert MetaDoor().status("ready_1/en") == WordingStatus(Approval.APPROVED, "utility", "")
    with pytest.raises(LookupError):
        MetaDoor().status("ready_1/ta")
    assert fake.calls[0].path.startswith(f"/v23.0/{WABA_ID}/message_templates?name=ready_1&")


def test_it_has_a_door_only_where_there_is_an_account(settings: Any) -> None:
    assert meta.door() is None
    settings.META_ACCESS_TOKEN = TOKEN
    assert meta.door() is None
    settings.META_WABA_ID = WABA_ID
    assert isinstance(meta.door(), MetaDoor)


def wording_event(field: str, at: int, **said: Any) -> dict[str, Any]:
    name = {
        "message_template_id": 12345678,
        "message_template_name": "@name",
        "message_template_language": "ta",
    }
    return entry(change(field, **name | said)) | {"time": at}


@pytest.mark.django_db
def test_a_wording_that_is_stopped_or_becomes_dearer_is_told_and_noted(message: Message) -> None:
    named = {"message_template_name": f"{message.template.name}_1"}

    def tell(field: str, at: int, **said: Any) -> TemplateApproval:
        assert tells(wording_event(field, at, **named | said)) == 200
        tasks.take_callbacks()
        return TemplateApproval.objects.get()

    status = "message_template_status_update"
    assert tell(status, 1, event="FLAGGED", reason="NONE").state == "approved", "it goes on being sent"
    paused = tell(status, 2, event="PAUSED", reason=None)
    assert (paused.state, paused.category, paused.reason) == ("paused", "utility", "")
    message.refresh_from_db()
    assert (message.state, message.error_code) == (State.FAILED, "wording_stopped")
    assert tell(status, 3, event="REINSTATED").lets_send
    dearer = tell("template_category_update", 4, new_category="MARKETING")
    assert (dearer.state, dearer.category, dearer.lets_send) == ("approved", "marketing", False)
    rejected = tell(status, 5, event="REJECTED", reason="TAG_CONTENT_MISMATCH")
    assert (rejected.state, rejected.category, rejected.reason) == (
        "rejected",
        "marketing",
        "TAG_CONTENT_MISMATCH",
    )
    assert Event.objects.filter(name="WordingStopped").count() == 2
    assert set(Callback.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.django_db
def test_word_of_somebody_else_s_wording_and_what_is_none_change_nothing(message: Message) -> None:
    assert tells(wording_event("message_template_status_update", 1, event="REJECTED")) == 200
    assert tells(entry(change("message_template_status_update", event="REJECTED"))) == 200
    tasks.take_callbacks()
    assert TemplateApproval.objects.get().state == "approved"
    assert sorted(Callback.objects.values_list("state", flat=True)) == ["bad", "done"]


# --- From one company to another ----------------------------------------------------------------


@pytest.mark.django_db
def test_a_message_keeps_its_company_when_the_settings_change(
    message: Message, settings: Any, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Interakt was at it; then Meta itself takes over. The one goes on by Interakt, the next one goes by Meta, and
    both tell what became of theirs."""
    with up(fake_interakt.FakeInterakt) as before, up(FakeMeta) as after:
        fake_interakt.set_up(settings, before)
        approved(message, "interakt", f"{message.template.name}_1/ta")
        before.will(says(429, {"result": False, "message": "Rate limit exceeded"}))
        assert sent(message).state == State.RETRY
        set_up(settings, after)
        Message.objects.update(next_attempt_at=timezone.now())
        Recipient.objects.update(free_at=timezone.now())
        assert (sent(message).state, message.provider) == (State.ACCEPTED, "interakt")
        assert (len(before.calls), len(after.calls)) == (2, 0)

        recorded(kumar, raja, jasmine)
        (made,) = react(event_id=Event.objects.latest("id").pk)
        Recipient.objects.update(free_at=timezone.now())
        other = sent(Message.objects.get(pk=made))
        assert (other.state, other.provider) == (State.ACCEPTED, "meta")
        assert (len(before.calls), len(after.calls)) == (2, 1)

        event = fake_interakt.status_of(fake_interakt.id_of(2), f"{message.pk}.2", "message_api_read")
        assert fake_interakt.tells(event) == 200
        assert told(other, "delivered").state == State.DELIVERED
        message.refresh_from_db()
        assert message.state == State.READ
