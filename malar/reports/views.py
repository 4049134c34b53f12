"""Pages of reports; the same address with `format` answers a file."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.htmx import render_page
from malar.kernel.quantities import Unit
from malar.reports.charts import drawn
from malar.reports.documents import FILES, cells, file_of, paper_of, shown
from malar.reports.domain import Asked, Table
from malar.reports.forms import ReportFilter
from malar.reports.selectors import REPORTS, Report, reports_for


@member_required(Role.FARMER)
@require_GET
def report_list(request: ShopRequest) -> HttpResponse:
    """Which reports there are."""
    return render_page(request, "reports/report_list.html", {"reports": reports_for(request.member)})


def report(request: HttpRequest, name: str) -> HttpResponse:
    """One report, narrowed down as the address says; with `format` as a file."""
    return _report_of(REPORTS[name])(request)


def _report_of(which: Report) -> Callable[[HttpRequest], HttpResponse]:
    @member_required(which.least)
    @require_GET
    def view(request: ShopRequest) -> HttpResponse:
        now = timezone.now()
        today = business_date_of(now, request.shop.turnover_hour)
        form = ReportFilter(request.GET, report=which, member=request.member, today=today, now=now)
        asked = form.asked()
        table = which.ask(request.member, asked) if asked else None
        if kind := request.GET.get("format"):
            if asked is None or table is None or kind not in FILES:
                raise Http404
            return file_of(paper_of(request.shop, which, asked, table), kind)
        return _page(request, which, form, asked, table)

    return view


def _page(
    request: ShopRequest, which: Report, form: ReportFilter, asked: Asked | None, table: Table | None
) -> HttpResponse:
    context: dict[str, Any] = {
        "report": which,
        "form": form,
        "files": [kind.upper() for kind in FILES],
        "tabs": [
            {"href": reverse(f"reports:{each.name}"), "label": each.title, "here": each is which}
            for each in reports_for(request.member)
        ],
    }
    if "from" in which.filters and which.days_back is None:
        context["spans"] = form.spans()
    if "farmer" in form.fields:
        context["farmers"] = request.shop.farmers.active()
    if asked and table:
        context |= {
            "table": table,
            "paper": paper_of(request.shop, which, asked, table),
            "rows": [
                {"cells": list(zip(table.columns, cells(table, row), strict=True)), "href": row.get("href")}
                for row in table.rows
            ],
            "totals": list(zip(table.columns, cells(table, table.totals, total=True), strict=True))
            if table.totals and table.rows
            else None,
            "figures": [
                {
                    "label": each.label,
                    "value": shown(each.value, each.kind, each.unit) or "–",
                    "unit": str(Unit(each.unit).label) if each.unit else "",
                }
                for each in table.figures
            ],
            "chart": drawn(table.chart) if table.chart else None,
        }
    return render_page(request, "reports/report.html", context, fragment="found")
