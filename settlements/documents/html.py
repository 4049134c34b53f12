"""A statement for a phone of 412 px and for a sheet of A5 out of a browser."""

from django.template.loader import render_to_string
from django.utils.translation import override

from settlements.documents.paper import paper_of
from settlements.documents.squares import square_on_paper
from settlements.documents.statement import Language, Statement


def render_html(statement: Statement, language: Language) -> str:
    """The statement as an <article>, in the farmer's language; its looks are in static/css/statement.css."""
    paper = paper_of(statement, language)
    codes = [
        {"svg": square_on_paper(text), "words": words}
        for text, words in ((paper.link, paper.link_words), (paper.upi, paper.upi_words))
        if text
    ]
    with override(language):
        return render_to_string("settlements/statement.html", {"paper": paper, "codes": codes})
