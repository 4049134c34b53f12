"""Measurements that compare Malar with a floor in the same run. Ratios, not times, are the result."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from malar.ops.benchmarks.counter import counter_on_a_slow_tablet
from malar.ops.benchmarks.entries import record_entry_against_psycopg, record_entry_at_eight_connections
from malar.ops.benchmarks.imports import import_against_copy
from malar.ops.benchmarks.messages import messages_to_farmers
from malar.ops.benchmarks.month import month_from_sums_against_entries
from malar.ops.benchmarks.offline import counter_without_a_server
from malar.ops.benchmarks.papers import five_hundred_papers
from malar.ops.benchmarks.reference import reference_of_a_large_shop
from malar.ops.benchmarks.reports import reports_over_a_long_book
from malar.ops.benchmarks.requests import post_entry_against_authentication
from malar.ops.benchmarks.settlement import settle_against_sql
from malar.ops.benchmarks.tablets import five_tablets_reconnect, operations_against_psycopg

BENCHMARKS: dict[str, Callable[..., dict[str, Any]]] = {
    "record_entry": record_entry_against_psycopg,
    "record_entry_8": record_entry_at_eight_connections,
    "post_entry": post_entry_against_authentication,
    "import_entries": import_against_copy,
    "reports": reports_over_a_long_book,
    "month_report": month_from_sums_against_entries,
    "reference": reference_of_a_large_shop,
    "counter": counter_on_a_slow_tablet,
    "sync_ops": operations_against_psycopg,
    "reconnect": five_tablets_reconnect,
    "offline": counter_without_a_server,
    "settle": settle_against_sql,
    "papers": five_hundred_papers,
    "messages": messages_to_farmers,
}
SIZED = {"import_entries", "reports", "month_report", "settle", "messages"}
"""Those of which `--entries` says how large they are."""


class Command(BaseCommand):
    help = (
        "Measure. Prints a JSON line a benchmark, and a table where it has goals; runs all if none is named"
        " (docs/performance.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
        parser.add_argument("--rounds", type=int, default=5)
        parser.add_argument("--each", type=int, default=200, help="operations of each side in a round")

        parser.add_argument("--entries", type=int, help=f"lines or messages, of {', '.join(sorted(SIZED))}")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["names"] or list(BENCHMARKS)
        if unknown := set(names) - set(BENCHMARKS):
            raise CommandError(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(BENCHMARKS)}.")
        call_command("migrate", verbosity=0)  # on a machine where nothing has run yet
        logging.disable(logging.INFO)  # a line for every request is not what was asked for
        for name in names:
            size = {"entries": options["entries"]} if options["entries"] and name in SIZED else {}
            result = BENCHMARKS[name](rounds=options["rounds"], each=options["each"], **size)
            table = result.pop("table", [])
            self.stdout.write(json.dumps(result))
            for row in table:
                verdict = "" if row["met"] else "  over its goal"
                self.stdout.write(f"  {row['what']:54} {row['ms']:>8} ms   ≤ {row['goal']}{verdict}")
