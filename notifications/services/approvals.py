"""New versions of wordings, and what providers say of them.

A provider that approves wordings has a door in `doors`, by its name; a provider without one takes any wording.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.models import Membership, Shop
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.transactions import in_unit, step, unit_of_work
from malar.trail.services.events import record
from notifications.domain import FREE, VARIABLES, Approval, Failure, State, other_way
from notifications.events import WordingStopped
from notifications.models import Message, MessageTemplate, TemplateApproval
from notifications.providers import SubmissionRefused, TemplateDoor, WordingStatus, msg91, provider_in_use
from notifications.selectors import may_word
from notifications.wordings import DLT_ID, PROVIDERS_ID, faults_of

log = structlog.get_logger(__name__)

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,119}")
ASKED_IN_VAIN = dt.timedelta(minutes=5)
"""After so long a submission of which no answer came may be made again."""


doors: dict[str, TemplateDoor] = {}
"""Provider → its door. Filled by the providers that approve wordings."""


# --- Wording ----------------------------------------------------------------------------------------


@unit_of_work
def word_anew(
    *, by: Membership, name: str, language: str, body: str, sms: str = "", buttons: Sequence[Any] = ()
) -> MessageTemplate:
    """What `begin_version` does, in a unit of its own."""
    new = MessageTemplate(name=name, language=language, body=body, sms=sms, buttons=list(buttons))
    return begin_version(by, new)


@step
def begin_version(by: Membership, new: MessageTemplate) -> MessageTemplate:
    """Keep a new version of a wording. It is not in use before somebody puts it in use.

    Raises NotAllowed for who may not word, RuleBroken naming what is wrong with it.
    """
    _demand_may_word(by)
    new.body, new.sms = new.body.replace("\r\n", "\n"), new.sms.replace("\r\n", "\n")
    if faults := _faults(new.name, new.language, new.body, new.sms, new.buttons):
        raise RuleBroken(faults[0].detail, code="wording", faults=faults)
    versions = MessageTemplate.objects.filter(name=new.name, language=new.language)
    newest = versions.order_by("-version").select_for_update().first()
    if newest is not None:
        new.version, new.category = newest.version + 1, newest.category
    new.is_active = False
    new.save(force_insert=True)
    return new


@unit_of_work
def put_in_use(*, by: Membership, template_id: UUID) -> MessageTemplate:
    """Say it from now on instead of the version in use. What is queued keeps its words.

    Raises NotAllowed for who may not word, RuleBroken `not_approved` where a provider that approves wordings has
    not approved it, `not_registered` where its short form goes by MSG91 and the operators do not know it.
    """
    _demand_may_word(by)
    template = MessageTemplate.objects.get(pk=template_id)
    versions = MessageTemplate.objects.filter(name=template.name, language=template.language)
    list(versions.select_for_update().order_by("pk"))
    approved = {each.provider for each in template.approvals.select_related("template") if each.lets_send}
    if template.name not in FREE and (lacking := sorted(set(doors) - approved)):
        words = _("%(providers)s has not approved it yet.") % {"providers": ", ".join(lacking)}
        raise RuleBroken(words, code="not_approved")
    is_registered = template.approvals.filter(provider="msg91").exclude(dlt_id="").exclude(ref="").exists()
    if template.sms and msg91.is_set_up() and not is_registered:
        words = _("Its short form is not registered yet: its DLT number and its ID with MSG91 are missing.")
        raise RuleBroken(words, code="not_registered")
    versions.filter(is_active=True).exclude(pk=template.pk).update(is_active=False)
    versions.filter(pk=template.pk).update(is_active=True)
    template.refresh_from_db()
    return template


def _faults(name: str, language: str, body: str, sms: str, buttons: Sequence[Any]) -> list[Fault]:
    if name not in VARIABLES:
        return [Fault("/name", "unknown", _("There is no such message."))]
    return faults_of(name=name, language=language, body=body, sms=sms, buttons=buttons)


def _demand_may_word(by: Membership) -> None:
    if not may_word(by):
        raise NotAllowed(
            _("These words are said for every shop of this house: only its keeper changes them.")
        )


# --- Approval ---------------------------------------------------------------------------------------


def submit(*, by: Membership, template_id: UUID, provider: str) -> TemplateApproval:
    """Send a version in for approval by a provider. It is called outside any transaction.

    Raises NotAllowed, KeyError for a provider without a door, Conflict `submitted` where it was sent in already,
    RuleBroken where the wording has faults, SubmissionRefused.
    """
    door = doors[provider]
    approval = in_unit(lambda: _claimed(by, template_id, provider), by=by)
    try:
        ref = door.submit(approval.template)
    except SubmissionRefused as error:
        said = str(error)[:200]
        in_unit(lambda: _write(approval, state=Approval.DRAFT, reason=said), by=by)
        raise
    in_unit(lambda: _write(approval, ref=ref, reason=""), by=by)
    return approval


@step
def _claimed(by: Membership, template_id: UUID, provider: str) -> TemplateApproval:
    """The approval as sent in, so that nobody else sends it in at the same time."""
    _demand_may_word(by)
    template = MessageTemplate.objects.get(pk=template_id)
    faults = _faults(template.name, template.language, template.body, template.sms, template.buttons)
    if faults:
        raise RuleBroken(faults[0].detail, code="wording", faults=faults)
    TemplateApproval.objects.bulk_create(
        [TemplateApproval(template=template, provider=provider)], ignore_conflicts=True
    )
    approval = (
        TemplateApproval.objects.select_for_update(of=("self",))
        .select_related("template")
        .get(template=template, provider=provider)
    )
    now = timezone.now()
    is_lost = (
        approval.state == Approval.SUBMITTED
        and not approval.ref
        and approval.submitted_at is not None
        and approval.submitted_at < now - ASKED_IN_VAIN
    )
    if approval.state != Approval.DRAFT and not is_lost:
        raise Conflict(_("It was sent in already."), code="submitted", current={})
    _write(approval, state=Approval.SUBMITTED, submitted_at=now)
    return approval


@step
def _write(approval: TemplateApproval, **said: Any) -> None:
    for name, value in said.items():
        setattr(approval, name, value)
    approval.save(update_fields=list(said))


@unit_of_work
def note_ref(*, by: Membership, template_id: UUID, provider: str, ref: str) -> TemplateApproval:
    """Note under which name a provider knows a wording that was sent in on the provider's own pages; what it says of
    it is asked after by the next `sync`. Raises NotAllowed, RuleBroken `ref` for what is no name, or another's."""
    _demand_may_word(by)
    if not REF.fullmatch(ref):
        raise RuleBroken(_("That is no name of a wording."), code="ref", pointer="/ref")
    others = TemplateApproval.objects.filter(provider=provider, ref=ref).exclude(template=template_id)
    if others.exists():
        raise RuleBroken(_("Another wording has this name."), code="ref", pointer="/ref")
    template = MessageTemplate.objects.get(pk=template_id)
    approval, _made = TemplateApproval.objects.get_or_create(template=template, provider=provider)
    if approval.ref != ref:
        said = {"ref": ref, "state": Approval.SUBMITTED, "category": "", "reason": ""}
        _write(approval, submitted_at=timezone.now(), **said)
    return approval


@unit_of_work
def set_dlt_id(
    *, by: Membership, template_id: UUID, provider: str, dlt_id: str, ref: str = ""
) -> TemplateApproval:
    """Note the number under which the operators registered the short form, and the provider's own ID of it, which
    it gives once it has verified that number.

    Raises NotAllowed, RuleBroken for what is no such number or ID and for a wording without a short form.
    """
    _demand_may_word(by)
    template = MessageTemplate.objects.get(pk=template_id)
    if not template.sms:
        raise RuleBroken(_("It has no short form."), code="no_sms", pointer="/dlt_id")
    if not DLT_ID.fullmatch(dlt_id):
        raise RuleBroken(_("A DLT number has 19 digits."), code="dlt_id", pointer="/dlt_id")
    if ref and not PROVIDERS_ID.fullmatch(ref):
        raise RuleBroken(_("The ID has letters and digits only."), code="ref", pointer="/ref")
    others = TemplateApproval.objects.filter(provider=provider, ref=ref).exclude(template=template)
    if ref and others.exists():
        raise RuleBroken(_("Another wording has this ID."), code="ref_taken", pointer="/ref")
    approval, _made = TemplateApproval.objects.get_or_create(template=template, provider=provider)
    _write(approval, dlt_id=dlt_id, **({"ref": ref, "state": Approval.APPROVED} if ref else {}))
    return approval


def sync() -> int:
    """Ask each provider after what was sent in to it; returns how many answers were new. One that does not answer
    is asked again the next time."""
    changed = 0
    for provider, door in doors.items():
        for approval in TemplateApproval.objects.filter(provider=provider).exclude(ref=""):
            try:
                status = door.status(approval.ref)
            except Exception as error:  # noqa: BLE001  # whatever one provider does, the others are asked
                log.warning("wording_not_asked", provider=provider, ref=approval.ref, error=repr(error))
                continue
            changed += note_status(provider=provider, ref=approval.ref, status=status)
    return changed


@unit_of_work
def note_status(*, provider: str, ref: str, status: WordingStatus) -> bool:
    """Write down what a provider says of a wording, asked or by itself; whether it was new.

    Where it may not be sent any more, what waits is not sent, and each owner hears of it. False for an unknown
    `ref`: other houses may share the provider's account.
    """
    approval = (
        TemplateApproval.objects.select_for_update(of=("self",))
        .select_related("template")
        .filter(provider=provider, ref=ref)
        .first()
    )
    if approval is None:
        return False
    before = (approval.state, approval.category, approval.reason)
    could = approval.lets_send or approval.state == Approval.SUBMITTED
    said = (status.state or approval.state, status.category or approval.category, status.reason[:200])
    _write(approval, state=said[0], category=said[1], reason=said[2], checked_at=timezone.now())
    if could and not approval.lets_send and approval.state != Approval.SUBMITTED:
        _stop(approval)
    return before != said


@step
def _stop(approval: TemplateApproval) -> None:
    provider = provider_in_use()
    if provider.name == approval.provider:
        own = Q(template=approval.template, channel=provider.channel)
        own &= Q(provider__in=("", approval.provider))
        stopped_messages = Message.objects.waiting().filter(own)
        for kind in set(stopped_messages.values_list("kind", flat=True)):
            stopped_messages.filter(kind=kind).update(
                state=State.FAILED,
                next_attempt_at=None,
                error_code="wording_stopped",
                other_way=other_way(kind, provider.channel, State.FAILED, Failure.TEMPLATE, ""),
            )
    stopped = WordingStopped(
        approval=approval.pk,
        provider=approval.provider,
        wording=f"{approval.template.name} {approval.template.language} {approval.template.version}",
        state=approval.state,
        reason=approval.reason or approval.category,
    )
    for shop in Shop.objects.all():
        record(stopped, shop=shop)


def may_be_sent(template: MessageTemplate, provider: str) -> bool:
    """Whether a provider takes a wording; one that approves none takes any. Ask right before a call."""
    return ref_of(template, provider) is not None


def ref_of(template: MessageTemplate, provider: str) -> str | None:
    """A provider's own name for a wording, empty where it knows none; None: it may not be sent by it (now)."""
    must_approve = provider in doors
    if template.name in FREE or (provider == "console" and not must_approve):
        return ""
    # Asked twice for every message, and putting it together in the ORM takes several times as long as asking it.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, category, ref FROM notifications_templateapproval WHERE template_id = %s AND provider = %s",
            [template.pk, provider],
        )
        row = cursor.fetchone()
    approval = TemplateApproval(template=template, state=row[0], category=row[1], ref=row[2]) if row else None
    if must_approve and (approval is None or not approval.lets_send):
        return None
    return approval.ref if approval else ""
