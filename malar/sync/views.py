"""The tablet's door. It never sends anybody to sign in: a page that works offline asks for that itself."""

import datetime as dt
import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.request import RawPostDataException
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import ValidationError

from malar.accounts.access import member_required
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import KOLKATA
from malar.kernel.drf import Body, problem_of
from malar.kernel.errors import Conflict, NotFound, RuleBroken
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from malar.kernel.rest import read
from malar.kernel.transactions import through
from malar.sync.conflicts import Decision, resolve_conflict
from malar.sync.domain import LARGEST_BATCH, MOST_OPS
from malar.sync.forms import Batch, Operation, Registration, ResolveForm, TabletNameForm, TabletStateForm
from malar.sync.models import Device, Stream
from malar.sync.seal import public_key
from malar.sync.selectors.conflicts import conflict_answers, open_conflicts, settled_lately, undecided_of
from malar.sync.selectors.reference import PARTS, limits_answer, reference
from malar.sync.selectors.tablets import (
    device_answer,
    device_of,
    epoch,
    id_of,
    stream_answer,
    tablet_of,
    tablets_of,
)
from malar.sync.services import (
    Said,
    apply,
    begin_stream,
    block_tablet,
    leave_device,
    name_tablet,
    not_readable,
    note_stream,
    register_device,
)

PROTOCOL = OLDEST_PROTOCOL = 1
DEVICE_COOKIE = "device"
DEVICE_COOKIE_S = 400 * 24 * 3600
"""As long as browsers keep one; each answer to a tablet begins it anew."""


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
    tablet (`X-Device-Id`; of one that sends none, its cookie) and of its queue (`stream`)."""
    user = request.user
    # One with an id that is not known here is told so, whatever its cookie says: it must register.
    device = device_of(
        request.shop, request.headers.get("X-Device-Id") or request.COOKIES.get(DEVICE_COOKIE, "")
    )
    known = None
    if device:
        named = request.GET.get("stream", "")
        stream = stream_answer(device, named)
        known = {**device_answer(device), "stream": stream}
        if stream is None and (queue := id_of(named)):
            begin_stream(by=request.member, device=device, id=queue)
    response = JsonResponse(
        {
            "user": {
                "id": str(user.pk),
                "name": user.name,
                "role": request.member.role,
                "language": user.language,
                "pin": None if user.pin_id is None else str(user.pin_id),
            },
            "shop": str(request.shop.pk),
            "csrf": get_token(request),
            "server_time": _now(),
            "protocol": PROTOCOL,
            "min_protocol": OLDEST_PROTOCOL,
            "epoch": str(epoch()),
            "seal": public_key(),
            "app_version": import_string(settings.APP_VERSION)(),
            "limits": limits_answer(request.shop),
            "device": known,
            "open_conflicts": open_conflicts(request.shop).count(),
        }
    )
    return _remembered(response, device) if device else response


def _remembered(response: HttpResponse, device: Device) -> HttpResponse:
    """The tablet's id beside the session: it outlives a storage that the browser emptied, and another sign-in."""
    response.set_cookie(
        DEVICE_COOKIE,
        str(device.pk),
        max_age=DEVICE_COOKIE_S,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _now() -> str:
    return timezone.now().astimezone(KOLKATA).isoformat(timespec="milliseconds")


@at_the_counter("POST")
@readable
def device(request: ShopRequest) -> HttpResponse:
    """Make a tablet known, or say again what it is: its series of slip numbers, and whether it is blocked."""
    said = _body(request, Registration)
    tablet = register_device(by=request.member, **said)
    before = device_of(request.shop, request.COOKIES.get(DEVICE_COOKIE, ""))
    if before and before != tablet:
        leave_device(by=request.member, device=before)
    return _remembered(JsonResponse(device_answer(tablet)), tablet)


@at_the_counter("POST")
@readable
def ops(request: ShopRequest) -> HttpResponse:
    """Apply a batch, each operation by itself and in its order; see `apply` for what is said of each.

    `took_ms`: how long it was at it, by which the tablet sizes the next one.
    """
    began = time.perf_counter()
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
    results = [_applied(request, stream, sent, said["clock"]["age_s"]) for sent in said["ops"]]
    took = round((time.perf_counter() - began) * 1000)
    return JsonResponse(
        {"server_time": _now(), "took_ms": took, "results": results},
        json_dumps_params={"ensure_ascii": False},
    )


def _applied(
    request: ShopRequest, stream: Stream, sent: dict[str, Any], clock_age_s: int | None
) -> dict[str, Any]:
    try:
        said = read(Operation, sent)
    except ValidationError as error:
        return not_readable(by=request.member, stream=stream, sent=sent, error=error)
    return apply(by=request.member, stream=stream, said=said, sent=sent, clock_age_s=clock_age_s)


@at_the_counter()
def ref(request: ShopRequest) -> HttpResponse:
    """The reference data, or the parts of it named in `parts`; 400 `unknown_part` for one there is not. With `since`
    (the `cursor` of an earlier answer) only the farmers changed since then, where the cursor is still known."""
    parts = request.GET.get("parts", ",".join(PARTS)).split(",")
    if not set(parts) <= PARTS.keys():
        return JsonResponse({"code": "unknown_part"}, status=400)
    body = reference(request.member, parts, timezone.now(), request.GET.get("since", ""))
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})


@at_the_counter()
def conflicts(request: ShopRequest) -> HttpResponse:
    """What waits for a person's decision: what the tablet saw, what it wanted, and what stands now."""
    return JsonResponse(
        {"conflicts": conflict_answers(request.shop)}, json_dumps_params={"ensure_ascii": False}
    )


# --- The owner's page of conflicts -------------------------------------------------------------------

CONFLICTS_ON_A_PAGE = 20


@member_required(Role.ADMIN)
@require_safe
def conflict_list(request: ShopRequest) -> HttpResponse:
    """What waits for a decision, the oldest first, and what was decided lately."""
    return _conflicts_page(request)


@member_required(Role.ADMIN)
@require_POST
def conflict_resolve(request: ShopRequest, conflict_id: UUID) -> HttpResponse:
    """Decide one. Where it was decided before, or the line is another one by now, the page says so and shows it."""
    conflict = request.shop.conflicts.filter(pk=conflict_id).select_related("op").first()
    if conflict is None:
        raise NotFound(_("There is no such conflict."))
    (known,) = undecided_of(request.shop, [conflict])
    form = ResolveForm(request.POST, line=known.line, conflict_id=conflict_id)
    if form.is_valid():
        with refusals_on(form):
            try:
                decision = Decision(**form.decision())
                resolve_conflict(by=request.member, conflict_id=conflict_id, decision=decision)
                messages.success(request, _("Decided."))
            except Conflict as later:
                messages.warning(request, later.detail)
            return redirect("conflicts:conflict_list")
    return _conflicts_page(request, refused=(conflict_id, form), status=422)


def _conflicts_page(
    request: ShopRequest, *, refused: tuple[UUID, ResolveForm] | None = None, status: int = 200
) -> HttpResponse:
    page = Paginator(open_conflicts(request.shop), CONFLICTS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "it": each,
            "form": refused[1]
            if refused and refused[0] == each.conflict.pk
            else ResolveForm(line=each.line, conflict_id=each.conflict.pk),
        }
        for each in undecided_of(request.shop, list(page))
    ]
    context = {"page": page, "rows": rows, "settled": settled_lately(request.shop)}
    return render_page(request, "sync/conflict_list.html", context, status=status)


# --- The owner's page of tablets ---------------------------------------------------------------------


@member_required(Role.ADMIN)
@require_safe
def tablet_list(request: ShopRequest) -> HttpResponse:
    """The shop's tablets, and what is on them and not here. `changed` names the one that was blocked or let in just
    now: there the page offers to undo it."""
    return _tablets_page(request)


@member_required(Role.ADMIN)
@require_POST
def tablet_name(request: ShopRequest, device_id: UUID) -> HttpResponse:
    """Name a tablet."""
    device = tablet_of(request.member, device_id)
    form = TabletNameForm(request.POST, auto_id=f"id_%s_{device.pk}")
    if form.is_valid():
        with refusals_on(form):
            name_tablet(by=request.member, device_id=device.pk, name=form.cleaned_data["name"])
            messages.success(request, _("Saved."))
            return redirect("tablets:tablet_list")
    return _tablets_page(request, refused=(device, form), status=422)


@member_required(Role.ADMIN)
@require_POST
def tablet_state(request: ShopRequest, device_id: UUID) -> HttpResponse:
    """Take nothing from a tablet any more, or let it in again."""
    form = TabletStateForm(request.POST)
    is_lost = form.is_valid() and form.cleaned_data["is_lost"]
    device = block_tablet(by=request.member, device_id=device_id, is_lost=is_lost)
    return redirect(f"{reverse('tablets:tablet_list')}?changed={device.pk}")


def _tablets_page(
    request: ShopRequest, *, refused: tuple[Device, TabletNameForm] | None = None, status: int = 200
) -> HttpResponse:
    rows = [
        {
            "tablet": tablet,
            "form": refused[1]
            if refused and refused[0] == tablet.device
            else TabletNameForm(initial={"name": tablet.device.name}, auto_id=f"id_%s_{tablet.device.pk}"),
            "is_changed": request.GET.get("changed") == str(tablet.device.pk),
        }
        for tablet in tablets_of(request.shop, timezone.now())
    ]
    return render(request, "sync/tablet_list.html", {"rows": rows}, status=status)
