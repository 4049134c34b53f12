"""The delivery log."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page
from notifications.forms import MessageFilter
from notifications.models import Message
from notifications.selectors import message_log, tally_of

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
