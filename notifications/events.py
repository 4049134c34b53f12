"""What happens to messages themselves. The names are kept with the events: never rename one."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from malar.trail.domain import Happening


@dataclass(frozen=True)
class WordingStopped(Happening):
    """A provider no longer takes a wording, or wants another price for it."""

    name: ClassVar[str] = "WordingStopped"
    approval: UUID
    provider: str
    wording: str
    state: str
    reason: str


@dataclass(frozen=True)
class SignInCodeAsked(Happening):
    """Somebody wants to sign in with a farmer's number. `code` names the row, not the code."""

    name: ClassVar[str] = "SignInCodeAsked"
    code: UUID
    farmer: UUID


@dataclass(frozen=True)
class FarmerAnswered(Happening):
    """Somebody wrote to us or tapped a button, and is to be answered."""

    name: ClassVar[str] = "FarmerAnswered"
    answer: UUID
