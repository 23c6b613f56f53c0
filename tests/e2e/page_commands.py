"""The commands of a page: what stands in its ``sh`` blocks, with the status that a comment says an answer has."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(?:sh|bash|shell)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_STATUS = re.compile(r"#\s*([1-5]\d\d)\b")


@dataclass(frozen=True)
class Command:
    """One command with all its lines, and the statuses that its calls of curl are answered with; None: any good one."""

    text: str
    statuses: tuple[int | None, ...]


def commands(page: Path) -> list[Command]:
    """All of a page, in order."""
    found: list[Command] = []
    for block in _BLOCK.findall(page.read_text()):
        lines: list[str] = []
        for line in block.splitlines():
            lines.append(line)
            if not line.endswith("\\"):
                text = "\n".join(lines)
                if text.strip() and not text.lstrip().startswith("#"):
                    found.append(Command(text, _statuses(text)))
                lines = []
    return found


def _statuses(text: str) -> tuple[int | None, ...]:
    said = _STATUS.search(text.splitlines()[-1])
    calls = len(re.findall(r"\bcurl\b", text))
    return (int(said[1]) if said else None,) * calls
