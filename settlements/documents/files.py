"""The papers of settlements as files: what a page, a program and a printer are handed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import override

from settlements.documents.html import render_html
from settlements.documents.made import statement_of, statements_of
from settlements.documents.pdf import Layout, render_pdf
from settlements.documents.statement import Language
from settlements.documents.thermal import render_thermal
from settlements.domain import OVER
from settlements.models import Settlement

FORMATS = ("pdf", "thermal", "html")
"""A5 for a file or a printer, a roll of 80 mm as a picture of dots, a page to read."""
AT_ONCE = 100
"""So many papers are set while somebody waits; more are printed in parts."""


def document_of(
    settlement: Settlement, kind: str, language: Language | None = None, *, site: str
) -> HttpResponse:
    """One paper in a format of FORMATS, in `language`, else in the farmer's own. Its square leads to his page on
    `site` (https://malar.example)."""
    spoken: Language = language or language_of(settlement)
    with override(spoken):
        made = statement_of(settlement, _page(site, settlement))
    if kind == "html":
        page = {"article": render_html(made, spoken), "title": str(settlement), "language": spoken}
        return HttpResponse(render_to_string("settlements/statement_page.html", page))
    if kind == "thermal":
        return _file(render_thermal(made, spoken), "image/png", f"{settlement}-80mm.png")
    return _file(render_pdf([made], lambda _made: spoken, "a5"), "application/pdf", f"{settlement}.pdf")


def papers_of(settlements: Sequence[Settlement], layout: Layout, name: str, *, site: str) -> HttpResponse:
    """Many papers in one file, in this order, each in its farmer's language; at least one, AT_ONCE at most."""
    languages = {each.reference: language_of(each) for each in settlements}
    links = {each.pk: _page(site, each) for each in settlements}
    pages = render_pdf(statements_of(settlements, links), lambda made: languages[made.reference], layout)
    return _file(pages, "application/pdf", f"{name}.pdf")


@dataclass(frozen=True)
class Part:
    """So many papers of a run, one file: the how many-th of them it begins and ends with."""

    number: int
    first: int
    last: int


def parts_of(made: Iterable[Settlement]) -> list[Part]:
    """In how many files the papers of these are printed: those that were called off or taken back have none."""
    count = sum(each.status not in OVER for each in made)
    return [
        Part(number, first + 1, min(first + AT_ONCE, count))
        for number, first in enumerate(range(0, count, AT_ONCE), start=1)
    ]


def language_of(settlement: Settlement) -> Language:
    """The farmer's language."""
    return "ta" if settlement.farmer.language == "ta" else "en"


def _page(site: str, settlement: Settlement) -> str:
    return site + reverse("settlements:settlement_detail", args=[settlement.pk])


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
