"""`manage.py export_shop`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ledger.services.export import file_name_of, write_archive
from malar.ops.one_shop import add_shop, shop_named


class Command(BaseCommand):
    help = "Write everything of a shop, as CSV and JSON, into one archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_shop(parser)
        parser.add_argument(
            "--into", type=Path, help="the file to write; a name with the date if it is not said"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = shop_named(options["shop"])
        into = options["into"] or Path(file_name_of(shop, timezone.now()))
        try:
            with into.open("xb") as file:
                manifest = write_archive(shop, file)
        except FileExistsError as error:
            raise CommandError(f"{into} is there already.") from error
        rows = sum(table["rows"] for table in manifest["tables"])
        self.stdout.write(f"{into}: {rows} rows of {len(manifest['tables'])} tables")
