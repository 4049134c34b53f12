from django.apps import AppConfig


class OpsConfig(AppConfig):
    """Running Malar: embedded servers, health, partitions, demo, measurements."""

    name = "malar.ops"
    label = "ops"
