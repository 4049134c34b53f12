"""Typst: papers as JSON in, a document out. It shapes Tamil rightly and needs no library of the system.

Also a program, for long print runs: Typst needs about 1.5 MB a statement and keeps them, and a server's process
must not. So this imports nothing of ours.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal

import typst

HERE = Path(__file__).parent
SLOWEST_RUN = 300
"""Seconds: more than ten times what 500 statements take on two cores."""


def typeset(
    layout: str, papers: list[dict[str, Any]], kind: Literal["pdf", "png"], ppi: float = 144
) -> bytes:
    """The papers in a layout of statement.typ, as one document. Values are placed as text, never read as markup."""
    compiler = typst.Compiler(
        HERE / "statement.typ",
        root=HERE,
        font_paths=_fonts(),
        sys_inputs={"layout": layout, "papers": json.dumps(papers)},
    )
    # For screen readers a single paper is marked up; a print run would take half as long again.
    made = compiler.compile(format=kind, ppi=ppi, pdf_tags=len(papers) == 1)
    if not isinstance(made, bytes):
        raise TypeError("Typst gave no single document")
    return made


def typeset_apart(layout: str, papers: list[dict[str, Any]]) -> bytes:
    """The same as PDF, made by a process of its own. Raises subprocess.SubprocessError where that fails."""
    run = [sys.executable, str(Path(__file__)), layout]
    return subprocess.run(  # noqa: S603 — this file, and a word of ours
        run, input=json.dumps(papers).encode(), stdout=subprocess.PIPE, check=True, timeout=SLOWEST_RUN
    ).stdout


@cache
def _fonts() -> typst.Fonts:
    """Ours first; Typst's own for letters of other scripts in a name."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[HERE / "fonts"])


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(sys.argv[1], json.load(sys.stdin.buffer), "pdf"))
