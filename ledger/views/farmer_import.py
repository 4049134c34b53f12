"""Importing a list of farmers: choose the file, look at every row, take it into the book."""

import csv
import datetime as dt
import io

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from ledger.forms.farmer_import import Carried, DecisionForm, ListForm
from ledger.services.farmer_csv import LARGEST_FILE, MOST_ROWS, sheet_in, text_of
from ledger.services.farmer_import import Plan, RowState, import_farmers, plan_import
from ledger.services.workbooks import workbook_of
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, RuleBroken
from malar.kernel.forms import refusals_on
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
    written = io.StringIO()
    csv.writer(written).writerow(_headings())
    answer = HttpResponse("\ufeff" + written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="farmers.csv"'
    return answer


@member_required(Role.ADMIN)
@require_GET
def farmer_import_workbook(request: ShopRequest) -> HttpResponse:
    """The same empty list for Excel."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = HttpResponse(workbook_of(_headings()), content_type=kind)
    answer["Content-Disposition"] = 'attachment; filename="farmers.xlsx"'
    return answer


def _headings() -> list[str]:
    return [
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
        _("We owe"),
        _("He owes"),
        _("Advance"),
    ]


def _decided(request: ShopRequest) -> HttpResponse:
    form = DecisionForm(request.POST)
    carried = Carried.opened(form.data.get("carried", ""), request.shop.pk)
    if carried is None or {"key", "carried", "ticked", "left"} & set(form.errors):
        again = ListForm()
        again.errors["file"] = again.error_class(
            [_("This page was open for too long. Choose the file again.")]
        )
        return _list_page(request, again, status=422)
    plan = plan_import(request.shop, sheet_in(carried.text))
    if form.is_valid():
        decided = form.cleaned_data
        with refusals_on(form):
            try:
                answer = import_farmers(
                    by=request.member,
                    key=decided["key"],
                    text=carried.text,
                    expected=carried.expected,
                    ticked=decided["ticked"],
                    left=decided["left"],
                    take_over_all=decided["take_over_all"],
                    totals=form.totals(),
                    opened_on=decided["opened_on"],
                    welcome=decided["welcome"],
                )
            except Conflict as changed:
                plan = plan_import(request.shop, sheet_in(carried.text))
                return _preview(request, carried.text, plan, changed=changed.detail, status=409)
            messages.success(request, _outcome(**answer.body))
            return redirect("ledger:farmer_list")
    return _preview(request, carried.text, plan, form=form, status=422)


def _text_in(file: UploadedFile) -> str:
    # One more than allowed tells that it is too large, without reading on.
    return text_of(file.read(LARGEST_FILE + 1))


def _outcome(added: int, changed: int, opened: int = 0) -> str:
    """What the import did, in a sentence for each kind."""
    sentences = []
    if added or not (changed or opened):
        words = ngettext(
            "%(count)s farmer was taken into the book.", "%(count)s farmers were taken into the book.", added
        )
        sentences.append(words % {"count": added})
    if changed:
        words = ngettext("%(count)s farmer was changed.", "%(count)s farmers were changed.", changed)
        sentences.append(words % {"count": changed})
    if opened:
        words = ngettext(
            "Opening figures of %(count)s farmer were brought over.",
            "Opening figures of %(count)s farmers were brought over.",
            opened,
        )
        sentences.append(words % {"count": opened})
    return " ".join(sentences)


def _list_page(request: ShopRequest, form: ListForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "most": MOST_ROWS}
    return render_page(request, "ledger/farmer_import.html", context, status=status)


def _preview(
    request: ShopRequest,
    text: str,
    plan: Plan,
    *,
    form: DecisionForm | None = None,
    changed: str = "",
    status: int = 200,
) -> HttpResponse:
    """`form`: what was decided and could not be done, with its ticks; else nothing is decided yet."""
    carried = Carried(shop=str(request.shop.pk), text=text, expected=plan.fingerprint)
    if form is None:
        yesterday = business_date_of(timezone.now(), request.shop.turnover_hour) - dt.timedelta(1)
        form = DecisionForm(initial={"carried": carried.sealed(), "opened_on": yesterday})
    context = {
        "form": form,
        "decided": {int(line) for name in ("ticked", "left") for line in form[name].value() or []},
        "changed": changed,
        "plan": plan,
        "wrong": plan.of(RowState.WRONG),
        "asking": plan.of(RowState.TAKEN, RowState.ALIKE),
        "differing": plan.of(RowState.DIFFERS),
        "new": plan.of(RowState.NEW),
        "opening": plan.opening,
        "same": [row for row in plan.of(RowState.SAME) if not row.opens],
    }
    return render_page(request, "ledger/farmer_import_preview.html", context, status=status)
