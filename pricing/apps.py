from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PricingConfig(AppConfig):
    """Which flowers are sold and what they cost at a moment."""

    name = "pricing"
    verbose_name = _("Flowers and rates")
