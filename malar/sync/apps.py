from django.apps import AppConfig


class SyncConfig(AppConfig):
    """The tablet's door: who is there, and what the counter needs to know. Its pages are in malar.pwa."""

    name = "malar.sync"
    label = "sync"
