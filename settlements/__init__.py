"""Settlements: what a farmer gets for his flowers, agreed by both sides and paid."""
