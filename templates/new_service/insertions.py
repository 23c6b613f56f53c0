"""Insertions into files that name the services: by a line that is there, refused in words when it isn't."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from new_service.errors import ScaffoldError

Edit: TypeAlias = Callable[[str], str | None]
"""The text with something inserted, None when the line that it goes by is not there."""


@dataclass(frozen=True)
class Insertion:
    """One edit of one file; ``what`` is for the person who has to do it by hand."""

    file: str
    what: str
    edit: Edit


def before(pattern: str, text: str) -> Edit:
    """``text``, whole lines, before the first line that begins with the pattern."""

    def edit(old: str) -> str | None:
        found = re.search(rf"^(?:{pattern})", old, re.MULTILINE)
        return old[: found.start()] + text + old[found.start() :] if found else None

    return edit


def after(pattern: str, text: str) -> Edit:
    """``text``, whole lines, after the last line that is the pattern."""

    def edit(old: str) -> str | None:
        found = list(re.finditer(rf"^(?:{pattern})\n", old, re.MULTILINE))
        return old[: found[-1].end()] + text + old[found[-1].end() :] if found else None

    return edit


def at_end(text: str) -> Edit:
    """``text``, whole lines, at the end of the file."""
    return lambda old: old.rstrip("\n") + "\n" + text


def into_list(pattern: str, *items: str) -> Edit:
    """The items at the end of each list ``[a, b]`` that the pattern leads to; it ends before the bracket."""
    added = ", ".join(items)

    def edit(old: str) -> str | None:
        new, count = re.subn(
            rf"({pattern}\[[^\[\]\n]*)\]",
            lambda found: f"{found[1]}{'' if found[1].endswith('[') else ', '}{added}]",
            old,
            flags=re.MULTILINE,
        )
        return new if count else None

    return edit


def into_default(variable: str, item: str) -> Edit:
    """The item at the end of a Compose variable's default ``${NAME:-a,b}``."""

    def edit(old: str) -> str | None:
        new, count = re.subn(rf"(\$\{{{variable}:-[^}}\n]*)\}}", lambda found: f"{found[1]},{item}}}", old)
        return new if count else None

    return edit


def apply(root: Path, insertions: Iterable[Insertion]) -> dict[Path, str]:
    """The new text of each file that changes; nothing is written. Raises ScaffoldError with all that has no place."""
    texts: dict[Path, str] = {}
    lost: list[str] = []
    for insertion in insertions:
        path = root / insertion.file
        if not path.exists():
            lost.append(f"{insertion.file} is gone: {insertion.what}")
            continue
        new = insertion.edit(texts.get(path, path.read_text()))
        if new is None:
            lost.append(f"{insertion.file}: no place found for {insertion.what}")
        else:
            texts[path] = new
    if lost:
        raise ScaffoldError("the tree is not what I know:\n" + "\n".join(f"  {line}" for line in lost))
    return texts
