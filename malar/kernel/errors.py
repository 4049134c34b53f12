"""What goes wrong on purpose: a rule of the house that refuses, told in the user's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One refused value: where (`/farmer`, a JSON pointer), which rule, and the sentence."""

    pointer: str
    code: str
    detail: str


class RuleBroken(Exception):
    """A rule refused what was asked; nothing was changed.

    `detail` is a translated sentence: what happened and what to do next. `code` is stable English
    for programs. `status` is the HTTP answer (422 a rule, 409 a conflict with the present state).
    `current` is the present object, for conflicts.
    """

    status = 422

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        pointer: str = "",
        faults: Sequence[Fault] = (),
        current: Any = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.faults = list(faults) or ([Fault(pointer, code, detail)] if pointer else [])
        self.current = current


class Conflict(RuleBroken):
    """What was asked no longer fits the present state: a stale version, a used id."""

    status = 409


class NotAllowed(RuleBroken):
    """The role does not suffice."""

    status = 403

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code="role_not_enough")


class NotFound(RuleBroken):
    """There is no such thing, or it is another shop's, which is the same."""

    status = 404

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code="not_found")
