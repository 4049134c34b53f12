"""The tablet's addresses, below /sync/v1/; and the owner's page of tablets, below /tablets/."""

from django.urls import path

from malar.sync import views

app_name = "sync"

urlpatterns = [
    path("hello/", views.hello, name="hello"),
    path("device/", views.device, name="device"),
    path("ops/", views.ops, name="ops"),
    path("ref/", views.ref, name="ref"),
]

tablets = (
    [
        path("", views.tablet_list, name="tablet_list"),
        path("<uuid:device_id>/name/", views.tablet_name, name="tablet_name"),
        path("<uuid:device_id>/state/", views.tablet_state, name="tablet_state"),
    ],
    "tablets",
)
