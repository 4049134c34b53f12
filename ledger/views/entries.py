"""Pages about lines in the book."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from ledger.forms.entries import EntryEditForm, EntryFilter, EntryForm, VoidForm
from ledger.models import DailyEntry
from ledger.selectors.charges import charges_with, items_of
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import entry_of, may_change, totals_of, version_of
from ledger.selectors.history import changes_between, history_of
from ledger.selectors.lists import entries_matching, last_lines_on, with_strikes
from ledger.services.entries import corrected_entry, edit_entry, record_entry, void_entry
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotAllowed, NotFound, RuleBroken
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page, wants_fragment
from pricing.selectors.rates import board_now, rate_at

LINES_ON_A_PAGE = 50


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def entry_new(request: ShopRequest) -> HttpResponse:
    """Record a line. Over htmx a GET answers what is known of the farmer and flower chosen so far."""
    if request.method == "GET":
        again = _named(request.member, request.GET.get("again"))
        form = EntryForm.again(again) if again else EntryForm.fresh(shop=request.shop, kept=request.GET)
        return _entry_page(request, form, fragment="hints", saved=request.GET.get("saved"))
    form = EntryForm(request.POST, shop=request.shop)
    if form.is_valid():
        with refusals_on(form):
            answer = record_entry(by=request.member, **form.line())
            kept = form.handed_on(farmer_again=request.POST.get("then") == "again")
            return _next_entry(request, kept, str(answer.made))
    return _entry_page(request, form, fragment="desk", status=422)


def _next_entry(request: ShopRequest, kept: dict[str, str], saved: str) -> HttpResponse:
    """After saving: the desk cleared for the next sack, with the line just written named on it."""
    if wants_fragment(request):
        return _entry_page(
            request, EntryForm.fresh(shop=request.shop, kept=kept), fragment="desk", saved=saved
        )
    return redirect(f"{reverse('ledger:entry_new')}?{urlencode({**kept, 'saved': saved})}")


def _entry_page(
    request: ShopRequest, form: EntryForm, *, fragment: str, saved: str | None = None, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    moment = form.peek("captured_at") or now
    flower = form.peek("flower")
    context = {
        "form": form,
        "farmer": form.peek("farmer"),
        "flower": flower,
        "quote": rate_at(flower, moment) if flower else None,
    }
    if fragment != "hints" or not wants_fragment(request):
        day = business_date_of(moment, request.shop.turnover_hour)
        form.show_rates({rate.flower_id: rate.rate for rate in board_now(request.shop, now)})
        context |= {
            "farmers": request.shop.farmers.active(),
            "day": day,
            "lines": last_lines_on(request.shop, day),
            "saved": _named(request.member, saved),
        }
    return render_page(request, "ledger/entry_new.html", context, fragment=fragment, status=status)


def _named(member: Membership, entry_id: str | None) -> DailyEntry | None:
    """The line the address names; an address can be anything."""
    try:
        return entry_of(member, UUID(entry_id)) if entry_id else None
    except (ValueError, NotFound):
        return None


@member_required(Role.STAFF)
@require_GET
def entry_list(request: ShopRequest) -> HttpResponse:
    """The book: today's lines, or those the filters ask for."""
    today = business_date_of(timezone.now(), request.shop.turnover_hour)
    form = EntryFilter(request.GET, shop=request.shop, today=today)
    entries, several_days, locked = DailyEntry.objects.none(), False, None
    if form.is_valid():
        question = form.question()
        entries = entries_matching(request.shop, **question)
        several_days = question["start"] < question["end"]
        if not several_days and is_locked(request.shop, question["end"]):
            locked = question["end"]
    page = Paginator(with_strikes(entries.with_names()), LINES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "totals": totals_of(entries),
        "several_days": several_days,
        "locked": locked,
        "farmers": request.shop.farmers.active(),
    }
    return render_page(request, "ledger/entry_list.html", context, fragment="found")


@member_required(Role.STAFF)
@require_GET
def entry_detail(request: ShopRequest, entry_id: UUID) -> HttpResponse:
    """One line with all its figures and everything that was ever done to it."""
    entry = entry_of(request.member, entry_id)
    history = history_of(entry)
    locked = entry.business_date if is_locked(request.shop, entry.business_date) else None
    context = {
        "entry": entry,
        "history": history,
        "last": history[-1],
        "charged": items_of(charges_with(entry)),
        "locked": locked,
        "may_change": may_change(request.member, entry) and not entry.is_voided and not locked,
    }
    return render_page(request, "ledger/entry_detail.html", context)


def _stands_as_it_is(entry: DailyEntry) -> bool:
    """Whether there is nothing to fill in: its page says why, and what to do."""
    return entry.is_voided or is_locked(entry.shop, entry.business_date)


def _to_change(request: ShopRequest, entry_id: UUID) -> DailyEntry:
    """The line, if this member may change it: the page says so before he types."""
    entry = entry_of(request.member, entry_id)
    if not may_change(request.member, entry):
        raise NotAllowed(_("Only the owner may change what somebody else entered."))
    return entry


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def entry_edit(request: ShopRequest, entry_id: UUID) -> HttpResponse:
    """Correct a line. Over htmx a GET answers what it would come to.

    If the line changed meanwhile, both versions are shown side by side and nothing is written.
    """
    entry = _to_change(request, entry_id)
    if request.method == "GET" and _stands_as_it_is(entry):
        return redirect("ledger:entry_detail", entry.pk)
    if request.method == "GET":
        typed = request.GET if wants_fragment(request) else None
        return _edit_page(request, entry, EntryEditForm(typed, entry=entry, shop=request.shop))
    form = EntryEditForm(request.POST, entry=entry, shop=request.shop)
    if form.is_valid():
        with refusals_on(form):
            edit_entry(by=request.member, entry_id=entry.pk, **form.correction())
            messages.success(request, _("%(slip)s is corrected.") % {"slip": entry.slip_number})
            return redirect("ledger:entry_detail", entry.pk)
    if form.has_error(NON_FIELD_ERRORS, "voided"):
        return _voided_meanwhile(request, entry)
    if form.has_error(NON_FIELD_ERRORS, "stale"):
        seen = version_of(entry, form.cleaned_data["version"]) or entry
        return _edit_page(request, entry, form.over(entry, seen), status=409)
    return _edit_page(request, entry, form, status=422)


def _edit_page(
    request: ShopRequest, entry: DailyEntry, form: EntryEditForm, *, status: int = 200
) -> HttpResponse:
    """The line as it stands beside the form, and on top what becomes of its amount."""
    corrected, faults = _preview(request.member, entry, form)
    context = {
        "entry": entry,
        "form": form,
        "charged": items_of(charges_with(entry)),
        "corrected": corrected,
        "faults": faults,
    }
    if not wants_fragment(request):
        context |= {"farmers": request.shop.farmers.active()}
    if status == 409:
        context |= {
            "faster": history_of(entry)[-1],
            "differences": changes_between(entry, corrected) if corrected else [],
        }
    return render_page(request, "ledger/entry_edit.html", context, fragment="sum", status=status)


def _preview(
    member: Membership, entry: DailyEntry, form: EntryEditForm
) -> tuple[DailyEntry | None, list[str]]:
    """The line as the form would leave it, None where nothing was typed or it cannot be; and why it cannot."""
    if not form.is_bound or (faults := form.faults()):
        return None, faults if form.is_bound else []
    try:
        return corrected_entry(by=member, entry_id=entry.pk, changes=form.changes()), []
    except RuleBroken as broken:
        return None, [fault.detail for fault in broken.faults] or [broken.detail]


def _voided_meanwhile(request: ShopRequest, entry: DailyEntry) -> HttpResponse:
    """Somebody cancelled the line while another was at it: its page says who and why, and offers to write it again."""
    messages.warning(request, _("%(slip)s was cancelled meanwhile.") % {"slip": entry.slip_number})
    return redirect("ledger:entry_detail", entry.pk)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def entry_void(request: ShopRequest, entry_id: UUID) -> HttpResponse:
    """Cancel a line, with a reason."""
    entry = _to_change(request, entry_id)
    if request.method == "GET" and _stands_as_it_is(entry):
        return redirect("ledger:entry_detail", entry.pk)
    context = {"entry": entry, "form": VoidForm(initial={"version": entry.version})}
    if request.method == "GET":
        return render_page(request, "ledger/entry_void.html", context)
    form = VoidForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            void_entry(by=request.member, entry_id=entry.pk, **form.cleaned_data)
            messages.success(request, _("%(slip)s is cancelled.") % {"slip": entry.slip_number})
            return redirect("ledger:entry_detail", entry.pk)
    if form.has_error(NON_FIELD_ERRORS, "voided"):
        return _voided_meanwhile(request, entry)
    if form.has_error(NON_FIELD_ERRORS, "stale"):
        faster = history_of(entry)[-1]
        return render_page(request, "ledger/entry_void.html", context | {"faster": faster}, status=409)
    return render_page(request, "ledger/entry_void.html", context | {"form": form}, status=422)
