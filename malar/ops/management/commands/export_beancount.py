"""`manage.py export_beancount`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ledger.selectors.beancount import book_as_beancount
from malar.ops.one_shop import add_shop, shop_named


class Command(BaseCommand):
    help = (
        "Write a shop's book for beancount; `bean-check` then adds it up by itself. To the standard output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_shop(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for line in book_as_beancount(shop_named(options["shop"])):
            self.stdout.write(line)
