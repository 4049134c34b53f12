"""The first page."""

from django.urls import path

from malar.home import design, views

app_name = "home"

urlpatterns = [
    path("", views.board, name="board"),
    path("mine/month/", views.my_month, name="my_month"),
    path("mine/account/", views.my_account, name="my_account"),
    path("mine/wishes/", views.my_wishes, name="my_wishes"),
    path("design/", design.design, name="design"),
]
