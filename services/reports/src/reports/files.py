"""Where the files of reports lie: a directory a report, named by its number.

All that is made on the way to a report is in its directory, so that removing the directory leaves
nothing of it, whatever attempt was killed in the middle.
"""

import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from reports.domain.report import ReportFormat
from shared.directories import is_usable, sync_names

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Workshop:
    """The files of one attempt: the collected rows, the plots, and what is made of them."""

    spool: Path
    plot: Path
    outlook: Path
    made: Path

    @classmethod
    def at(cls, directory: Path) -> Self:
        """The files of a workshop in this directory."""
        return cls(directory / "rows", directory / "plot.png", directory / "outlook.png", directory / "made")


class ReportFiles:
    """The files under ``root``, a volume that the API and the worker share. Its methods block."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, report_id: int, name: str) -> Path:
        """Where a file of a report lies."""
        return self._root / str(report_id) / name

    def workshop(self, report_id: int, attempt: int) -> Workshop:
        """An empty directory for one attempt to work in."""
        directory = self._root / str(report_id) / f"attempt-{attempt}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return Workshop.at(directory)

    def store(self, made: Path, report_id: int, attempt: int, report_format: ReportFormat) -> str:
        """Move a made and synced file to its place in one step; its name there."""
        name = f"{attempt}.{report_format}"
        place = self.path(report_id, name)
        made.replace(place)
        for directory in (place.parent, self._root):
            sync_names(directory)
        return name

    def clear_up(self, report_id: int, keep: str | None) -> None:
        """Remove what attempts left, but the file ``keep``; without one the whole directory."""
        directory = self._root / str(report_id)
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)
            return
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != keep:
                path.unlink(missing_ok=True)

    def directories_older_than(self, age: timedelta) -> list[int]:
        """The reports whose directories nothing was written to for ``age``."""
        if not self._root.is_dir():
            return []
        before = time.time() - age.total_seconds()
        with os.scandir(self._root) as entries:
            return [
                int(entry.name)
                for entry in entries
                if _NUMBER.fullmatch(entry.name) and entry.is_dir() and entry.stat().st_mtime < before
            ]

    def usable(self) -> bool:
        """Whether files can be made and read here."""
        return is_usable(self._root)
