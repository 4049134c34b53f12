"""What a provider is: it takes one message and says what became of it. One file each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Outgoing:
    """A message as a provider sees it. `message_id` is ours: a provider that can hands it back."""

    message_id: UUID
    address: str
    language: str
    template: str
    variables: Mapping[str, str]
    text: str


class Outcome(StrEnum):
    """What became of a send."""

    SENT = "sent"
    RETRY = "retry"
    """Surely not sent; may be tried again."""
    UNKNOWN = "unknown"
    """Perhaps sent: the answer was lost."""
    FAILED = "failed"
    """Refused for good."""


@dataclass(frozen=True)
class SendResult:
    """The outcome, the provider's own id of the message, and its code for what went wrong."""

    outcome: Outcome
    provider_id: str = ""
    code: str = ""
    detail: str = field(default="", repr=False)


class Provider(Protocol):
    """A way to reach people. `repeats_safely`: giving it the same message id twice sends it once."""

    name: str
    channel: str
    repeats_safely: bool

    def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message. Returns also when it could not; raises only for what is a bug."""
