"""Addresses for whoever watches the machine."""

from django.urls import path

from malar.ops import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
