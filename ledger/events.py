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
