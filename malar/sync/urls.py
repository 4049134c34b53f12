"""The tablet's addresses, below /sync/v1/; the owner's pages, below /conflicts/ and /tablets/."""

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
