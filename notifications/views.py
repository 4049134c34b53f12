"""The delivery log, everybody's inbox, and the doors at which providers tell us what became of messages."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.errors import Conflict, RuleBroken
from malar.kernel.htmx import render_page
from malar.kernel.ids import new_id
from notifications.charts import days_drawn
from notifications.domain import WAITING, State
from notifications.forms import AgainForm, AnswerFilter, MessageFilter, SeenToForm
from notifications.models import Callback, Message
from notifications.providers import Heard
from notifications.providers import interakt as interakt_provider
from notifications.providers import meta as meta_provider
from notifications.providers import msg91 as msg91_provider
from notifications.providers.twilio import is_signed, is_signed_as_it_is
from notifications.providers.twilio_content import EVENT
from notifications.selectors import (
    answers_for,
    cost_of,
    days_of,
    in_rupees,
    inbox_of,
    message_log,
    message_of,
    spent_on,
    tally_of,
    unanswered,
    unread_of,
    why_not_again,
    writers_of,
)
from notifications.services.again import queued_words, resend, resend_all, take_back
from notifications.services.inbound import see_to
from notifications.services.notes import read_all
from notifications.services.statuses import take_all, take_in
from notifications.services.story import about_of, story_of
from notifications.wordings import sms_size

log = structlog.get_logger(__name__)

MESSAGES_ON_A_PAGE = 25
ANSWERS_ON_A_PAGE = 25
DAYS_DRAWN, LONGEST_DRAWN = dt.timedelta(days=13), dt.timedelta(days=30)
"""Before the last day: how many more the chart shows, unless other days are asked for, and how many at most."""
LONGEST_CALLBACK = 100_000
"""Bytes. Twilio's own are a few thousand at most."""
LONGEST_EVENT = 1_000_000
"""Bytes. Interakt sends the whole template and all it knows of a customer with each event."""
LONGEST_BATCH = 3 * 1024 * 1024
"""Bytes, as Meta says."""


@member_required(Role.STAFF)
@require_GET
def message_list(request: ShopRequest) -> HttpResponse:
    """Who was told what, where to, and how far it has come, newest first; with what it cost, and each day's part."""
    form = MessageFilter(request.GET, shop=request.shop)
    messages = asked = days_asked = Message.objects.none()
    today = timezone.localdate()
    start, end = today - DAYS_DRAWN, today
    if form.is_valid():
        question = form.question()
        messages = message_log(request.shop, **question)
        asked = message_log(request.shop, **{**question, "state": "", "stuck": False})
        end = question["end"] or today
        start = max(question["start"] or end - DAYS_DRAWN, end - LONGEST_DRAWN)
        days_asked = message_log(
            request.shop, **{**question, "state": "", "stuck": False, "start": None, "end": None}
        )
    page = Paginator(messages, MESSAGES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "tally": tally_of(asked),
        "cost": cost_of(messages),
        "spent": spent_on(request.shop, today),
        "days": days_drawn(days_of(days_asked, start=start, end=end)),
        "is_filtered": any(form.data.get(name) for name in form.fields),
        "unanswered": unanswered(request.member),
        "any_stuck": any(each.is_stuck for each in page.object_list),
        "any_unknown": any(each.state == State.UNKNOWN for each in page.object_list),
    }
    return render_page(request, "notifications/message_list.html", context, fragment="found")


@member_required(Role.STAFF)
@require_GET
def message_detail(request: ShopRequest, message_id: UUID) -> HttpResponse:
    """One message: its words as sent, every call, what the provider told of it, and who did what by hand."""
    return _message_page(request, message_of(request.member, message_id))


def _message_page(
    request: ShopRequest, message: Message, *, refused: str = "", status: int = 200
) -> HttpResponse:
    may_not = why_not_again(message)
    context = {
        "message": message,
        "size": sms_size(message.text),
        "story": story_of(message),
        "about": about_of(message),
        "is_waiting": message.state in WAITING,
        "is_unknown": message.state == State.UNKNOWN,
        "may_not": may_not.detail if may_not else "",
        "refused": refused,
        "cost": in_rupees(message.cost_paise),
    }
    return render_page(request, "notifications/message_detail.html", context, status=status)


@member_required(Role.STAFF)
@require_POST
def message_again(request: ShopRequest, message_id: UUID) -> HttpResponse:
    """Send one message again, of which the page has said what that may mean."""
    message = message_of(request.member, message_id)
    try:
        resend(
            by=request.member,
            key=new_id(),
            message_id=message.pk,
            despite_risk=bool(request.POST.get("despite_risk")),
        )
    except RuleBroken as broken:
        return _message_page(
            request, message_of(request.member, message_id), refused=broken.detail, status=broken.status
        )
    flash.success(request, queued_words(1))
    return redirect("notifications:message_detail", message_id)


@member_required(Role.STAFF)
@require_POST
def message_take_back(request: ShopRequest, message_id: UUID) -> HttpResponse:
    """Do not send one that still waits."""
    message = message_of(request.member, message_id)
    try:
        take_back(by=request.member, message_id=message.pk)
    except Conflict as broken:
        return _message_page(
            request, message_of(request.member, message_id), refused=broken.detail, status=broken.status
        )
    flash.success(request, _("It is taken back: this message is not sent."))
    return redirect("notifications:message_detail", message_id)


@member_required(Role.STAFF)
@require_POST
def messages_again(request: ShopRequest) -> HttpResponse:
    """Send the ticked ones again, and go back to where they were ticked."""
    form = AgainForm(request.POST, shop=request.shop)
    chosen = [message.pk for message in form.cleaned_data["message"]] if form.is_valid() else []
    again = resend_all(by=request.member, message_ids=chosen, despite_risk=form.cleaned_data["despite_risk"])
    if not chosen:
        flash.warning(request, _("Tick the messages that you want to send again."))
    if again.queued:
        flash.success(request, queued_words(again.queued))
    for refused in again.refused:
        flash.warning(request, refused)
    here = reverse("notifications:message_list")
    return redirect(f"{here}?{request.GET.urlencode()}" if request.GET else here)


@member_required(Role.STAFF)
@require_GET
def answer_list(request: ShopRequest) -> HttpResponse:
    """What farmers wrote and somebody must see to, newest first; `changed` names the one that was seen to just now:
    the page offers to undo that."""
    form = AnswerFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    is_done = asked.get("show") == "done"
    answers = answers_for(request.member)
    page = Paginator(answers.filter(done_at__isnull=not is_done), ANSWERS_ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    changed = asked.get("changed")
    context = {
        "page": page,
        "rows": [{"answer": each, "farmers": writers_of(each, request.shop)} for each in page],
        "is_done": is_done,
        "open": unanswered(request.member),
        "changed": answers.filter(pk=changed).first() if changed else None,
    }
    return render(request, "notifications/answer_list.html", context)


@member_required(Role.STAFF)
@require_POST
def answer_state(request: ShopRequest, answer_id: UUID) -> HttpResponse:
    """Take one off the list, or put it on it again."""
    form = SeenToForm(request.POST)
    address = reverse("notifications:answer_list")
    if not form.is_valid():
        return redirect(address)
    answer = see_to(by=request.member, answer_id=answer_id, is_done=form.cleaned_data["is_done"])
    return redirect(f"{address}?changed={answer.pk}")


@csrf_exempt
@login_not_required
@require_POST
def twilio_status(request: HttpRequest, message_id: UUID, attempt: int) -> HttpResponse:
    """Twilio tells how far a message has come. Kept and answered; a worker does the rest."""
    fields = _signed_by_twilio(request)
    if fields is None:
        return HttpResponse(status=403)
    take_in(
        provider="twilio",
        about=Callback.About.STATUS,
        dedupe_key=f"{fields.get('MessageSid', '')}:{fields.get('MessageStatus', '')}",
        body={name: str(value) for name, value in fields.items()},
        message_id=message_id,
        attempt=attempt,
    )
    return _thanks()


@csrf_exempt
@login_not_required
@require_POST
def twilio_inbound(request: HttpRequest) -> HttpResponse:
    """Somebody wrote to us. Kept and answered, with nothing."""
    fields = _signed_by_twilio(request)
    if fields is None:
        return HttpResponse(status=403)
    take_in(
        provider="twilio",
        about=Callback.About.INBOUND,
        dedupe_key=f"in:{fields.get('MessageSid', '')}",
        body={name: str(value) for name, value in fields.items()},
    )
    return _thanks()


@csrf_exempt
@login_not_required
@require_POST
def twilio_events(request: HttpRequest) -> HttpResponse:
    """Twilio's Event Streams tell that WhatsApp thinks otherwise of a wording. Kept and answered."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_CALLBACK:
        return HttpResponse(status=403)
    raw, hashed = request.body, request.GET.get("bodySHA256", "")
    url = f"{settings.PUBLIC_BASE_URL}{request.get_full_path()}"
    if not is_signed_as_it_is(url, raw, hashed, request.headers.get("X-Twilio-Signature", "")):
        log.warning("callback_not_signed", path=request.path)
        return HttpResponse(status=403)
    try:
        said = json.loads(raw)
    except ValueError:
        return HttpResponse(status=400)
    for event in said if isinstance(said, list) else [said]:
        if isinstance(event, dict) and event.get("type") == EVENT and event.get("id"):
            take_in(
                provider="twilio_whatsapp",
                about=Callback.About.WORDING,
                dedupe_key=str(event["id"]),
                body=event,
            )
    return HttpResponse(status=200)


def _signed_by_twilio(request: HttpRequest) -> QueryDict | None:
    """The fields, if Twilio signed them and the address it called; None if not.

    The address is ours by the settings: behind a proxy the request knows another one.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_CALLBACK:
        return None
    fields = request.POST
    url = f"{settings.PUBLIC_BASE_URL}{request.get_full_path()}"
    if is_signed(url, dict(fields.lists()), request.headers.get("X-Twilio-Signature", "")):
        return fields
    log.warning("callback_not_signed", path=request.path)
    return None


def _thanks() -> HttpResponse:
    """What Twilio takes for: understood, and no answer to the sender."""
    return HttpResponse("<Response/>", content_type="text/xml")


@csrf_exempt
@login_not_required
@require_POST
def interakt(request: HttpRequest) -> HttpResponse:
    """Interakt tells something: of a message, of a farmer who wrote, of a wording. Kept and answered."""
    raw = _raw(request, LONGEST_EVENT)
    if raw is None or not interakt_provider.is_ours(raw, request.headers.get("Interakt-Signature", "")):
        log.warning("callback_not_signed", path=request.path)
        return HttpResponse(status=403)
    return _kept(
        "interakt", lambda: interakt_provider.heard_in(_storable(json.loads(raw, parse_constant=str)))
    )


@csrf_exempt
@login_not_required
@require_POST
def msg91(request: HttpRequest, secret: str) -> HttpResponse:
    """MSG91 reports what became of an SMS. Kept and answered."""
    raw = _raw(request, LONGEST_EVENT)
    if raw is None or not msg91_provider.is_ours(secret):
        log.warning("callback_not_ours", provider="msg91")
        return HttpResponse(status=403)
    kind = request.content_type or ""
    return _kept("msg91", lambda: msg91_provider.heard_in(_storable(msg91_provider.said_in(raw, kind))))


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def meta(request: HttpRequest) -> HttpResponse:
    """Meta checks that this is our address, and tells things by the batch. Kept and answered."""
    if request.method == "GET":
        said = [request.GET.get(f"hub.{name}", "") for name in ("mode", "verify_token", "challenge")]
        answer = meta_provider.answer_to(*said)
        return HttpResponse(answer or b"", status=403 if answer is None else 200, content_type="text/plain")
    raw = _raw(request, LONGEST_BATCH)
    if raw is None or not meta_provider.is_ours(raw, request.headers.get("X-Hub-Signature-256", "")):
        log.warning("callback_not_signed", path=request.path)
        return HttpResponse(status=403)
    return _kept("meta", lambda: meta_provider.heard_in(_json(raw)))


def _raw(request: HttpRequest, most: int) -> bytes | None:
    """The body as it came; None for one longer than that. Read past Django, whose own limit is for forms."""
    raw = request.read(most + 1)
    return raw if len(raw) <= most else None


def _kept(provider: str, heard: Callable[[], list[Heard]]) -> HttpResponse:
    """Keep what was heard and answer it; 400 for what is no JSON; 503 where the database is too slow, and then
    nothing was kept."""
    try:
        take_all(provider=provider, heard=heard())
    except ValueError:
        return HttpResponse(status=400)
    except OperationalError:
        log.warning("callback_not_kept", provider=provider)
        return HttpResponse(status=503)
    return HttpResponse(status=200)


def _json(raw: bytes) -> Any:
    return _storable(json.loads(raw, parse_constant=str))


def _storable(said: Any) -> Any:
    """The same without what PostgreSQL keeps in no JSON: zeros, and halves of characters."""
    if isinstance(said, str):
        return said.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(said, list):
        return [_storable(each) for each in said]
    if isinstance(said, dict):
        return {_storable(name): _storable(value) for name, value in said.items()}
    return said


NOTES_ON_A_PAGE = 25


@member_required(Role.FARMER)
@require_GET
def inbox(request: ShopRequest) -> HttpResponse:
    """What a member was told, newest first."""
    page = Paginator(inbox_of(request.member), NOTES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "unread": unread_of(request.member)}
    return render(request, "notifications/inbox.html", context)


@member_required(Role.FARMER)
@require_GET
def inbox_count(request: ShopRequest) -> HttpResponse:
    """How many of them he has not read: asked for by every page, now and then."""
    return render(request, "notifications/inbox_count.html", {"unread": unread_of(request.member)})


@member_required(Role.FARMER)
@require_POST
def inbox_read(request: ShopRequest) -> HttpResponse:
    """He has read all of them."""
    read_all(by=request.member)
    return redirect("notifications:inbox")
