"""The office's view of messages: how each came as far as it has, and sending again what is stuck."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from malar.accounts.admin_site import ShopModelAdmin
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.transactions import through
from notifications.domain import State
from notifications.models import Message, MessageQuerySet
from notifications.services import sending


@admin.register(Message)
class MessageAdmin(ShopModelAdmin):
    list_display = ("when", "farmer", "kind", "channel", "state", "attempt", "why")
    list_display_links = ("when",)
    list_filter = ("state", "kind", "channel")
    list_select_related = ("farmer",)
    search_fields = ("farmer__code", "farmer__name_ta", "farmer__name_en")
    ordering = ("-created_at", "-id")
    actions = ("send_again", "send_again_perhaps_twice")
    fields = (
        ("when", "state", "why"),
        ("who", "channel", "where_to"),
        ("kind", "language"),
        "text",
        ("sent_at", "delivered_at", "read_at"),
        "cost_paise",
        "calls",
    )

    @admin.display(description=_("time"), ordering="created_at")
    def when(self, message: Message) -> str:
        made = message.created_at.astimezone(KOLKATA)
        return f"{formatting.day(made.date())} {formatting.clock_time(made)}"

    @admin.display(description=_("farmer"))
    def who(self, message: Message) -> str:
        return str(message.farmer)

    @admin.display(description=_("reason"))
    def why(self, message: Message) -> str:
        return message.reason

    @admin.display(description=_("address"))
    def where_to(self, message: Message) -> str:
        return message.where_to

    @admin.display(description=_("attempts"))
    def calls(self, message: Message) -> SafeString:
        """Each call to a provider: when, through whom, what came of it, its code, and the provider's own id."""
        rows = (
            (
                formatting.clock_time(each.started_at),
                each.provider,
                " ".join(filter(None, (each.outcome or "…", each.code, each.provider_id))),
            )
            for each in message.attempts.all()
        )
        return format_html_join("", '<div>{} <span lang="en">{} {}</span></div>', rows)

    @admin.action(description=_("Send again what did not arrive"))
    def send_again(self, request: HttpRequest, queryset: MessageQuerySet) -> None:
        self._again(request, queryset, (State.FAILED, State.DEAD, State.EXPIRED))

    @admin.action(description=_("Send again what may have arrived: the farmer may be told twice"))
    def send_again_perhaps_twice(self, request: HttpRequest, queryset: MessageQuerySet) -> None:
        self._again(request, queryset, (State.UNKNOWN,))

    def _again(self, request: HttpRequest, queryset: MessageQuerySet, states: tuple[State, ...]) -> None:
        with through("admin"):
            count = sending.send_again(messages=queryset, states=states)
        if not count:
            self.message_user(request, _("Nothing was chosen that can be sent again."), messages.WARNING)
            return
        said = ngettext(
            "%(count)s message will be sent again.", "%(count)s messages will be sent again.", count
        )
        self.message_user(request, said % {"count": count})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A message has no versions; what happened to it stands on its page."""
        message = self.get_object(request, unquote(object_id))
        if message is None:
            return super().history_view(request, object_id, extra_context)
        return redirect("admin:notifications_message_change", quote(message.pk))
