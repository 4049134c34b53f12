"""The delivery log, everybody's inbox, and the doors at which providers tell us what became of messages."""

from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page
from notifications.forms import AnswerFilter, MessageFilter, SeenToForm
from notifications.models import Callback, Message
from notifications.providers.twilio import is_signed
from notifications.selectors import (
    answers_for,
    inbox_of,
    message_log,
    tally_of,
    unanswered,
    unread_of,
    writers_of,
)
from notifications.services.inbound import see_to
from notifications.services.notes import read_all
from notifications.services.statuses import take_in

log = structlog.get_logger(__name__)

MESSAGES_ON_A_PAGE = 25
ANSWERS_ON_A_PAGE = 25
LONGEST_CALLBACK = 100_000
"""Bytes. Twilio's own are a few thousand at most."""


@member_required(Role.STAFF)
@require_GET
def message_list(request: ShopRequest) -> HttpResponse:
    """Who was told what, where to, and how far it has come; newest first."""
    form = MessageFilter(request.GET, shop=request.shop)
    messages = asked = Message.objects.none()
    if form.is_valid():
        messages = message_log(request.shop, **form.cleaned_data)
        asked = message_log(request.shop, **{**form.cleaned_data, "state": ""})
    page = Paginator(messages, MESSAGES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "tally": tally_of(asked),
        "is_filtered": any(form.data.get(name) for name in form.fields),
        "unanswered": unanswered(request.member),
    }
    return render_page(request, "notifications/message_list.html", context, fragment="found")


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
