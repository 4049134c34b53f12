from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """What the book comes to, as pages and as files."""

    name = "malar.reports"
    label = "reports"
