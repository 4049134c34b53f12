"""Meta's WhatsApp Cloud API: messages, what it calls back, and its approval of wordings.

Facts from Meta's own OpenAPI and documentation (docs/notifications.md). It knows no idempotency key: what may have
been sent must not be sent again.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
from django.conf import settings

from notifications.domain import FREE, OTP_LOGIN, Approval, Category, Channel, Failure, State
from notifications.models import Callback, MessageTemplate
from notifications.providers import (
    Heard,
    Inbound,
    Outcome,
    Outgoing,
    SendResult,
    SubmissionRefused,
    Told,
    WordingStatus,
    call_of,
)
from notifications.providers.http import (
    E164,
    LONGEST_WHATSAPP,
    Refused,
    base_url,
    client,
    is_signed,
    json_of,
    part,
    post,
    refusal_of,
    result_by_status,
    retry_after,
    values_of,
)
from notifications.wordings import QUICK_REPLY, URL, numbered, samples

CODES: Mapping[int, Failure] = {
    **dict.fromkeys((4, 80007, 130429, 131056), Failure.BUSY),
    **dict.fromkeys((131000, 131016, 135000), Failure.LOST),
    **dict.fromkeys((131026, 131030, 131062), Failure.NOT_THERE),
    131050: Failure.OPTED_OUT,
    **dict.fromkeys(
        (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018), Failure.TEMPLATE
    ),
    **dict.fromkeys((130472, 131049), Failure.DECLINED),
    **dict.fromkeys((0, 3, 10, 190, *range(200, 300), 368), Failure.ACCOUNT),
    **dict.fromkeys((131031, 131037, 131042, 131045, 131048, 131064), Failure.ACCOUNT),
    # 131047: free text outside the 24 hours. We send wordings only, so it is a mistake of ours.
    **dict.fromkeys((33, 100, 131008, 131009, 131021, 131047, 131051), Failure.BUG),
}
"""What Meta's error codes mean for us, whatever the status of the answer; a code that is not here is a refusal we
know nothing better about."""
DETAILS: tuple[tuple[str, Failure], ...] = (
    ("template", Failure.TEMPLATE),
    ("recipient phone number", Failure.NOT_THERE),
)
"""What the details of a code that means many things (100, 131008, 131009) make of it, in small letters."""
VAGUE = (100, 131008, 131009)
HELD: Mapping[str, Failure] = {
    # Sent once Meta has looked at it, or never: its callback says which.
    "held_for_quality_assessment": Failure.LOST,
    "paused": Failure.TEMPLATE,
}
"""Answers with 200 and an id that are no acceptance, by their `message_status`."""

TOLD = {
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    **dict.fromkeys(("read", "played"), State.READ),
    "failed": State.FAILED,
}
"""Meta's statuses as ours."""
APPROVALS = {
    **dict.fromkeys(("APPROVED", "REINSTATED", "UNARCHIVED"), Approval.APPROVED),
    **dict.fromkeys(("PENDING", "IN_APPEAL"), Approval.SUBMITTED),
    **dict.fromkeys(("REJECTED", "LIMIT_EXCEEDED"), Approval.REJECTED),
    "PAUSED": Approval.PAUSED,
    **dict.fromkeys(("DISABLED", "ARCHIVED", "DELETED", "PENDING_DELETION"), Approval.DISABLED),
}
"""Its events and states of a template. Flagged and locked ones go on being sent."""
STATUS_UPDATE, CATEGORY_UPDATE = "message_template_status_update", "template_category_update"


class Meta:
    """WhatsApp, in approved wordings only."""

    name = "meta"
    channel = Channel.WHATSAPP
    repeats_safely = False
    gap = dt.timedelta(seconds=6)  # its limit for one pair of numbers

    def cost_of(self, text: str) -> int:
        return int(settings.META_WHATSAPP_PAISE)

    def send(self, outgoing: Outgoing) -> SendResult:
        try:
            asked = payload_of(outgoing)
        except Refused as refused:
            return SendResult(Outcome.FAILED, code=refused.code, failure=refused.failure)
        return post(_url(settings.META_PHONE_NUMBER_ID, "messages"), result_of, json=asked, headers=sign_in())


def sign_in() -> dict[str, str]:
    """Who we are, to Meta."""
    return {"Authorization": f"Bearer {settings.META_ACCESS_TOKEN}"}


def _url(of: str, what: str) -> str:
    return f"{base_url('META_BASE_URL')}/{settings.META_GRAPH_VERSION}/{of}/{what}"


def payload_of(outgoing: Outgoing) -> dict[str, Any]:
    """The call for one message. Raises Refused."""
    if not E164.fullmatch(outgoing.address):
        raise Refused("bad_address", Failure.WRONG_NUMBER)
    if len(outgoing.text) > LONGEST_WHATSAPP:
        raise Refused("bad_variables", Failure.BUG)
    call = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": outgoing.address.removeprefix("+"),
        "biz_opaque_callback_data": outgoing.call,
    }
    if outgoing.template in FREE:
        return {**call, "type": "text", "text": {"body": outgoing.text, "preview_url": False}}
    if not outgoing.ref:
        raise Refused("no_template", Failure.TEMPLATE)
    values = [{"type": "text", "text": value} for value in values_of(outgoing.values)]
    return {
        **call,
        "type": "template",
        "template": {
            "name": outgoing.ref.partition("/")[0],
            "language": {"policy": "deterministic", "code": outgoing.language},
            "components": [
                *([{"type": "body", "parameters": values}] if values else []),
                *(_button(index, each, outgoing) for index, each in enumerate(_buttons(outgoing))),
            ],
        },
    }


def _buttons(outgoing: Outgoing) -> Sequence[Mapping[str, str]]:
    """Those of the wording; a code to sign in has one that copies it, which Meta puts there by itself."""
    return [{"kind": URL, "copies": "code"}] if outgoing.template == OTP_LOGIN else outgoing.buttons


def _button(index: int, button: Mapping[str, str], outgoing: Outgoing) -> dict[str, Any]:
    """A button's own part: what it stands for and to which call it belongs, or where it leads."""
    if button["kind"] == URL:
        (token,) = values_of([outgoing.variables.get(button.get("copies", "token"), "")])
        parameter = {"type": "text", "text": token}
    else:
        parameter = {"type": "payload", "payload": button["means"]}
    return {
        "type": "button",
        "sub_type": button["kind"].lower(),
        "index": str(index),
        "parameters": [parameter],
    }


def result_of(response: httpx.Response) -> SendResult:
    """What Meta's answer means: by its code and details, whatever the status."""
    body = json_of(response)
    error = body.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        result = refusal(error)
        if result.failure is None:
            return result_by_status(response, result.code)
        if result.failure == Failure.BUSY:
            wait = retry_after(response.headers.get("Retry-After", ""))
            return SendResult(Outcome.RETRY, code=result.code, failure=Failure.BUSY, retry_after=wait)
        return result
    if not response.is_success:
        return result_by_status(response)
    listed = body.get("messages")
    message = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    named, status = message.get("id"), str(message.get("message_status", "accepted"))
    if not isinstance(named, str) or not named:
        return result_by_status(response)
    if status == "accepted":
        return SendResult(Outcome.ACCEPTED, provider_id=named)
    return _with_outcome(HELD.get(status, Failure.LOST), status[:40], provider_id=named)


def refusal(error: Mapping[str, Any]) -> SendResult:
    """What one of Meta's errors means for the message. `failure` is None for a code we do not know."""
    code = error.get("code")
    failure = CODES.get(code) if isinstance(code, int) else None
    if code in VAGUE:
        said = f"{part(error, 'error_data').get('details', '')} {error.get('message', '')}".lower()
        failure = next((meant for words, meant in DETAILS if words in said), failure)
    return _with_outcome(failure, "" if code is None else str(code)[:40])


def _with_outcome(failure: Failure | None, code: str, *, provider_id: str = "") -> SendResult:
    if failure == Failure.LOST:
        return SendResult(Outcome.UNKNOWN, provider_id=provider_id, code=code, failure=failure)
    return refusal_of(failure, code, provider_id=provider_id)


# --- What it calls back ----------------------------------------------------------------------------


def answer_to(mode: str, token: str, challenge: str) -> str | None:
    """What Meta wants to hear when it checks that an address is ours; None: it is not Meta, or not our address."""
    ours: str = settings.META_WEBHOOK_VERIFY_TOKEN
    is_right = hmac.compare_digest(ours.encode(), token.encode())
    return challenge if ours and is_right and mode == "subscribe" else None


def is_ours(raw: bytes, given: str) -> bool:
    """Whether Meta signed these bytes, with either of our app's secrets."""
    return is_signed(raw, given, (settings.META_APP_SECRET, settings.META_APP_SECRET_OLD))


def heard_in(body: object) -> list[Heard]:
    """All that a batch tells: statuses, what people wrote, and what becomes of wordings. What is broken among it is
    kept as it is, and holds up nothing."""
    return [
        heard
        for entry in _listed(part(body).get("entry"))
        for change in _listed(entry.get("changes"))
        for heard in _heard_in(change, entry.get("time"))
    ]


def _heard_in(change: Mapping[str, Any], at: object) -> Iterable[Heard]:
    value, field = part(change, "value"), change.get("field")
    if field in (STATUS_UPDATE, CATEGORY_UPDATE):
        named = f"{value.get('message_template_id')}:{value.get('event') or value.get('new_category')}"
        yield Heard(Callback.About.WORDING, f"{field}:{named}:{at}", {"field": field, **value})
    for status in _listed(value.get("statuses")):
        call = call_of(status.get("biz_opaque_callback_data"))
        key = f"{_name(status)}:{status.get('status')}:{status.get('timestamp')}"
        yield Heard(Callback.About.STATUS, key, status, *call)
    contacts = _listed(value.get("contacts"))
    for message in _listed(value.get("messages")):
        whose = (message.get("from"), message.get("from_user_id"))
        theirs = (each for each in contacts if {each.get("wa_id"), each.get("user_id")} & {*whose} - {None})
        contact = next(theirs, contacts[0] if len(contacts) == 1 else {})
        yield Heard(Callback.About.INBOUND, f"in:{_name(message)}", {"message": message, "contact": contact})


def _listed(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none of what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _name(item: Mapping[str, Any]) -> str:
    """Its id; of one without, what it is made of."""
    named = item.get("id")
    if isinstance(named, str) and named:
        return named
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def told_of(body: Mapping[str, Any]) -> Told | None:
    """What a status tells; None for one we do not know. Raises KeyError where it names no message."""
    state = TOLD.get(str(body["status"]).lower())
    if state is None:
        return None
    errors = _listed(body.get("errors"))
    result = refusal(errors[0] if errors else {})
    # Meta tells that it failed: nothing is unknown about it any more.
    outcome = Outcome.FAILED if result.outcome == Outcome.UNKNOWN else result.outcome
    return Told(
        provider_id=body["id"], state=state, code=result.code, failure=result.failure, outcome=outcome
    )


def inbound_of(body: Mapping[str, Any]) -> Inbound:
    """What somebody wrote, or which button he tapped. Raises KeyError where there is nothing of the kind.

    A button that came with a wording is a `button`, one in a conversation an `interactive`; `context` names the
    message it belongs to, and does not always come. Who has a user name may have no number (`from` and `wa_id`).
    """
    message, contact = body["message"], part(body, "contact")
    context = part(message, "context")
    kind = message.get("type")
    text, button = part(message, "text").get("body"), None
    if kind == "button":
        tapped = part(message, "button")
        text, button = tapped.get("text"), tapped.get("payload")
    elif kind == "interactive":
        tapped = part(message, "interactive", "button_reply")
        text, button = tapped.get("title"), tapped.get("id")
    number = str(message.get("from") or contact.get("wa_id") or "")
    return Inbound(
        provider_id=message["id"],
        address=f"+{number}" if E164.fullmatch(f"+{number}") else "",
        text=str(text or ""),
        button=str(button or ""),
        answers=str(context.get("id") or ""),
        is_forwarded=bool(context.get("forwarded") or context.get("frequently_forwarded")),
    )


def wording_of(body: Mapping[str, Any]) -> tuple[str, WordingStatus] | None:
    """Which wording an event is about, and what becomes of it; None where nothing that matters does. Raises KeyError
    where it names none."""
    ref = _ref_of(body["message_template_name"], body["message_template_language"])
    if body["field"] == CATEGORY_UPDATE:
        category = _category_of(body.get("new_category"))
        return (ref, WordingStatus(None, category)) if category else None
    state = APPROVALS.get(str(body["event"]).upper())
    return (ref, WordingStatus(state, reason=_reason_of(body.get("reason")))) if state else None


def _ref_of(name: str, language: str) -> str:
    """Our name for a template: both languages of a wording have the same one there."""
    return f"{name}/{language}"


def _category_of(said: object) -> str:
    category = str(said or "").lower()
    return category if category in Category.values else ""


def _reason_of(said: object) -> str:
    return "" if said in (None, "", "NONE") else str(said)


# --- Its approval of wordings ----------------------------------------------------------------------


class MetaDoor:
    """Meta's review of wordings."""

    def submit(self, template: MessageTemplate) -> str:
        body, order = numbered(template.body)
        values = samples(template.language)
        name = f"{template.name}_{template.version}"
        example = {"example": {"body_text": [[values[each] for each in order]]}} if order else {}
        components: list[dict[str, Any]] = [{"type": "BODY", "text": body, **example}]
        if template.buttons:
            buttons = [_submitted(each, values) for each in template.buttons]
            components.append({"type": "BUTTONS", "buttons": buttons})
        asked = {
            "name": name,
            "language": template.language,
            "category": template.category.upper(),
            "components": components,
        }
        answer = client().post(
            _url(settings.META_WABA_ID, "message_templates"), json=asked, headers=sign_in()
        )
        error = part(json_of(answer), "error")
        if answer.is_client_error:
            said = error.get("error_user_msg") or error.get("message") or answer.status_code
            raise SubmissionRefused(str(said))
        answer.raise_for_status()
        return _ref_of(name, template.language)

    def status(self, ref: str) -> WordingStatus:
        """What became of it. Raises LookupError where Meta does not list it."""
        name = ref.partition("/")[0]
        answer = client().get(
            _url(settings.META_WABA_ID, "message_templates"),
            params={"name": name, "fields": "name,language,status,category,rejected_reason"},
            headers=sign_in(),
        )
        answer.raise_for_status()
        # Meta finds all whose name begins so.
        for each in _listed(json_of(answer).get("data")):
            if _ref_of(str(each.get("name")), str(each.get("language"))) == ref:
                return WordingStatus(
                    APPROVALS.get(str(each.get("status"))),
                    _category_of(each.get("category")),
                    _reason_of(each.get("rejected_reason")),
                )
        raise LookupError(ref)


def _submitted(button: Mapping[str, str], values: Mapping[str, str]) -> dict[str, Any]:
    if button["kind"] == QUICK_REPLY:
        return {"type": QUICK_REPLY, "text": button["text"]}
    address = f"{settings.PUBLIC_BASE_URL}/s/"
    return {"type": URL, "text": button["text"], "url": f"{address}{{{{1}}}}", "example": [values["link"]]}


def door() -> MetaDoor | None:
    """The door of the account there is; None where there is none."""
    return MetaDoor() if settings.META_ACCESS_TOKEN and settings.META_WABA_ID else None
