"""Nobody is known at the pages that tablets keep."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
PUBLIC = {"/app/ta/", "/app/en/", "/app/offline/ta/", "/app/offline/en/", "/sw.js"}


def forget_who_asks(get_response: GetResponse) -> GetResponse:
    """Take the cookies off a request for a page that tablets keep, before anything reads them.

    Such a page is kept for days and shown to whoever comes next. Without cookies there is no
    session, no user and no shop, so nothing of theirs can get into it, and nothing is asked of the database.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path not in PUBLIC:
            return get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        response = get_response(request)
        # Session and language were not looked at for its words: a cache may keep one page for all.
        response["Vary"] = "Accept-Encoding"
        return response

    return middleware
