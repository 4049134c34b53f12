"""Which rows of the book a settlement has taken. The ledger does not know what a settlement is: only that
somebody took rows under an id, and whether what came of it is in the accounts (docs/adr/0007-claims.md)."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.domain import ClaimState, RowKind
from ledger.models.farmers import Farmer
from ledger.models.kept import kept
from malar.accounts.models import Shop
from malar.kernel.history import keep_history


class Claim(models.Model):
    """All that one settlement (of the same id) takes of a farmer's book.

    While it is held, its rows still count from themselves, and `draws`, `hand_loans` and `recovery`, in ₹, are
    promised of what he owes. From the day `posted_on` its sums are in the accounts and its rows count no more;
    from the day `released_on` they are free again.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="claims")
    farmer = models.ForeignKey(Farmer, on_delete=models.PROTECT, related_name="claims")
    state = models.CharField(_("state"), max_length=8, choices=ClaimState, default=ClaimState.HELD)
    posted_on = models.DateField(null=True, blank=True)
    released_on = models.DateField(null=True, blank=True)
    draws = models.DecimalField(_("draws"), max_digits=14, decimal_places=2)
    hand_loans = models.DecimalField(_("hand loans"), max_digits=14, decimal_places=2)
    recovery = models.DecimalField(_("advance recovery"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.UniqueConstraint(
                fields=["farmer"], condition=Q(state=ClaimState.HELD), name="one_held_claim_of_a_farmer"
            ),
            models.CheckConstraint(
                name="claim_has_the_days_of_its_state",
                condition=Q(state=ClaimState.HELD, posted_on=None, released_on=None)
                | Q(state=ClaimState.POSTED, posted_on__isnull=False, released_on=None)
                | Q(state=ClaimState.RELEASED, released_on__isnull=False),
            ),
            models.CheckConstraint(
                name="claim_promises_no_less_than_nothing", condition=Q(hand_loans__gte=0, recovery__gte=0)
            ),
        ]
        indexes = [models.Index(fields=["farmer"], name="claims_of_farmer")]
        triggers: ClassVar = kept(
            "claim",
            first="""
                IF TG_OP = 'UPDATE' AND (OLD.state, NEW.state) NOT IN
                    (('held', 'held'), ('held', 'posted'), ('held', 'released'), ('posted', 'released'))
                THEN RAISE EXCEPTION 'claim %: % after %', OLD.id, NEW.state, OLD.state
                     USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            """,
            changing=("state", "posted_on", "released_on", "hand_loans", "recovery"),
            while_standing="OLD.state <> 'released'",
        )

    def __str__(self) -> str:
        return str(self.pk)


class ClaimedRow(models.Model):
    """One row that is taken: a line, a charge or a draw. The unique index is what keeps it from being taken twice,
    whoever forgets a lock. These rows are the evidence themselves, so they have no history beside them."""

    id = models.BigAutoField(primary_key=True)
    # A run writes a million of these: their claim and row are checked by `check_books`, not one by one.
    claim = models.ForeignKey(
        Claim, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="rows"
    )
    kind = models.CharField(max_length=6, choices=RowKind)
    row = models.UUIDField()
    released = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["row"], condition=Q(released=False), name="a_row_is_taken_once"),
        ]
        indexes = [models.Index(F("claim"), F("kind"), name="rows_of_claim")]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="guard_row",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF OLD.released OR NOT NEW.released
                        OR (NEW.id, NEW.claim_id, NEW.kind, NEW.row) IS DISTINCT FROM
                           (OLD.id, OLD.claim_id, OLD.kind, OLD.row)
                    THEN RAISE EXCEPTION 'claimed row %: it is only released, once', OLD.id
                         USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="keep_row", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="keep_rows",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'claimed rows are never truncated';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"


keep_history(Claim)
