"""Addresses of the book."""

import datetime as dt

from django.urls import path, register_converter

from ledger.views import (
    accounts,
    buyers,
    charges,
    days,
    entries,
    export,
    farmer_import,
    farmers,
    movements,
    pending,
    slips,
)

app_name = "ledger"


class Day:
    """A date in an address: 2026-03-06. What is no date is no address."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> dt.date:
        return dt.date.fromisoformat(value)

    def to_url(self, value: dt.date) -> str:
        return value.isoformat()


register_converter(Day, "day")

urlpatterns = [
    path("entries/", entries.entry_list, name="entry_list"),
    path("entries/new/", entries.entry_new, name="entry_new"),
    path("entries/<uuid:entry_id>/", entries.entry_detail, name="entry_detail"),
    path("entries/<uuid:entry_id>/edit/", entries.entry_edit, name="entry_edit"),
    path("entries/<uuid:entry_id>/void/", entries.entry_void, name="entry_void"),
    path("charges/", charges.charge_list, name="charge_list"),
    path("charges/new/", charges.charge_new, name="charge_new"),
    path("charges/<uuid:charge_id>/waive/", charges.charge_waive, name="charge_waive"),
    path("pending/", pending.pending_list, name="pending_list"),
    path("pending/price/", pending.price_entries, name="price_entries"),
    path("slips/<day:day>/", slips.slip_sheet, name="slip_sheet"),
    path("slips/<day:day>/<uuid:farmer_id>/", slips.slip, name="slip"),
    path("farmers/", farmers.farmer_list, name="farmer_list"),
    path("farmers/new/", farmers.farmer_new, name="farmer_new"),
    path("farmers/hints/", farmers.farmer_hints, name="farmer_hints"),
    path("farmers/import/", farmer_import.farmer_import, name="farmer_import"),
    path("farmers/import/template.csv", farmer_import.farmer_import_template, name="farmer_import_template"),
    path("farmers/import/template.xlsx", farmer_import.farmer_import_workbook, name="farmer_import_workbook"),
    path("farmers/<uuid:farmer_id>/", farmers.farmer_detail, name="farmer_detail"),
    path("farmers/<uuid:farmer_id>/account/", accounts.farmer_account, name="farmer_account"),
    path("farmers/<uuid:farmer_id>/account.csv", accounts.farmer_account_file, name="farmer_account_file"),
    path("movements/", movements.movement_list, name="movement_list"),
    path("movements/new/", movements.movement_new, name="movement_new"),
    path("movements/<uuid:movement_id>/", movements.movement_detail, name="movement_detail"),
    path("movements/<uuid:movement_id>/reverse/", movements.movement_reverse, name="movement_reverse"),
    path("movements/<uuid:movement_id>/approve/", movements.movement_approve, name="movement_approve"),
    path("movements/<uuid:movement_id>/refuse/", movements.movement_refuse, name="movement_refuse"),
    path("farmers/<uuid:farmer_id>/state/", farmers.farmer_state, name="farmer_state"),
    path("farmers/<uuid:farmer_id>/edit/", farmers.farmer_edit, name="farmer_edit"),
    path("buyers/", buyers.buyer_list, name="buyer_list"),
    path("buyers/new/", buyers.buyer_new, name="buyer_new"),
    path("buyers/sales/new/", buyers.buyer_sale_new, name="buyer_sale_new"),
    path("buyers/sales/<uuid:sale_id>/void/", buyers.buyer_sale_void, name="buyer_sale_void"),
    path("buyers/receipts/new/", buyers.buyer_receipt_new, name="buyer_receipt_new"),
    path(
        "buyers/receipts/<uuid:receipt_id>/reverse/",
        buyers.buyer_receipt_reverse,
        name="buyer_receipt_reverse",
    ),
    path("buyers/<uuid:buyer_id>/", buyers.buyer_detail, name="buyer_detail"),
    path("buyers/<uuid:buyer_id>/account.csv", buyers.buyer_file, name="buyer_file"),
    path("buyers/<uuid:buyer_id>/edit/", buyers.buyer_edit, name="buyer_edit"),
    path("shrinkage/", buyers.shrinkage, name="shrinkage"),
    path("export/", export.export, name="export"),
    path("export/tally/", export.export_tally, name="export_tally"),
    path("days/", days.day_list, name="day_list"),
    path("days/<day:day>/", days.day_close, name="day_close"),
    path("days/<day:day>/reopen/", days.day_reopen, name="day_reopen"),
    path("expenses/new/", days.expense_new, name="expense_new"),
    path("expenses/<uuid:expense_id>/reverse/", days.expense_reverse, name="expense_reverse"),
]
