"""What happens to settlements. The names are kept with the events: never rename one."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from malar.trail.domain import Happening


@dataclass(frozen=True)
class RunFinished(Happening):
    """A run made its settlements, or could not."""

    name: ClassVar[str] = "RunFinished"
    run: UUID


@dataclass(frozen=True)
class SettlementReady(Happening):
    """A settlement waits for both sides' approval."""

    name: ClassVar[str] = "SettlementReady"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementUnanswered(Happening):
    """Its farmer has not answered for days; he was `asked` then (ISO)."""

    name: ClassVar[str] = "SettlementUnanswered"
    settlement: UUID
    farmer: UUID
    asked: str


@dataclass(frozen=True)
class SettlementChanged(Happening):
    """Its content is another than it was: who approved it must look again."""

    name: ClassVar[str] = "SettlementChanged"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementApproved(Happening):
    """Both sides agreed; it has its number."""

    name: ClassVar[str] = "SettlementApproved"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementDisputed(Happening):
    """Somebody does not agree."""

    name: ClassVar[str] = "SettlementDisputed"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementCancelled(Happening):
    """It was called off before it was approved; nobody is told who had not been asked."""

    name: ClassVar[str] = "SettlementCancelled"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementReversed(Happening):
    """An approved one was taken back; its lines fall into the next."""

    name: ClassVar[str] = "SettlementReversed"
    settlement: UUID
    farmer: UUID


@dataclass(frozen=True)
class SettlementPaid(Happening):
    """Money was paid for it."""

    name: ClassVar[str] = "SettlementPaid"
    settlement: UUID
    farmer: UUID
    payment: UUID


@dataclass(frozen=True)
class PaymentBounced(Happening):
    """A payment did not arrive; what was paid is owed again."""

    name: ClassVar[str] = "PaymentBounced"
    settlement: UUID
    farmer: UUID
    payment: UUID


@dataclass(frozen=True)
class NextMonthMissing(Happening):
    """Farmers are settled by the Tamil month, and none is known that is still to begin, after the one that began on
    the day `after` (ISO; empty where the shop knows none)."""

    name: ClassVar[str] = "NextMonthMissing"
    after: str
