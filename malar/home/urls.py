"""The first page."""

from django.urls import path

from malar.home import design, views

app_name = "home"

urlpatterns = [
    path("", views.board, name="board"),
    path("design/", design.design, name="design"),
]
