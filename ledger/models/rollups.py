"""The sums of single days, kept so that a report of a month need not read its entries; and what is not summed yet."""

from __future__ import annotations

import pgtrigger
from django.db import models

from ledger.domain import RollupKind
from malar.accounts.models import Shop
from malar.kernel.quantities import Unit


class Rollup(models.Model):
    """What a day or a month came to for one farmer, one flower (and unit) or one fee, of lines and charges that stand.

    Made again by `ledger.services.rollups` from what is in the book, never edited. `quantity` is in `unit`, of a
    farmer the kilograms alone; `priced` is what of it has a rate. ₹ in `amount`, `commission` and `charges`; of a
    flower there are no charges. `low` and `high` are the rates, ₹ per unit, that were paid for a flower.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(
        Shop, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=6, choices=RollupKind)
    # Of the farmer, the flower or the fee. No foreign key: the rows it is summed from have them.
    subject = models.UUIDField()
    unit = models.CharField(max_length=6, choices=Unit, blank=True)
    lines = models.IntegerField()
    unpriced = models.IntegerField()
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    priced = models.DecimalField(max_digits=14, decimal_places=3)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    commission = models.DecimalField(max_digits=16, decimal_places=2)
    charges = models.DecimalField(max_digits=16, decimal_places=2)
    low = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    high = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    class Meta:
        abstract = True


class DailyRollup(Rollup):
    """What a day came to."""

    business_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "kind", "business_date", "subject", "unit"], name="one_rollup_of_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.kind} {self.subject}"


class MonthlyRollup(Rollup):
    """What the kept days of a month that is over came to; gone as soon as one of them is summed again."""

    month = models.DateField(help_text="its first day")
    days = models.IntegerField(help_text="how many of them had lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "kind", "month", "subject", "unit"], name="one_rollup_of_a_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.kind} {self.subject}"


class DirtyDay(models.Model):
    """A mark that a day was written into after it was summed up.

    Every write leaves one of its own, by trigger and in its transaction: one row per day for all would make
    clerks wait for each other. Whoever sums the day takes away the marks he saw, and no others.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(
        Shop, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    business_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["shop", "business_date"], name="dirty_days_of_shop")]

    def __str__(self) -> str:
        return str(self.business_date)


def marks_days(column: str) -> list[pgtrigger.Trigger]:
    """Triggers of a table whose rows a day's sums are made of: each statement that writes marks the days, by
    `column`, that it touched."""
    touched: dict[pgtrigger.Operation, dict[str, str]] = {
        pgtrigger.Insert: {"new": "new_rows"},
        pgtrigger.Update: {"new": "new_rows", "old": "old_rows"},
        pgtrigger.Delete: {"old": "old_rows"},
    }
    return [
        pgtrigger.Trigger(
            name=f"mark_days_{str(operation).lower()}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=pgtrigger.Referencing(**tables),  # type: ignore[no-untyped-call]  # it has no types
            func=f"""
                INSERT INTO ledger_dirtyday (shop_id, business_date)
                {" UNION ".join(f"SELECT DISTINCT shop_id, {column} FROM {rows}" for rows in tables.values())};
                RETURN NULL;
            """,  # noqa: S608
        )
        for operation, tables in touched.items()
    ]
