"""The tablet's addresses, below /sync/v1/."""

from django.urls import path

from malar.sync import views

app_name = "sync"

urlpatterns = [
    path("hello/", views.hello, name="hello"),
    path("device/", views.device, name="device"),
    path("ops/", views.ops, name="ops"),
    path("ref/", views.ref, name="ref"),
    path("conflicts/", views.conflicts, name="conflicts"),
]
