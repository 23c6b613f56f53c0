"""The rows of a report on their way to the process that renders them: a line of JSON a row."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import orjson

from reports.domain.document import Cell

_BUFFER = 1 << 16


class SpoolWriter:
    """Writes rows, each with the key of its section."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Open the file."""
        self._file = self._path.open("wb", buffering=_BUFFER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def begin(self, section: str) -> None:
        """Note a section, which may stay without rows."""
        self.counts[section] = 0

    def write(self, section: str, cells: Sequence[Cell]) -> None:
        """Add a row to a section."""
        if self._file is None:
            raise RuntimeError("the spool is not open")
        self._file.write(orjson.dumps([section, *cells], option=orjson.OPT_APPEND_NEWLINE))
        self.counts[section] += 1


def read_spool(path: Path, section: str) -> Iterator[list[Cell]]:
    """The rows of one section, in their order."""
    # The key is the first thing in a line: lines of other sections are not parsed.
    start = b'["' + section.encode() + b'"'
    with path.open("rb", buffering=_BUFFER) as file:
        for line in file:
            if line.startswith(start):
                yield orjson.loads(line)[1:]
