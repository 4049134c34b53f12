"""Wordings at Twilio: as it is sent in, what is answered, and what Twilio tells of it by itself."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from twilio.request_validator import RequestValidator

from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken
from notifications import tasks
from notifications.domain import Approval
from notifications.models import Callback, MessageTemplate, TemplateApproval
from notifications.providers import SubmissionRefused, WordingStatus, twilio_content
from notifications.providers.twilio import TwilioWhatsApp
from notifications.providers.twilio_content import TwilioContent, content_of
from notifications.services.approvals import (
    doors,
    may_be_sent,
    note_ref,
    submit,
)
from notifications.wordings import faults_of
from tests.notifications.fake_twilio import (
    ACCOUNT,
    PUBLIC,
    TOKEN,
    FakeTwilio,
    fake_twilio,
    forget_connections,
    set_up,
)
from tests.notifications.loopback import Loopback, loopback
from tests.notifications.test_twilio import outgoing

pytestmark = pytest.mark.django_db

HX = "HX" + "a" * 32
MADE = ("POST", "/v1/Content")
SENT_IN = ("POST", f"/v1/Content/{HX}/ApprovalRequests/whatsapp")
ASKED = ("GET", f"/v1/Content/{HX}/ApprovalRequests")
WHATSAPP = "twilio_whatsapp"


@pytest.fixture
def twilio(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Takes whatever is sent in, and has not looked at it yet."""
    with loopback() as twilio:
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT, TOKEN
        settings.TWILIO_WHATSAPP_FROM, settings.PUBLIC_BASE_URL = "+14155550100", PUBLIC
        settings.TWILIO_CONTENT_BASE_URL = twilio.url
        twilio.says[MADE] = (201, {"sid": HX, "language": "ta"})
        twilio.says[SENT_IN] = (201, {"status": "received", "category": "UTILITY"})
        monkeypatch.setitem(doors, WHATSAPP, TwilioContent())
        yield twilio
        forget_connections()


def wording(name: str, language: str = "en") -> MessageTemplate:
    return MessageTemplate.objects.get(name=name, language=language, is_active=True)


def decides(twilio: Loopback, status: str, category: str = "UTILITY", reason: str = "") -> None:
    said = {"status": status, "category": category, "rejection_reason": reason, "name": "x"}
    twilio.says[ASKED] = (200, {"sid": HX, "whatsapp": said})


# --- What it is asked ---------------------------------------------------------------------------


def test_it_is_made_and_sent_in_with_samples(twilio: Loopback, meena: Membership) -> None:
    template = wording("settlement_reminder")
    approval = submit(by=meena, template_id=template.pk, provider=WHATSAPP)
    assert (approval.state, approval.ref) == (Approval.SUBMITTED, HX)
    made, sent_in = twilio.asked
    assert (made.method, made.path) == MADE
    assert made.sign_in.startswith("Basic ")
    assert made.body == {
        "friendly_name": "settlement_reminder en 1",
        "language": "en",
        "variables": {"1": "P. Murugan", "2": "R12-F014", "3": "₹1,54,575.00", "4": "20/11/2026"},
        "types": {
            "twilio/quick-reply": {
                "body": (
                    "Hello {{1}}, settlement no. {{2}} is still waiting for your approval."
                    " Net amount {{3}}. Please reply on or before {{4}}. Thank you."
                ),
                "actions": [
                    {"type": "QUICK_REPLY", "title": "OK, I approve", "id": "approve"},
                    {"type": "QUICK_REPLY", "title": "There is a mistake", "id": "dispute"},
                ],
            }
        },
    }
    assert sent_in.path == SENT_IN[1]
    assert sent_in.body == {"name": "settlement_reminder_en_1", "category": "UTILITY"}


def test_a_button_with_an_address_makes_it_a_card(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = PUBLIC
    content = content_of(wording("settlement_ready", "ta"))
    card = content["types"]["whatsapp/card"]
    assert [action["type"] for action in card["actions"]] == ["QUICK_REPLY", "QUICK_REPLY", "URL"]
    assert card["actions"][2]["url"] == f"{PUBLIC}/s/{{{{10}}}}"
    assert content["variables"]["10"].startswith("k7Qx2mPd9R")
    assert len(content["variables"]) == 10


def test_every_wording_there_is_can_be_sent_in(settings: Any) -> None:
    """WhatsApp counts its variables: each number once, from 1, each with a sample."""
    settings.PUBLIC_BASE_URL = PUBLIC
    for template in MessageTemplate.objects.filter(is_active=True):
        content = content_of(template)
        ((kind, said),) = content["types"].items()
        text = json.dumps(said)
        numbers = [number for number in content["variables"] if f"{{{{{number}}}}}" in text]
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        assert all(content["variables"].values())
        assert (kind == "twilio/text") == (not template.buttons)
        assert not faults_of(
            name=template.name, language=template.language, body=template.body, buttons=template.buttons
        )


def test_the_end_of_the_address_is_sent_as_the_last_variable(settings: Any) -> None:
    buttons = wording("settlement_ready").buttons
    with fake_twilio() as fake:
        set_up(settings, fake)
        values = ("Raja", "₹5.00")
        TwilioWhatsApp().send(outgoing(values=values, buttons=buttons, variables={"token": "k7Q"}))
        assert variables_of(fake) == {"1": "Raja", "2": "₹5.00", "3": "k7Q"}
        TwilioWhatsApp().send(outgoing(values=values, buttons=buttons[:2], variables={"token": "k7Q"}))
        assert variables_of(fake) == {"1": "Raja", "2": "₹5.00"}
        result = TwilioWhatsApp().send(outgoing(values=values, buttons=buttons))
        assert (result.code, len(fake.calls)) == ("bad_variables", 2)


def variables_of(fake: FakeTwilio) -> dict[str, str]:
    said: dict[str, str] = json.loads(fake.calls[-1].fields["ContentVariables"])
    return said


# --- What it answers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "category", "state", "lets_send"),
    [
        ("approved", "UTILITY", Approval.APPROVED, True),
        ("approved", "MARKETING", Approval.APPROVED, False),
        ("pending", "UTILITY", Approval.SUBMITTED, False),
        ("received", "", Approval.SUBMITTED, False),
        ("rejected", "UTILITY", Approval.REJECTED, False),
        ("paused", "UTILITY", Approval.PAUSED, False),
        ("disabled", "UTILITY", Approval.DISABLED, False),
        ("in_appeal", "UTILITY", Approval.SUBMITTED, False),
    ],
)
def test_what_it_says_is_noted_by_the_hour(
    twilio: Loopback, meena: Membership, status: str, category: str, state: Approval, lets_send: bool
) -> None:
    template = wording("settlement_reminder")
    submit(by=meena, template_id=template.pk, provider=WHATSAPP)
    decides(twilio, status, category)
    tasks.sync_wordings()
    approval = TemplateApproval.objects.get(template=template, provider=WHATSAPP)
    assert (approval.state, approval.category) == (state, category.lower())
    assert may_be_sent(template, WHATSAPP) is lets_send


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        (MADE, (400, {"code": 20001, "message": "<body> is too long"})),
        (SENT_IN, (409, {"message": "<body> is too long"})),
    ],
)
def test_a_refusal_is_in_its_own_words_and_can_be_mended(
    twilio: Loopback, meena: Membership, what: tuple[str, str], answer: tuple[int, Any]
) -> None:
    template, well = wording("settlement_reminder"), twilio.says[what]
    twilio.says[what] = answer
    with pytest.raises(SubmissionRefused, match="too long"):
        submit(by=meena, template_id=template.pk, provider=WHATSAPP)
    assert TemplateApproval.objects.get().state == Approval.DRAFT
    twilio.says[what] = well
    assert submit(by=meena, template_id=template.pk, provider=WHATSAPP).ref == HX


@pytest.mark.parametrize("answer", [(500, "<html>"), (201, "<html>"), (201, {"status": "x"})])
def test_no_answer_leaves_it_open(twilio: Loopback, meena: Membership, answer: tuple[int, Any]) -> None:
    twilio.says[MADE] = answer
    with pytest.raises(RuleBroken, match="nobody knows"):
        submit(by=meena, template_id=wording("settlement_reminder").pk, provider=WHATSAPP)
    assert TemplateApproval.objects.get().state == Approval.SUBMITTED


def test_nobody_listens(twilio: Loopback, meena: Membership, settings: Any) -> None:
    settings.TWILIO_CONTENT_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(SubmissionRefused, match="could not be reached"):
        submit(by=meena, template_id=wording("settlement_reminder").pk, provider=WHATSAPP)
    assert TemplateApproval.objects.get().state == Approval.DRAFT


def test_the_token_goes_to_no_plain_address(twilio: Loopback, settings: Any) -> None:
    settings.TWILIO_CONTENT_BASE_URL = "http://content.twilio.com"
    with pytest.raises(ImproperlyConfigured, match="https"):
        TwilioContent().status(HX)


def test_the_door_is_there_where_whatsapp_is_configured(twilio: Loopback, settings: Any) -> None:
    assert twilio_content.door() is not None
    settings.TWILIO_WHATSAPP_FROM = ""
    assert twilio_content.door() is None


# --- Sent in at Twilio's own pages --------------------------------------------------------------


def test_the_office_notes_a_name_and_the_rest_is_asked(twilio: Loopback, meena: Membership) -> None:
    template, other = wording("settlement_reminder"), wording("payment_paid")
    note_ref(by=meena, template_id=template.pk, provider=WHATSAPP, ref=HX)
    assert not may_be_sent(template, WHATSAPP)
    decides(twilio, "approved")
    tasks.sync_wordings()
    assert may_be_sent(template, WHATSAPP)
    note_ref(by=meena, template_id=template.pk, provider=WHATSAPP, ref=HX)
    assert may_be_sent(template, WHATSAPP), "the same name is no news"
    for ref, who in (("", template), ("HX 1", template), (HX, other)):
        with pytest.raises(RuleBroken):
            note_ref(by=meena, template_id=who.pk, provider=WHATSAPP, ref=ref)


# --- What it tells by itself --------------------------------------------------------------------


def event(kind: str, value: str, *, sid: str = HX, key: str = "EZ1") -> dict[str, Any]:
    """As Twilio's Event Streams send it."""
    template = {
        "sid": sid,
        "friendlyName": "x",
        "language": "en",
        "previousValue": "y",
        "currentValue": value,
    }
    data = {"type": kind, "accountSid": ACCOUNT, "channel": "whatsapp", "template": template}
    return {"specversion": "1.0", "type": twilio_content.EVENT, "id": key, "data": data}


def streams(said: Any, *, token: str = TOKEN, hashed: str = "") -> int:
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    path = f"/webhooks/twilio/events/?bodySHA256={hashed or hashlib.sha256(raw).hexdigest()}"
    signed = RequestValidator(token).compute_signature(f"{PUBLIC}{path}", {})
    answer = Client().post(path, raw, content_type="application/json", HTTP_X_TWILIO_SIGNATURE=signed)
    return answer.status_code


@pytest.fixture
def approved(twilio: Loopback, meena: Membership) -> MessageTemplate:
    template = wording("settlement_reminder")
    submit(by=meena, template_id=template.pk, provider=WHATSAPP)
    TemplateApproval.objects.update(state="approved", category="utility")
    return template


@pytest.mark.parametrize(
    ("kind", "value", "state", "category"),
    [
        ("status_update", "paused", "paused", "utility"),
        ("status_update", "REJECTED", "rejected", "utility"),
        ("category_update", "marketing", "approved", "marketing"),
    ],
)
def test_what_is_told_is_kept_once_and_noted(
    approved: MessageTemplate, kind: str, value: str, state: str, category: str
) -> None:
    assert streams([event(kind, value)]) == 200
    assert streams([event(kind, value)]) == 200
    assert Callback.objects.count() == 1
    tasks.take_callbacks()
    approval = TemplateApproval.objects.get(template=approved)
    assert (approval.state, approval.category) == (state, category)
    assert not may_be_sent(approved, WHATSAPP)
    assert Callback.objects.get().state == "done"


@pytest.mark.parametrize(
    "said",
    [
        event("status_update", "in_appeal"),
        event("quality_update", "LOW"),
        event("status_update", "paused", sid="HX-of-others"),
        {"type": twilio_content.EVENT, "id": "EZ1", "data": {"type": "status_update"}},
        {"type": twilio_content.EVENT, "id": "EZ1"},
        {"type": "com.twilio.messaging.message.sent", "id": "EZ1"},
    ],
)
def test_what_says_nothing_of_ours_changes_nothing(approved: MessageTemplate, said: dict[str, Any]) -> None:
    assert streams(said) == 200
    tasks.take_callbacks()
    assert may_be_sent(approved, WHATSAPP)
    assert not Callback.objects.exclude(next_try_at=None).exists()


def test_what_twilio_did_not_sign_is_not_kept(approved: MessageTemplate) -> None:
    told = event("status_update", "paused")
    assert streams(told, token="another") == 403
    assert streams(told, hashed=hashlib.sha256(b"another body").hexdigest()) == 403
    assert streams(told, hashed=" ") == 403
    assert streams(b"{") == 400
    assert Client().post("/webhooks/twilio/events/", told, content_type="application/json").status_code == 403
    assert not Callback.objects.exists()
    body = json.dumps(told)
    theirs = RequestValidator(TOKEN)
    path = f"/webhooks/twilio/events/?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    assert theirs.validate(f"{PUBLIC}{path}", body, theirs.compute_signature(f"{PUBLIC}{path}", {}))


def test_a_status_of_nothing_is_no_state() -> None:
    assert twilio_content.status_in(None) == WordingStatus(Approval.DRAFT)
