"""Report files in a directory that the API and the worker share: a directory a report, named by its number.

All that is made on the way to a report is in its directory, so that removing the directory leaves
nothing of it, whatever attempt was killed in the middle.
"""

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from reports.domain.report import ReportFormat
from reports.files.workshop import Workshop, empty_workshop
from shared.directories import is_usable, sync_names

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_PIECE = 256 * 1024


class DirectoryFiles:
    """The files under ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def workshop(self, report_id: int, attempt: int) -> Workshop:
        """An empty directory within the report's."""
        return await asyncio.to_thread(empty_workshop, self._root, report_id, attempt)

    async def store(self, made: Path, report_id: int, attempt: int, report_format: ReportFormat) -> str:
        """Move a made and synced file to its place in one step; its name there."""
        place = self._path(report_id, f"{attempt}.{report_format}")
        await asyncio.to_thread(self._move, made, place)
        return place.name

    async def exists(self, report_id: int, name: str) -> bool:
        """Whether the file is there."""
        return await asyncio.to_thread(self._path(report_id, name).is_file)

    async def read(self, report_id: int, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``stop``; FileNotFoundError without the file, EOFError if shorter."""
        file = await asyncio.to_thread(self._path(report_id, name).open, "rb", buffering=0)
        try:
            while start < stop:
                piece = await asyncio.to_thread(os.pread, file.fileno(), min(_PIECE, stop - start), start)
                if not piece:
                    raise EOFError(f"the file of report {report_id} is shorter than it was")
                start += len(piece)
                yield piece
        finally:
            file.close()

    async def clear_up(self, report_id: int, keep: str | None) -> None:
        """Remove what attempts left, but the file ``keep``; without one the whole directory."""
        await asyncio.to_thread(self._clear_up, report_id, keep)

    async def older_than(self, age: timedelta) -> list[int]:
        """The reports whose directories nothing was written to for ``age``."""
        return await asyncio.to_thread(self._older_than, age)

    async def usable(self) -> bool:
        """Whether files can be made and read here."""
        return await asyncio.to_thread(is_usable, self._root)

    def _path(self, report_id: int, name: str) -> Path:
        return self._root / str(report_id) / name

    def _move(self, made: Path, place: Path) -> None:
        made.replace(place)
        for directory in (place.parent, self._root):
            sync_names(directory)

    def _clear_up(self, report_id: int, keep: str | None) -> None:
        directory = self._root / str(report_id)
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)
            return
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != keep:
                path.unlink(missing_ok=True)

    def _older_than(self, age: timedelta) -> list[int]:
        if not self._root.is_dir():
            return []
        before = time.time() - age.total_seconds()
        with os.scandir(self._root) as entries:
            return [
                int(entry.name)
                for entry in entries
                if _NUMBER.fullmatch(entry.name) and entry.is_dir() and entry.stat().st_mtime < before
            ]
