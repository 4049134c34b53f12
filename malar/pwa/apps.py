from django.apps import AppConfig


class PwaConfig(AppConfig):
    """The counter: a page without anybody's data, which fetches what it shows."""

    name = "malar.pwa"
    label = "counter"  # django-pwa has taken "pwa"
