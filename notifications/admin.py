"""The office's pages about messages: how each came as far as it has, sending again what is stuck; and about wordings:
what we say, how it looks and how long it is, and who has approved it.

A version of a wording is never changed. The page shows a new one as it will look while it is typed."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from malar.accounts.admin_site import OfficeForm, ShopModelAdmin
from malar.accounts.domain import Language
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import RuleBroken
from malar.kernel.transactions import tell_database, through
from notifications.domain import FREE, VARIABLES, Kind, State, filled, names_in
from notifications.models import Message, MessageQuerySet, MessageTemplate
from notifications.providers import SubmissionRefused
from notifications.selectors import may_word
from notifications.services.again import queued_words, resend_all
from notifications.services.approvals import (
    begin_version,
    doors,
    note_ref,
    put_in_use,
    set_dlt_id,
    submit,
)
from notifications.wordings import SMS_VARIABLES, faults_of, marked, numbered, samples, sms_size, tagged


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
        chosen = list(queryset.filter(state__in=states).values_list("pk", flat=True))
        with through("admin"):
            again = resend_all(
                by=request.member,  # type: ignore[attr-defined]
                message_ids=chosen,
                despite_risk=State.UNKNOWN in states,
            )
        for refused in again.refused:
            self.message_user(request, refused, messages.WARNING)
        if not chosen:
            self.message_user(request, _("Nothing was chosen that can be sent again."), messages.WARNING)
        if again.queued:
            self.message_user(request, queued_words(again.queued))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A message has no versions; what happened to it stands on its page."""
        message = self.get_object(request, unquote(object_id))
        if message is None:
            return super().history_view(request, object_id, extra_context)
        return redirect("admin:notifications_message_change", quote(message.pk))


NAMES = [(name, Kind(name).label if name in Kind.values else name) for name in sorted(VARIABLES)]


class WordingForm(OfficeForm):
    """A new version. Its number and that it is not in use yet are not asked."""

    name = forms.ChoiceField(label=_("message"), choices=NAMES)
    checked_unseen = {"version"}

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        for field in ("body", "sms"):
            if isinstance(said.get(field), str):
                said[field] = said[field].replace("\r\n", "\n").strip()
        versions = MessageTemplate.objects.filter(name=said.get("name"), language=said.get("language"))
        self.instance.version = (versions.aggregate(last=models.Max("version"))["last"] or 0) + 1
        self.instance.is_active = False
        return said


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ShopModelAdmin):
    """All shops of a house share them; who keeps the house words them (`may_word`), and nobody else sees them."""

    may_add = True
    form = WordingForm
    change_form_template = "admin/wording.html"
    list_display = ("what", "language", "version", "is_active", "approved_by")
    list_display_links = ("what",)
    list_filter = ("language", "is_active")
    search_fields = ("name", "body", "sms")
    ordering = ("name", "language", "-version")
    fields = ("name", "language", "body", "sms", "buttons")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        wordings = MessageTemplate.objects.prefetch_related("approvals__template")
        return wordings if may_word(request.member) else wordings.none()  # type: ignore[attr-defined]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and may_word(request.member)  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> URLPattern:
            named = f"notifications_messagetemplate_{name}"
            url: URLPattern = path(route, self.admin_site.admin_view(view), name=named)
            return url

        return [
            own("preview/", self.preview_view, "preview"),
            own("<uuid:object_id>/use/", self.use_view, "use"),
            own("<uuid:object_id>/submit/", self.submit_view, "submit"),
            own("<uuid:object_id>/ref/", self.ref_view, "ref"),
            own("<uuid:object_id>/dlt/", self.dlt_view, "dlt"),
            *super().get_urls(),
        ]

    @admin.display(description=_("message"), ordering="name")
    def what(self, wording: MessageTemplate) -> str:
        return str(dict(NAMES).get(wording.name, wording.name))

    @admin.display(description=_("approved by"))
    def approved_by(self, wording: MessageTemplate) -> str:
        return ", ".join(str(approval) for approval in wording.approvals.all())

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new version begins as the one it is made from (`?from=`), else as the one in use (`?name=&language=`)."""
        if "from" in request.GET:
            wording = self.get_object(request, request.GET["from"])
        else:
            name, language = request.GET.get("name") or NAMES[0][0], request.GET.get("language") or "ta"
            wording = MessageTemplate.objects.filter(name=name, language=language, is_active=True).first()
        if wording is None:
            return {}
        return {field: getattr(wording, field) for field in self.fields}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        tell_database(request.member)  # type: ignore[attr-defined]
        begin_version(request.member, obj)  # type: ignore[attr-defined]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        more: dict[str, Any] = {"wording": None}
        wording = self.get_object(request, object_id) if object_id else None
        if wording is not None:
            approvals = {each.provider: each for each in wording.approvals.all()}
            more = {
                "wording": wording,
                "looks": looks_of(wording),
                "approvals": approvals.values(),
                "may_submit": [
                    name
                    for name in doors
                    if wording.name not in FREE and (name not in approvals or not approvals[name].ref)
                ],
                "providers": sorted(doors),
                "tagged": tagged(wording.name, wording.sms) if wording.sms else "",
                "marked": marked(wording.sms),
                "registered": approvals.get("msg91"),
                "numbered": numbered(wording.body)[0],
            }
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **more}
        )
        return response

    # --- What is done on the page -----------------------------------------------------------------

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """How what is typed looks, beside the wording in use in the other language; and what is wrong with it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._demand_wording(request)
        said = {field: request.POST.get(field, "").replace("\r\n", "\n").strip() for field in self.fields}
        name, language = said["name"], said["language"]
        if name not in VARIABLES or language not in Language.values:
            return render(request, "admin/wording_looks.html", {"looks": []})
        try:
            buttons = json.loads(said["buttons"] or "[]")
        except ValueError:
            buttons = None
        typed = MessageTemplate(
            name=name,
            language=language,
            body=said["body"],
            sms=said["sms"],
            buttons=buttons if isinstance(buttons, list) else [],
        )
        context = {
            "looks": looks_of(typed),
            "known": sorted(VARIABLES[name]),
            "known_short": sorted(SMS_VARIABLES.get(name, ())),
            "faults": faults_of(
                name=name, language=language, body=typed.body, sms=typed.sms, buttons=buttons
            ),
        }
        return render(request, "admin/wording_looks.html", context)

    def use_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self._done(
            request,
            object_id,
            lambda: put_in_use(by=request.member, template_id=object_id),  # type: ignore[attr-defined]
            gettext("It is in use from now on."),
        )

    def submit_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        provider = request.POST.get("provider", "")
        if request.method == "POST" and provider not in doors:
            raise Http404
        return self._done(
            request,
            object_id,
            lambda: submit(by=request.member, template_id=object_id, provider=provider),  # type: ignore[attr-defined]
            gettext("It was sent in."),
        )

    def ref_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        provider = request.POST.get("provider", "")
        if request.method == "POST" and provider not in doors:
            raise Http404
        return self._done(
            request,
            object_id,
            lambda: note_ref(
                by=request.member,  # type: ignore[attr-defined]
                template_id=object_id,
                provider=provider,
                ref=request.POST.get("ref", "").strip(),
            ),
            gettext("The name was kept. What the provider says of it is asked within the hour."),
        )

    def dlt_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self._done(
            request,
            object_id,
            lambda: set_dlt_id(
                by=request.member,  # type: ignore[attr-defined]
                template_id=object_id,
                provider="msg91",
                dlt_id=request.POST.get("dlt_id", "").strip(),
                ref=request.POST.get("ref", "").strip(),
            ),
            gettext("The number was kept."),
        )

    def _done(self, request: HttpRequest, object_id: UUID, act: Any, words: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._demand_wording(request)
        if not MessageTemplate.objects.filter(pk=object_id).exists():
            raise Http404
        try:
            act()
        except RuleBroken as refused:
            messages.error(request, refused.detail)
        except SubmissionRefused as refused:
            messages.error(request, gettext("The provider refused it: %(why)s") % {"why": refused})
        else:
            messages.success(request, words)
        return redirect(reverse("admin:notifications_messagetemplate_change", args=[object_id]))

    def _demand_wording(self, request: HttpRequest) -> None:
        if not may_word(request.member):  # type: ignore[attr-defined]
            raise PermissionDenied


def looks_of(wording: MessageTemplate) -> list[dict[str, Any]]:
    """A wording with sample values, and the one in use in the other language."""
    other = MessageTemplate.objects.filter(name=wording.name, is_active=True).exclude(
        language=wording.language
    )
    return [_look(each) for each in [wording, *other]]


def _look(wording: MessageTemplate) -> dict[str, Any]:
    values = samples(wording.language)

    def put_in(text: str) -> str:
        # What is not known stays as it was typed.
        return filled(text, {name: values.get(name) or f"{{{name}}}" for name in names_in(text)})

    sms = put_in(wording.sms)
    return {
        "language": wording.language,
        "text": put_in(wording.body),
        "buttons": [each.get("text", "") for each in wording.buttons if isinstance(each, dict)],
        "length": len(put_in(wording.body)),
        "sms": sms,
        "size": sms_size(sms) if sms else None,
    }
