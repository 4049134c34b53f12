"""Small middleware that belongs to no room."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware

from malar.kernel.errors import RuleBroken
from malar.kernel.htmx import render_page, wants_fragment

GetResponse = Callable[[HttpRequest], HttpResponse]


COMPRESSED = ("/api/", "/sync/v1/ref/")
"""Not pages and not /sync/v1/hello/: they carry a CSRF token, and compressing secrets leaks them (BREACH)."""


def compress_api(get_response: GetResponse) -> GetResponse:
    """gzip for what programs read and what holds no secret (COMPRESSED)."""
    gzip = GZipMiddleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith(COMPRESSED):
            gzip.process_response(request, response)  # changes the response it is given
        return response

    return middleware


def keep_nothing(get_response: GetResponse) -> GetResponse:
    """Let no browser keep what it was shown, unless the view says that it may.

    Tablets are shared: pressed after signing out, Back must not show the one before's farmers, and nothing
    of them may lie on the disk.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware


class ShowBrokenRules:
    """A rule broken behind a page that has no form to show it in gets a page of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, RuleBroken):
            return None
        response = render_page(
            request, "refused.html", {"error": error}, fragment="said", status=error.status
        )
        if wants_fragment(request):
            # Above the page, not where the answer would have gone.
            response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML"
        return response


show_broken_rules = ShowBrokenRules
