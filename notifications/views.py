"""The delivery log, everybody's inbox, and the doors at which providers tell us what became of messages."""

import datetime as dt
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.errors import Conflict, RuleBroken
from malar.kernel.htmx import render_page
from malar.kernel.ids import new_id
from notifications.charts import days_drawn
from notifications.domain import WAITING, State
from notifications.forms import AgainForm, MessageFilter
from notifications.models import Callback, Message
from notifications.providers.twilio import is_signed
from notifications.selectors import (
    cost_of,
    days_of,
    in_rupees,
    inbox_of,
    message_log,
    message_of,
    spent_on,
    tally_of,
    unread_of,
    why_not_again,
)
from notifications.services.again import queued_words, resend, resend_all, take_back
from notifications.services.notes import read_all
from notifications.services.statuses import take_in
from notifications.services.story import about_of, story_of
from notifications.wordings import sms_size

log = structlog.get_logger(__name__)

MESSAGES_ON_A_PAGE = 25
DAYS_DRAWN, LONGEST_DRAWN = dt.timedelta(days=13), dt.timedelta(days=30)
"""Before the last day: how many more the chart shows, unless other days are asked for, and how many at most."""
LONGEST_CALLBACK = 100_000
"""Bytes. Twilio's own are a few thousand at most."""


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
