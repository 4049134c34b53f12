"""Twilio: SMS and WhatsApp through its Messages API, and what it calls back.

Facts from Twilio's own OpenAPI and documentation (docs/notifications.md). It knows no idempotency key: what may have
been sent must not be sent again.
"""

import base64
import datetime as dt
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.domain import FREE, Channel, Failure, State
from notifications.providers import Inbound, Outcome, Outgoing, SendResult, Told
from notifications.providers.http import NOT_SENT, client

CODES: Mapping[int, Failure] = {
    **dict.fromkeys((20429, 14107, 30001, 63017, 63018), Failure.BUSY),
    **dict.fromkeys((63003, 63024, 63033, 21211, 21614), Failure.NOT_THERE),
    **dict.fromkeys((30003, 30005, 30006, 30008), Failure.HANDSET),
    **dict.fromkeys((21610, 63014), Failure.OPTED_OUT),
    **dict.fromkeys((63013, 63027, 63028, 63030, 63040, 63041, 63042), Failure.TEMPLATE),
    **dict.fromkeys((21654, 21655, 21656, 21658), Failure.TEMPLATE),
    **dict.fromkeys((63032, 63049), Failure.DECLINED),
    **dict.fromkeys((20003, 30002, 63020, 63038, 63051, 63001), Failure.ACCOUNT),
    # 63016: free text outside the 24 hours. We look at the clock before, so it is a mistake of ours.
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

LONGEST_BODY = {Channel.SMS: 1600, Channel.WHATSAPP: 1024}
LONGEST_VALID_S = 36_000
E164 = re.compile(r"\+[1-9]\d{7,14}")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
LOOPBACK = ("127.0.0.1", "localhost")
LONGEST_RETRY_AFTER = dt.timedelta(hours=1)
NO_UNITS_OF_GSM = re.compile(r"[^\x20-\x7e\n\r]")


class Refused(Exception):
    """We know without asking that Twilio would not take it; the code is ours."""

    def __init__(self, code: str, failure: Failure) -> None:
        super().__init__(code)
        self.code, self.failure = code, failure


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
        try:
            response = client().post(
                f"{_base_url()}/2010-04-01/Accounts/{account}/Messages.json",
                data=fields,
                auth=(account, settings.TWILIO_AUTH_TOKEN),
            )
        except NOT_SENT:
            return SendResult(Outcome.RETRY, code="away", failure=Failure.AWAY)
        except httpx.TransportError:
            return SendResult(Outcome.UNKNOWN, code="lost", failure=Failure.LOST)
        return result_of(response)

    def _checked(self, outgoing: Outgoing) -> dict[str, str]:
        if not E164.fullmatch(outgoing.address):
            raise Refused("bad_address", Failure.NOT_THERE)
        if len(outgoing.text) > LONGEST_BODY[self.channel]:
            raise Refused("bad_variables", Failure.BUG)
        valid = min(outgoing.valid_s, LONGEST_VALID_S)
        return self.fields(outgoing) | {
            "StatusCallback": status_address(outgoing),
            # Twilio's own default is ten hours, and a message that old does harm.
            "ValidityPeriod": str(valid),
        }


class TwilioWhatsApp(Twilio):
    """WhatsApp, in approved wordings; in our own words only to who has just written to us."""

    name = "twilio_whatsapp"
    channel = Channel.WHATSAPP
    gap = dt.timedelta(seconds=6)  # Meta's limit for one pair of numbers

    def cost_of(self, text: str) -> int:
        return int(settings.TWILIO_WHATSAPP_PAISE)

    def fields(self, outgoing: Outgoing) -> dict[str, str]:
        if outgoing.template in FREE:
            return {
                "To": f"whatsapp:{outgoing.address}",
                "From": f"whatsapp:{settings.TWILIO_WHATSAPP_FROM}",
                "Body": outgoing.text,
            }
        wording = f"{outgoing.template} {outgoing.language} {outgoing.version}"
        content = settings.TWILIO_CONTENT.get(wording)
        if not content:
            raise Refused("no_template", Failure.TEMPLATE)
        values = [value_of(each) for each in outgoing.values]
        if not all(values):
            raise Refused("bad_variables", Failure.BUG)
        numbered = {str(number): value for number, value in enumerate(values, start=1)}
        return {
            "To": f"whatsapp:{outgoing.address}",
            "From": f"whatsapp:{settings.TWILIO_WHATSAPP_FROM}",
            "ContentSid": content,
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


def value_of(text: str) -> str:
    """A variable as WhatsApp takes it: one line, no runs of blanks, nothing invisible."""
    return " ".join(text.translate(INVISIBLE).split())


def status_address(outgoing: Outgoing) -> str:
    """Where Twilio tells what became of this call: the address names it, so it is known before we know Twilio's id."""
    return f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/status/{outgoing.message_id}/{outgoing.attempt}/"


def _base_url() -> str:
    base: str = settings.TWILIO_BASE_URL
    url = urlsplit(base)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise ImproperlyConfigured("TWILIO_BASE_URL must be https: the token goes there.")
    return base


def result_of(response: httpx.Response) -> SendResult:
    """What Twilio's answer means. Whatever is not its own kind of answer is no proof of anything."""
    body = _json(response)
    status = response.status_code
    if status == 429:
        # "Requests that receive 429 responses aren't processed and are safe to retry".
        wait = retry_after(response.headers.get("Retry-After", ""))
        return SendResult(Outcome.RETRY, code=_code(body) or "429", failure=Failure.BUSY, retry_after=wait)
    if status >= 500:
        return SendResult(Outcome.UNKNOWN, code=str(status), failure=Failure.LOST)
    if 200 <= status < 300:
        sid = body.get("sid")
        if not isinstance(sid, str) or not sid:
            return SendResult(Outcome.UNKNOWN, code="no_sid", failure=Failure.LOST)
        if TOLD.get(str(body.get("status"))) == State.FAILED:
            return refusal(body.get("error_code"), provider_id=sid)
        return SendResult(Outcome.ACCEPTED, provider_id=sid)
    if status < 400:
        # Something between us and Twilio wants us elsewhere. We did not go.
        return SendResult(Outcome.RETRY, code=str(status), failure=Failure.AWAY)
    result = refusal(body.get("code"))
    if result.failure is None:
        account = status in (401, 403)
        failure = Failure.ACCOUNT if account else Failure.BUG
        outcome = Outcome.RETRY if account else Outcome.FAILED
        return SendResult(outcome, code=result.code or str(status), failure=failure)
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


def retry_after(text: str) -> dt.timedelta | None:
    """How long we are asked to wait, in seconds and within reason; dates are left to our own backoff."""
    return min(dt.timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER) if text.isdecimal() else None


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


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


def inbound_of(body: Mapping[str, str]) -> Inbound:
    """What somebody wrote to us or tapped. Raises KeyError where it has no id.

    Who has hidden his number behind a name comes without one; which of our messages he answers is told all the same.
    """
    sender = body.get("From", "")
    number = sender.removeprefix("whatsapp:")
    forwarded = (body.get(name, "").lower() for name in ("Forwarded", "FrequentlyForwarded"))
    return Inbound(
        provider_id=body["MessageSid"],
        address=number if E164.fullmatch(number) else "",
        text=body.get("ButtonText") or body.get("Body", ""),
        button=body.get("ButtonPayload", ""),
        answers=body.get("OriginalRepliedMessageSid", ""),
        is_forwarded="true" in forwarded,
        is_sms=not sender.startswith("whatsapp:"),
    )
