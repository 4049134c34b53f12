"""Squares that a phone reads: the farmer's link, and the order to pay him by UPI."""

from decimal import Decimal
from urllib.parse import quote, urlencode

import segno
from django.utils.safestring import SafeString, mark_safe


def upi_order(*, address: str, name: str, amount: Decimal, note: str) -> str:
    """What UPI apps open: pay `amount` ₹ to `address` (NPCI, UPI Linking Specifications 1.6)."""
    said = {"pa": address, "pn": name, "am": f"{amount:.2f}", "cu": "INR", "tn": note}
    return f"upi://pay?{urlencode(said, quote_via=quote, safe='@')}"


def square(text: str) -> SafeString:
    """A QR code of `text` as inline SVG, black on white with the quiet zone it needs, by day and before sunrise."""
    code = segno.make(text, error="m", micro=False)
    drawing = code.svg_inline(border=4, light="#fff", omitsize=True, svgclass="square", lineclass=None)
    return mark_safe(drawing)  # noqa: S308 - black squares, and nothing of the text
