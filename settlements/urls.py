"""Addresses of settlements, and of the farmers' links to them."""

from django.urls import path, register_converter

from settlements.views import links as link_views
from settlements.views import months, papers, payments, runs, settlements

app_name = "settlements"

urlpatterns = [
    path("", settlements.settlement_list, name="settlement_list"),
    path("runs/new/", runs.run_new, name="run_new"),
    path("runs/<uuid:run_id>/", runs.run_detail, name="run_detail"),
    path("runs/<uuid:run_id>/submit/", runs.run_submit, name="run_submit"),
    path("runs/<uuid:run_id>/approve/", runs.run_approve, name="run_approve"),
    path("runs/<uuid:run_id>/papers/<slug:layout>/<int:part>/", papers.run_papers, name="run_papers"),
    path("months/", months.month_list, name="month_list"),
    path("months/<uuid:month_id>/move/", months.month_move, name="month_move"),
    path("months/<uuid:month_id>/take-out/", months.month_take_out, name="month_take_out"),
    path("payments/<uuid:payment_id>/", payments.payment_detail, name="payment_detail"),
    path("payments/<uuid:payment_id>/bounce/", payments.payment_bounce, name="payment_bounce"),
    path("<uuid:settlement_id>/", settlements.settlement_detail, name="settlement_detail"),
    path(
        "<uuid:settlement_id>/document/<slug:kind>/", papers.settlement_document, name="settlement_document"
    ),
    path("<uuid:settlement_id>/submit/", settlements.settlement_submit, name="settlement_submit"),
    path("<uuid:settlement_id>/approve/", settlements.settlement_approve, name="settlement_approve"),
    path("<uuid:settlement_id>/paper/", settlements.settlement_paper, name="settlement_paper"),
    path("<uuid:settlement_id>/recovery/", settlements.settlement_recovery, name="settlement_recovery"),
    path("<uuid:settlement_id>/dispute/", settlements.settlement_dispute, name="settlement_dispute"),
    path("<uuid:settlement_id>/cancel/", settlements.settlement_cancel, name="settlement_cancel"),
    path("<uuid:settlement_id>/reverse/", settlements.settlement_reverse, name="settlement_reverse"),
    path("<uuid:settlement_id>/link/", settlements.settlement_link, name="settlement_link"),
    path("<uuid:settlement_id>/pay/", payments.payment_new, name="payment_new"),
]


class Token:
    """The token of a farmer's link: 32 bytes in base64url. What looks otherwise is no address."""

    regex = r"[A-Za-z0-9_-]{43}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Token, "token")

links = ([path("<token:token>/", link_views.farmer_link, name="farmer_link")], "links")
