"""Twilio: SMS and WhatsApp through its Messages API, and what it calls back.

Facts from Twilio's own OpenAPI and documentation (docs/notifications.md). It knows no idempotency key: what may have
been sent must not be sent again.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings

from notifications.domain import Channel, Failure, State
from notifications.providers import Outcome, Outgoing, SendResult, Told
from notifications.providers.http import (
    E164,
    LONGEST_WHATSAPP,
    Refused,
    base_url,
    client,
    json_of,
    post,
    result_by_status,
    value_of,
    values_of,
)
from notifications.wordings import URL

CODES: Mapping[int, Failure] = {
    **dict.fromkeys((20429, 14107, 30001, 63017, 63018), Failure.BUSY),
    **dict.fromkeys((63003, 63024, 63033, 21614), Failure.NOT_THERE),
    21211: Failure.WRONG_NUMBER,
    **dict.fromkeys((30003, 30005, 30006, 30008), Failure.HANDSET),
    **dict.fromkeys((21610, 63014), Failure.OPTED_OUT),
    **dict.fromkeys((63013, 63027, 63028, 63030, 63040, 63041, 63042), Failure.TEMPLATE),
    **dict.fromkeys((21654, 21655, 21656, 21658), Failure.TEMPLATE),
    **dict.fromkeys((63032, 63049), Failure.DECLINED),
    **dict.fromkeys((20003, 30002, 63020, 63038, 63051, 63001), Failure.ACCOUNT),
    # 63016: free text outside the 24 hours. We send wordings only, so it is a mistake of ours.
    **dict.fromkeys((21602, 21604, 21617, 20404, 63016), Failure.BUG),
}
"""What Twilio's error codes mean for us; a code that is not here is a refusal we know nothing better about."""
WORTH_ANOTHER_TRY = (30003, 30008)
"""Of the phone's failures, those that may be over in half an hour."""

TOLD = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending"), State.ACCEPTED),
    "sent": State.SENT,
    **dict.fromkeys(("delivered", "partially_delivered"), State.DELIVERED),
    "read": State.READ,
    **dict.fromkeys(("failed", "undelivered", "canceled"), State.FAILED),
}
"""Twilio's statuses as ours."""

LONGEST_BODY = {Channel.SMS: 1600, Channel.WHATSAPP: LONGEST_WHATSAPP}
LONGEST_VALID_S = 36_000
DAY = dt.timedelta(days=1)
NO_UNITS_OF_GSM = re.compile(r"[^\x20-\x7e\n\r]")


class Twilio:
    """What both of Twilio's ways have in common."""

    name: str
    channel: Channel
    repeats_safely = False
    gap = dt.timedelta()

    def cost_of(self, text: str) -> int:
        raise NotImplementedError

    def fields(self, outgoing: Outgoing) -> dict[str, str]:
        """What is special about this way: to, from, and the text or the wording. Raises Refused."""
        raise NotImplementedError

    def send(self, outgoing: Outgoing) -> SendResult:
        try:
            fields = self._checked(outgoing)
        except Refused as refused:
            return SendResult(Outcome.FAILED, code=refused.code, failure=refused.failure)
        account = settings.TWILIO_ACCOUNT_SID
        return post(
            f"{base_url('TWILIO_BASE_URL')}/2010-04-01/Accounts/{account}/Messages.json",
            result_of,
            data=fields,
            auth=(account, settings.TWILIO_AUTH_TOKEN),
        )

    def address(self, phone: str) -> str:
        """The phone as Twilio names it on this way."""
        return phone

    def ask(self, provider_id: str) -> Told | None:
        found = _fetched(f"/{provider_id}.json")
        return told_in(found) if found else None

    def look_for(self, address: str, text: str, since: dt.datetime, until: dt.datetime) -> list[Told] | None:
        days = {"DateSent>": f"{since - DAY:%Y-%m-%d}", "DateSent<": f"{until + DAY:%Y-%m-%d}"}
        page = _fetched(".json", {"To": self.address(address), **days, "PageSize": "100"})
        listed = page.get("messages")
        if not isinstance(listed, list) or page.get("next_page_uri"):
            return None
        found = []
        for each in listed:
            try:
                made = parsedate_to_datetime(each["date_created"])
                is_it = since <= made <= until and value_of(each["body"]) == value_of(text)
            except (KeyError, TypeError, ValueError, AttributeError):
                return None
            if not is_it or each.get("to") != self.address(address):
                continue
            told = told_in(each)
            if told is None:
                return None
            found.append(told)
        return found

    def _checked(self, outgoing: Outgoing) -> dict[str, str]:
        if not E164.fullmatch(outgoing.address):
            raise Refused("bad_address", Failure.WRONG_NUMBER)
        if len(outgoing.text) > LONGEST_BODY[self.channel]:
            raise Refused("bad_variables", Failure.BUG)
        valid = min(outgoing.valid_s, LONGEST_VALID_S)
        return self.fields(outgoing) | {
            "StatusCallback": status_address(outgoing),
            # Twilio's own default is ten hours, and a message that old does harm.
            "ValidityPeriod": str(valid),
        }


class TwilioWhatsApp(Twilio):
    """WhatsApp, in approved wordings only."""

    name = "twilio_whatsapp"
    channel = Channel.WHATSAPP
    gap = dt.timedelta(seconds=6)  # Meta's limit for one pair of numbers

    def address(self, phone: str) -> str:
        return f"whatsapp:{phone}"

    def cost_of(self, text: str) -> int:
        return int(settings.TWILIO_WHATSAPP_PAISE)

    def fields(self, outgoing: Outgoing) -> dict[str, str]:
        if not outgoing.ref:
            raise Refused("no_template", Failure.TEMPLATE)
        texts = list(outgoing.values)
        if any(button["kind"] == URL for button in outgoing.buttons):
            # The end of its address is the variable after those of the text.
            texts.append(outgoing.variables.get("token", ""))
        numbered = {str(number): value for number, value in enumerate(values_of(texts), start=1)}
        return {
            "To": self.address(outgoing.address),
            "From": f"whatsapp:{settings.TWILIO_WHATSAPP_FROM}",
            "ContentSid": outgoing.ref,
            "ContentVariables": json.dumps(numbered, ensure_ascii=False),
        }


class TwilioSms(Twilio):
    """SMS. In India the sender and each wording have to be registered with Twilio (DLT)."""

    name = "twilio_sms"
    channel = Channel.SMS

    def cost_of(self, text: str) -> int:
        return int(settings.TWILIO_SMS_PAISE) * segments(text)

    def fields(self, outgoing: Outgoing) -> dict[str, str]:
        service = settings.TWILIO_MESSAGING_SERVICE_SID
        sender = {"MessagingServiceSid": service} if service else {"From": settings.TWILIO_SMS_FROM}
        return {"To": outgoing.address, "Body": outgoing.text} | sender


def segments(text: str) -> int:
    """How many SMS a text takes, at most: whatever is not plain ASCII is counted in UTF-16 units."""
    if NO_UNITS_OF_GSM.search(text):
        units, one, more = len(text.encode("utf-16-be")) // 2, 70, 67
    else:
        units, one, more = len(text) + len(re.findall(r"[\^{}\[\]~|\\]", text)), 160, 153
    return 1 if units <= one else math.ceil(units / more)


def status_address(outgoing: Outgoing) -> str:
    """Where Twilio tells what became of this call: the address names it, so it is known before we know Twilio's id."""
    return f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/status/{outgoing.message_id}/{outgoing.attempt}/"


def _fetched(path: str, asked: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What Twilio answers to a question about messages; empty where it does not."""
    account = settings.TWILIO_ACCOUNT_SID
    try:
        response = client().get(
            f"{base_url('TWILIO_BASE_URL')}/2010-04-01/Accounts/{account}/Messages{path}",
            params=dict(asked or {}),
            auth=(account, settings.TWILIO_AUTH_TOKEN),
        )
    except httpx.TransportError:
        return {}
    return json_of(response) if response.status_code == 200 else {}


def told_in(message: Mapping[str, Any]) -> Told | None:
    """What one of Twilio's own messages, as it is asked after, says; None for what we do not understand."""
    state, sid = TOLD.get(str(message.get("status")).lower()), message.get("sid")
    if state is None or not isinstance(sid, str):
        return None
    result = refusal(message.get("error_code"))
    return Told(sid, state, result.code, result.failure, result.outcome)


def result_of(response: httpx.Response) -> SendResult:
    """What Twilio's answer means. Whatever is not its own kind of answer is no proof of anything."""
    body = json_of(response)
    status = response.status_code
    if 200 <= status < 300:
        sid = body.get("sid")
        if not isinstance(sid, str) or not sid:
            return SendResult(Outcome.UNKNOWN, code="no_sid", failure=Failure.LOST)
        if TOLD.get(str(body.get("status"))) == State.FAILED:
            return refusal(body.get("error_code"), provider_id=sid)
        return SendResult(Outcome.ACCEPTED, provider_id=sid)
    if status < 400 or status >= 500:
        return result_by_status(response)
    result = refusal(body.get("code"))
    # "Requests that receive 429 responses aren't processed and are safe to retry".
    if status == 429 or result.failure is None:
        return result_by_status(response, _code(body))
    return result


def refusal(code: object, *, provider_id: str = "") -> SendResult:
    """What one of Twilio's error codes means for the message."""
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else 0
    failure = CODES.get(number)
    again = failure in (Failure.BUSY, Failure.ACCOUNT) or number in WORTH_ANOTHER_TRY
    return SendResult(
        Outcome.RETRY if again else Outcome.FAILED,
        provider_id=provider_id,
        code=str(number or ""),
        failure=failure,
    )


def _code(body: Mapping[str, Any]) -> str:
    return str(body.get("code") or "")


# --- What Twilio calls back ------------------------------------------------------------------------


def signature_of(token: str, url: str, fields: Mapping[str, Iterable[str]]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the address and each field by name; of repeated fields each value once."""
    signed = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    mac = hmac.new(token.encode(), signed.encode(), "sha1")
    return base64.b64encode(mac.digest()).decode()


def is_signed(url: str, fields: Mapping[str, Iterable[str]], given: str) -> bool:
    """Whether Twilio signed this, with either of our tokens. Twilio signs the port in some cases and not in others."""
    tokens = [token for token in (settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_OLD) if token]
    right = [
        signature_of(token, each, fields) for token in tokens for each in (with_port(url), without_port(url))
    ]
    return any(hmac.compare_digest(each.encode(), given.encode()) for each in right)


def is_signed_as_it_is(url: str, raw: bytes, body_hash: str, given: str) -> bool:
    """Whether Twilio signed this body, which is no form: the address has its SHA-256, and is signed alone."""
    right = hashlib.sha256(raw).hexdigest()
    return hmac.compare_digest(right.encode(), body_hash.lower().encode()) and is_signed(url, {}, given)


def with_port(url: str) -> str:
    """The address with its port."""
    parts = urlsplit(url)
    if parts.port:
        return url
    port = 443 if parts.scheme == "https" else 80
    return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))


def without_port(url: str) -> str:
    """The address without a port."""
    parts = urlsplit(url)
    if not parts.port:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.removesuffix(f":{parts.port}")))


def told_of(body: Mapping[str, str]) -> Told | None:
    """What a status callback tells; None for a status we do not know. Raises KeyError where it names no message.

    Fields come and go ("subject to change", says Twilio): only these two are asked for.
    """
    state = TOLD.get(body["MessageStatus"].lower())
    if state is None:
        return None
    result = refusal(body.get("ErrorCode", ""))
    return Told(
        provider_id=body["MessageSid"],
        state=state,
        code=result.code,
        failure=result.failure,
        outcome=result.outcome,
    )
