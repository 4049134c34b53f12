"""Statements as PDF: A5, one after the other, or six to a sheet of A4."""

import io
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Literal

from settlements.documents.paper import Paper, paper_of
from settlements.documents.squares import code_of
from settlements.documents.statement import Language, Statement
from settlements.documents.typesetting import typeset, typeset_apart

FEW = 20
"""So many statements are set in this process; it would take longer to start another."""

Layout = Literal["a5", "a4_six_up"]


def render_pdf(
    statements: Iterable[Statement], language_of: Callable[[Statement], Language], layout: Layout
) -> bytes:
    """The statements on paper, in their order, each in the language of its farmer.

    One document of all, because starting is most of the cost of one. Raises ValueError where there is no
    statement: a PDF has a page at least.
    """
    papers = [input_of(paper_of(statement, language_of(statement))) for statement in statements]
    if not papers:
        raise ValueError("no statement to print")
    return typeset(layout, papers, "pdf") if len(papers) <= FEW else typeset_apart(layout, papers)


def input_of(paper: Paper) -> dict[str, Any]:
    """The paper as statement.typ reads it: with its QR codes as pictures."""
    return asdict(paper) | {"codes": {"link": _code(paper.link), "upi": _code(paper.upi)}}


def _code(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    code = code_of(text)
    svg = io.BytesIO()
    code.save(svg, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True, dark="#000")
    return {"svg": svg.getvalue().decode(), "modules": code.symbol_size(border=0)[0]}
