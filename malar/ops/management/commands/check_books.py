"""`manage.py check_books`."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from malar.accounts.models import Shop
from malar.ops.books import broken
from malar.ops.invariants import invariants


class Command(BaseCommand):
    help = "Ask the book for anything that must never be so. Exits 1 naming each invariant and its rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", type=UUID, help="one shop's id; all shops without it")

    def handle(self, *args: Any, **options: Any) -> None:
        shop: UUID | None = options["shop"]
        if shop and not Shop.objects.filter(pk=shop).exists():
            raise CommandError(f"There is no shop {shop}.")
        findings = broken(shop)
        with translation.override("en"):
            for each in findings:
                self.stdout.write(f"{each.invariant.number} {each.invariant.name}: {each.invariant.says}")
                for row in each.rows:
                    self.stdout.write(f"    {row.id}  {row.found}  shop {row.shop or '–'}")
                if each.count > len(each.rows):
                    self.stdout.write(f"    and {each.count - len(each.rows)} more")
        if findings:
            raise CommandError(f"{len(findings)} of {len(invariants())} invariants are broken.", returncode=1)
        self.stdout.write(f"All {len(invariants())} invariants hold.")
