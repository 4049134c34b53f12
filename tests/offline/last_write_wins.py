"""A mutant of the server for tests/offline/soak.py: of two corrected weights the last one counts."""

from malar.sync import merge
from malar.wsgi import application

__all__ = ["application"]

_figures = merge._figures


def last_write_wins(base: object, mine: merge.Facts, theirs: merge.Facts, most: object) -> object:
    return _figures(theirs, mine, theirs, most)  # type: ignore[arg-type]


merge._figures = last_write_wins  # type: ignore[assignment]
