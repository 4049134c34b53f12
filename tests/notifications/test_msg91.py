"""MSG91: what it is asked, what the operators would drop, what its answers mean, and what it reports."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken
from malar.kernel.logs import configure_logging
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import RECEIPT, SETTLEMENT_READY, Failure, State
from notifications.models import Attempt, Callback, Message, MessageTemplate, TemplateApproval
from notifications.providers import Outcome, Outgoing, call_of
from notifications.providers.msg91 import Msg91, heard_in
from notifications.services.approvals import put_in_use, set_dlt_id, word_anew
from notifications.services.queueing import react
from notifications.wordings import fits, marked, samples, tagged
from pricing.models import Flower
from tests.cast import at, called, recorded
from tests.notifications.fake_msg91 import (
    KEY,
    OLD_SECRET,
    SECRET,
    FakeMsg91,
    id_of,
    new,
    path_of,
    posts,
    set_up,
    v2,
    v3,
)
from tests.notifications.fakes import Answer, drops, says, up
from tests.notifications.messages import ID, PHONE, a_call, sent

DLT = "1107161234567890123"
FLOW = "6406d54ad6fc052a053a3c52"
SHORT = {
    "slip_plain": "S12211018",
    "quantity_whole": "12",
    "quantity_part": "500",
    "amount_rupees": "155825",
    "amount_paise": "00",
}


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeMsg91]:
    with up(FakeMsg91) as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def message(fake: FakeMsg91, meena: Membership, raja: Farmer, jasmine: Flower, db: None) -> Message:
    """To Raja, in Tamil; queued, in a wording that the operators and MSG91 have registered."""
    raja.phone = PHONE
    raja.save()
    called(jasmine, "900", at("2026-03-06", "04:00"), meena)
    recorded(meena, raja, jasmine, captured_at=at("2026-03-06", "05:00"))
    (made,) = react(event_id=Event.objects.get(name="EntryRecorded").pk)
    message = Message.objects.get(pk=made)
    assert message.template.name == RECEIPT
    set_dlt_id(by=meena, template_id=message.template_id, provider="msg91", dlt_id=DLT, ref=FLOW)
    return message


@pytest.fixture
def accepted(message: Message) -> Message:
    """MSG91 has it, as its first request."""
    return sent(message)


def outgoing(**other: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "template": RECEIPT,
        "version": 2,
        "variables": {"farmer": "பெ. ராஜா", "amount": "₹1,55,825.00", **SHORT},
        "values": ("பெ. ராஜா",),
        "text": "மலர் மார்க்கெட்: வரவு S12211018, எடை 12.500 கிலோ, ரூ.155825.00. -MALARM",
        "ref": FLOW,
    }
    return a_call(**usual | other)


# --- What it is asked ---------------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["", "MALARM"])
def test_it_is_asked_as_its_own_documents_ask(fake: FakeMsg91, settings: Any, sender: str) -> None:
    """Only what the registered short form says goes out: no name, no sign, no comma."""
    settings.MSG91_SENDER_ID = sender
    result = Msg91().send(outgoing())
    assert (result.outcome, result.provider_id) == (Outcome.ACCEPTED, id_of(1))
    (call,) = fake.calls
    assert (call.method, call.path, call.headers["authkey"]) == ("POST", "/api/v5/flow", KEY)
    assert call.body == {
        "template_id": FLOW,
        "short_url": "0",
        "realTimeResponse": "1",
        "CRQID": f"{ID}.2",
        "recipients": [{"mobiles": "919876500000", "CRQID": f"{ID}.2", **SHORT}],
        **({"sender": sender} if sender else {}),
    }


@pytest.mark.django_db
def test_a_receipt_goes_with_its_amount_in_two_numbers_and_its_slip_without_hyphens(
    message: Message, fake: FakeMsg91
) -> None:
    assert sent(message).state == State.ACCEPTED
    (recipient,) = fake.calls[0].body["recipients"]
    assert recipient.pop("mobiles") == "919876500000"
    assert call_of(recipient.pop("CRQID")) == (message.pk, 1)
    assert set(recipient) == set(SHORT)
    assert (recipient["quantity_whole"], recipient["quantity_part"]) == ("5", "900")
    amount = f"{recipient['amount_rupees']}.{recipient['amount_paise']}"
    assert amount == message.variables["amount"].removeprefix("₹").replace(",", "")
    assert recipient["slip_plain"] == message.variables["slip"].replace("-", "")
    assert Attempt.objects.get().provider_id == id_of(1)


def test_what_it_costs_is_by_parts(settings: Any) -> None:
    settings.MSG91_SMS_PAISE = 25
    assert [Msg91().cost_of(text) for text in ("a" * 160, "a" * 161, "அ" * 70, "அ" * 71)] == [25, 50, 25, 50]


@pytest.mark.parametrize(
    ("other", "code", "failure"),
    [
        ({"ref": ""}, "no_template", Failure.TEMPLATE),
        ({"template": "entry_voided"}, "no_template", Failure.TEMPLATE),
        ({"address": "09840012345"}, "bad_address", Failure.WRONG_NUMBER),
        ({"address": "console:F014"}, "bad_address", Failure.WRONG_NUMBER),
        *(
            ({"variables": SHORT | wrong}, "bad_variables", Failure.BUG)
            for wrong in (
                {"amount_rupees": "1,55,825"},
                {"amount_rupees": "155825.00"},
                {"amount_rupees": "₹155825"},
                {"amount_rupees": "-155825"},
                {"amount_rupees": "௧௫௫"},
                {"amount_rupees": "1" * 41},
                {"amount_rupees": ""},
                {"slip_plain": "S1-2211-018"},
                {"slip_plain": "S1 018"},
                {"slip_plain": "பெராஜா"},
                {"slip_plain": "S" * 41},
                {"slip_plain": "S12211018\n"},
                {"slip_plain": "é1"},
            )
        ),
    ],
)
def test_what_the_operators_would_drop_is_not_asked(
    fake: FakeMsg91, other: dict[str, Any], code: str, failure: Failure
) -> None:
    """They drop it when it is paid for."""
    result = Msg91().send(outgoing(**other))
    assert (result.outcome, result.code, result.failure) == (Outcome.FAILED, code, failure)
    assert fake.calls == []


def test_a_link_is_an_address_of_ours(fake: FakeMsg91) -> None:
    said = {"reference_plain": "R12F014", "net_rupees": "154575", "net_paise": "00"}
    ready = {"template": SETTLEMENT_READY, "variables": said}
    assert Msg91().send(outgoing(**ready)).code == "bad_variables"
    said["link"] = samples("ta")["link"]
    assert Msg91().send(outgoing(**ready)).outcome == Outcome.ACCEPTED
    assert fake.calls[0].body["recipients"][0]["link"] == said["link"]
    assert not fits("url", "http://malar.example/s/x")
    assert not fits("url", "https://malar.example/s/x y")


def test_a_short_form_is_registered_with_tags_and_typed_in_with_names() -> None:
    sms = "Rs.{net_rupees}.{net_paise} -MALARM"
    assert tagged(SETTLEMENT_READY, sms) == "Rs.{#numeric#}.{#numeric#} -MALARM"
    assert marked(sms) == "Rs.##net_rupees##.##net_paise## -MALARM"


# --- Registered, or not put in use --------------------------------------------------------------


@pytest.mark.django_db
def test_a_short_form_that_the_operators_do_not_know_is_not_put_in_use(
    meena: Membership, fake: FakeMsg91
) -> None:
    paid = MessageTemplate.objects.get(name="payment_paid", language="ta", is_active=True)
    new_one = word_anew(by=meena, name=paid.name, language="ta", body=paid.body, sms=paid.sms)
    set_dlt_id(by=meena, template_id=paid.pk, provider="msg91", dlt_id=DLT, ref=FLOW)
    with pytest.raises(RuleBroken, match="not registered") as refused:
        put_in_use(by=meena, template_id=new_one.pk)
    assert refused.value.code == "not_registered"
    set_dlt_id(by=meena, template_id=new_one.pk, provider="msg91", dlt_id="1107161234567890124")
    with pytest.raises(RuleBroken, match="not registered"):
        put_in_use(by=meena, template_id=new_one.pk)
    for wrong, why in ((FLOW, "Another wording has this ID."), ("x y", "letters and digits only")):
        with pytest.raises(RuleBroken, match=why):
            set_dlt_id(by=meena, template_id=new_one.pk, provider="msg91", dlt_id=DLT, ref=wrong)
    kept = set_dlt_id(
        by=meena, template_id=new_one.pk, provider="msg91", dlt_id="1107161234567890124", ref="f2"
    )
    assert (kept.ref, kept.state) == ("f2", "approved")
    assert put_in_use(by=meena, template_id=new_one.pk).is_active


@pytest.mark.django_db
def test_what_has_no_short_form_and_what_does_not_go_by_msg91_needs_none(
    meena: Membership, settings: Any
) -> None:
    paid = MessageTemplate.objects.get(name="payment_paid", language="ta", is_active=True)
    with_sms = word_anew(by=meena, name=paid.name, language="ta", body=paid.body, sms=paid.sms)
    assert put_in_use(by=meena, template_id=with_sms.pk).is_active
    settings.MSG91_AUTH_KEY = KEY
    without = word_anew(by=meena, name=paid.name, language="ta", body=paid.body)
    assert put_in_use(by=meena, template_id=without.pk).is_active


@pytest.mark.django_db
def test_a_wording_of_which_only_the_number_is_known_is_not_sent(message: Message, fake: FakeMsg91) -> None:
    TemplateApproval.objects.update(ref="")
    assert (sent(message).state, message.error_code) == (State.FAILED, "no_template")
    assert fake.calls == []


# --- What its answers mean ----------------------------------------------------------------------

HTML = "<html><body>Bad gateway</body></html>"


def no(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", "message": said, **more}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (says(200, {"type": "success", "message": "x1"}), State.ACCEPTED, ""),
        # 200 is no acceptance: `type` is.
        (says(200, no("Template ID Missing or Invalid Template")), State.FAILED, "no_template"),
        (says(400, no("flow id missing")), State.FAILED, "no_template"),
        (says(200, no("Authentication failure")), State.RETRY, "auth"),
        (says(200, no("no money", code="301")), State.RETRY, "301"),
        (says(200, no("no money", code=302)), State.RETRY, "302"),
        (says(200, no("Invalid mobile number")), State.FAILED, "bad_address"),
        (says(200, no("too long", code="310")), State.DEAD, "310"),
        (says(200, no("same again", code="311")), State.UNKNOWN, "311"),
        (says(200, no("something new")), State.DEAD, "refused"),
        (says(200, {"type": "success"}), State.UNKNOWN, "no_id"),
        (says(200, {"message": "x1"}), State.UNKNOWN, "no_id"),
        (says(200, HTML), State.UNKNOWN, "no_id"),
        (says(302, HTML, Location="http://192.0.2.1/portal"), State.RETRY, "302"),
        (says(400, no("something new")), State.DEAD, "400"),
        (says(401, HTML), State.RETRY, "401"),
        (says(403, HTML), State.RETRY, "403"),
        (says(418, no("something about an address")), State.RETRY, "418"),
        (says(429, HTML), State.RETRY, "429"),
        (says(500, no("Invalid mobile number")), State.UNKNOWN, "500"),
        (drops, State.UNKNOWN, "lost"),
    ],
)
def test_an_answer_and_what_becomes_of_the_message(
    message: Message, fake: FakeMsg91, answer: Answer, state: State, code: str
) -> None:
    fake.will(answer)
    assert (sent(message).state, message.error_code) == (state, code)
    sent(message)
    assert len(fake.calls) == 1, "nothing is sent again at once"
    assert Attempt.objects.get().code == code


@pytest.mark.django_db
def test_nobody_listens(message: Message, fake: FakeMsg91) -> None:
    fake.close()
    assert (sent(message).state, message.error_code, message.tries) == (State.RETRY, "away", 1)


def test_the_key_goes_to_no_plain_address(settings: Any, fake: FakeMsg91) -> None:
    settings.MSG91_BASE_URL = "http://control.msg91.com"
    with pytest.raises(ImproperlyConfigured, match="https"):
        Msg91().send(outgoing())


# --- What it reports ----------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


def read(message: Message) -> Message:
    tasks.take_callbacks()
    message.refresh_from_db()
    return message


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (v2(id_of(1), {}), FORM),
        (v2(id_of(1), {}), f"{FORM}; charset=utf-8"),
        (
            json.dumps({"data": json.dumps([{"requestId": id_of(1), "report": [v3("x")]}])}),
            "application/json",
        ),
        (json.dumps(v3(id_of(1))), "application/json"),
        (json.dumps(v3(id_of(1), status=1)), "application/json"),
        (json.dumps(new(id_of(1))), "application/json"),
        (json.dumps([new("another"), new(id_of(1), status="DELIVERED")]), "application/json"),
    ],
)
def test_it_was_delivered_in_each_of_its_shapes(accepted: Message, raw: str, kind: str) -> None:
    for _ in range(2):
        assert posts(raw, kind) == 200
    assert read(accepted).state == State.DELIVERED
    assert Callback.objects.filter(state="done").count() == 1


@pytest.mark.django_db
def test_v2_tells_of_several_at_once(accepted: Message) -> None:
    raw = v2(id_of(1), {"number": "919876500001"}, {"status": "2", "desc": "FAILED"}, {"status": ""})
    assert posts(raw, FORM) == 200
    assert Callback.objects.count() == 3
    assert (read(accepted).state, accepted.error_code) == (State.FAILED, "2")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "state", "failure"),
    [
        ("2", State.FAILED, Failure.HANDSET),
        ("9", State.FAILED, Failure.OPTED_OUT),
        ("17", State.FAILED, Failure.OPTED_OUT),
        ("16", State.FAILED, Failure.TEMPLATE),
        ("25", State.FAILED, Failure.TEMPLATE),
        ("rejected", State.FAILED, Failure.TEMPLATE),
        ("99", State.ACCEPTED, None),
    ],
)
def test_what_it_reports_and_what_becomes_of_the_message(
    accepted: Message, fake: FakeMsg91, status: str, state: State, failure: Failure | None
) -> None:
    assert posts(json.dumps(v3(id_of(1), status=status))) == 200
    assert read(accepted).state == state
    sent(accepted)
    assert len(fake.calls) == 1, "a failed SMS was paid for, and is not sent again by itself"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "more",
    [
        {"number": "919876500001"},
        {"number": ""},
        {"requestId": id_of(2)},
        {"requestId": "", "CRQID": "@call"},
        {"number": "919876500001", "CRQID": "@call"},
        {"requestId": id_of(2), "CRQID": "@call"},
    ],
)
def test_only_a_request_and_a_number_that_belong_together_count(
    accepted: Message, more: dict[str, str]
) -> None:
    """Whoever learns the address can make up all else."""
    said = {name: value.replace("@call", f"{accepted.pk}.1") for name, value in more.items()}
    assert posts(json.dumps(v3(id_of(1), **said))) == 200
    assert read(accepted).state == State.ACCEPTED
    assert posts(json.dumps(v3(id_of(1), CRQID=f"{accepted.pk}.1"))) == 200
    assert read(accepted).state == State.DELIVERED


@pytest.mark.django_db
def test_what_was_perhaps_sent_is_settled_by_the_name_of_the_call(message: Message, fake: FakeMsg91) -> None:
    fake.will(drops)
    assert sent(message).state == State.UNKNOWN
    assert posts(json.dumps(v3("first-heard-of", number="919876500001", CRQID=f"{message.pk}.1"))) == 200
    assert read(message).state == State.UNKNOWN, "of another number"
    assert posts(v2("first-heard-of", {"clientid": f"{message.pk}.1"}), FORM) == 200
    assert (read(message).state, message.provider_id) == (State.DELIVERED, "first-heard-of")


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["x", "ü", SECRET[:-1], f"{SECRET}x", SECRET.lower(), OLD_SECRET[::-1]])
def test_who_does_not_know_the_address_is_refused_and_nothing_kept(fake: FakeMsg91, secret: str) -> None:
    assert posts(json.dumps(v3(id_of(1))), secret=secret) == 403
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_both_addresses_are_open_while_one_takes_over_from_the_other(fake: FakeMsg91, settings: Any) -> None:
    assert posts(json.dumps(v3(id_of(1))), secret=OLD_SECRET) == 200
    assert posts(json.dumps(v3(id_of(1))), secret=SECRET) == 200
    settings.MSG91_WEBHOOK_SECRET = settings.MSG91_WEBHOOK_SECRET_OLD = ""
    assert posts(json.dumps(v3(id_of(1))), secret=SECRET) == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        ("{", "application/json", 400),
        (b"\xff", FORM, 400),
        ("data=%7B", FORM, 400),
        ("data=", FORM, 200),
        ("x=1", FORM, 200),
        ("[[], 7, null]", "application/json", 200),
        ('{"data": "{"}', "application/json", 200),
        (
            '[{"data": [{"description": "DELIVERED", "ts": 1726729500}], "event": "x"}]',
            "application/json",
            200,
        ),
    ],
)
def test_what_reports_nothing_is_answered_and_forgotten(
    fake: FakeMsg91, raw: bytes | str, kind: str, status: int
) -> None:
    assert posts(raw, kind) == status
    assert not Callback.objects.exists()


def test_a_report_that_is_no_object_is_none() -> None:
    assert heard_in([{"requestId": "x", "report": ["y", None]}, "z"]) == []


@pytest.mark.django_db
def test_the_address_stands_in_no_log(
    fake: FakeMsg91, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.LOG_LEVEL = "DEBUG"
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging()
    try:
        Client().post(path_of(), "{}", content_type="application/json")
        Client().post(path_of(f"{SECRET}-wrong"), "{}", content_type="application/json")
        Client().post(f"/webhooks/msg91/{SECRET}/more/", "{}", content_type="application/json")
        Client().get(path_of())
    finally:
        root.handlers[:] = handlers
        # Not by assignment: what each logger has found enabled would stay so, and later tests would write it all.
        root.setLevel(level)
    written = capfd.readouterr().err
    assert "/webhooks/msg91/…" in written
    assert "callback_not_ours" in written
    assert SECRET not in written
    assert KEY not in written
