"""Where everything is."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from malar.api import problem_404, problem_500
from malar.home import errors
from malar.sync.urls import conflicts, handed_in, tablets
from settlements.urls import links

handler400 = "malar.home.errors.bad_request"
handler403 = "malar.home.errors.forbidden"
handler404 = "malar.urls.not_found"
handler500 = "malar.urls.server_error"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for people, a problem for programs."""
    if request.path.startswith("/api/"):
        return problem_404(request, exception)
    return errors.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A page for people, a problem for programs."""
    return problem_500(request) if request.path.startswith("/api/") else errors.server_error(request)


urlpatterns = [
    path("", include("malar.accounts.urls")),
    # Numbers are vouched for by the owner; nobody changes his own.
    path("accounts/phone/change/", RedirectView.as_view(pattern_name="account_email")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("malar.api")),
    path("sync/v1/", include("malar.sync.urls")),
    path("handed-in/", include(handed_in)),
    path("conflicts/", include(conflicts)),
    path("tablets/", include(tablets)),
    path("", include("malar.ops.urls")),
    path("", include("malar.home.urls")),
    path("", include("malar.pwa.urls")),
    path("", include("malar.reports.urls")),
    path("ledger/", include("ledger.urls")),
    path("pricing/", include("pricing.urls")),
    path("settlements/", include("settlements.urls")),
    path("s/", include(links)),
    path("", include("notifications.urls")),
]
