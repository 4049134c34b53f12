from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    """The book: farmers and what they brought."""

    name = "ledger"
    verbose_name = _("Book")
