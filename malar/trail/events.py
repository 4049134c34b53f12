"""What the house notices by itself. Rooms above write these down; the messages tell the owner, and know the
rooms not. The names are kept with the events: never rename one."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from malar.trail.domain import Happening


@dataclass(frozen=True)
class TabletLost(Happening):
    """The owner marked a tablet as lost: nothing is taken from it any more."""

    name: ClassVar[str] = "TabletLost"
    tablet: str
    device: UUID


@dataclass(frozen=True)
class TabletSilent(Happening):
    """A tablet that still has something to send was not heard of for long; `since` as papers write a moment."""

    name: ClassVar[str] = "TabletSilent"
    tablet: str
    device: UUID
    since: str
    waiting: int


@dataclass(frozen=True)
class BooksBroken(Happening):
    """A check of the books found something in this shop that must never be so."""

    name: ClassVar[str] = "BooksBroken"
    check: int


@dataclass(frozen=True)
class RatePending(Happening):
    """A farmer's flowers of a day (ISO) have been without a rate for too long."""

    name: ClassVar[str] = "RatePending"
    farmer: UUID
    day: str


@dataclass(frozen=True)
class RatesPending(Happening):
    """So many lines of a day (ISO) have been without a rate for too long."""

    name: ClassVar[str] = "RatesPending"
    day: str
    lines: int
