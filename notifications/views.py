"""The delivery log, and everybody's inbox."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page
from notifications.forms import MessageFilter
from notifications.models import Message
from notifications.selectors import inbox_of, message_log, tally_of, unread_of
from notifications.services.notes import read_all

MESSAGES_ON_A_PAGE = 25


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
    }
    return render_page(request, "notifications/message_list.html", context, fragment="found")


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
