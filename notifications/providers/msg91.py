"""MSG91: SMS in India, in the short forms that the operators registered (DLT), and what it reports.

Facts from its help pages and old API documents (docs/notifications.md); what those do not say was seen in public
clients only. It discards a request that comes twice within ten seconds, which is no idempotency key.
"""

import datetime as dt
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx
from django.conf import settings

from notifications.domain import Channel, Failure, State
from notifications.models import Callback
from notifications.providers import Heard, Outcome, Outgoing, SendResult, Told, call_of
from notifications.providers.http import (
    E164,
    Refused,
    base_url,
    json_of,
    post,
    refusal_of,
    result_by_status,
)
from notifications.wordings import SMS_VARIABLES, fits, sms_size

CODES: Mapping[str, Failure] = {
    **dict.fromkeys(("207", "208", "301", "302", "306", "401", "418"), Failure.ACCOUNT),
    **dict.fromkeys(("101", "102", "103", "104", "105", "106", "107", "202", "203", "310"), Failure.BUG),
    # Discarded as the same within ten seconds: so the earlier one was taken, and perhaps sent.
    "311": Failure.LOST,
}
"""What its codes mean; 418 is an address of ours that it was not told of."""
REFUSALS: tuple[tuple[str, str, Failure], ...] = (
    ("template", "no_template", Failure.TEMPLATE),
    ("flow", "no_template", Failure.TEMPLATE),
    ("auth", "auth", Failure.ACCOUNT),
    ("balance", "balance", Failure.ACCOUNT),
    ("whitelist", "whitelist", Failure.ACCOUNT),
    ("mobile", "bad_address", Failure.WRONG_NUMBER),
)
"""What it says where it gives no code, in small letters; our code for it; and what that means."""

TOLD = {"1": State.DELIVERED, **dict.fromkeys(("2", "9", "16", "17", "25"), State.FAILED)}
FAILED: Mapping[str, Failure] = {
    "2": Failure.HANDSET,
    **dict.fromkeys(("9", "17"), Failure.OPTED_OUT),
    # Rejected by the operator: the text is not the registered one, or a variable is not what its tag says.
    **dict.fromkeys(("16", "25"), Failure.TEMPLATE),
}
NAMES = {"delivered": "1", "failed": "2", "ndnc": "9", "rejected": "16", "blocked": "17"}
"""Its statuses where a webhook of one's own design says them in words."""


class Msg91:
    """SMS in registered wordings only. It is charged when it fails, too, but not when it is refused."""

    name = "msg91"
    channel = Channel.SMS
    repeats_safely = False
    gap = dt.timedelta()

    def cost_of(self, text: str) -> int:
        return int(settings.MSG91_SMS_PAISE) * sms_size(text).parts

    def send(self, outgoing: Outgoing) -> SendResult:
        try:
            asked = payload_of(outgoing)
        except Refused as refused:
            return SendResult(Outcome.FAILED, code=refused.code, failure=refused.failure)
        key = {"authkey": settings.MSG91_AUTH_KEY}
        return post(f"{base_url('MSG91_BASE_URL')}/api/v5/flow", result_of, json=asked, headers=key)


def payload_of(outgoing: Outgoing) -> dict[str, Any]:
    """The call for one message: the variables of its short form by their names. Raises Refused for one that its tag
    does not allow: the operator would drop the SMS, paid for."""
    if not E164.fullmatch(outgoing.address):
        raise Refused("bad_address", Failure.WRONG_NUMBER)
    tags = SMS_VARIABLES.get(outgoing.template, {})
    if not outgoing.ref or not tags:
        raise Refused("no_template", Failure.TEMPLATE)
    values = {name: outgoing.variables.get(name, "") for name in tags}
    if not all(fits(tag, values[name]) for name, tag in tags.items()):
        raise Refused("bad_variables", Failure.BUG)
    sender = settings.MSG91_SENDER_ID
    return {
        "template_id": outgoing.ref,
        # A shortened address is on no operator's white list.
        "short_url": "0",
        "realTimeResponse": "1",
        **({"sender": sender} if sender else {}),
        # Its help page has it here for one and beside each number for many; this is a list of one.
        "CRQID": outgoing.call,
        "recipients": [
            {"mobiles": outgoing.address.removeprefix("+"), "CRQID": outgoing.call, **values},
        ],
    }


def result_of(response: httpx.Response) -> SendResult:
    """What its answer means. `type` counts, not the status: a refusal comes with 200, too."""
    body = json_of(response)
    status = response.status_code
    if status == 429 or not (response.is_success or response.is_client_error):
        return result_by_status(response)
    said = body.get("message")
    if response.is_success and body.get("type") == "success":
        if isinstance(said, str) and said:
            return SendResult(Outcome.ACCEPTED, provider_id=said)
        return result_by_status(response)
    if response.is_success and body.get("type") != "error":
        return result_by_status(response)
    for code in (str(body.get("code") or ""), str(status)):
        if code in CODES:
            return _refusal(code)
    for words, code, failure in REFUSALS:
        if words in str(said).lower():
            return refusal_of(failure, code)
    return refusal_of(Failure.BUG, "refused") if response.is_success else result_by_status(response)


def _refusal(code: str) -> SendResult:
    if CODES[code] == Failure.LOST:
        return SendResult(Outcome.UNKNOWN, code=code, failure=Failure.LOST)
    return refusal_of(CODES[code], code)


def is_set_up() -> bool:
    """Whether there is an account: then a short form must be registered before it is said."""
    return bool(settings.MSG91_AUTH_KEY)


# --- What it reports -------------------------------------------------------------------------------


def is_ours(secret: str) -> bool:
    """Whether an address names our secret, either of them. MSG91 signs nothing: who knows the address is believed."""
    secrets = [each for each in (settings.MSG91_WEBHOOK_SECRET, settings.MSG91_WEBHOOK_SECRET_OLD) if each]
    return any(hmac.compare_digest(each.encode(), secret.encode()) for each in secrets)


def said_in(raw: bytes, content_type: str) -> object:
    """What a body holds: JSON, or a form with JSON in its field `data`. Raises ValueError."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        fields = parse_qs(raw.decode(), max_num_fields=100)
        return json.loads(fields.get("data", ["[]"])[0], parse_constant=str)
    return json.loads(raw, parse_constant=str)


def heard_in(body: object) -> list[Heard]:
    """The reports in a body, one for each number: of its webhook v2 (a list, each with its `report`), v3 and new
    (flat). Those of v4 name no request and are nobody's."""
    return [_heard(report) for report in _reports(body) if report.get("requestId")]


def _reports(body: object) -> Iterable[dict[str, Any]]:
    if isinstance(body, list):
        for each in body:
            yield from _reports(each)
        return
    if not isinstance(body, dict):
        return
    if isinstance(body.get("data"), str):
        try:
            inside = json.loads(body["data"], parse_constant=str)
        except ValueError:
            return
        yield from _reports(inside)
        return
    if not isinstance(body.get("report"), list):
        yield body
        return
    for each in body["report"]:
        if isinstance(each, dict):
            yield {**each, "requestId": body.get("requestId")}


def _heard(report: Mapping[str, Any]) -> Heard:
    named = [call_of(report.get(name)) for name in ("CRQID", "clientId", "clientid", "UUID")]
    message_id, attempt = next((each for each in named if each[0]), (None, None))
    key = f"{report['requestId']}:{_number(report)}:{report.get('status')}"
    return Heard(Callback.About.STATUS, key, report, message_id, attempt)


def _number(report: Mapping[str, Any]) -> str:
    return str(report.get("number") or report.get("telNum") or "").removeprefix("+")


def told_of(body: Mapping[str, Any]) -> Told | None:
    """What a report tells; None for a status we do not know. Raises KeyError where it names no number.

    The number must be the message's: nothing but the address of the webhook says that it is MSG91 who reports.
    """
    status = str(body["status"]).strip().lower()
    code = NAMES.get(status, status)
    if code not in TOLD:
        return None
    number = _number(body)
    if not number:
        raise KeyError("number")
    failure = FAILED.get(code)
    return Told(
        provider_id=str(body["requestId"]),
        state=TOLD[code],
        code=code if failure else "",
        failure=failure,
        outcome=Outcome.FAILED,
        address=f"+{number}",
    )
