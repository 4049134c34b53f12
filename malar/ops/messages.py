"""Compile the translations: locale/**/LC_MESSAGES/*.po to *.mo, where the .po changed.

    python -m malar.ops.messages

Babel does it: Django's compilemessages needs msgfmt, which a bare machine does not have.
"""

import os
from pathlib import Path

LOCALE = Path(__file__).resolve().parent.parent.parent / "locale"


def compile_messages(root: Path = LOCALE) -> list[Path]:
    """Compile what changed below `root`; return the .mo files written.

    Fuzzy translations are left out, as msgfmt does. Raises babel.messages.pofile.PoFileError, which
    names the line, for a file that cannot be read.
    """
    written = []
    for source in sorted(root.rglob("LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        times = source.stat()
        # Equal times, not "newer than": an older .po from another branch is a change too.
        if not target.exists() or target.stat().st_mtime_ns != times.st_mtime_ns:
            _compile(source, target)
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
            written.append(target)
    return written


def _compile(source: Path, target: Path) -> None:
    # Imported here: most starts have nothing to compile and should not wait for Babel.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    draft = target.with_suffix(".mo.new")
    with draft.open("wb") as file:
        write_mo(file, catalog)
    draft.replace(target)  # a running server never reads half a file


if __name__ == "__main__":
    compile_messages()
