"""Where files of products lie until they are imported: a directory that the API and the worker share."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from orders.domain.imports import FileTooLarge, UnreadableFile
from shared.directories import is_usable, sync_names

_PIECE = 1 << 20
_LEFTOVER_SECONDS = 24 * 3600.0


class _Digest(Protocol):
    def update(self, data: bytearray, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came whole: its bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


class ImportFiles:
    """The files under ``root``; a file that was not received whole has another name."""

    def __init__(self, root: Path, *, most_bytes: int) -> None:
        self._root = root
        self.most_bytes = most_bytes

    def path(self, name: UUID) -> Path:
        """Where a file that was received whole lies."""
        return self._root / f"{name}.csv"

    def spool(self, name: UUID, attempt: int) -> Path:
        """Where an attempt writes the rows it read."""
        return self._root / f"{name}.rows-{attempt}"

    async def receive(self, name: UUID, pieces: AsyncIterator[bytes]) -> Received:
        """Write what comes to the disk, and only then give it its name.

        Whatever ends it early, a hang-up of the sender too, leaves nothing. Raises FileTooLarge, and
        UnreadableFile when nothing came.
        """
        part = self._root / f"{name}.part"
        size, digest = 0, hashlib.sha256()
        try:
            with await asyncio.to_thread(part.open, "wb", buffering=0) as file:
                held = bytearray()
                async for piece in pieces:
                    size += len(piece)
                    self._check_size(size)
                    held += piece
                    if len(held) >= _PIECE:
                        await asyncio.to_thread(_write_all, file.fileno(), held, digest)
                        held = bytearray()
                self._check_size(size or None)
                await asyncio.to_thread(_write_all, file.fileno(), held, digest)
                await asyncio.to_thread(os.fsync, file.fileno())
            await asyncio.to_thread(part.replace, self.path(name))
            await asyncio.to_thread(sync_names, self._root)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return Received(size, digest.hexdigest())

    def _check_size(self, size: int | None) -> None:
        if size is None:
            raise UnreadableFile("The file is empty.")
        if size > self.most_bytes:
            raise FileTooLarge(self.most_bytes)

    def rename(self, old: UUID, new: UUID) -> None:
        """Give a file that was received the name of the job that imports it."""
        self.path(old).replace(self.path(new))
        sync_names(self._root)

    def remove(self, name: UUID) -> None:
        """Remove an import's file and what its attempts left."""
        for path in self._root.glob(f"{name}.*"):
            path.unlink(missing_ok=True)

    def leftovers(self) -> list[UUID]:
        """Names of files older than a day: of uploads and attempts that were killed, or of imports that wait."""
        before = time.time() - _LEFTOVER_SECONDS
        names: set[UUID] = set()
        for path in self._root.iterdir():
            try:
                if path.stat().st_mtime < before:
                    names.add(UUID(path.name.partition(".")[0]))
            except (FileNotFoundError, ValueError):
                continue
        return sorted(names)

    def usable(self) -> bool:
        """Whether files can be made and read here."""
        return is_usable(self._root)


def _write_all(descriptor: int, data: bytearray, digest: _Digest) -> None:
    digest.update(data)
    with memoryview(data) as view:
        written = 0
        while written < len(view):
            written += os.write(descriptor, view[written:])
