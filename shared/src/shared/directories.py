"""Directories that processes of a service share: whether one can be worked in, and names that outlast a power cut."""

import os
from pathlib import Path


def is_usable(directory: Path) -> bool:
    """Whether files can be made and read here; makes the directory when it is not there. Blocks."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(directory, os.R_OK | os.W_OK | os.X_OK)


def sync_names(directory: Path) -> None:
    """Put the names in a directory on the disk. Blocks.

    Without it a power cut may forget the name of a file whose content was synced (POSIX, ``fsync``).
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
