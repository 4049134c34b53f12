"""The tablet's door. It never sends anybody to sign in: a page that works offline asks for that itself."""

import datetime as dt
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.request import RawPostDataException
from django.middleware.csrf import get_token
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import ValidationError

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import KOLKATA
from malar.kernel.drf import Body, problem_of
from malar.kernel.errors import RuleBroken
from malar.kernel.rest import read
from malar.kernel.transactions import through
from malar.sync.domain import LARGEST_BATCH, MOST_OPS
from malar.sync.forms import Batch, Operation, Registration
from malar.sync.models import Stream
from malar.sync.seal import public_key
from malar.sync.selectors import PARTS, device_answer, device_of, epoch, reference, stream_answer
from malar.sync.services import Said, apply, not_readable, note_stream, register_device

PROTOCOL = OLDEST_PROTOCOL = 1


def at_the_counter(
    method: str = "GET",
) -> Callable[[Callable[[ShopRequest], HttpResponse]], Callable[[HttpRequest], HttpResponse]]:
    """Admit the shop's people with one method; mark every answer as ours and never to be kept.

    Without the mark, what comes back may be a hotel's sign-in page: the tablet treats it as no answer. That is why
    a refused token is said here, too, and not by a page of Django's.
    """

    def decorate(view: Callable[[ShopRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt  # checked below
        @transaction.non_atomic_requests
        @login_not_required
        @wraps(view)
        def wrapped(request: HttpRequest) -> HttpResponse:
            with through("sync"):
                response = _answer(request, view, method)
            response["X-Sync-Protocol"] = str(PROTOCOL)
            response["Cache-Control"] = "no-store"
            return response

        return wrapped

    return decorate


def _answer(request: HttpRequest, view: Callable[[ShopRequest], HttpResponse], method: str) -> HttpResponse:
    methods = ["GET", "HEAD"] if method == "GET" else [method]
    if request.method not in methods:
        return HttpResponseNotAllowed(methods)
    if not request.user.is_authenticated:
        headers = {"WWW-Authenticate": "Session"}
        return JsonResponse({"code": "auth_required"}, status=401, headers=headers)
    asked = cast(ShopRequest, request)
    if asked.member is None or asked.member.role not in ALLOWED[Role.STAFF]:
        return _problem("not_allowed", 403)
    if method == "POST":
        check = CSRFCheck(lambda _request: HttpResponse())
        check.process_request(request)
        if check.process_view(request, view, (), {}):
            return _problem("csrf_failed", 403)
        sent = request.headers.get("X-Sync-Protocol", "")
        if not sent.isdecimal() or not OLDEST_PROTOCOL <= int(sent) <= PROTOCOL:
            return JsonResponse({"code": "update_first", "min_protocol": OLDEST_PROTOCOL}, status=426)
    return view(asked)


def _problem(code: str, status: int, **more: Any) -> HttpResponse:
    return JsonResponse({"code": code, **more}, status=status, json_dumps_params={"ensure_ascii": False})


class _Unreadable(Exception):
    """A body that no tablet of ours sends."""

    def __init__(self, code: str, status: int, **more: Any) -> None:
        super().__init__(code)
        self.response = _problem(code, status, **more)


def _body(request: ShopRequest, shape: type[Body]) -> dict[str, Any]:
    """What was sent. Raises _Unreadable."""
    try:
        if len(request.body) > LARGEST_BATCH:
            raise _Unreadable("too_large", 413)
        sent = json.loads(request.body)
    except (RawPostDataException, ValueError) as error:
        raise _Unreadable("malformed", 400, pointer="") from error
    try:
        return read(shape, sent)
    except ValidationError as error:
        problem = problem_of(error) or {}
        where = (problem.get("errors") or [{}])[0].get("pointer", "")
        raise _Unreadable("malformed", 400, pointer=where) from error


def readable(view: Callable[[ShopRequest], HttpResponse]) -> Callable[[ShopRequest], HttpResponse]:
    """Answer what the view could not read, and what a rule of its services refused."""

    @wraps(view)
    def wrapped(request: ShopRequest) -> HttpResponse:
        try:
            return view(request)
        except _Unreadable as unreadable:
            return unreadable.response
        except RuleBroken as refused:
            return _problem(refused.code, refused.status, detail=refused.detail)

    return wrapped


@at_the_counter()
def hello(request: ShopRequest) -> HttpResponse:
    """Who is signed in, in which shop, the token that writes need, the server's time, and what it knows of the
    tablet (`X-Device-Id`) and of its queue (`stream`)."""
    user = request.user
    device = device_of(request.shop, request.headers.get("X-Device-Id", ""))
    known = None
    if device:
        known = {**device_answer(device), "stream": stream_answer(device, request.GET.get("stream", ""))}
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
            "server_time": _now(),
            "protocol": PROTOCOL,
            "min_protocol": OLDEST_PROTOCOL,
            "epoch": str(epoch()),
            "seal": public_key(),
            "device": known,
        }
    )


def _now() -> str:
    return timezone.now().astimezone(KOLKATA).isoformat(timespec="milliseconds")


@at_the_counter("POST")
@readable
def device(request: ShopRequest) -> HttpResponse:
    """Make a tablet known, or say again what it is: its series of slip numbers, and whether it is blocked."""
    said = _body(request, Registration)
    return JsonResponse(device_answer(register_device(by=request.member, **said)))


@at_the_counter("POST")
@readable
def ops(request: ShopRequest) -> HttpResponse:
    """Apply a batch, each operation by itself and in its order; see `apply` for what is said of each."""
    said = _body(request, Batch)
    if len(said["ops"]) > MOST_OPS:
        return _problem("too_large", 413)
    if said["author_id"] != request.user.pk:
        return _problem("user_mismatch", 409)
    tablet = device_of(request.shop, str(said["device_id"]))
    if tablet is None:
        return _problem("device_unknown", 409)
    if tablet.is_blocked:
        return _problem("device_blocked", 403)
    queue = said["queue"]
    oldest = queue.pop("oldest_ms")
    stream = note_stream(
        by=request.member,
        device=tablet,
        said=Said(
            stream_id=said["stream_id"],
            oldest_at=None if oldest is None else dt.datetime.fromtimestamp(oldest / 1000, tz=dt.UTC),
            **queue,
        ),
    )
    results = [_applied(request, stream, sent) for sent in said["ops"]]
    return JsonResponse(
        {"server_time": _now(), "results": results}, json_dumps_params={"ensure_ascii": False}
    )


def _applied(request: ShopRequest, stream: Stream, sent: dict[str, Any]) -> dict[str, Any]:
    try:
        said = read(Operation, sent)
    except ValidationError as error:
        return not_readable(sent, error)
    return apply(by=request.member, stream=stream, said=said, sent=sent)


@at_the_counter()
def ref(request: ShopRequest) -> HttpResponse:
    """The reference data, or the parts of it named in `parts`; 400 `unknown_part` for one there is not."""
    parts = request.GET.get("parts", ",".join(PARTS)).split(",")
    if not set(parts) <= PARTS.keys():
        return JsonResponse({"code": "unknown_part"}, status=400)
    body = reference(request.member, parts, timezone.now())
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})
