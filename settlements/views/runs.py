"""Pages about settling many farmers in one pass: what would come of it, doing it, and what came of it."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.forms import OnceForm, refusals_on
from malar.kernel.htmx import render_page
from malar.kernel.money import ZERO
from settlements.documents.files import parts_of
from settlements.domain import RunStatus
from settlements.forms import ApproveManyForm, RunForm, SendForm
from settlements.models import SettlementRun
from settlements.selectors.pages import (
    MOST_AT_ONCE,
    approvable,
    by_reason,
    drafts_of,
    last_runs,
    listed,
    tally_of,
)
from settlements.selectors.settlements import progress_of, run_of
from settlements.services.approvals import Refused, approve_many, submit_run
from settlements.services.runs import Order, Outcome, preview, run_or_begin


@member_required(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def run_new(request: ShopRequest) -> HttpResponse:
    """Say which days and farmers, look at what comes of it, and settle. The button `settle` does it."""
    today = business_date_of(timezone.now(), request.shop.turnover_hour)
    data = request.POST if request.method == "POST" else None
    known = {name: request.GET[name] for name in ("who", "farmers") if request.GET.get(name)}
    form = RunForm(data, shop=request.shop, today=today, initial=known)
    outcome = None
    if form.is_valid() and "settle" in request.POST:
        with refusals_on(form):
            return _settle(request, form)
    if form.is_bound and (order := form.order()):
        with refusals_on(form):
            outcome = preview(by=request.member, order=order)
    context = {
        "form": form,
        "runs": last_runs(request.shop),
        "farmers": request.shop.farmers.active(),
        **_foreseen(form, outcome),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "settlements/run_new.html", context, status=status)


def _foreseen(form: RunForm, outcome: Outcome | None) -> dict[str, object]:
    """What the preview shows, each settlement with what stands in its field."""
    if outcome is None:
        return {"outcome": None}
    made = outcome.settlements
    names = ("gross", "commission", "charges", "draws", "hand_loans", "recovery")
    return {
        "outcome": outcome,
        "rows": [(settlement, form.typed(settlement)) for settlement in made],
        "left_out": by_reason([each.as_json() for each in outcome.left_out]),
        "sums": {name: sum((getattr(each, name) for each in made), ZERO) for name in names},
        "owing": [each for each in made if each.carried],
    }


def _settle(request: ShopRequest, form: RunForm) -> HttpResponse:
    """Begin the run; a short one is made while its owner waits, a long one in a worker."""
    order: Order | None = form.order()
    if order is None:
        raise AssertionError("a valid form has an order")
    run = run_or_begin(by=request.member, key=form.cleaned_data["key"], order=order).made
    return redirect("settlements:run_detail", run)


@member_required(Role.STAFF)
@require_GET
def run_detail(request: ShopRequest, run_id: UUID) -> HttpResponse:
    """How far a run is, and what it made. While it is not made it is asked for again and again over htmx."""
    return _run_page(request, run_of(request.member, run_id))


def _run_page(
    request: ShopRequest,
    run: SettlementRun,
    form: OnceForm | None = None,
    *,
    refused: Sequence[Refused] = (),
    status: int = 200,
) -> HttpResponse:
    made = run.settlements.select_related("farmer").order_by("farmer__number")
    context = {
        "run": run,
        "percent": progress_of(run),
        "is_under_way": run.status in (RunStatus.QUEUED, RunStatus.RUNNING),
        "rows": listed(made),
        "tally": tally_of(made),
        "left_out": by_reason(run.left_out),
        "parts": parts_of(made),
        "drafts": drafts_of(run) if request.member.role == Role.ADMIN else 0,
        "form": form or SendForm(),
        "waiting": approvable(request.member, run)[:MOST_AT_ONCE],
        "refused": refused,
        "approve": ApproveManyForm(),
        "as_of": timezone.now(),
    }
    return render_page(request, "settlements/run_detail.html", context, fragment="run", status=status)


@member_required(Role.STAFF)
@require_POST
def run_approve(request: ShopRequest, run_id: UUID) -> HttpResponse:
    """Say yes for the shop to settlements as the page showed them; which were refused, and why, is listed."""
    run, form = run_of(request.member, run_id), ApproveManyForm(request.POST)
    if not form.is_valid():
        return _run_page(request, run, form, status=422)
    said = form.cleaned_data
    approved, refused = approve_many(
        by=request.member, run_id=run.pk, contents=said["content"], key=said["key"]
    )
    if approved:
        words = ngettext(
            "%(count)s settlement is approved for the shop.",
            "%(count)s settlements are approved for the shop.",
            approved,
        )
        messages.success(request, words % {"count": approved})
    if refused:
        return _run_page(request, run, refused=refused, status=409)
    return redirect("settlements:run_detail", run.pk)


@member_required(Role.ADMIN)
@require_POST
def run_submit(request: ShopRequest, run_id: UUID) -> HttpResponse:
    """Send all drafts of a run for approval."""
    run, form = run_of(request.member, run_id), SendForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            sent = submit_run(by=request.member, run_id=run.pk, key=form.cleaned_data["key"]).body[
                "submitted"
            ]
            words = ngettext(
                "%(count)s settlement is sent for approval. It can still be called off.",
                "%(count)s settlements are sent for approval. Each can still be called off.",
                sent,
            )
            messages.success(request, words % {"count": sent})
            return redirect("settlements:run_detail", run.pk)
    return _run_page(request, run, form, status=422)
