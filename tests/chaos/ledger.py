"""What the clients asked for and what they were told: the truth that the end state is held against."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Mark: TypeAlias = tuple[Any, ...]
"""By what the end state shows that it came of this operation and of no other."""


class Kind(StrEnum):
    """What a client asks for."""

    REGISTER = "register"
    PLACE = "place"
    PAY = "pay"
    DECLINE = "pay, declined"
    STEP = "step"
    REPORT = "report"
    IMPORT = "import"
    AVATAR = "avatar"
    SCHEDULE = "schedule"


class Outcome(StrEnum):
    """What the client knows at the end."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Given up after an answer that left it open: it may be there, once."""
    UNANSWERED = "unanswered"
    """Asked again and again to the end, and never answered for good."""


@dataclass
class Operation:
    """One wish of one client, however often it was sent."""

    kind: Kind
    user_id: int
    mark: Mark
    key: str
    outcome: Outcome = Outcome.UNKNOWN
    attempts: int = 0
    answer: dict[str, Any] = field(default_factory=dict[str, Any])

    def describe(self) -> str:
        """The operation in a line."""
        seen = f", answered with id {self.answer['id']}" if "id" in self.answer else ""
        return f"{self.kind} of user {self.user_id}, {self.mark} ({self.outcome}{seen}, {self.attempts} tries)"


@dataclass
class Ledger:
    """All operations, each answer's time, and what contradicted itself on the spot."""

    operations: list[Operation] = field(default_factory=list[Operation])
    contradictions: list[str] = field(default_factory=list[str])
    successes: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    failures: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])
    """When, for which kind of request, and what was seen of it."""
    requests: int = 0
    replays: int = 0

    def begin(self, kind: Kind, user_id: int, mark: Mark, key: str) -> Operation:
        """Note an operation before its first request leaves."""
        operation = Operation(kind, user_id, mark, key)
        self.operations.append(operation)
        return operation

    def succeeded(self, request: str) -> None:
        """Note that a kind of request was answered well just now."""
        self.successes.setdefault(request, []).append(time.monotonic())

    def failed(self, request: str, seen: str) -> None:
        """Note that a request came to nothing just now."""
        self.failures.append((time.monotonic(), request, seen))

    def contradicts(self, fact: str) -> None:
        """Note an answer that cannot be."""
        self.contradictions.append(fact)

    def of(self, *kinds: Kind) -> list[Operation]:
        """The operations of these kinds."""
        return [operation for operation in self.operations if operation.kind in kinds]
