"""The counter and the offline page, once for each language, the worker that keeps them, and the manifest."""

from django.urls import path, re_path

from malar.pwa import views

app_name = "pwa"

urlpatterns = [
    path("app/", views.own_counter, name="own_counter"),
    re_path("^app/(?P<language>ta|en)/$", views.counter, name="counter"),
    re_path("^app/offline/(?P<language>ta|en)/$", views.offline, name="offline"),
    path("sw.js", views.worker, name="worker"),
    path("manifest.json", views.manifest, name="manifest"),
]
