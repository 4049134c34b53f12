"""Addresses of reports: one a row of the list."""

from django.urls import path

from malar.reports.selectors import REPORTS
from malar.reports.views import report, report_list

app_name = "reports"

urlpatterns = [
    path("reports/", report_list, name="report_list"),
    *(path(f"reports/{name}/", report, {"name": name}, name=name) for name in REPORTS),
]
