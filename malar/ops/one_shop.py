"""Commands about one shop: which."""

from argparse import ArgumentParser
from uuid import UUID

from django.core.management.base import CommandError

from malar.accounts.models import Shop


def add_shop(parser: ArgumentParser) -> None:
    """The option that names it."""
    parser.add_argument("--shop", type=UUID, help="its id; not needed where there is one shop")


def shop_named(shop_id: UUID | None) -> Shop:
    """The shop of that id, else the only one there is. Raises CommandError naming those there are."""
    shops = Shop.objects.filter(pk=shop_id) if shop_id else Shop.objects.all()
    try:
        return shops.get()
    except (Shop.DoesNotExist, Shop.MultipleObjectsReturned) as error:
        named = ", ".join(f"{shop.pk} ({shop.name_en})" for shop in Shop.objects.order_by("id")[:20])
        raise CommandError(f"Name one shop with --shop: {named or 'there is none yet'}.") from error
