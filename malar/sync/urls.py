"""The tablet's addresses, below /sync/v1/; the owner's pages, below /conflicts/, /tablets/ and /handed-in/."""

from django.urls import path

from malar.sync import parked_views, pin_views, views

app_name = "sync"

urlpatterns = [
    path("hello/", views.hello, name="hello"),
    path("device/", views.device, name="device"),
    path("ops/", views.ops, name="ops"),
    path("ref/", views.ref, name="ref"),
    path("parked/", parked_views.parked, name="parked"),
    path("conflicts/", views.conflicts, name="conflicts"),
    path("pin/", pin_views.pin, name="pin"),
    path("pin/check/", pin_views.pin_check, name="pin_check"),
]

conflicts = (
    [
        path("", views.conflict_list, name="conflict_list"),
        path("<uuid:conflict_id>/", views.conflict_resolve, name="conflict_resolve"),
    ],
    "conflicts",
)
tablets = (
    [
        path("", views.tablet_list, name="tablet_list"),
        path("<uuid:device_id>/name/", views.tablet_name, name="tablet_name"),
        path("<uuid:device_id>/state/", views.tablet_state, name="tablet_state"),
    ],
    "tablets",
)
handed_in = ([path("", parked_views.hand_in, name="hand_in")], "handed_in")
