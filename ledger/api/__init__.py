"""The ledger's part of /api/v1/."""

from django.urls import path

from ledger.api import entries, farmers, pricing

urlpatterns = [
    path("farmers/", farmers.FarmerList.as_view(), name="farmer_list"),
    path("farmers/<uuid:farmer_id>/", farmers.FarmerDetail.as_view(), name="farmer_detail"),
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
]
