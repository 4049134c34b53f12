"""Writing many rows at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from malar.kernel.transactions import step


@step
def copy_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY, through the table's triggers like any INSERT. Raises Django's database errors."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
