"""Doors for what somebody else than its author brings: sealed boxes from a tablet, a file from a broken one."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.errors import RuleBroken
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from malar.kernel.rest import read
from malar.sync.domain import MOST_OPS
from malar.sync.forms import FileOfTablet, Parcel, TabletFileForm
from malar.sync.parked import Brought, Summary, TabletFile, open_box, take_in
from malar.sync.selectors.brought import to_look_at
from malar.sync.selectors.tablets import device_of
from malar.sync.views import _body, _problem, at_the_counter, readable

LARGEST_FILE = 4_000_000


@at_the_counter("POST")
@readable
def parked(request: ShopRequest) -> HttpResponse:
    """Take sealed boxes, whoever of the shop brings them; each is answered by itself, see `open_box`."""
    said = _body(request, Parcel)
    if len(said["boxes"]) > MOST_OPS:
        return _problem("too_large", 413)
    tablet = device_of(request.shop, str(said["device_id"]))
    if tablet is None:
        return _problem("device_unknown", 409)
    if tablet.is_blocked:
        return _problem("device_blocked", 403)
    results = [
        open_box(
            by=request.member,
            device=tablet,
            brought=Brought(
                op_id=each["op_id"],
                seq=each["seq"],
                stream_id=said["stream_id"],
                author_id=each["author_id"],
            ),
            box=each["box"],
        )
        for each in said["boxes"]
    ]
    return JsonResponse({"results": results})


@member_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_in(request: ShopRequest) -> HttpResponse:
    """Take the file of a tablet that broke into the book, and show what of all that was brought is to be looked at."""
    form = TabletFileForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        with refusals_on(form):
            summary = take_in(
                by=request.member, file=_file_in(form.cleaned_data["file"].read(LARGEST_FILE + 1))
            )
            messages.success(request, _told(summary))
            return redirect("handed_in:hand_in")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "rows": to_look_at(request.shop)}
    return render_page(request, "sync/hand_in.html", context, status=status)


def _file_in(raw: bytes) -> TabletFile:
    """What the file says. Raises RuleBroken for one that is not ours, or is too large."""
    if len(raw) > LARGEST_FILE:
        raise RuleBroken(_("This file is too large."), code="too_large", pointer="/file")
    try:
        said: dict[str, Any] = read(FileOfTablet, json.loads(raw))
    except (ValueError, RecursionError, ValidationError) as error:
        raise RuleBroken(
            _("This is not a file that Malar saved on a tablet."), code="not_ours", pointer="/file"
        ) from error
    boxes = [
        (
            Brought(
                op_id=each["op_id"],
                seq=each["seq"],
                stream_id=each["stream_id"],
                author_id=each["author_id"],
            ),
            each["box"],
        )
        for each in said["boxes"]
    ]
    ours = {name: said[name] for name in ("shop_id", "device_id", "stream_id", "author_id", "ops")}
    return TabletFile(**ours, boxes=boxes)


def _told(summary: Summary) -> str:
    """What became of the file, in a sentence for each kind."""
    sentences = [
        ngettext("%(count)s taken into the book.", "%(count)s taken into the book.", summary.taken)
        % {"count": summary.taken}
    ]
    if summary.known:
        sentences.append(_("Already there: %(count)s.") % {"count": summary.known})
    if summary.to_look_at:
        sentences.append(_("To be looked at: %(count)s.") % {"count": summary.to_look_at})
    if summary.later:
        sentences.append(
            _("Not possible yet: %(count)s. Bring the file again later.") % {"count": summary.later}
        )
    return " ".join(sentences)
