"""A statement for a phone of 412 px and for a sheet of A5 out of a browser."""

import segno
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import override

from settlements.documents.paper import paper_of
from settlements.documents.statement import Language, Statement


def render_html(statement: Statement, language: Language) -> str:
    """The statement as an <article>, in the farmer's language; its looks are in static/css/statement.css."""
    paper = paper_of(statement, language)
    codes = [
        {"svg": _code(text), "words": words}
        for text, words in ((paper.link, paper.link_words), (paper.upi, paper.upi_words))
        if text
    ]
    with override(language):
        return render_to_string("settlements/statement.html", {"paper": paper, "codes": codes})


def _code(text: str) -> str:
    code = segno.make(text, error="m", micro=False)
    # Safe: segno writes black squares, and nothing of the text.
    return mark_safe(code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))  # noqa: S308
