"""Interakt: WhatsApp through its message API, what it calls back, and its approval of wordings.

Facts from its Postman collection and resource centre (docs/notifications.md); what those do not say was seen in
public clients only. It knows no idempotency key: what may have been sent must not be sent again.
"""

import datetime as dt
import re
from collections.abc import Mapping
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
    meta,
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
    values_of,
)
from notifications.wordings import URL, numbered, samples

REFUSALS: tuple[tuple[str, str, Failure], ...] = (
    ("no approved template", "no_template", Failure.TEMPLATE),
    # The template is billed as something else than we asked for.
    ("category", "category", Failure.TEMPLATE),
    # Free text outside the 24 hours. We send wordings only, so it is a mistake of ours.
    ("within last 24 hours", "window", Failure.BUG),
    ("not available for the organization", "no_customer", Failure.NOT_THERE),
    ("rate limit", "rate_limit", Failure.BUSY),
)
"""What it says when it refuses, in small letters; our code for it; and what that means."""
META_CODE = re.compile(r"[0-9]{6}")
CODES: Mapping[str, Failure] = {"1013": Failure.NOT_THERE}
"""What the codes of failed messages mean."""

TOLD = {
    "message_api_sent": State.SENT,
    "message_api_delivered": State.DELIVERED,
    "message_api_read": State.READ,
    "message_api_failed": State.FAILED,
}
"""Its events about our messages, as states of ours."""
CLICKED, RECEIVED, WORDING = "message_api_clicked", "message_received", "message_template_status_update"

LANGUAGES = {"ta": "Tamil", "en": "English"}
APPROVALS = {
    "PENDING": Approval.SUBMITTED,
    "IN_APPEAL": Approval.SUBMITTED,
    "APPROVED": Approval.APPROVED,
    "REJECTED": Approval.REJECTED,
    "PAUSED": Approval.PAUSED,
    "DISABLED": Approval.DISABLED,
    "DELETED": Approval.DISABLED,
}
MOST_PAGES = 60
WORDS = frozenset({"message", "raw_template"})
"""The parts of an event in which Interakt repeats what we sent."""


class Interakt:
    """WhatsApp, in approved wordings only."""

    name = "interakt"
    channel = Channel.WHATSAPP
    repeats_safely = False
    gap = dt.timedelta(seconds=6)  # Meta's limit for one pair of numbers

    def cost_of(self, text: str) -> int:
        return int(settings.INTERAKT_WHATSAPP_PAISE)

    def send(self, outgoing: Outgoing) -> SendResult:
        try:
            asked = payload_of(outgoing)
        except Refused as refused:
            return SendResult(Outcome.FAILED, code=refused.code, failure=refused.failure)
        return post(f"{base_url('INTERAKT_BASE_URL')}/message/", result_of, json=asked, headers=sign_in())


def sign_in() -> dict[str, str]:
    """The key as Interakt's settings show it: it is encoded already."""
    return {"Authorization": f"Basic {settings.INTERAKT_API_KEY}"}


def payload_of(outgoing: Outgoing) -> dict[str, Any]:
    """The call for one message. Raises Refused."""
    if not E164.fullmatch(outgoing.address):
        raise Refused("bad_address", Failure.WRONG_NUMBER)
    if len(outgoing.text) > LONGEST_WHATSAPP:
        raise Refused("bad_variables", Failure.BUG)
    call = {"fullPhoneNumber": outgoing.address.removeprefix("+"), "callbackData": outgoing.call}
    if outgoing.template in FREE:
        return {**call, "type": "Text", "data": {"message": outgoing.text}}
    if not outgoing.ref:
        raise Refused("no_template", Failure.TEMPLATE)
    links = {
        str(index): values_of([outgoing.variables.get("token", "")])
        for index, button in enumerate(outgoing.buttons)
        if button["kind"] == URL
    }
    is_code = outgoing.template == OTP_LOGIN
    if is_code:
        links["0"] = values_of([outgoing.variables.get("code", "")])  # the button that copies it
    return {
        **call,
        "type": "Template",
        # Asked for by name, so that a template that became an advertisement is refused and not paid for.
        "template_category": (Category.AUTHENTICATION if is_code else Category.UTILITY).value,
        "template": {
            "name": outgoing.ref.partition("/")[0],
            "languageCode": outgoing.language,
            "bodyValues": values_of(outgoing.values),
            **({"buttonValues": links} if links else {}),
        },
    }


def result_of(response: httpx.Response) -> SendResult:
    """What its answer means. `result` counts, not the status: a refusal comes with 200, too."""
    body = json_of(response)
    if response.status_code == 429 or not (response.is_success or response.is_client_error):
        return result_by_status(response)
    named = body.get("id")
    if response.is_success and body.get("result") is True and isinstance(named, str) and named:
        return SendResult(Outcome.ACCEPTED, provider_id=named)
    said = str(body.get("message", "")).lower()
    for words, code, failure in REFUSALS:
        if body.get("result") is False and words in said:
            return refusal_of(failure, code)
    if response.is_success and body.get("result") is False:
        return refusal_of(Failure.BUG, "refused")
    return result_by_status(response)


# --- What it calls back ----------------------------------------------------------------------------


def is_ours(raw: bytes, given: str) -> bool:
    """Whether Interakt signed these bytes, with either of our secrets."""
    return is_signed(raw, given, (settings.INTERAKT_WEBHOOK_SECRET, settings.INTERAKT_WEBHOOK_SECRET_OLD))


def _without_words(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event about a message of ours without what we said in it: a code or a link would be kept for a month."""
    message = {name: said for name, said in part(event, "data", "message").items() if name not in WORDS}
    return {**event, "data": {**part(event, "data"), "message": message}}


def heard_in(body: object) -> list[Heard]:
    """What one of its calls tells: one thing, or nothing that is ours to know."""
    event = part(body)
    kind = str(event.get("type"))
    message = part(event, "data", "message")
    key = f"{kind}:{message.get('id')}:{event.get('timestamp')}"
    if kind in TOLD:
        named = part(message, "meta_data", "source_data").get("callback_data")
        message_id, attempt = call_of(named)
        return [Heard(Callback.About.STATUS, key, _without_words(event), message_id, attempt)]
    if kind == RECEIVED:
        return [Heard(Callback.About.INBOUND, key, event)]
    if kind == CLICKED and part(message, "meta_data").get("click_type") == "QR":
        return [Heard(Callback.About.INBOUND, key, _without_words(event))]
    if kind == WORDING:
        wording = _wording_in(event)
        about = f"{wording.get('id') or wording.get('name')}:{wording.get('language')}"
        return [Heard(Callback.About.WORDING, f"{kind}:{about}:{event.get('timestamp')}", event)]
    return []


def told_of(body: Mapping[str, Any]) -> Told | None:
    """What an event about a message tells. Raises KeyError where it names none."""
    message = body["data"]["message"]
    code = str(message.get("channel_error_code") or "")
    # Its own are short; six digits are Meta's, which it hands on.
    failure = CODES.get(code) or (meta.CODES.get(int(code)) if META_CODE.fullmatch(code) else None)
    result = refusal_of(failure, code)
    return Told(
        provider_id=message["id"],
        state=TOLD[body["type"]],
        code=result.code,
        failure=result.failure,
        outcome=result.outcome,
    )


def inbound_of(body: Mapping[str, Any]) -> Inbound:
    """What somebody wrote, or which button he tapped. Raises KeyError where there is nothing of the kind.

    A tap is told as a click on our message, whose id is the only one in it: with the words on the button and no
    more. Where what he wrote answers something, only Meta's own `context` would say so.
    """
    message = body["data"]["message"]
    meta, named = part(message, "meta_data"), message["id"]
    tapped = str(meta.get("button_text") or part(meta, "button_payload", "payload").get("text") or "")
    if body["type"] == CLICKED:
        return Inbound(
            provider_id=f"{named}:{body.get('timestamp', '')}",
            address=_address_of(part(body, "data", "customer")),
            text=tapped,
            answers=named,
        )
    context = part(message, "context")
    written = message.get("message")
    return Inbound(
        provider_id=named,
        address=_address_of(part(body, "data", "customer")),
        text=written if isinstance(written, str) and written else tapped,
        answers=str(context.get("id") or ""),
        is_forwarded=bool(context.get("forwarded") or context.get("frequently_forwarded")),
    )


def _address_of(customer: Mapping[str, Any]) -> str:
    """His phone; empty where there is none, or none that can be right."""
    whole = str(customer.get("channel_phone_number") or "")
    parts = f"{customer.get('country_code') or ''}{customer.get('phone_number') or ''}"
    address = "+" + (whole or parts).removeprefix("+")
    return address if E164.fullmatch(address) else ""


def wording_of(body: Mapping[str, Any]) -> tuple[str, WordingStatus] | None:
    """Which wording an event is about, and what becomes of it; None where nothing that matters does."""
    wording = _wording_in(body)
    return _ref_of(wording), _status_of(wording)


def _wording_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """The template of an event: its own object, or the data itself; with the names that Meta's events have, too."""
    data = part(body, "data")
    wording = part(data, "template") or data
    return {
        "id": wording.get("id"),
        "name": wording.get("name") or wording.get("message_template_name"),
        "language": wording.get("language") or wording.get("message_template_language"),
        "category": wording.get("category"),
        "approval_status": wording.get("approval_status") or wording.get("event"),
        "rejection_reason": wording.get("rejection_reason") or wording.get("reason"),
    }


def _ref_of(wording: Mapping[str, Any]) -> str:
    """Our name for a template: both languages of a wording have the same one there."""
    spoken = str(wording.get("language") or "")
    language = {name.lower(): code for code, name in LANGUAGES.items()}.get(spoken.lower(), spoken)
    return f"{wording.get('name')}/{language}"


def _status_of(wording: Mapping[str, Any]) -> WordingStatus:
    category = str(wording.get("category") or "").lower()
    reason = wording.get("rejection_reason")
    return WordingStatus(
        state=APPROVALS.get(str(wording.get("approval_status") or "").upper()),
        category=category if category in Category.values else "",
        reason="" if reason in (None, "NONE") else str(reason),
    )


# --- Its approval of wordings ----------------------------------------------------------------------


class InteraktDoor:
    """Interakt hands wordings on to Meta, and says what became of them."""

    def submit(self, template: MessageTemplate) -> str:
        body, order = numbered(template.body)
        values = samples(template.language)
        name = f"{template.name}_{template.version}"
        asked = {
            "display_name": name,
            "language": LANGUAGES[template.language],
            "category": template.category.capitalize(),
            "header_format": None,
            "body": body,
            "body_text": [values[each] for each in order],
            "footer": None,
            "button_type": template.buttons[0]["kind"] if template.buttons else None,
            "buttons": [_button_of(each, values) for each in template.buttons],
        }
        answer = client().post(
            f"{base_url('INTERAKT_BASE_URL')}/track/templates/", json=asked, headers=sign_in()
        )
        said = json_of(answer)
        if said.get("result") is False or answer.is_client_error:
            raise SubmissionRefused(str(said.get("message") or answer.status_code))
        answer.raise_for_status()
        named = part(said, "data").get("name") or said.get("name") or name
        return f"{named}/{template.language}"

    def status(self, ref: str) -> WordingStatus:
        """What became of it. Raises LookupError where Interakt does not list it."""
        seen = 0
        for _page in range(MOST_PAGES):
            answer = client().get(
                f"{base_url('INTERAKT_BASE_URL')}/track/organization/templates",
                params={"offset": seen, "language": "all"},
                headers=sign_in(),
            )
            answer.raise_for_status()
            said = json_of(answer)
            listed = part(said, "results").get("templates") or []
            for each in listed:
                if _ref_of(each) == ref:
                    return _status_of(each)
            seen += len(listed)
            if not listed or not (said.get("has_next") or part(said, "results").get("has_next")):
                break
        raise LookupError(ref)


def _button_of(button: Mapping[str, str], values: Mapping[str, str]) -> dict[str, Any]:
    if button["kind"] != URL:
        return {"type": button["kind"], "text": button["text"]}
    address = f"{settings.PUBLIC_BASE_URL}/s/"
    return {"type": URL, "text": button["text"], "url": f"{address}{{{{1}}}}", "example": [values["link"]]}


def door() -> InteraktDoor | None:
    """The door of the account there is; None where there is none."""
    return InteraktDoor() if settings.INTERAKT_API_KEY else None
