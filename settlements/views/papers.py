"""The papers of settlements, to print or to hand on."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.errors import NotFound
from settlements.documents.files import AT_ONCE, FORMATS, document_of, papers_of
from settlements.documents.pdf import Layout
from settlements.domain import OVER
from settlements.selectors.settlements import run_of, settlement_of

LAYOUTS: dict[str, Layout] = {"a5": "a5", "six": "a4_six_up"}


@member_required(Role.FARMER)
@require_GET
def settlement_document(request: ShopRequest, settlement_id: UUID, kind: str) -> HttpResponse:
    """One paper, in the farmer's language: A5, a roll of 80 mm, or a page. A farmer may open his own."""
    settlement = settlement_of(request.member, settlement_id)
    if kind not in FORMATS:
        raise NotFound(_("There is no such paper."))
    return document_of(settlement, kind, site=request.build_absolute_uri("/").rstrip("/"))


@member_required(Role.STAFF)
@require_GET
def run_papers(request: ShopRequest, run_id: UUID, layout: str, part: int) -> HttpResponse:
    """The papers of a run that stand, by the farmers' numbers, a hundred at a time."""
    run = run_of(request.member, run_id)
    if layout not in LAYOUTS:
        raise NotFound(_("There is no such paper."))
    standing = run.settlements.exclude(status__in=OVER)
    first = (part - 1) * AT_ONCE
    made = list(standing.select_related("farmer", "shop").order_by("farmer__number")[first : first + AT_ONCE])
    if not made:
        return redirect("settlements:run_detail", run.pk)
    site = request.build_absolute_uri("/").rstrip("/")
    return papers_of(made, LAYOUTS[layout], f"{run}-{layout}-{part}", site=site)
