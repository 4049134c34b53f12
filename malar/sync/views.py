"""The tablet's door. It never sends anybody to sign in: a page that works offline asks for that itself."""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import KOLKATA
from malar.sync.selectors import PARTS, reference

PROTOCOL = 1


def at_the_counter(view: Callable[[ShopRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Admit the shop's people with GET; mark every answer as ours and never to be kept.

    Without the mark, what comes back may be a hotel's sign-in page: the tablet treats it as no answer.
    """

    @login_not_required
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        response = _answer(request, view)
        response["X-Sync-Protocol"] = str(PROTOCOL)
        response["Cache-Control"] = "no-store"
        return response

    return wrapped


def _answer(request: HttpRequest, view: Callable[[ShopRequest], HttpResponse]) -> HttpResponse:
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not request.user.is_authenticated:
        headers = {"WWW-Authenticate": "Session"}
        return JsonResponse({"code": "auth_required"}, status=401, headers=headers)
    asked = cast(ShopRequest, request)
    if asked.member is None or asked.member.role not in ALLOWED[Role.STAFF]:
        return JsonResponse({"code": "not_allowed"}, status=403)
    return view(asked)


@at_the_counter
def hello(request: ShopRequest) -> HttpResponse:
    """Who is signed in, in which shop, the token that writes need, and the server's time."""
    user = request.user
    return JsonResponse(
        {
            "user": {
                "id": str(user.pk),
                "name": user.name,
                "role": request.member.role,
                "language": user.language,
            },
            "shop": str(request.shop.pk),
            "csrf": get_token(request),
            "server_time": timezone.now().astimezone(KOLKATA).isoformat(timespec="milliseconds"),
            "protocol": PROTOCOL,
        }
    )


@at_the_counter
def ref(request: ShopRequest) -> HttpResponse:
    """The reference data, or the parts of it named in `parts`; 400 `unknown_part` for one there is not."""
    parts = request.GET.get("parts", ",".join(PARTS)).split(",")
    if not set(parts) <= PARTS.keys():
        return JsonResponse({"code": "unknown_part"}, status=400)
    body = reference(request.member, parts, timezone.now())
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})
