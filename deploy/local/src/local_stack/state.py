"""The state folder: where everything that one running system keeps on disk has its place."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Generator

REPOSITORY = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class State:
    """A state folder by its path; two systems at the same time use two folders and share nothing."""

    root: Path

    @classmethod
    def at(cls, root: Path | None = None) -> State:
        """The folder given, else `GATEHOUSE_STATE`, else `.state` in the repository."""
        chosen = root or Path(os.environ.get("GATEHOUSE_STATE") or REPOSITORY / ".state")
        return cls(chosen.absolute())

    def folder(self, name: str) -> Path:
        """A folder of that name, made when missing."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, program: str) -> Path:
        """The log file of one process."""
        return self.folder("logs") / f"{program}.log"

    def read(self, name: str) -> dict[str, Any]:
        """A small JSON file of the folder, empty when it isn't there."""
        try:
            return json.loads((self.root / name).read_text())
        except FileNotFoundError:
            return {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a small JSON file in one step, readable by its owner only."""
        self.root.mkdir(parents=True, exist_ok=True)
        new = self.root / f".{name}.{os.getpid()}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
        new.replace(self.root / name)

    def secret(self, name: str) -> str:
        """The generated password of that name; the same one as long as the folder lives."""
        kept = self.read("secrets.json")
        if name not in kept:
            kept[name] = secrets.token_urlsafe(24)
            self.write("secrets.json", kept)
        return kept[name]

    @contextmanager
    def lock(self, name: str = "lock", *, seconds: float = 180.0) -> Generator[None]:
        """Hold a file lock, so that two commands on one folder take turns."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / name).open("a") as file:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        message = f"another command has held {self.root / name} for {seconds:.0f} s"
                        raise LocalStackError(message) from None
                    time.sleep(0.05)
            yield

    def locked(self, name: str) -> bool:
        """Whether some process holds that lock right now."""
        try:
            with (self.root / name).open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
