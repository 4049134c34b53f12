from django.apps import AppConfig


class TrailConfig(AppConfig):
    """Who changed what (history) and what happened (events, the outbox)."""

    name = "malar.trail"
    label = "trail"
