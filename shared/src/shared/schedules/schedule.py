"""What is queued when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from shared.schedules.cron import check_cron

Missed: TypeAlias = Literal["skip", "once", "all"]
"""What becomes of the times at which nobody was there: none, the last one, or each (of the last 100)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job of ``job_type`` with ``payload`` at each time of ``cron`` in ``timezone`` (an IANA name).

    A time that the clocks skip in spring fires at the moment they go forward; one that they show twice in
    autumn fires once. Raises InvalidCron.
    """

    name: str
    cron: str
    timezone: str
    job_type: str
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    missed: Missed = "skip"

    def __post_init__(self) -> None:
        check_cron(self.cron, self.timezone)


def check_types(schedules: Sequence[Schedule], job_types: Collection[str]) -> None:
    """Raise ValueError for a schedule whose job nobody here does, or a name that is there twice."""
    names: set[str] = set()
    for schedule in schedules:
        if schedule.job_type not in job_types:
            raise ValueError(f"schedule {schedule.name}: no job type {schedule.job_type} in this worker")
        if schedule.name in names:
            raise ValueError(f"schedule {schedule.name} is there twice")
        names.add(schedule.name)
