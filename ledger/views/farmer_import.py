"""Importing a list of farmers: choose the file, look at every row, take it into the book."""

import csv
import io

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from ledger.forms.farmer_import import Carried, DecisionForm, ListForm
from ledger.services.farmer_csv import LARGEST_FILE, MOST_ROWS, sheet_in, text_of
from ledger.services.farmer_import import Plan, RowState, import_farmers, plan_import
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.errors import Conflict, RuleBroken
from malar.kernel.htmx import render_page


@member_required(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def farmer_import(request: ShopRequest) -> HttpResponse:
    """A file is looked at and nothing is written; the decisions about its rows write."""
    if request.method == "GET":
        return _list_page(request, ListForm())
    if "carried" in request.POST:
        return _decided(request)
    form = ListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list_page(request, form, status=422)
    try:
        text = _text_in(form.cleaned_data["file"])
        plan = plan_import(request.shop, sheet_in(text))
    except RuleBroken as broken:
        form.add_error("file", broken.detail)
        return _list_page(request, form, status=422)
    return _preview(request, text, plan)


@member_required(Role.ADMIN)
@require_GET
def farmer_import_template(request: ShopRequest) -> HttpResponse:
    """An empty list with the headings in the reader's language, with the mark that Excel needs for Tamil."""
    headings = [
        _("Number"),
        _("Name in Tamil"),
        _("Name in English"),
        _("Village in Tamil"),
        _("Village in English"),
        _("Mobile number"),
        _("WhatsApp number"),
        _("Language"),
        _("Commission"),
        _("Settled"),
    ]
    written = io.StringIO()
    csv.writer(written).writerow(headings)
    answer = HttpResponse("\ufeff" + written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="farmers.csv"'
    return answer


def _decided(request: ShopRequest) -> HttpResponse:
    form = DecisionForm(request.POST)
    carried = Carried.opened(form.data.get("carried", ""), request.shop.pk)
    if carried is None or not form.is_valid():
        again = ListForm()
        again.errors["file"] = again.error_class(
            [_("This page was open for too long. Choose the file again.")]
        )
        return _list_page(request, again, status=422)
    decided = form.cleaned_data
    try:
        answer = import_farmers(
            by=request.member,
            key=decided["key"],
            text=carried.text,
            expected=carried.expected,
            ticked=decided["ticked"],
            left=decided["left"],
            take_over_all=decided["take_over_all"],
        )
    except Conflict as changed:
        plan = plan_import(request.shop, sheet_in(carried.text))
        return _preview(request, carried.text, plan, changed=changed.detail, status=409)
    messages.success(request, _outcome(answer.body["added"], answer.body["changed"]))
    return redirect("ledger:farmer_list")


def _text_in(file: UploadedFile) -> str:
    # One more than allowed tells that it is too large, without reading on.
    return text_of(file.read(LARGEST_FILE + 1))


def _outcome(added: int, changed: int) -> str:
    """What the import did, in a sentence for each kind."""
    sentences = []
    if added or not changed:
        words = ngettext(
            "%(count)s farmer was taken into the book.", "%(count)s farmers were taken into the book.", added
        )
        sentences.append(words % {"count": added})
    if changed:
        words = ngettext("%(count)s farmer was changed.", "%(count)s farmers were changed.", changed)
        sentences.append(words % {"count": changed})
    return " ".join(sentences)


def _list_page(request: ShopRequest, form: ListForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "most": MOST_ROWS}
    return render_page(request, "ledger/farmer_import.html", context, status=status)


def _preview(
    request: ShopRequest, text: str, plan: Plan, *, changed: str = "", status: int = 200
) -> HttpResponse:
    carried = Carried(shop=str(request.shop.pk), text=text, expected=plan.fingerprint)
    context = {
        "form": DecisionForm(initial={"carried": carried.sealed()}),
        "changed": changed,
        "plan": plan,
        "wrong": plan.of(RowState.WRONG),
        "asking": plan.of(RowState.TAKEN, RowState.ALIKE),
        "differing": plan.of(RowState.DIFFERS),
        "new": plan.of(RowState.NEW),
        "same": plan.of(RowState.SAME),
    }
    return render_page(request, "ledger/farmer_import_preview.html", context, status=status)
