from django.apps import AppConfig


class SyncConfig(AppConfig):
    """The tablet's door: who is there, and what the counter needs to know. Its pages are in malar.pwa."""

    name = "malar.sync"
    label = "sync"

    def ready(self) -> None:
        from malar.sync.selectors.settling import settlement_holds
        from settlements.selectors.settlements import holds

        if settlement_holds not in holds:
            holds.append(settlement_holds)
