"""A report as a table: the one form that the page, the files and the API are made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise


class Kind(StrEnum):
    """How a value is written. Quantities are in the column's `unit`, else in the row's."""

    TEXT = "text"
    DAY = "day"
    MONTH = "month"
    MOMENT = "moment"
    COUNT = "count"
    QUANTITY = "quantity"
    RUPEES = "rupees"


Row = Mapping[str, Any]
"""Values by column; also `unit` for quantities, `href` for where the first column leads, and ids for programs."""


@dataclass(frozen=True)
class Column:
    """`name` is the API's, `heading` the reader's. A name with a point (`fees.coolie`) is in a part of the row."""

    name: str
    heading: str | Promise
    kind: Kind = Kind.TEXT
    unit: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind in {Kind.COUNT, Kind.QUANTITY, Kind.RUPEES}


@dataclass(frozen=True)
class Figure:
    """One of the few large figures above a report."""

    label: str
    value: Any
    kind: Kind
    unit: str = ""


@dataclass(frozen=True)
class Bar:
    """One value of a chart, never below zero, with what it is called and how it is written. `below` is what
    stands under it where it stands beside others: there is little room."""

    label: str
    value: Decimal
    words: str
    below: str = ""


@dataclass(frozen=True)
class Chart:
    """`title` says in a sentence what it shows. Days and months stand side by side (`along`), names below each
    other."""

    title: str
    bars: Sequence[Bar]
    along: bool = False


@dataclass(frozen=True)
class Table:
    """What a report answers. `as_of` is the moment its figures are of, None where nothing was ever counted."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    as_of: dt.datetime | None
    totals: Row | None = None
    figures: Sequence[Figure] = ()
    chart: Chart | None = None
    picture: Any = None
    """What is drawn in another way than a chart: a rate history."""
    note: str = ""


def value_in(row: Row, column: Column) -> Any:
    """The value of a column; None where the row has none."""
    part: Any = row
    for name in column.name.split("."):
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


@dataclass(frozen=True)
class Asked:
    """What a report is asked about: days, both included, and whom and what of them. `line` is of the rates: the called
    ones, those of a slot, or all."""

    start: dt.date
    end: dt.date
    now: dt.datetime
    farmer: Any = None
    flower: Any = None
    village: str = ""
    loan: str = ""
    line: str = ""
