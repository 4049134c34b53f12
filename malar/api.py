"""The addresses of /api/v1/. Each room brings its own operations; the document and its page are here."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from ledger.api import urlpatterns as ledger_urls
from malar.accounts.api import urlpatterns as accounts_urls
from malar.kernel.drf import problem_404, problem_500
from malar.reports.api import urlpatterns as reports_urls
from notifications.api import urlpatterns as notifications_urls
from pricing.api import urlpatterns as pricing_urls
from settlements.api import urlpatterns as settlements_urls

__all__ = ["problem_404", "problem_500"]


@login_not_required
@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    """An address that does not exist, or lacks its slash.

    Said here and not by Django, who would send a POST without the slash on to a GET with it: the
    program would be answered with a list and believe that its line is written.
    """
    return problem_404(request)


app_name = "api"

urlpatterns = [
    *accounts_urls,
    *ledger_urls,
    *notifications_urls,
    *pricing_urls,
    *reports_urls,
    *settlements_urls,
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    path("<path:rest>", nothing_here),
]
