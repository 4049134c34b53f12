"""The ledger's part of /api/v1/."""

from django.urls import path

from ledger.api import audit, charges, entries, farmers, movements, pricing

urlpatterns = [
    path("farmers/", farmers.FarmerList.as_view(), name="farmer_list"),
    path("farmers/<uuid:farmer_id>/", farmers.FarmerDetail.as_view(), name="farmer_detail"),
    path("farmers/<uuid:farmer_id>/balance/", movements.FarmerBalance.as_view(), name="farmer_balance"),
    path("farmers/<uuid:farmer_id>/statement/", movements.FarmerStatement.as_view(), name="farmer_statement"),
    path("movements/", movements.MovementList.as_view(), name="movement_list"),
    path("movements/<uuid:movement_id>/", movements.MovementDetail.as_view(), name="movement_detail"),
    path(
        "movements/<uuid:movement_id>/reverse/", movements.MovementReverse.as_view(), name="movement_reverse"
    ),
    path(
        "movements/<uuid:movement_id>/approve/", movements.MovementApprove.as_view(), name="movement_approve"
    ),
    path("movements/<uuid:movement_id>/refuse/", movements.MovementRefuse.as_view(), name="movement_refuse"),
    path("daily-entries/", entries.DailyEntryList.as_view(), name="daily_entry_list"),
    path("daily-entries/batch/", entries.DailyEntryBatch.as_view(), name="daily_entry_batch"),
    path("daily-entries/price/", pricing.DailyEntryPrice.as_view(), name="daily_entry_price"),
    path("daily-entries/<uuid:entry_id>/", entries.DailyEntryDetail.as_view(), name="daily_entry_detail"),
    path("daily-entries/<uuid:entry_id>/void/", entries.DailyEntryVoid.as_view(), name="daily_entry_void"),
    path(
        "daily-entries/<uuid:entry_id>/history/",
        entries.DailyEntryHistory.as_view(),
        name="daily_entry_history",
    ),
    path("audit-events/", audit.AuditEventList.as_view(), name="audit_event_list"),
    path("charges/", charges.ChargeList.as_view(), name="charge_list"),
    path("charges/<uuid:charge_id>/waive/", charges.ChargeWaive.as_view(), name="charge_waive"),
]
