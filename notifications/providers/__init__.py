"""What a provider is: it takes one message and says what became of it. One file each."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from notifications.domain import Failure, State


@dataclass(frozen=True)
class Outgoing:
    """A message as a provider sees it. `message_id` and `attempt` are ours: a provider that can hands them back.

    `template` names the wording with its language and version, `values` are its variables in the order in which
    it names them first. `ref` is the provider's own name for that version; empty where it has approved none.
    """

    message_id: UUID
    attempt: int
    address: str = field(repr=False)
    language: str
    template: str
    version: int
    variables: Mapping[str, str] = field(repr=False)
    values: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    valid_s: int
    ref: str = ""


class Outcome(StrEnum):
    """What became of a send."""

    ACCEPTED = "accepted"
    """The provider has it and will tell more."""
    SENT = "sent"
    """Done; nothing more will be told."""
    RETRY = "retry"
    """Surely not sent; may be tried again."""
    UNKNOWN = "unknown"
    """Perhaps sent: the answer was lost."""
    FAILED = "failed"
    """Refused for good."""


@dataclass(frozen=True)
class SendResult:
    """The outcome, the provider's own id of the message, and its code for what went wrong.

    `failure` says what kind of thing went wrong, where the provider's code is known; `retry_after` how long the
    provider wants to be left alone.
    """

    outcome: Outcome
    provider_id: str = ""
    code: str = ""
    failure: Failure | None = None
    retry_after: dt.timedelta | None = None


@dataclass(frozen=True)
class Told:
    """What a provider told by itself of one of its messages. `outcome`, `failure` and `code`: of one that failed."""

    provider_id: str
    state: State
    code: str
    failure: Failure | None
    outcome: Outcome


@dataclass(frozen=True)
class Inbound:
    """What somebody wrote to us, or which button he tapped.

    `address`: his phone as +91…; empty where the provider knows him by another name only. `text`: what he wrote, or
    the words on the button. `button`: what the button stands for, where the provider hands it back. `answers`: the
    provider's id of the message of ours that he answers; empty where it does not say.
    """

    provider_id: str
    address: str = field(repr=False)
    text: str = field(repr=False)
    button: str = ""
    answers: str = ""
    is_forwarded: bool = False
    is_sms: bool = False
    """By SMS anybody can write in anybody's name."""


class Provider(Protocol):
    """A way to reach people, with an account of its own. The name is kept with each message, up to 20 characters.

    `repeats_safely`: giving it the same message id twice sends it once. `gap`: time to leave between two messages
    to one address.
    """

    name: str
    channel: str
    repeats_safely: bool
    gap: dt.timedelta

    def cost_of(self, text: str) -> int:
        """What sending this costs, in paise, as far as we can tell."""

    def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message. Returns also when it could not; raises only for what is a bug."""
