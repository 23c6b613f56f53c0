"""Running a server that refuses root: whose uid it gets, and a folder that this uid can reach."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from local_stack.state import State

NOBODY = 65_534


def runs_as() -> int | None:
    """The uid for a server that refuses root; None when we aren't root and it can be ours."""
    return NOBODY if os.geteuid() == 0 else None


def reachable(path: Path) -> bool:
    """Whether everybody may walk down to that path (a clone in /root may not be walked into)."""
    existing = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in existing if folder.is_dir())


def home(state: State, name: str) -> Path:
    """The server's folder: in the state folder, or in /var/tmp when its uid couldn't reach it there.

    The outside folder belongs to this state folder by the state's path and a note in it; found without the note it
    is the rest of a state folder that somebody removed by hand, and is removed too.
    """
    if runs_as() is None or reachable(state.root):
        return state.folder(name)
    mark = hashlib.sha256(str(state.root).encode()).hexdigest()[:12]
    outside = Path("/var/tmp") / f"gatehouse-{mark}-{name}"  # noqa: S108  # checked below to be ours
    note = state.folder(name) / "moved-to"
    if outside.is_symlink() or (outside.exists() and outside.stat().st_uid not in {NOBODY, os.geteuid()}):
        raise LocalStackError(f"{outside} is there and is not ours; remove it")
    if not note.exists() and outside.exists():
        shutil.rmtree(outside)
    outside.mkdir(mode=0o700, exist_ok=True)
    os.chown(outside, NOBODY, NOBODY)
    note.write_text(str(outside))
    return outside


def remove_home(state: State, name: str) -> None:
    """Remove the server's folder, wherever it is."""
    note = state.root / name / "moved-to"
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
