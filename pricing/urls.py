"""Addresses of what flowers cost."""

from django.urls import path

from pricing import views

app_name = "pricing"

urlpatterns = [
    path("rates/", views.rate_board, name="rate_board"),
    path("rates/history/", views.rate_history_page, name="rate_history"),
    path("rates/history/history.csv", views.rate_history_csv, name="rate_history_csv"),
    path("rates/wall/", views.rate_wall, name="rate_wall"),
]
