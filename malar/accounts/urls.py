from django.urls import path

from malar.accounts import views

app_name = "accounts"
urlpatterns = [
    path("members/", views.member_list, name="member_list"),
    path("members/invite/", views.member_invite, name="member_invite"),
    path("members/<uuid:member_id>/", views.member_edit, name="member_edit"),
    path("members/<uuid:member_id>/invitation/", views.member_invitation, name="member_invitation"),
    path("language/", views.set_language, name="set_language"),
    path("shop/", views.choose_shop, name="choose_shop"),
]
