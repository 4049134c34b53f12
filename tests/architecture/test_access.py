"""Who may open what: one table over every URL. A URL without a row fails, and so does a row without a URL.

Columns: anonymous, Devi (owner of the other shop), Raja (farmer), Kumar (staff), Meena (owner). Rows of
objects ask for Meena's objects, so Devi's column is 404 there: another shop's rows do not exist for her.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from ledger.models import Charge, CommissionRule, DailyEntry, Farmer
from ledger.services.days import record_expense
from ledger.services.movements import write_movement
from malar.accounts.models import Membership
from malar.sync.services import register_device
from malar.trail.models import Event
from notifications.models import MessageTemplate, Note
from notifications.services.queueing import react
from pricing.models import Flower, PricingRule
from settlements.models import Payment, Settlement
from settlements.services.approvals import submit
from settlements.services.links import link_for
from settlements.services.runs import Order
from tests.cast import a_buyer_of, a_farmer, a_slot, at, called, recorded
from tests.ledger.terms import a_fee, an_adjustment
from tests.settlements.acts import agreed, paid, settled, settlement_for
from tests.sync.clashes import a_conflict_about

pytestmark = pytest.mark.django_db

PEOPLE = ("anonymous", "devi", "raja", "kumar", "meena")

Row = tuple[int, int, int, int, int]
# 302 for a stranger: sent to sign in; programs get 401. 422: the empty form is shown again. 405 is not in the
# table: an address without a POST row refuses POST, and a test looks.
TABLE: dict[str, Row] = {
    "GET accounts:member_list": (302, 200, 403, 403, 200),
    "GET handed_in:hand_in": (302, 200, 403, 403, 200),
    "POST handed_in:hand_in": (302, 422, 403, 403, 422),
    "GET accounts:member_invite": (302, 200, 403, 403, 200),
    "POST accounts:member_invite": (302, 200, 403, 403, 200),
    "GET accounts:member_edit": (302, 404, 403, 403, 200),
    "POST accounts:member_edit": (302, 404, 403, 403, 200),
    "GET accounts:member_invitation": (302, 404, 403, 403, 302),
    "POST accounts:member_invitation": (302, 404, 403, 403, 302),
    "GET accounts:set_language": (405, 405, 405, 405, 405),
    "POST accounts:set_language": (302, 302, 302, 302, 302),
    "GET accounts:choose_shop": (302, 405, 405, 405, 405),
    "POST accounts:choose_shop": (302, 404, 404, 404, 404),
    "GET account_login": (200, 302, 302, 302, 302),
    "POST account_login": (200, 302, 302, 302, 302),
    "GET account_logout": (302, 200, 200, 200, 200),
    "POST account_logout": (302, 302, 302, 302, 302),
    "GET account_inactive": (200, 200, 200, 200, 200),
    "GET account_signup": (200, 302, 302, 302, 302),
    "POST account_signup": (200, 302, 302, 302, 302),
    "GET account_reauthenticate": (302, 200, 200, 200, 200),
    "POST account_reauthenticate": (302, 200, 200, 200, 200),
    "GET account_email": (302, 200, 200, 200, 200),
    "POST account_email": (302, 302, 302, 302, 302),
    "GET account_email_verification_sent": (200, 200, 200, 200, 200),
    "GET account_change_password": (302, 200, 200, 200, 200),
    "POST account_change_password": (302, 200, 200, 200, 200),
    "GET account_set_password": (302, 302, 302, 302, 302),
    "POST account_set_password": (302, 302, 302, 302, 302),
    "GET account_reset_password": (200, 200, 200, 200, 200),
    "POST account_reset_password": (200, 200, 200, 200, 200),
    "GET account_confirm_login_code": (302, 302, 302, 302, 302),
    "POST account_confirm_login_code": (302, 302, 302, 302, 302),
    "GET account_confirm_email": (200, 200, 200, 200, 200),
    "POST account_confirm_email": (404, 404, 404, 404, 404),
    "GET account_verify_phone": (302, 302, 302, 302, 302),
    "POST account_verify_phone": (302, 302, 302, 302, 302),
    "GET account_change_phone": (302, 302, 302, 302, 302),
    "POST account_change_phone": (302, 302, 302, 302, 302),
    "GET account_reset_password_from_key_done": (200, 200, 200, 200, 200),
    "GET account_reset_password_from_key": (200, 200, 200, 200, 200),
    "POST account_reset_password_from_key": (200, 200, 200, 200, 200),
    "GET account_reset_password_done": (200, 200, 200, 200, 200),
    "GET admin:index": (302, 200, 302, 302, 200),
    "GET admin:login": (302, 302, 403, 403, 302),
    "GET admin:logout": (302, 302, 302, 302, 302),
    "GET admin:password_change": (302, 302, 302, 302, 302),
    "GET admin:password_change_done": (302, 200, 302, 302, 200),
    "GET admin:autocomplete": (302, 403, 302, 302, 403),
    "GET admin:jsi18n": (302, 200, 302, 302, 200),
    "GET admin:accounts_shop_changelist": (302, 302, 302, 302, 302),
    "GET admin:accounts_shop_add": (302, 403, 302, 302, 403),
    "GET admin:accounts_shop_history": (302, 302, 302, 302, 200),
    "GET admin:accounts_shop_delete": (302, 403, 302, 302, 403),
    "GET admin:accounts_shop_change": (302, 302, 302, 302, 200),
    "GET admin:accounts_membership_changelist": (302, 200, 302, 302, 200),
    "GET admin:accounts_membership_add": (302, 403, 302, 302, 403),
    "GET admin:accounts_membership_history": (302, 302, 302, 302, 200),
    "GET admin:accounts_membership_delete": (302, 403, 302, 302, 403),
    "GET admin:accounts_membership_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_flower_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_flower_add": (302, 200, 302, 302, 200),
    "GET admin:pricing_flower_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_flower_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_flower_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_timeslot_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_timeslot_add": (302, 200, 302, 302, 200),
    "GET admin:pricing_timeslot_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_timeslot_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_timeslot_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_marketrate_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_marketrate_add": (302, 403, 302, 302, 403),
    "GET admin:pricing_marketrate_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_marketrate_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_marketrate_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_pricingrule_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_pricingrule_add": (302, 200, 302, 302, 200),
    "GET admin:pricing_pricingrule_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_pricingrule_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_pricingrule_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_rateadjustment_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_rateadjustment_add": (302, 200, 302, 302, 200),
    "GET admin:pricing_rateadjustment_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_rateadjustment_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_rateadjustment_change": (302, 302, 302, 302, 200),
    "GET admin:pricing_feerule_changelist": (302, 200, 302, 302, 200),
    "GET admin:pricing_feerule_add": (302, 200, 302, 302, 200),
    "GET admin:pricing_feerule_history": (302, 302, 302, 302, 200),
    "GET admin:pricing_feerule_delete": (302, 403, 302, 302, 403),
    "GET admin:pricing_feerule_change": (302, 302, 302, 302, 200),
    "GET admin:ledger_farmer_changelist": (302, 200, 302, 302, 200),
    "GET admin:ledger_farmer_add": (302, 403, 302, 302, 403),
    "GET admin:ledger_farmer_history": (302, 302, 302, 302, 200),
    "GET admin:ledger_farmer_delete": (302, 403, 302, 302, 403),
    "GET admin:ledger_farmer_change": (302, 302, 302, 302, 200),
    "GET admin:ledger_dailyentry_changelist": (302, 200, 302, 302, 200),
    "GET admin:ledger_dailyentry_add": (302, 403, 302, 302, 403),
    "GET admin:ledger_dailyentry_history": (302, 302, 302, 302, 200),
    "GET admin:ledger_dailyentry_delete": (302, 403, 302, 302, 403),
    "GET admin:ledger_dailyentry_change": (302, 302, 302, 302, 200),
    "GET admin:ledger_commissionrule_changelist": (302, 200, 302, 302, 200),
    "GET admin:ledger_commissionrule_add": (302, 200, 302, 302, 200),
    "GET admin:ledger_commissionrule_history": (302, 302, 302, 302, 200),
    "GET admin:ledger_commissionrule_delete": (302, 403, 302, 302, 403),
    "GET admin:ledger_commissionrule_change": (302, 302, 302, 302, 200),
    "GET admin:notifications_message_changelist": (302, 200, 302, 302, 200),
    "GET admin:notifications_message_add": (302, 403, 302, 302, 403),
    "GET admin:notifications_message_history": (302, 302, 302, 302, 302),
    "GET admin:notifications_message_delete": (302, 403, 302, 302, 403),
    "GET admin:notifications_message_change": (302, 302, 302, 302, 200),
    # There are two shops here, so neither owner may see or change the wordings that both share.
    "GET admin:notifications_messagetemplate_changelist": (302, 200, 302, 302, 200),
    "GET admin:notifications_messagetemplate_add": (302, 403, 302, 302, 403),
    "GET admin:notifications_messagetemplate_history": (302, 302, 302, 302, 302),
    "GET admin:notifications_messagetemplate_delete": (302, 403, 302, 302, 403),
    "GET admin:notifications_messagetemplate_change": (302, 302, 302, 302, 302),
    "GET admin:notifications_messagetemplate_preview": (302, 405, 302, 302, 405),
    "POST admin:notifications_messagetemplate_preview": (302, 403, 302, 302, 403),
    "GET admin:notifications_messagetemplate_use": (302, 405, 302, 302, 405),
    "POST admin:notifications_messagetemplate_use": (302, 403, 302, 302, 403),
    "GET admin:notifications_messagetemplate_submit": (302, 405, 302, 302, 405),
    "POST admin:notifications_messagetemplate_submit": (302, 404, 302, 302, 404),
    "GET admin:notifications_messagetemplate_ref": (302, 405, 302, 302, 405),
    "POST admin:notifications_messagetemplate_ref": (302, 404, 302, 302, 404),
    "GET admin:notifications_messagetemplate_dlt": (302, 405, 302, 302, 405),
    "POST admin:notifications_messagetemplate_dlt": (302, 403, 302, 302, 403),
    "GET admin:app_list": (302, 200, 302, 302, 200),
    "GET api:token_create": (405, 405, 405, 405, 405),
    "POST api:token_create": (401, 401, 401, 401, 401),
    "GET api:token_refresh": (405, 405, 405, 405, 405),
    "POST api:token_refresh": (401, 401, 401, 401, 401),
    "GET api:token_revoke": (405, 405, 405, 405, 405),
    "POST api:token_revoke": (204, 204, 204, 204, 204),
    "GET api:note_list": (401, 200, 200, 200, 200),
    "GET api:note_detail": (401, 405, 405, 405, 405),
    "PATCH api:note_detail": (401, 404, 404, 404, 200),
    "GET api:message_list": (401, 200, 200, 200, 200),
    "GET api:preferences": (401, 404, 200, 404, 404),
    "PATCH api:preferences": (401, 404, 404, 200, 200),
    "GET api:who_am_i": (401, 200, 200, 200, 200),
    "GET api:farmer_list": (401, 200, 200, 200, 200),
    "POST api:farmer_list": (401, 201, 403, 201, 201),
    "GET api:farmer_detail": (401, 404, 404, 200, 200),
    "PATCH api:farmer_detail": (401, 404, 403, 200, 200),
    "GET api:farmer_balance": (401, 404, 404, 200, 200),
    "GET api:farmer_statement": (401, 400, 400, 400, 400),
    "GET api:movement_list": (401, 200, 200, 200, 200),
    "POST api:movement_list": (401, 422, 403, 201, 201),
    "GET api:movement_detail": (401, 404, 404, 200, 200),
    "GET api:movement_reverse": (401, 405, 405, 405, 405),
    "POST api:movement_reverse": (401, 404, 403, 200, 200),
    "GET api:movement_approve": (401, 405, 405, 405, 405),
    "POST api:movement_approve": (401, 404, 403, 403, 409),
    "GET api:movement_refuse": (401, 405, 405, 405, 405),
    "POST api:movement_refuse": (401, 404, 403, 403, 409),
    "GET api:daily_entry_list": (401, 200, 200, 200, 200),
    "POST api:daily_entry_list": (401, 422, 403, 201, 201),
    "GET api:daily_entry_batch": (401, 405, 405, 405, 405),
    "POST api:daily_entry_batch": (401, 200, 403, 200, 200),
    "GET api:daily_entry_price": (401, 405, 405, 405, 405),
    "POST api:daily_entry_price": (401, 422, 403, 403, 200),
    "GET api:daily_entry_detail": (401, 404, 404, 200, 200),
    "PATCH api:daily_entry_detail": (401, 404, 404, 200, 200),
    "GET api:daily_entry_void": (401, 405, 405, 405, 405),
    "POST api:daily_entry_void": (401, 404, 404, 200, 200),
    "GET api:daily_entry_history": (401, 404, 404, 200, 200),
    "GET api:audit_event_list": (401, 200, 403, 403, 200),
    "GET api:charge_list": (401, 200, 200, 200, 200),
    "POST api:charge_list": (401, 422, 403, 201, 201),
    "GET api:charge_waive": (401, 405, 405, 405, 405),
    "POST api:charge_waive": (401, 404, 403, 200, 200),
    "GET api:flower_list": (401, 200, 200, 200, 200),
    "GET api:flower_detail": (401, 404, 200, 200, 200),
    "GET api:time_slot_list": (401, 200, 200, 200, 200),
    "GET api:fee_list": (401, 200, 403, 200, 200),
    "POST api:fee_list": (401, 201, 403, 403, 201),
    "GET api:fee_detail": (401, 404, 403, 200, 200),
    "PATCH api:fee_detail": (401, 404, 403, 403, 200),
    "GET api:market_rate_list": (401, 200, 200, 200, 200),
    "POST api:market_rate_list": (401, 422, 403, 403, 201),
    "GET api:market_rate_current": (401, 200, 200, 200, 200),
    "GET api:report_daily": (401, 200, 200, 200, 200),
    "GET api:report_farmers": (401, 200, 200, 200, 200),
    "GET api:report_flowers": (401, 200, 200, 200, 200),
    "GET api:report_commission": (401, 200, 200, 200, 200),
    "GET api:report_rates": (401, 400, 400, 400, 400),
    "GET api:settlement_run_list": (401, 200, 403, 200, 200),
    "POST api:settlement_run_list": (401, 201, 403, 403, 201),
    "GET api:settlement_run_detail": (401, 404, 403, 200, 200),
    "GET api:settlement_list": (401, 200, 200, 200, 200),
    "GET api:settlement_detail": (401, 404, 404, 200, 200),
    "GET api:settlement_document": (401, 404, 404, 200, 200),
    "GET api:settlement_submit": (401, 405, 405, 405, 405),
    "POST api:settlement_submit": (401, 404, 403, 403, 409),
    "GET api:settlement_approve": (401, 405, 405, 405, 405),
    "POST api:settlement_approve": (401, 404, 404, 409, 403),
    "GET api:settlement_dispute": (401, 405, 405, 405, 405),
    "POST api:settlement_dispute": (401, 404, 404, 200, 200),
    "GET api:settlement_cancel": (401, 405, 405, 405, 405),
    "POST api:settlement_cancel": (401, 404, 403, 403, 200),
    "GET api:settlement_reverse": (401, 405, 405, 405, 405),
    "POST api:settlement_reverse": (401, 404, 403, 403, 409),
    "GET api:settlement_recovery": (401, 405, 405, 405, 405),
    "PATCH api:settlement_recovery": (401, 404, 403, 403, 409),
    "GET api:settlement_payments": (401, 405, 405, 405, 405),
    "POST api:settlement_payments": (401, 404, 403, 409, 409),
    "GET api:settlement_payment_bounce": (401, 405, 405, 405, 405),
    "POST api:settlement_payment_bounce": (401, 404, 404, 404, 404),
    "GET api:schema": (200, 200, 200, 200, 200),
    "GET api:docs": (200, 200, 200, 200, 200),
    "GET pwa:own_counter": (302, 302, 302, 302, 302),
    "GET pwa:counter": (200, 200, 200, 200, 200),
    "GET pwa:offline": (200, 200, 200, 200, 200),
    "GET pwa:worker": (200, 200, 200, 200, 200),
    "GET pwa:manifest": (200, 200, 200, 200, 200),
    "GET sync:hello": (401, 200, 403, 200, 200),
    "GET sync:ref": (401, 200, 403, 200, 200),
    "GET sync:conflicts": (401, 200, 403, 200, 200),
    "POST sync:device": (401, 426, 403, 426, 426),
    "POST sync:ops": (401, 426, 403, 426, 426),
    "POST sync:parked": (401, 426, 403, 426, 426),
    "POST sync:pin": (401, 426, 403, 426, 426),
    "POST sync:pin_check": (401, 426, 403, 426, 426),
    "GET conflicts:conflict_list": (302, 200, 403, 403, 200),
    "GET conflicts:conflict_resolve": (302, 405, 403, 403, 405),
    "POST conflicts:conflict_resolve": (302, 404, 403, 403, 422),
    "GET tablets:tablet_list": (302, 200, 403, 403, 200),
    "GET tablets:tablet_name": (302, 405, 403, 403, 405),
    "POST tablets:tablet_name": (302, 404, 403, 403, 302),
    "GET tablets:tablet_state": (302, 405, 403, 403, 405),
    "POST tablets:tablet_state": (302, 404, 403, 403, 302),
    "GET healthz": (200, 200, 200, 200, 200),
    "GET readyz": (200, 200, 200, 200, 200),
    "GET home:board": (302, 200, 200, 200, 200),
    "GET home:design": (302, 200, 403, 200, 200),
    "POST home:design": (302, 302, 403, 302, 302),
    "GET ledger:entry_list": (302, 200, 403, 200, 200),
    "GET ledger:entry_new": (302, 200, 403, 200, 200),
    "POST ledger:entry_new": (302, 422, 403, 422, 422),
    "GET ledger:entry_detail": (302, 404, 403, 200, 200),
    "GET ledger:entry_edit": (302, 404, 403, 200, 200),
    "POST ledger:entry_edit": (302, 404, 403, 422, 422),
    "GET ledger:entry_void": (302, 404, 403, 200, 200),
    "POST ledger:entry_void": (302, 404, 403, 422, 422),
    "GET ledger:charge_list": (302, 200, 403, 200, 200),
    "GET ledger:charge_new": (302, 200, 403, 200, 200),
    "POST ledger:charge_new": (302, 422, 403, 422, 422),
    "GET ledger:charge_waive": (302, 404, 403, 200, 200),
    "POST ledger:charge_waive": (302, 404, 403, 422, 422),
    "GET ledger:pending_list": (302, 200, 403, 200, 200),
    "GET ledger:price_entries": (302, 200, 403, 403, 200),
    "POST ledger:price_entries": (302, 422, 403, 403, 422),
    "GET ledger:slip_sheet": (302, 200, 403, 200, 200),
    "GET ledger:slip": (302, 404, 404, 200, 200),
    "GET ledger:farmer_list": (302, 200, 403, 200, 200),
    "GET ledger:farmer_new": (302, 200, 403, 200, 200),
    "POST ledger:farmer_new": (302, 422, 403, 422, 422),
    "GET ledger:farmer_hints": (302, 405, 403, 405, 405),
    "POST ledger:farmer_hints": (302, 200, 403, 200, 200),
    "GET ledger:farmer_import": (302, 200, 403, 403, 200),
    "POST ledger:farmer_import": (302, 422, 403, 403, 422),
    "GET ledger:farmer_import_template": (302, 200, 403, 403, 200),
    "GET ledger:farmer_import_workbook": (302, 200, 403, 403, 200),
    "GET ledger:farmer_state": (302, 405, 403, 405, 405),
    "POST ledger:farmer_state": (302, 404, 403, 302, 302),
    "GET ledger:farmer_detail": (302, 404, 403, 200, 200),
    "GET ledger:farmer_edit": (302, 404, 403, 200, 200),
    "POST ledger:farmer_edit": (302, 404, 403, 422, 422),
    "GET ledger:farmer_account": (302, 404, 404, 200, 200),
    "GET ledger:farmer_account_file": (302, 404, 404, 200, 200),
    "GET ledger:movement_list": (302, 200, 403, 200, 200),
    "GET ledger:movement_new": (302, 200, 403, 200, 200),
    "POST ledger:movement_new": (302, 422, 403, 422, 422),
    "GET ledger:movement_detail": (302, 404, 404, 200, 200),
    "GET ledger:movement_reverse": (302, 405, 403, 405, 405),
    "POST ledger:movement_reverse": (302, 404, 403, 422, 422),
    "GET ledger:movement_approve": (302, 405, 403, 403, 405),
    "POST ledger:movement_approve": (302, 404, 403, 403, 302),
    "GET ledger:movement_refuse": (302, 405, 403, 403, 405),
    "POST ledger:movement_refuse": (302, 404, 403, 403, 422),
    "GET ledger:buyer_list": (302, 200, 403, 200, 200),
    "GET ledger:buyer_new": (302, 200, 403, 200, 200),
    "POST ledger:buyer_new": (302, 422, 403, 422, 422),
    "GET ledger:buyer_detail": (302, 404, 403, 200, 200),
    "GET ledger:buyer_file": (302, 404, 403, 200, 200),
    "GET ledger:buyer_edit": (302, 404, 403, 200, 200),
    "POST ledger:buyer_edit": (302, 404, 403, 422, 422),
    "GET ledger:buyer_sale_new": (302, 200, 403, 200, 200),
    "POST ledger:buyer_sale_new": (302, 422, 403, 422, 422),
    "GET ledger:buyer_sale_void": (302, 404, 403, 200, 200),
    "POST ledger:buyer_sale_void": (302, 404, 403, 422, 422),
    "GET ledger:buyer_receipt_new": (302, 200, 403, 200, 200),
    "POST ledger:buyer_receipt_new": (302, 422, 403, 422, 422),
    "GET ledger:buyer_receipt_reverse": (302, 404, 403, 200, 200),
    "POST ledger:buyer_receipt_reverse": (302, 404, 403, 422, 422),
    "GET ledger:shrinkage": (302, 200, 403, 200, 200),
    "GET ledger:export": (302, 200, 403, 403, 200),
    "POST ledger:export": (302, 200, 403, 403, 200),
    "POST ledger:export_tally": (302, 422, 403, 403, 422),
    "GET ledger:day_list": (302, 200, 403, 200, 200),
    "GET ledger:day_close": (302, 200, 403, 200, 200),
    "POST ledger:day_close": (302, 422, 403, 422, 422),
    "GET ledger:day_reopen": (302, 405, 403, 403, 405),
    "POST ledger:day_reopen": (302, 302, 403, 403, 302),
    "GET ledger:expense_new": (302, 200, 403, 200, 200),
    "POST ledger:expense_new": (302, 422, 403, 422, 422),
    "GET ledger:expense_reverse": (302, 404, 403, 200, 200),
    "POST ledger:expense_reverse": (302, 404, 403, 422, 422),
    "GET pricing:rate_board": (302, 200, 403, 200, 200),
    "POST pricing:rate_board": (302, 422, 403, 403, 422),
    "GET pricing:rate_history": (302, 200, 403, 200, 200),
    "GET pricing:rate_history_csv": (302, 400, 403, 200, 200),
    "GET pricing:rate_wall": (302, 200, 403, 200, 200),
    "GET notifications:message_list": (302, 200, 403, 200, 200),
    "GET reports:report_list": (302, 200, 200, 200, 200),
    "GET reports:daily": (302, 200, 200, 200, 200),
    "GET reports:farmers": (302, 200, 200, 200, 200),
    "GET reports:flowers": (302, 200, 200, 200, 200),
    "GET reports:commission": (302, 200, 200, 200, 200),
    "GET reports:rates": (302, 200, 200, 200, 200),
    "GET reports:months": (302, 200, 403, 200, 200),
    "GET reports:settlements": (302, 200, 200, 200, 200),
    "GET reports:advances": (302, 200, 403, 200, 200),
    "GET reports:collection": (302, 200, 403, 200, 200),
    "GET settlements:settlement_list": (302, 200, 200, 200, 200),
    "GET settlements:run_new": (302, 200, 403, 403, 200),
    "POST settlements:run_new": (302, 422, 403, 403, 422),
    "GET settlements:run_detail": (302, 404, 403, 200, 200),
    "GET settlements:run_submit": (302, 405, 403, 403, 405),
    "POST settlements:run_submit": (302, 404, 403, 403, 422),
    "GET settlements:payment_detail": (302, 404, 404, 200, 200),
    "GET settlements:payment_bounce": (302, 405, 403, 403, 405),
    "POST settlements:payment_bounce": (302, 404, 403, 403, 422),
    "GET settlements:settlement_document": (302, 404, 404, 200, 200),
    "GET settlements:run_papers": (302, 404, 403, 200, 200),
    "GET settlements:settlement_detail": (302, 404, 404, 200, 200),
    "GET settlements:settlement_submit": (302, 405, 403, 403, 405),
    "POST settlements:settlement_submit": (302, 404, 403, 403, 422),
    "GET settlements:settlement_approve": (302, 405, 405, 405, 405),
    "POST settlements:settlement_approve": (302, 404, 404, 422, 422),
    "GET settlements:settlement_paper": (302, 405, 403, 405, 405),
    "POST settlements:settlement_paper": (302, 404, 403, 422, 422),
    "GET settlements:settlement_recovery": (302, 405, 403, 403, 405),
    "POST settlements:settlement_recovery": (302, 404, 403, 403, 422),
    "GET settlements:settlement_dispute": (302, 405, 405, 405, 405),
    "POST settlements:settlement_dispute": (302, 404, 404, 422, 422),
    "GET settlements:settlement_cancel": (302, 405, 403, 403, 405),
    "POST settlements:settlement_cancel": (302, 404, 403, 403, 422),
    "GET settlements:settlement_reverse": (302, 405, 403, 403, 405),
    "POST settlements:settlement_reverse": (302, 404, 403, 403, 422),
    "GET settlements:settlement_link": (302, 405, 403, 405, 405),
    "POST settlements:settlement_link": (302, 404, 403, 200, 200),
    "GET settlements:payment_new": (302, 404, 403, 200, 200),
    "POST settlements:payment_new": (302, 404, 403, 422, 422),
    # Whoever has the link may read it, signed in or not.
    "GET links:farmer_link": (200, 200, 200, 200, 200),
    "POST links:farmer_link": (422, 422, 422, 422, 422),
    # Whoever calls, only their provider's signature or secret opens them.
    "GET notifications:twilio_status": (405, 405, 405, 405, 405),
    "POST notifications:twilio_status": (403, 403, 403, 403, 403),
    "GET notifications:twilio_inbound": (405, 405, 405, 405, 405),
    "POST notifications:twilio_inbound": (403, 403, 403, 403, 403),
    "GET notifications:twilio_events": (405, 405, 405, 405, 405),
    "POST notifications:twilio_events": (403, 403, 403, 403, 403),
    "GET notifications:interakt": (405, 405, 405, 405, 405),
    "POST notifications:interakt": (403, 403, 403, 403, 403),
    "GET notifications:msg91": (405, 405, 405, 405, 405),
    "POST notifications:msg91": (403, 403, 403, 403, 403),
    "GET notifications:meta": (403, 403, 403, 403, 403),
    "POST notifications:meta": (403, 403, 403, 403, 403),
    "GET notifications:inbox": (302, 200, 200, 200, 200),
    "GET notifications:inbox_count": (302, 200, 200, 200, 200),
    "GET notifications:inbox_read": (302, 405, 405, 405, 405),
    "POST notifications:inbox_read": (302, 302, 302, 302, 302),
}


@dataclass
class Stage:
    """Meena's things, and who asks for them. Raja asks for another farmer's: none of them is his."""

    clients: dict[str, Client]
    line: DailyEntry
    arguments: dict[str, object]
    of_model: dict[str, UUID]
    charge: Charge


@pytest.fixture
def stage(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, devi: Membership, jasmine: Flower
) -> Stage:
    called(jasmine, "900", at("2026-03-06", "04:00"), meena)
    line = recorded(kumar, lakshmi, jasmine, captured_at=at("2026-03-06", "05:00"))
    (message,) = react(event_id=Event.objects.get(name="EntryRecorded").pk)
    slot = a_slot(meena.shop, "04:00", "05:30")
    fee = a_fee(meena.shop, "luggage", "per_trip", "40.00", automatic=False)
    charge = Charge.objects.create(
        shop=meena.shop,
        farmer=lakshmi,
        fee=fee,
        business_date=line.business_date,
        basis=fee.basis,
        income=fee.income,
        quantity=1,
        rate=40,
        created_by=kumar,
    )
    commission = CommissionRule.objects.create(
        shop=meena.shop, pct=8, valid_from=line.business_date, made_by=meena
    )
    with transaction.atomic():
        movement = write_movement(
            by=kumar,
            farmer=lakshmi,
            kind="advance",
            amount=Decimal(500),
            business_date=line.business_date,
            mode="cash",
        )
    way = PricingRule.objects.create(shop=meena.shop, mode="called", valid_from="2026-03-06", made_by=meena)
    buyer, sale, receipt = a_buyer_of(kumar, jasmine, line.business_date)
    note = Note.objects.create(
        shop=meena.shop, member=meena, event=meena.shop.events.earliest("id"), kind="books_broken"
    )
    expense = record_expense(
        by=kumar,
        key=uuid4(),
        amount=Decimal(20),
        what="tea",
        business_date=line.business_date,
        mode="cash",
    )
    settlement, payment = settlements_of_two(meena, kumar, jasmine)
    assert raja.member is not None
    clients = {"anonymous": Client(raise_request_exception=False)}
    for name, member in (("devi", devi), ("raja", raja.member), ("kumar", kumar), ("meena", meena)):
        clients[name] = Client(raise_request_exception=False)
        clients[name].force_login(member.user)
    return Stage(
        clients=clients,
        line=line,
        arguments={
            "member_id": kumar.pk,
            "entry_id": line.pk,
            "farmer_id": lakshmi.pk,
            "charge_id": charge.pk,
            "fee_id": charge.fee_id,
            "note_id": note.pk,
            "movement_id": movement.pk,
            "buyer_id": buyer,
            "sale_id": sale,
            "receipt_id": receipt,
            "expense_id": expense.made,
            "message_id": uuid4(),
            "attempt": 1,
            "secret": "not-the-one",
            "conflict_id": a_conflict_about(line, kumar).pk,
            "settlement_id": settlement.pk,
            "run_id": settlement.run_id,
            "payment_id": payment.pk,
            "token": link_for(by=kumar, settlement_id=settlement.pk),
            "device_id": register_device(by=kumar, id=uuid4()).pk,
            "flower_id": jasmine.pk,
            "day": line.business_date,
            "app_label": "ledger",
            "uidb36": "abc",
            "key": "x-y",
            "language": "ta",
            "kind": "html",
            "layout": "six",
            "part": 1,
        },
        of_model={
            "shop": meena.shop.pk,
            "membership": kumar.pk,
            "flower": jasmine.pk,
            "timeslot": slot.pk,
            "pricingrule": way.pk,
            "rateadjustment": an_adjustment(meena.shop, "wet", "percent", "-10").pk,
            "feerule": charge.fee_id,
            "marketrate": meena.shop.market_rates.get().pk,
            "farmer": lakshmi.pk,
            "dailyentry": line.pk,
            "commissionrule": commission.pk,
            "message": message,
            "messagetemplate": MessageTemplate.objects.filter(is_active=True).earliest("name", "language").pk,
        },
        charge=charge,
    )


def settlements_of_two(owner: Membership, clerk: Membership, flower: Flower) -> tuple[Settlement, Payment]:
    """A settlement that waits for approval, of one more farmer, and what was paid on another's."""
    for number in (21, 22):
        farmer = a_farmer(owner.shop, number, f"வி {number}", f"V {number}")
        recorded(clerk, farmer, flower, captured_at=at("2026-03-06", "05:00"))
        day = at("2026-03-06", "05:00").date()
        settlement = settlement_for(farmer, settled(owner, Order(start=day, end=day, farmers=(farmer.pk,))))
        if number == 21:
            payment = paid(agreed(settlement, owner, clerk), clerk).payments.get()
    submit(by=owner, settlement_id=settlement.pk)
    return settlement, payment


def urls(patterns: list[Any] | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every named URL of the site."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from urls(pattern.url_patterns, inner)
        elif pattern.name:
            yield namespace + pattern.name, pattern


def path_to(name: str, stage: Stage) -> str:
    pattern = next(pattern for named, pattern in urls() if named == name).pattern
    wanted = pattern.converters if isinstance(pattern, RoutePattern) else pattern.regex.groupindex
    arguments: dict[str, object] = {}
    for argument in wanted:
        if argument == "object_id":
            arguments[argument] = next(pk for model, pk in stage.of_model.items() if f"_{model}_" in name)
        else:
            arguments[argument] = stage.arguments[argument]
    return reverse(name, kwargs=arguments)


def body_of(request: str, stage: Stage) -> dict[str, Any]:
    """A body that would be accepted, so that only the person decides."""
    line = stage.line
    entry = {
        "farmer": str(line.farmer_id),
        "flower": str(line.flower_id),
        "captured_at": "2026-03-06T05:10:00+05:30",
        "gross_quantity": "5.000",
    }
    bodies: dict[str, dict[str, Any]] = {
        "POST api:token_create": {"username": "nobody@malar.example", "password": "x"},
        "POST api:token_refresh": {"refresh": "x"},
        "POST api:token_revoke": {"refresh": "x"},
        "POST api:farmer_list": {"name_ta": "க. கருப்பையா", "number": 77},
        "PATCH api:note_detail": {"read": True},
        "PATCH api:preferences": {"farmer": str(line.farmer_id), "messages": False},
        "PATCH api:farmer_detail": {"version": 1, "village_ta": "ஆத்தூர்"},
        "POST api:daily_entry_list": entry,
        "POST api:daily_entry_batch": {"entries": [entry]},
        "POST api:daily_entry_price": {
            "date": "2026-03-06",
            "flower": str(line.flower_id),
            "from_time": "00:00",
            "to_time": "00:00",
            "rate": "900",
            "dry_run": True,
        },
        "PATCH api:daily_entry_detail": {"version": 1, "note": "wet"},
        "POST api:daily_entry_void": {"reason": "weighed twice"},
        "POST api:charge_list": {
            "farmer": str(line.farmer_id),
            "fee": str(stage.charge.fee_id),
            "business_date": "2026-03-06",
            "quantity": 1,
        },
        "POST api:charge_waive": {"reason": "brought it himself"},
        "POST api:movement_list": {
            "farmer": str(line.farmer_id),
            "kind": "draw",
            "amount": "100.00",
            "business_date": "2026-03-06",
            "mode": "cash",
        },
        "POST api:movement_reverse": {"reason": "wrong farmer"},
        "POST api:movement_refuse": {"note": "too much"},
        "POST api:fee_list": {
            "code": "toll",
            "name_ta": "சுங்கம்",
            "name_en": "Toll",
            "basis": "per_sack",
            "rate": "5.00",
        },
        "PATCH api:fee_detail": {"is_active": False},
        "POST api:settlement_run_list": {"period_start": "2026-03-02", "period_end": "2026-03-08"},
        "POST api:settlement_approve": {"content_hash": "0" * 64},
        "POST api:settlement_dispute": {"reason": "12 kg"},
        "POST api:settlement_reverse": {"reason": "wrong week"},
        "PATCH api:settlement_recovery": {"recovery": "0", "version": 1},
        "POST api:settlement_payments": {"amount": "1", "mode": "cash"},
        "POST api:settlement_payment_bounce": {"reason": "returned"},
        "POST api:market_rate_list": {"flower": str(line.flower_id), "rate": "900"},
    }
    return bodies.get(request, {})


def answer(request: str, stage: Stage, who: str) -> int:
    """The status of one request; whatever it wrote is taken back."""
    method, name = request.split(" ")
    mark = transaction.savepoint()
    kwargs: dict[str, Any] = {}
    if name.startswith("api:") and method != "GET":
        kwargs = {
            "data": body_of(request, stage),
            "content_type": "application/json",
            "headers": {"Idempotency-Key": str(uuid4())},
        }
    client = Client(raise_request_exception=False)
    client.cookies.update(stage.clients[who].cookies)  # a copy: signing out must not carry over
    status = getattr(client, method.lower())(path_to(name, stage), **kwargs).status_code
    transaction.savepoint_rollback(mark)
    return int(status)


def test_every_url_has_its_row_and_every_row_its_url() -> None:
    known = {name for name, _ in urls()}
    in_table = {request.split(" ")[1] for request in TABLE}
    assert sorted(known - in_table) == []
    assert sorted(in_table - known) == []


def test_no_row_expects_a_crash() -> None:
    assert not [request for request, row in TABLE.items() if max(row) >= 500]


PARTS = sorted({request.split(" ")[1].split(":")[0].split("_")[0] for request in TABLE})


@pytest.mark.parametrize("part", PARTS)
def test_each_person_gets_the_answer_of_the_table(part: str, stage: Stage) -> None:
    wrong = {
        f"{request} as {who}": (status, expected)
        for request, row in TABLE.items()
        if request.split(" ")[1].split(":")[0].split("_")[0] == part
        for who, expected in zip(PEOPLE, row, strict=True)
        if (status := answer(request, stage, who)) != expected
    }
    assert wrong == {}, wrong


def test_an_address_without_a_post_row_refuses_post(stage: Stage) -> None:
    wrong = {
        name: status
        for name, _ in urls()
        if f"POST {name}" not in TABLE and not name.startswith("admin:")
        if (status := answer(f"POST {name}", stage, "meena")) != 405
    }
    assert wrong == {}, wrong
