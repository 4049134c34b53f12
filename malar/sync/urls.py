"""The tablet's addresses, below /sync/v1/; and the owner's page for what others brought, below /handed-in/."""

from django.urls import path

from malar.sync import parked_views, views

app_name = "sync"

urlpatterns = [
    path("hello/", views.hello, name="hello"),
    path("device/", views.device, name="device"),
    path("ops/", views.ops, name="ops"),
    path("ref/", views.ref, name="ref"),
    path("parked/", parked_views.parked, name="parked"),
]

handed_in = ([path("", parked_views.hand_in, name="hand_in")], "handed_in")
