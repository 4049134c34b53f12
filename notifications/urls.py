from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("messages/", views.message_list, name="message_list"),
    path("messages/again/", views.messages_again, name="messages_again"),
    path("messages/<uuid:message_id>/", views.message_detail, name="message_detail"),
    path("messages/<uuid:message_id>/again/", views.message_again, name="message_again"),
    path("messages/<uuid:message_id>/take-back/", views.message_take_back, name="message_take_back"),
    path(
        "webhooks/twilio/status/<uuid:message_id>/<int:attempt>/", views.twilio_status, name="twilio_status"
    ),
    path("webhooks/twilio/inbound/", views.twilio_inbound, name="twilio_inbound"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/count/", views.inbox_count, name="inbox_count"),
    path("inbox/read/", views.inbox_read, name="inbox_read"),
]
