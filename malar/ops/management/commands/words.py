"""Bring our Tamil catalogue up to the code."""

from typing import Any

from django.core.management.base import BaseCommand

from malar.ops.wording import DOMAINS, refresh


class Command(BaseCommand):
    help = "Put new words of the code into locale/ta, drop those that went, and list what has no Tamil yet."

    def handle(self, *args: Any, **options: Any) -> None:
        for domain in DOMAINS:
            for message in refresh(domain):
                self.stdout.write(message)
