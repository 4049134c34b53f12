"""Worked settlement A: a week of P. Murugesan's flowers, with the figures a trader worked out by hand.

The one fixture for every door: whatever the 15 lines come through, they end in these figures.
"""

from dataclasses import dataclass
from decimal import Decimal

FARMER_NUMBER = 14
SALE_VALUE = Decimal("46193.97")
COMMISSION = Decimal("4619.40")

FLOWERS = {
    "MAL": ("மல்லி", "Jasmine", "kg"),
    "KAN": ("கனகாம்பரம்", "Crossandra", "kg"),
    "MUL": ("முல்லை", "Mullai", "kg"),
    "SEV": ("செவ்வந்தி", "Chrysanthemum", "kg"),
    "PAN": ("பன்னீர்", "Paneer rose", "kg"),
    "LOT": ("தாமரை", "Lotus", "piece"),
    "ROS": ("ரோஜா கட்டு", "Stem rose", "bundle"),
    "SAM": ("சம்பங்கி", "Tuberose", "kg"),
    "SEN": ("செண்டு", "Marigold", "kg"),
}
"""Code → name in Tamil, name in English, unit."""


@dataclass(frozen=True)
class Line:
    """What was said at the counter, and what it must come to. Weighed lines have gross and tare, counted ones a net."""

    day: str
    clock: str
    flower: str
    gross: str | None
    tare: str | None
    net: str
    sacks: int
    rate: str
    amount: str
    commission: str


LINES = [
    Line("2026-03-02", "05:10", "MAL", "8.450", "0.200", "8.250", 1, "900", "7425.00", "742.50"),
    Line("2026-03-02", "06:40", "MAL", "3.600", "0.100", "3.500", 1, "820", "2870.00", "287.00"),
    Line("2026-03-03", "05:05", "MAL", "8.000", "0.200", "7.800", 1, "880", "6864.00", "686.40"),
    Line("2026-03-03", "05:20", "KAN", "1.250", "0.000", "1.250", 0, "640", "800.00", "80.00"),
    Line("2026-03-04", "05:30", "MUL", "4.700", "0.100", "4.600", 1, "560", "2576.00", "257.60"),
    Line("2026-03-04", "07:50", "SEV", "12.200", "0.200", "12.000", 1, "70", "840.00", "84.00"),
    Line("2026-03-04", "08:40", "SEV", "6.700", "0.200", "6.500", 1, "25", "162.50", "16.25"),
    Line("2026-03-05", "05:15", "MAL", "6.550", "0.200", "6.350", 1, "1050", "6667.50", "666.75"),
    Line("2026-03-05", "06:10", "PAN", "5.850", "0.100", "5.750", 1, "140", "805.00", "80.50"),
    Line("2026-03-06", "04:50", "MAL", "6.100", "0.200", "5.900", 1, "1450", "8555.00", "855.50"),
    Line("2026-03-06", "05:40", "LOT", None, None, "60", 0, "12", "720.00", "72.00"),
    Line("2026-03-07", "05:25", "MAL", "9.350", "0.200", "9.150", 1, "760", "6954.00", "695.40"),
    Line("2026-03-07", "06:00", "ROS", None, None, "18", 0, "35", "630.00", "63.00"),
    Line("2026-03-08", "05:50", "SAM", "3.433", "0.100", "3.333", 1, "97.50", "324.97", "32.50"),
    Line("2026-03-08", "08:55", "SEN", "10.200", "0.200", "10.000", 1, "0", "0.00", "0.00"),
]
