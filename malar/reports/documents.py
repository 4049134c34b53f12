"""A report as a file: CSV and XLSX to reckon on with, PDF to hand out; and each value as people read it."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from malar.accounts.models import Shop
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.reports.domain import Asked, Column, Kind, Row, Table, value_in
from malar.reports.selectors import Report

HERE = Path(__file__).parent
FONTS = Path(settings.BASE_DIR) / "settlements" / "documents" / "fonts"
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run, were it the first letter of somebody's name."""
EXCEL = {Kind.RUPEES: "#,##0.00", Kind.COUNT: "0", Kind.DAY: "dd/mm/yyyy", Kind.MONTH: "mm/yyyy"}
LANDSCAPE_FROM = 7
"""Columns from which on a sheet lies on its side."""


@dataclass(frozen=True)
class Paper:
    """A report with what stands above it: its name, the shop's, and which days and whom it is about."""

    name: str
    title: str
    shop: str
    about: str
    language: str
    table: Table
    end: dt.date

    @property
    def as_of(self) -> str:
        """Which moment the figures are of."""
        moment = self.table.as_of
        if moment is None:
            return _("Not counted yet")
        when = {
            "day": formatting.day(moment.astimezone(KOLKATA).date()),
            "time": formatting.clock_time(moment),
        }
        return _("As of %(day)s, %(time)s") % when


def paper_of(shop: Shop, report: Report, asked: Asked, table: Table) -> Paper:
    """A report with what stands above it on paper: 01/03/2026 – 06/03/2026 · P. Raja · Jasmine."""
    days = formatting.day(asked.end)
    if "from" in report.filters and asked.start != asked.end:
        days = f"{formatting.day(asked.start)} – {days}"
    whom = [each.name for each in (asked.farmer, asked.flower) if each]
    return Paper(
        name=report.name,
        title=str(report.title),
        shop=shop.name,
        about=" · ".join([days, *whom, *([asked.village] if asked.village else [])]),
        language=get_language() or "ta",
        table=table,
        end=asked.end,
    )


def shown(value: Any, kind: Kind, unit: str = "") -> str:
    """A value as people read it; nothing where there is none."""
    if value is None or value == "":
        return ""
    match kind:
        case Kind.DAY:
            return formatting.day(value)
        case Kind.MONTH:
            return formatting.day(value)[3:]
        case Kind.MOMENT:
            return formatting.clock_time(value)
        case Kind.QUANTITY:
            return formatting.weight(value, unit)
        case Kind.RUPEES:
            return formatting.rupees(value)
    return str(value)


def cells(table: Table, row: Row, *, total: bool = False) -> list[str]:
    """A row as people read it; of the totals' row the first cell says what it is."""
    texts = [
        shown(value_in(row, column), column.kind, column.unit or row.get("unit", ""))
        for column in table.columns
    ]
    return [_("Total"), *texts[1:]] if total else texts


def csv_of(paper: Paper) -> str:
    """With the mark by which Excel knows that it is Tamil; figures bare, no totals: they would be added up again."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow([_harmless(str(column.heading)) for column in paper.table.columns])
    for row in paper.table.rows:
        rows.writerow([_plain(value_in(row, column), column) for column in paper.table.columns])
    return "\ufeff" + written.getvalue()


def _plain(value: Any, column: Column) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            return value.astimezone(KOLKATA).isoformat(timespec="seconds")
        case dt.date():
            return value.isoformat()[:7] if column.kind == Kind.MONTH else value.isoformat()
        case str():
            return _harmless(value)
    return str(value)


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(BEGINS_A_FORMULA) else text


def xlsx_of(paper: Paper) -> bytes:
    """A workbook of one sheet: what it is about, the table with its headings held fast, the totals."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(paper.name)
    columns = paper.table.columns
    above = [f"{paper.title} · {paper.shop}", paper.about, paper.as_of]
    sheet.freeze_panes = f"A{len(above) + 3}"
    for n, column in enumerate(columns, start=1):
        longest = max([len(str(column.heading)), *(len(text[n - 1]) for text in _texts(paper.table))])
        sheet.column_dimensions[get_column_letter(n)].width = min(longest + 3, 40)
    for line in above:
        sheet.append([_cell(sheet, line, None, bold=line is above[0])])
    sheet.append([])
    sheet.append([_cell(sheet, str(column.heading), None, bold=True) for column in columns])
    for row in paper.table.rows:
        sheet.append([_cell(sheet, value_in(row, column), column) for column in columns])
    if paper.table.totals and paper.table.rows:
        totals = [value_in(paper.table.totals, column) for column in columns]
        sheet.append(
            [
                _cell(sheet, value, column, bold=True)
                for value, column in zip([_("Total"), *totals[1:]], columns, strict=True)
            ]
        )
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _texts(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        yield cells(table, row)


def _cell(sheet: Any, value: Any, column: Column | None, *, bold: bool = False) -> Any:
    if isinstance(value, dt.datetime):
        value = formatting.clock_time(value)
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # else "=1+1" would be reckoned out
    elif column is not None:
        cell.number_format = EXCEL.get(column.kind, "0.000" if column.kind == Kind.QUANTITY else "General")
    if bold:
        cell.font = Font(bold=True)
    return cell


def pdf_of(paper: Paper) -> bytes:
    """A4, on its side where there are many columns; headings and page numbers on every page."""
    table = paper.table
    said = {
        "title": paper.title,
        "shop": paper.shop,
        "about": paper.about,
        "as_of": paper.as_of,
        "note": table.note,
        "language": paper.language,
        "page": _("Page %(page)s of %(pages)s") % {"page": "{page}", "pages": "{pages}"},
        "flipped": len(table.columns) >= LANDSCAPE_FROM,
        "headings": [str(column.heading) for column in table.columns],
        "numbers": [column.is_number for column in table.columns],
        "rows": list(_texts(table)),
        "totals": cells(table, table.totals, total=True) if table.totals and table.rows else [],
        "empty": _("Nothing in these days."),
    }
    made = typst.Compiler(
        HERE / "report.typ", root=HERE, font_paths=_fonts(), sys_inputs={"report": json.dumps(said)}
    ).compile(format="pdf", timestamp=0)
    if not isinstance(made, bytes):
        raise TypeError("Typst gave no single document")
    return made


@cache
def _fonts() -> typst.Fonts:
    """Ours; Typst's own for letters of other scripts in a name."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[FONTS])


FILES: dict[str, tuple[str, Callable[[Paper], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", lambda paper: csv_of(paper).encode()),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_of),
    "pdf": ("application/pdf", pdf_of),
}
"""By the word in the address: media type and maker."""


def file_of(paper: Paper, kind: str) -> HttpResponse:
    """A report as a file to keep: daily-2026-03-06.csv."""
    media_type, make = FILES[kind]
    response = HttpResponse(make(paper), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{paper.name}-{paper.end.isoformat()}.{kind}"'
    return response
