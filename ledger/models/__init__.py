"""The book: farmers, daily entries, charges, the accounts and all that moves between them."""

from ledger.models.accounts import Account, Transfer
from ledger.models.buyers import Buyer, BuyerReceipt, BuyerSale
from ledger.models.charges import Charge, CommissionRule
from ledger.models.claims import Claim, ClaimedRow
from ledger.models.days import DayClose, Expense
from ledger.models.entries import DailyEntry, DailyEntryQuerySet, Rounded, SlipCounter
from ledger.models.farmers import Farmer, FarmerQuerySet
from ledger.models.movements import Movement, VoucherCounter
from ledger.models.rollups import DailyRollup, DirtyDay, MonthlyRollup

__all__ = [
    "Account",
    "Buyer",
    "BuyerReceipt",
    "BuyerSale",
    "Charge",
    "Claim",
    "ClaimedRow",
    "CommissionRule",
    "DailyEntry",
    "DailyEntryQuerySet",
    "DailyRollup",
    "DayClose",
    "DirtyDay",
    "Expense",
    "Farmer",
    "FarmerQuerySet",
    "MonthlyRollup",
    "Movement",
    "Rounded",
    "SlipCounter",
    "Transfer",
    "VoucherCounter",
]
