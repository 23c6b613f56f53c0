"""The mails on disk, an .eml file each, the newest last by name."""

from __future__ import annotations

import email.policy
import os
import time
from dataclasses import dataclass
from email.parser import BytesParser
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

_numbers = count()


@dataclass(frozen=True)
class Mail:
    """One mail and the file it is in."""

    path: Path
    message: EmailMessage

    @property
    def text(self) -> str:
        """The plain text of it."""
        body = self.message.get_body(("plain", "html"))
        return body.get_content() if body else ""


def keep(folder: Path, content: bytes, sender: str | None, recipients: list[str]) -> Path:
    """Write a mail with its envelope as headers; it appears under its name when it is whole."""
    path = folder / f"{time.time_ns():020}-{os.getpid()}-{next(_numbers):04}.eml"
    envelope = f"X-Envelope-From: {sender or '<>'}\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
    new = path.with_suffix(".new")
    new.write_bytes(envelope.encode() + content)
    new.replace(path)
    return path


def mails(folder: Path) -> list[Mail]:
    """All mails, the newest first."""
    parser = BytesParser(policy=email.policy.default)
    return [Mail(path, parser.parsebytes(path.read_bytes())) for path in sorted(folder.glob("*.eml"), reverse=True)]
