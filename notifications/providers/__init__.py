"""What a provider is: it takes one message and says what became of it. One file each."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.domain import Approval, Failure, State
from notifications.models import Callback, Message, MessageTemplate


@dataclass(frozen=True)
class Outgoing:
    """A message as a provider sees it. `message_id` and `attempt` are ours: a provider that can hands them back.

    `template` names the wording with its language and version, `values` are its variables in the order in which
    it names them first. `ref` is the provider's own name for that version; empty where it has approved none.
    `buttons` are the wording's, in order.
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
    buttons: Sequence[Mapping[str, str]] = ()

    @property
    def call(self) -> str:
        """The name of this call, for a provider that hands one back; `call_of` reads it."""
        return f"{self.message_id}.{self.attempt}"


CALL = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,3})")


def call_of(text: object) -> tuple[UUID | None, int | None]:
    """Whose call this is and which, where a provider handed back the name of one; None, None for all else."""
    found = CALL.fullmatch(text) if isinstance(text, str) else None
    return (UUID(found[1]), int(found[2])) if found else (None, None)


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
    """What a provider told by itself of one of its messages. `outcome`, `failure` and `code`: of one that failed.

    `address` is whom the message went to, where that must be right to be believed.
    """

    provider_id: str
    state: State
    code: str
    failure: Failure | None
    outcome: Outcome
    address: str = field(default="", repr=False)


@dataclass(frozen=True)
class Heard:
    """One thing of what a provider tells by itself, to be kept once for each `key`; `message_id` and `attempt`
    where it names one of our calls."""

    about: Callback.About
    key: str
    body: Mapping[str, Any] = field(repr=False)
    message_id: UUID | None = None
    attempt: int | None = None


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


@dataclass(frozen=True)
class WordingStatus:
    """What a provider says of a wording. `state` is None and `category` empty where it does not say."""

    state: Approval | None
    category: str = ""
    reason: str = ""


class SubmissionRefused(Exception):
    """The provider does not take the wording for approval; the text says why, as it said it."""


class TemplateDoor(Protocol):
    """How wordings are sent to a provider for approval, and asked after."""

    def submit(self, template: MessageTemplate) -> str:
        """Send it in; its name there. Raises SubmissionRefused. Whatever else it raises leaves it unknown."""

    def status(self, ref: str) -> WordingStatus:
        """What became of it."""


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


@runtime_checkable
class CanBeAsked(Protocol):
    """A provider that can be asked what became of what it was given, where it says nothing by itself."""

    name: str

    def ask(self, provider_id: str) -> Told | None:
        """What became of one of its messages; None where no (understandable) answer came."""

    def look_for(self, address: str, text: str, since: dt.datetime, until: dt.datetime) -> list[Told] | None:
        """All it was given in that time for an address with exactly this text; None where it cannot say for sure."""


def provider_in_use() -> Provider:
    """The provider that new messages are made for: the one the settings name."""
    provider: Provider = import_string(settings.MESSAGE_PROVIDER)()
    return provider


def provider_instead() -> Provider | None:
    """The provider of SMS that tells a farmer what did not reach him by WhatsApp; None: there is none."""
    path: str = settings.MESSAGE_FALLBACK_PROVIDER
    return import_string(path)() if path else None


def provider_of(message: Message) -> Provider:
    """The provider that sends this message: the one that was at it before, else the one for its way.

    So a message keeps its sender when the settings name another one while it is under way.
    """
    provider = provider_in_use()
    if provider.name == message.provider or (not message.provider and provider.channel == message.channel):
        return provider
    ways = filter(None, (settings.MESSAGE_FALLBACK_PROVIDER, *settings.MESSAGE_PROVIDERS.values()))
    for path in ways:
        known: Provider = import_string(path)()
        if known.name == message.provider or (not message.provider and known.channel == message.channel):
            return known
    return provider
