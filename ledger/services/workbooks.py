"""A list that was saved as an Excel workbook, as the text a CSV file of it would be."""

import csv
import datetime as dt
import io
import zipfile

import tablib
from django.utils.translation import gettext as _
from import_export.formats.base_formats import XLSX
from tablib.exceptions import InvalidDimensions

from malar.kernel.errors import RuleBroken

LARGEST_UNPACKED = 50_000_000
"""Bytes. What is packed into 2 MB may be gigabytes, and a list of five thousand farmers is not."""


def csv_of(raw: bytes) -> str:
    """The sheet that was open when the workbook was saved, as CSV: of a formula what it came to, numbers without
    the tail that binary fractions have (0.1 + 0.2 is 0.3), a date as 2026-03-06.

    Raises RuleBroken `unreadable` for what is no workbook, is damaged or protected, `too_large` for one that
    unpacks to more than 50 MB, `empty` for an empty sheet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                raise _refused("too_large", _("This workbook is too large. Import the list in parts."))
        dataset = XLSX().create_dataset(raw)
    except StopIteration as error:
        raise _refused("empty", _("This file is empty.")) from error
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, InvalidDimensions) as error:
        raise _refused(
            "unreadable",
            _(
                "This workbook cannot be read. In Excel choose “Save as” and there “CSV UTF-8”, then import that."
            ),
        ) from error
    written = io.StringIO()
    csv.writer(written).writerows([[_text(cell) for cell in row] for row in (dataset.headers, *dataset)])
    return written.getvalue()


def workbook_of(headings: list[str]) -> bytes:
    """An empty list as a workbook: its headings."""
    written: bytes = XLSX().export_data(tablib.Dataset(headers=headings))
    return written


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case float():
            # A workbook holds every number so; it becomes text here and is counted in decimals from then on.
            # As many digits as Excel itself shows; a phone number or a farmer number is whole.
            return f"{cell:.15g}" if cell != int(cell) else str(int(cell))
        case dt.datetime():
            return cell.date().isoformat()
    return str(cell)


def _refused(code: str, sentence: str) -> RuleBroken:
    return RuleBroken(sentence, code=code, pointer="/file")
