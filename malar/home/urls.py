"""The first page."""

from django.urls import path

from malar.home import views

app_name = "home"

urlpatterns = [path("", views.board, name="board")]
