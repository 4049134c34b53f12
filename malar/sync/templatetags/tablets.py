"""What pages below this app may show of tablets: they cannot ask it themselves."""

from django import template
from django.utils import timezone

from malar.accounts.models import Shop
from malar.sync.selectors import tablets

register = template.Library()


@register.simple_tag
def unfinished_tablets(shop: Shop) -> list[tablets.KnownTablet]:
    """The shop's tablets from which not everything has come."""
    return tablets.unfinished_tablets(shop, timezone.now())
