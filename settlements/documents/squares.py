"""Squares that a phone reads: the farmer's link, and the order to pay him by UPI."""

from decimal import Decimal
from urllib.parse import quote, urlencode

import segno
from django.utils.safestring import SafeString, mark_safe


def upi_order(*, address: str, name: str, amount: Decimal, note: str) -> str:
    """What UPI apps open: pay `amount` ₹ to `address` (NPCI, UPI Linking Specifications 1.6)."""
    said = {"pa": address, "pn": name, "am": f"{amount:.2f}", "cu": "INR", "tn": note}
    return f"upi://pay?{urlencode(said, quote_via=quote, safe='@')}"


def code_of(text: str) -> segno.QRCode:
    """A QR code of `text` that still reads with 15 percent of it smudged."""
    return segno.make(text, error="m", micro=False)


def square(text: str) -> SafeString:
    """A QR code as inline SVG, black on white with the quiet zone it needs, by day and before sunrise."""
    return _inline(code_of(text), border=4, light="#fff", svgclass="square")


def square_on_paper(text: str) -> SafeString:
    """A QR code as inline SVG without a ground of its own: the paper around it is white."""
    return _inline(code_of(text), border=0, svgclass=None)


def _inline(code: segno.QRCode, **looks: object) -> SafeString:
    drawing = code.svg_inline(omitsize=True, lineclass=None, **looks)
    # Safe: segno writes black squares, and nothing of the text stands in them.
    return mark_safe(drawing)  # noqa: S308
