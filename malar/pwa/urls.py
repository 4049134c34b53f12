"""The counter, once for each language, and the way to the reader's own."""

from django.urls import path, re_path

from malar.pwa import views

app_name = "pwa"

urlpatterns = [
    path("", views.own_counter, name="own_counter"),
    re_path("^(?P<language>ta|en)/$", views.counter, name="counter"),
]
