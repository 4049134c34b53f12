"""What a reader of our PDFs finds in them: the text of each page, by the tables a viewer copies text with.

Only as much of PDF (ISO 32000) as Typst writes: no object streams, strings in parentheses, ToUnicode, ActualText.
"""

import re
import zlib

OBJECT = re.compile(rb"\n(\d+) 0 obj\s*(.*?)\nendobj", re.DOTALL)
TOKEN = re.compile(
    rb"ActualText<FEFF(?P<actual>[0-9A-F]*)>|(?P<begin>BDC|BMC)|(?P<end>EMC)|/(?P<font>f\d+) [\d.]+ Tf"
    rb"|\((?P<shown>(?:\\.|[^\\()])*)\)",
    re.DOTALL,
)
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page in the order in which it is drawn, without spaces: layouts make them as they like."""
    objects = {int(number): body for number, body in OBJECT.findall(pdf)}
    return [
        _page_text(objects, body)
        for _, body in sorted(objects.items())
        if re.search(rb"/Type/Page\b(?!s)", body) and b"/Contents" in body
    ]


def squeezed(text: str) -> str:
    """Without spaces, and each dotted consonant once: Typst draws a raised dot apart and says its letter twice."""
    return re.sub(r"([\u0b95-\u0bb9]\u0bcd)\1", r"\1", "".join(text.split()))


def _page_text(objects: dict[int, bytes], page: bytes) -> str:
    resources = objects[_reference(page, b"Resources")]
    fonts = {
        name: _unicode_of(objects, objects[int(number)])
        for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", resources)
    }
    text: list[str] = []
    font, spans, actual = b"", [False], None
    for token in TOKEN.finditer(_stream(objects[_reference(page, b"Contents")])):
        kind = token.lastgroup
        if kind == "actual":
            actual = bytes.fromhex(token["actual"].decode()).decode("utf-16-be")
        elif kind == "begin":
            spans.append(actual is not None)
            text.append(actual or "")
            actual = None
        elif kind == "end":
            spans.pop()
        elif kind == "font":
            font = token["font"]
        elif not any(spans):
            codes = ESCAPE.sub(_unescaped, token["shown"])
            text += [fonts[font].get(codes[at : at + 2], "") for at in range(0, len(codes), 2)]
    return squeezed("".join(text))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    what = escape[1]
    return bytes([int(what, 8)]) if len(what) == 3 else ESCAPED.get(what, what)


def _unicode_of(objects: dict[int, bytes], font: bytes) -> dict[bytes, str]:
    table = _stream(objects[_reference(font, b"ToUnicode")])
    return {
        bytes.fromhex(code.decode()): bytes.fromhex(letters.decode()).decode("utf-16-be")
        for code, letters in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", table)
    }


def _reference(body: bytes, key: bytes) -> int:
    found = re.search(rb"/" + key + rb" (\d+) 0 R", body)
    assert found, f"no {key!r} in {body[:80]!r}"
    return int(found[1])


def _stream(body: bytes) -> bytes:
    return zlib.decompress(body.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0])
