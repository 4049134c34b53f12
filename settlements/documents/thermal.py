"""A statement on a roll of 80 mm, as the picture a receipt printer takes.

Printers have no Tamil: letters would come out as question marks, so the whole slip is sent as dots. 72 mm of the
roll are printed on, 576 dots at 203 dpi, black or nothing. The printer's driver sends it in strips.
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate

from settlements.documents.paper import paper_of
from settlements.documents.pdf import input_of
from settlements.documents.statement import Language, Statement
from settlements.documents.typesetting import typeset

DOTS = 576
DPI = 203.2
"""8 dots a millimetre."""
BLACK_BELOW = 150
"""Of 255: a little more than half, so that thin strokes do not break."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def render_thermal(statement: Statement, language: Language) -> bytes:
    """A PNG of one bit a dot, 576 wide and as long as it takes."""
    drawn = typeset("thermal", [input_of(paper_of(statement, language))], "png", DPI)
    return _one_bit(drawn)


def _one_bit(picture: bytes) -> bytes:
    """Typst's picture in black and white. It is opaque and without colour, so one of its four channels is enough."""
    width, height = struct.unpack(">II", picture[16:24])
    rows = bytearray()
    for row in _grey_rows(picture, width, height):
        bits = "".join("0" if dot < BLACK_BELOW else "1" for dot in row)
        rows += b"\x00" + int(bits, 2).to_bytes(width // 8, "big")
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _grey_rows(picture: bytes, width: int, height: int) -> Iterator[bytes]:
    """The red of each row of an 8-bit RGBA PNG (its filters: PNG specification, 9.2)."""
    packed, position = bytearray(), len(_SIGNATURE)
    while position < len(picture):
        (length,) = struct.unpack(">I", picture[position : position + 4])
        if picture[position + 4 : position + 8] == b"IDAT":
            packed += picture[position + 8 : position + 8 + length]
        position += length + 12
    raw = zlib.decompress(bytes(packed))
    stride = 4 * width + 1
    above = bytes(width)
    for start in range(0, stride * height, stride):
        above = _unfiltered(raw[start], raw[start + 1 : start + stride : 4], above)
        yield above


def _unfiltered(kind: int, row: bytes, above: bytes) -> bytes:
    if kind == 0:
        return row
    if kind == 1:
        return bytes(value & 255 for value in accumulate(row))
    if kind == 2:
        return bytes((value + up) & 255 for value, up in zip(row, above, strict=True))
    left = up_left = 0
    plain = bytearray()
    for value, up in zip(row, above, strict=True):
        guess = (left + up) // 2 if kind == 3 else _paeth(left, up, up_left)
        left, up_left = (value + guess) & 255, up
        plain.append(left)
    return bytes(plain)


def _paeth(left: int, up: int, up_left: int) -> int:
    to_left, to_up, to_up_left = abs(up - up_left), abs(left - up_left), abs(left + up - 2 * up_left)
    if to_left <= to_up and to_left <= to_up_left:
        return left
    return up if to_up <= to_up_left else up_left
