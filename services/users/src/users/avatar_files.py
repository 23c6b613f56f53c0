"""Where pictures lie: ``uploads/`` as they came, and a directory a user with the thumbnails of each picture.

All names are numbers and UUIDs of ours. The API and the worker share the root; the methods block.
"""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from shared.directories import is_usable
from users.domain.avatars import AvatarSize


class AvatarFiles:
    """The files under ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def upload(self, upload_id: UUID) -> Path:
        """Where a picture lies until its thumbnails are made."""
        return self._root / "uploads" / upload_id.hex

    def thumbnails(self, user_id: int, made_id: UUID) -> Path:
        """The directory of the thumbnails of one picture."""
        return self._root / str(user_id) / made_id.hex

    def read(self, user_id: int, made_id: UUID, size: AvatarSize) -> bytes | None:
        """A thumbnail; None when it was replaced meanwhile."""
        try:
            return (self.thumbnails(user_id, made_id) / f"{size.value}.webp").read_bytes()
        except FileNotFoundError:
            return None

    def remove_upload(self, upload_id: UUID) -> None:
        """Remove a picture as it came."""
        self.upload(upload_id).unlink(missing_ok=True)

    def keep_only(self, user_id: int, kept: Sequence[UUID]) -> None:
        """Remove all thumbnails of a user but these, with what killed attempts left."""
        directory = self._root / str(user_id)
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)
            return
        names = {made_id.hex for made_id in kept}
        for path in directory.iterdir() if directory.is_dir() else ():
            if path.name.lstrip(".").partition(".")[0] not in names:
                shutil.rmtree(path, ignore_errors=True)

    def uploads_older_than(self, age: timedelta) -> list[UUID]:
        """The pictures that came longer ago than ``age``, done or not."""
        before = time.time() - age.total_seconds()
        found: list[UUID] = []
        for path in self._uploads.iterdir() if self._uploads.is_dir() else ():
            # A job that ends meanwhile removes its own; what has another name is none of ours.
            with suppress(FileNotFoundError, ValueError):
                if path.stat().st_mtime < before:
                    found.append(UUID(path.name))
        return found

    def usable(self) -> bool:
        """Whether files can be made and read here."""
        return is_usable(self._uploads)

    @property
    def _uploads(self) -> Path:
        return self._root / "uploads"
