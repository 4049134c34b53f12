from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Money, quantities, transactions, errors: what every other room stands on."""

    name = "malar.kernel"
    label = "kernel"

    def ready(self) -> None:
        from malar.kernel.logs import configure_logging

        configure_logging()
