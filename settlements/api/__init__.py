"""The settlements' part of /api/v1/."""

from django.urls import path

from settlements.api import runs, settlements

urlpatterns = [
    path("settlement-runs/", runs.RunList.as_view(), name="settlement_run_list"),
    path("settlement-runs/<uuid:run_id>/", runs.RunDetail.as_view(), name="settlement_run_detail"),
    path("settlements/", settlements.SettlementList.as_view(), name="settlement_list"),
    path(
        "settlements/<uuid:settlement_id>/document/",
        settlements.SettlementDocument.as_view(),
        name="settlement_document",
    ),
    path(
        "settlements/<uuid:settlement_id>/", settlements.SettlementDetail.as_view(), name="settlement_detail"
    ),
    path(
        "settlements/<uuid:settlement_id>/submit/",
        settlements.SettlementSubmit.as_view(),
        name="settlement_submit",
    ),
    path(
        "settlements/<uuid:settlement_id>/approve/",
        settlements.SettlementApprove.as_view(),
        name="settlement_approve",
    ),
    path(
        "settlements/<uuid:settlement_id>/dispute/",
        settlements.SettlementDispute.as_view(),
        name="settlement_dispute",
    ),
    path(
        "settlements/<uuid:settlement_id>/cancel/",
        settlements.SettlementCancel.as_view(),
        name="settlement_cancel",
    ),
    path(
        "settlements/<uuid:settlement_id>/reverse/",
        settlements.SettlementReverse.as_view(),
        name="settlement_reverse",
    ),
    path(
        "settlements/<uuid:settlement_id>/recovery/",
        settlements.SettlementRecovery.as_view(),
        name="settlement_recovery",
    ),
    path(
        "settlements/<uuid:settlement_id>/payments/",
        settlements.SettlementPayments.as_view(),
        name="settlement_payments",
    ),
    path(
        "settlements/<uuid:settlement_id>/payments/<uuid:payment_id>/bounce/",
        settlements.PaymentBounce.as_view(),
        name="settlement_payment_bounce",
    ),
]
