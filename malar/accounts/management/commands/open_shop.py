"""Make a shop and invite its owner."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from malar.accounts.services import invitation_path, mail_invitation, open_shop
from malar.kernel.errors import RuleBroken


class Command(BaseCommand):
    help = (
        "Make a shop and invite its owner; prints the link where he sets his password, good for three days."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="the shop's name in English")
        parser.add_argument("--name-ta", help="the shop's name in Tamil (default: as --name)")
        parser.add_argument("--admin", required=True, help="the owner's e-mail address or mobile number")
        parser.add_argument("--admin-name", help="the owner's name (default: as --admin)")
        parser.add_argument(
            "--site", default=default_site(), help="where this Malar is reached (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            member = open_shop(
                name_ta=options["name_ta"] or options["name"],
                name_en=options["name"],
                admin_contact=options["admin"],
                admin_name=options["admin_name"] or options["admin"],
            )
        except RuleBroken as refusal:
            raise CommandError(refusal.detail) from refusal
        user, site = member.user, str(options["site"]).rstrip("/")
        self.stdout.write(f"{member.shop.name_en} is open.")
        if user.has_usable_password():
            self.stdout.write(f"{user.name} is known here and signs in as before: {site}/")
            return
        self.stdout.write(f"{user.name} sets a password here: {site}{invitation_path(user)}")
        if user.email and not mail_invitation(member=member, site=site):
            raise CommandError(
                f"The invitation could not be mailed to {user.email}; pass the link on yourself."
            )


def default_site() -> str:
    """The address of the first allowed host."""
    scheme = getattr(settings, "ACCOUNT_DEFAULT_HTTP_PROTOCOL", "http")
    host = next(iter(settings.ALLOWED_HOSTS), "localhost")
    return f"{scheme}://{'localhost' if host == '*' else host}"
