"""`manage.py export_tally`."""

import datetime as dt
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from ledger.selectors.tally import ledgers_as_tally, vouchers_as_tally
from malar.ops.one_shop import add_shop, shop_named


class Command(BaseCommand):
    help = "Write a shop's accounts for TallyPrime: ledgers.xml, to be imported first, and vouchers.xml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_shop(parser)
        parser.add_argument("--from", dest="start", type=dt.date.fromisoformat, default=dt.date.min)
        parser.add_argument("--to", dest="end", type=dt.date.fromisoformat, default=dt.date.max)
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        shop = shop_named(options["shop"])
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in (
            ("ledgers.xml", ledgers_as_tally(shop)),
            ("vouchers.xml", vouchers_as_tally(shop, options["start"], options["end"])),
        ):
            with (folder / name).open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            self.stdout.write(str(folder / name))
