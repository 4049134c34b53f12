"""What happens in the book. The names are kept with the events: never rename one."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from malar.trail.domain import Happening


@dataclass(frozen=True)
class EntryRecorded(Happening):
    """A new line."""

    name: ClassVar[str] = "EntryRecorded"
    entry: UUID
    farmer: UUID


@dataclass(frozen=True)
class EntriesImported(Happening):
    """Lines of an older book were taken over: so many, of these days. One event for all of them, and nobody
    subscribes: a farmer is not told today what he brought years ago."""

    name: ClassVar[str] = "EntriesImported"
    taken: UUID
    lines: int
    first: str
    last: str


@dataclass(frozen=True)
class EntryCorrected(Happening):
    """A line got a new version."""

    name: ClassVar[str] = "EntryCorrected"
    entry: UUID
    farmer: UUID
    version: int


@dataclass(frozen=True)
class EntryVoided(Happening):
    """A line was cancelled."""

    name: ClassVar[str] = "EntryVoided"
    entry: UUID
    farmer: UUID


@dataclass(frozen=True)
class EntryPriced(Happening):
    """A line that waited got its rate, or a priced one another: ₹ per unit before ("" where it had none) and after."""

    name: ClassVar[str] = "EntryPriced"
    entry: UUID
    farmer: UUID
    version: int
    before: str
    after: str


@dataclass(frozen=True)
class FarmerReachable(Happening):
    """A farmer is new with a number, or got his first one. Of a list that is taken over only where the shop wants
    the people on it to hear of it."""

    name: ClassVar[str] = "FarmerReachable"
    farmer: UUID


@dataclass(frozen=True)
class MovementPosted(Happening):
    """Money was given to a farmer or came back from him."""

    name: ClassVar[str] = "MovementPosted"
    movement: UUID
    farmer: UUID


@dataclass(frozen=True)
class MovementWaits(Happening):
    """Money over the owner's limit was asked for."""

    name: ClassVar[str] = "MovementWaits"
    movement: UUID
    farmer: UUID


@dataclass(frozen=True)
class MovementRefused(Happening):
    """The owner said no."""

    name: ClassVar[str] = "MovementRefused"
    movement: UUID
    farmer: UUID


@dataclass(frozen=True)
class MovementReversed(Happening):
    """A movement was taken back by its mirror."""

    name: ClassVar[str] = "MovementReversed"
    movement: UUID
    farmer: UUID


@dataclass(frozen=True)
class ChargeWaived(Happening):
    """A charge was let off."""

    name: ClassVar[str] = "ChargeWaived"
    charge: UUID
    farmer: UUID


@dataclass(frozen=True)
class DayClosed(Happening):
    """A day was counted and locked."""

    name: ClassVar[str] = "DayClosed"
    close: UUID
    day: str


@dataclass(frozen=True)
class DayReopened(Happening):
    """A locked day was opened again."""

    name: ClassVar[str] = "DayReopened"
    close: UUID
    day: str


@dataclass(frozen=True)
class ShopExported(Happening):
    """The owner took everything away in one archive."""

    name: ClassVar[str] = "ShopExported"
    member: UUID
