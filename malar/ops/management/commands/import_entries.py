"""`manage.py import_entries`."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from ledger.services.entry_csv import COLUMNS, NEEDED, lines_in
from ledger.services.entry_import import import_entries
from ledger.services.farmer_csv import text_of
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import RuleBroken


class Command(BaseCommand):
    help = (
        f"Take entries of an older book over from a CSV file with the headings {', '.join(COLUMNS)}"
        f" (needed: {', '.join(NEEDED)}). All rows or none; the same file twice is taken once. Farmers are not told."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--shop", type=UUID, help="its id; not needed where there is one shop")

    def handle(self, *args: Any, **options: Any) -> None:
        owners = Membership.objects.select_related("shop", "user").filter(role=Role.ADMIN, is_active=True)
        if options["shop"]:
            owners = owners.filter(shop=options["shop"])
        owner = owners.order_by("pk").first()
        if owner is None:
            raise CommandError("There is no such shop, or nobody owns it.")
        if len(set(owners.values_list("shop", flat=True))) > 1:
            named = ", ".join(f"{member.shop_id} ({member.shop.name_en})" for member in owners[:20])
            raise CommandError(f"Name one shop with --shop: {named}.")
        try:
            raw = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        key = UUID(bytes=hashlib.sha256(owner.shop_id.bytes + raw).digest()[:16])
        try:
            answer = import_entries(
                by=owner, key=key, rows=lines_in(text_of(raw, largest=len(raw)), owner.shop)
            )
        except RuleBroken as broken:
            said = [f"{fault.detail} ({fault.pointer})" for fault in broken.faults] or [broken.detail]
            raise CommandError("\n".join(["Nothing was taken over.", *said])) from broken
        body = answer.body
        already = " These were taken over before; nothing was done." if answer.replayed else ""
        self.stdout.write(f"{body['lines']} entries, {body['first']} to {body['last']}.{already}")
