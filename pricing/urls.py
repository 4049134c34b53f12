"""Addresses of what flowers cost."""

from django.urls import path

from pricing import views

app_name = "pricing"

urlpatterns = [
    path("rates/", views.rate_board, name="rate_board"),
    path("rates/wall/", views.rate_wall, name="rate_wall"),
]
