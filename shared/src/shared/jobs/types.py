"""What a job is: its type with its rules, and the row as its code sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

from shared.postgres import Connection

if TYPE_CHECKING:
    from shared.jobs.context import JobContext

_LEAST_MEMORY = 64
PayloadT = TypeVar("PayloadT", bound=BaseModel)


class JobStatus(StrEnum):
    """A job is finished in each of the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {JobStatus.QUEUED, JobStatus.RUNNING}


class JobFailed(Exception):  # noqa: N818 - the name says what happened
    """Raised by a handler: no retry would help. The text is shown to the job's owner."""


class JobCancelled(Exception):  # noqa: N818 - the same
    """Raised by ``JobContext.check_cancelled`` when somebody asked for the end."""


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A job at its end, as a hook sees it; ``reason`` is for its owner, ``error`` for people on call."""

    id: UUID
    type: str
    payload: dict[str, Any]
    status: JobStatus
    attempt: int
    reason: str = ""
    error: str | None = None


FinishedHook: TypeAlias = Callable[[Connection, FinishedJob], Awaitable[None]]


@dataclass(frozen=True)
class JobType(Generic[PayloadT]):
    """A kind of work: ``handler(context, payload)`` does it.

    A worker that says nothing for ``lease`` is taken for dead and the job goes to another, as attempt
    number two. A handler that raises is tried again with back-off up to ``max_attempts``; one that
    needs longer than ``timeout`` counts as raised. ``on_finished`` runs in the transaction that sets
    the final status, so that what it writes and the status are one. ``memory_limit`` is how many MB one
    process of the job may have for its data; whoever needs more fails the job. ``concurrency`` is how
    many jobs of the type one worker runs at once, by default as many as it runs at all.
    """

    name: str
    handler: "Callable[[JobContext, PayloadT], Awaitable[None]]"
    payload: type[PayloadT]
    lease: timedelta = timedelta(seconds=30)
    max_attempts: int = 3
    timeout: timedelta = timedelta(minutes=5)
    retry_delay: timedelta = timedelta(seconds=2)
    on_finished: FinishedHook | None = None
    memory_limit: int | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        if self.memory_limit is not None and self.memory_limit < _LEAST_MEMORY:
            raise ValueError(f"{self.name}: a process needs {_LEAST_MEMORY} MB to start with")
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError(f"{self.name}: a concurrency below 1 does nothing")


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A row this worker holds the lease of; ``worker`` and ``attempt`` are the fence.

    ``seconds_left`` to the deadline were counted by Postgres at the claim; None without a deadline.
    """

    id: UUID
    type: str
    payload: dict[str, Any]
    attempt: int
    traceparent: str | None
    worker: UUID
    checkpoint: Any = None
    seconds_left: float | None = None
    cancel_requested: bool = False
