"""Twilio's Content API: a wording is made there, sent in to WhatsApp for approval, and asked after.

Facts from Twilio's own OpenAPI (content v1) and its page on events of templates.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from malar.kernel.errors import RuleBroken
from notifications.domain import Approval, Category
from notifications.models import MessageTemplate
from notifications.providers import SubmissionRefused, WordingStatus
from notifications.providers.http import NOT_SENT, base_url, client, json_of
from notifications.wordings import QUICK_REPLY, URL, numbered, samples

STATES: Mapping[str, Approval] = {
    "unsubmitted": Approval.DRAFT,
    **dict.fromkeys(("received", "pending"), Approval.SUBMITTED),
    "approved": Approval.APPROVED,
    "rejected": Approval.REJECTED,
    "paused": Approval.PAUSED,
    "disabled": Approval.DISABLED,
}
"""Twilio's words for how far WhatsApp is with a wording; of another word we know nothing."""
EVENT = "com.twilio.messaging.template.approval.updated"


class TwilioContent:
    """The door for wordings of `twilio_whatsapp`. Their name there is the content's (HX…)."""

    def submit(self, template: MessageTemplate) -> str:
        made = self._asked("POST", "/v1/Content", json=content_of(template))
        ref = str(made.get("sid") or "")
        if not ref:
            raise RuleBroken(no_answer(), code="no_answer")
        name = f"{template.name}_{template.language}_{template.version}"
        request = {"name": name, "category": template.category.upper()}
        self._asked("POST", f"/v1/Content/{ref}/ApprovalRequests/whatsapp", json=request)
        return ref

    def status(self, ref: str) -> WordingStatus:
        return status_in(self._asked("GET", f"/v1/Content/{ref}/ApprovalRequests").get("whatsapp"))

    def _asked(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Twilio's answer. Raises SubmissionRefused where it surely did nothing, RuleBroken `no_answer` else."""
        auth = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)
        try:
            answer = client().request(
                method, f"{base_url('TWILIO_CONTENT_BASE_URL')}{path}", auth=auth, **request
            )
        except NOT_SENT as error:
            raise SubmissionRefused(_("It could not be reached.")) from error
        except httpx.TransportError as error:
            raise RuleBroken(no_answer(), code="no_answer") from error
        body = json_of(answer)
        if 400 <= answer.status_code < 500:
            raise SubmissionRefused(str(body.get("message") or answer.status_code))
        if not answer.is_success:
            raise RuleBroken(no_answer(), code="no_answer")
        return body


def door() -> TwilioContent | None:
    """The door, where Twilio's WhatsApp is configured."""
    named = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_WHATSAPP_FROM)
    return TwilioContent() if all(named) else None


def no_answer() -> str:
    return _("No answer came: nobody knows whether it was taken. Try again in five minutes.")


def content_of(template: MessageTemplate) -> dict[str, Any]:
    """A wording as Twilio's Content API takes it, with sample values for whoever approves it.

    The end of the address behind a button is the variable after those of the text (`twilio.TwilioWhatsApp`).
    """
    body, order = numbered(template.body)
    values = samples(template.language)
    variables = {str(number): values[name] for number, name in enumerate(order, start=1)}
    last = len(order) + 1
    actions = [_action(button, last) for button in template.buttons]
    kinds = {button["kind"] for button in template.buttons}
    if URL in kinds:
        variables[str(last)] = values["link"].rsplit("/", 1)[-1]
        types = {"whatsapp/card": {"body": body, "actions": actions}}
    elif kinds:
        types = {"twilio/quick-reply": {"body": body, "actions": actions}}
    else:
        types = {"twilio/text": {"body": body}}
    return {
        "friendly_name": f"{template.name} {template.language} {template.version}",
        "language": template.language,
        "variables": variables,
        "types": types,
    }


def _action(button: Mapping[str, str], last: int) -> dict[str, str]:
    said = {"type": button["kind"], "title": button["text"]}
    if button["kind"] == QUICK_REPLY:
        return said | {"id": button["means"]}
    # WhatsApp takes a variable at the end of an address only.
    return said | {"url": f"{settings.PUBLIC_BASE_URL}/s/{{{{{last}}}}}"}


def status_in(said: Any) -> WordingStatus:
    """What stands in the answer to the question after a content."""
    said = said if isinstance(said, dict) else {}
    state = str(said.get("status") or "unsubmitted").lower()
    return WordingStatus(
        STATES.get(state), _category(said.get("category")), str(said.get("rejection_reason") or "")
    )


def wording_of(event: Mapping[str, Any]) -> tuple[str, WordingStatus] | None:
    """Which content an event is about, and what became of it; None for what says nothing of that.

    Raises KeyError, TypeError for one that is not as it is documented.
    """
    if event["type"] != EVENT:
        return None
    data = event["data"]
    ref, value = str(data["template"]["sid"]), str(data["template"].get("currentValue") or "").lower()
    if data["type"] == "status_update" and value in STATES:
        return ref, WordingStatus(STATES[value])
    if data["type"] == "category_update" and _category(value):
        return ref, WordingStatus(None, _category(value))
    return None


def _category(said: Any) -> str:
    category = str(said or "").lower()
    return category if category in Category.values else ""
