"""What a store of report files can do."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from reports.domain.report import ReportFormat
from reports.files.workshop import Workshop
from shared.problems import Unavailable


class StoreUnavailable(Unavailable):
    """503: the store of the files does not answer, or refuses us; ``retry_after`` in whole seconds."""

    def __init__(self) -> None:
        super().__init__("report_store_unavailable", "The files of reports cannot be reached now.", retry_after=5)


class ReportFiles(Protocol):
    """The files of reports, several a report by name. All raise StoreUnavailable when the store is away."""

    async def workshop(self, report_id: int, attempt: int) -> Workshop:
        """An empty place on this machine for one attempt to work in."""
        ...

    async def store(self, made: Path, report_id: int, attempt: int, report_format: ReportFormat) -> str:
        """Keep a made and synced file, whole or not at all; its name."""
        ...

    async def exists(self, report_id: int, name: str) -> bool:
        """Whether the file is there."""
        ...

    def read(self, report_id: int, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``stop`` in pieces; FileNotFoundError when the file went meanwhile."""
        ...

    async def clear_up(self, report_id: int, keep: str | None) -> None:
        """Remove what attempts left, but the file ``keep``; without one all of the report."""
        ...

    async def older_than(self, age: timedelta) -> list[int]:
        """The reports of which nothing was written for ``age``."""
        ...

    async def usable(self) -> bool:
        """Whether this process can work with the store; one that is away for a while still counts as usable."""
        ...
