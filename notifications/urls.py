from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("messages/", views.message_list, name="message_list"),
    path(
        "webhooks/twilio/status/<uuid:message_id>/<int:attempt>/", views.twilio_status, name="twilio_status"
    ),
    path("webhooks/twilio/inbound/", views.twilio_inbound, name="twilio_inbound"),
    path("webhooks/twilio/events/", views.twilio_events, name="twilio_events"),
    path("webhooks/interakt/", views.interakt, name="interakt"),
    path("webhooks/msg91/<str:secret>/", views.msg91, name="msg91"),
    path("webhooks/meta/", views.meta, name="meta"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/count/", views.inbox_count, name="inbox_count"),
    path("inbox/read/", views.inbox_read, name="inbox_read"),
]
