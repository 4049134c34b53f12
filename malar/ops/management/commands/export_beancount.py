"""`manage.py export_beancount`."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from ledger.selectors.beancount import book_as_beancount
from malar.accounts.models import Shop


class Command(BaseCommand):
    help = (
        "Write a shop's book for beancount; `bean-check` then adds it up by itself. To the standard output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", type=UUID, help="its id; not needed where there is one shop")

    def handle(self, *args: Any, **options: Any) -> None:
        shops = Shop.objects.filter(pk=options["shop"]) if options["shop"] else Shop.objects.all()
        try:
            shop = shops.get()
        except (Shop.DoesNotExist, Shop.MultipleObjectsReturned) as error:
            named = ", ".join(f"{shop.pk} ({shop.name_en})" for shop in Shop.objects.order_by("id")[:20])
            raise CommandError(f"Name one shop with --shop: {named or 'there is none yet'}.") from error
        for line in book_as_beancount(shop):
            self.stdout.write(line)
