from django.apps import AppConfig


class HomeConfig(AppConfig):
    """Today's board: pages that show several rooms at once."""

    name = "malar.home"
    label = "home"
