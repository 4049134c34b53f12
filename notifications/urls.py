from django.urls import path

from notifications import own_views, views

app_name = "notifications"

urlpatterns = [
    path("messages/", views.message_list, name="message_list"),
    path("messages/answers/", views.answer_list, name="answer_list"),
    path("messages/answers/<uuid:answer_id>/", views.answer_state, name="answer_state"),
    path("messages/again/", views.messages_again, name="messages_again"),
    path("messages/<uuid:message_id>/", views.message_detail, name="message_detail"),
    path("messages/<uuid:message_id>/again/", views.message_again, name="message_again"),
    path("messages/<uuid:message_id>/take-back/", views.message_take_back, name="message_take_back"),
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
    path("sign-in/", own_views.code_ask, name="code_ask"),
    path("sign-in/code/", own_views.code_give, name="code_give"),
    path("sign-in/who/", own_views.code_who, name="code_who"),
    path("wishes/<uuid:farmer_id>/", own_views.wishes, name="wishes"),
]
