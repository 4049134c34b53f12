"""`manage.py export_shop`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ledger.services.export import file_name_of, write_archive
from malar.accounts.models import Shop


class Command(BaseCommand):
    help = "Write everything of a shop, as CSV and JSON, into one archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", type=UUID, help="its id; not needed where there is one shop")
        parser.add_argument(
            "--into", type=Path, help="the file to write; a name with the date if it is not said"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shops = Shop.objects.filter(pk=options["shop"]) if options["shop"] else Shop.objects.all()
        try:
            shop = shops.get()
        except (Shop.DoesNotExist, Shop.MultipleObjectsReturned) as error:
            named = ", ".join(f"{shop.pk} ({shop.name_en})" for shop in Shop.objects.order_by("id")[:20])
            raise CommandError(f"Name one shop with --shop: {named or 'there is none yet'}.") from error
        into = options["into"] or Path(file_name_of(shop, timezone.now()))
        try:
            with into.open("xb") as file:
                manifest = write_archive(shop, file)
        except FileExistsError as error:
            raise CommandError(f"{into} is there already.") from error
        rows = sum(table["rows"] for table in manifest["tables"])
        self.stdout.write(f"{into}: {rows} rows of {len(manifest['tables'])} tables")
