"""The place on this machine where one attempt makes a file."""

import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self


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


def empty_workshop(root: Path, report_id: int, attempt: int) -> Workshop:
    """An empty directory for one attempt to work in. Blocks."""
    directory = root / str(report_id) / f"attempt-{attempt}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return Workshop.at(directory)


def remove_older_than(age: timedelta, root: Path) -> None:
    """Remove what killed attempts left under ``root``: the reports' directories that ``age`` saw unchanged. Blocks."""
    before = time.time() - age.total_seconds()
    for directory in root.iterdir() if root.is_dir() else ():
        if directory.name.isdecimal() and directory.is_dir() and directory.stat().st_mtime < before:
            shutil.rmtree(directory, ignore_errors=True)
