"""Reads a file of products: from whatever was sent to rows that Postgres's COPY takes without a stumble.

COPY by itself gives up at the first row with a column too many and counts records, not lines, so the
file is read once before: RFC 4180 strictly, UTF-8 with or without a byte order mark, lines that end in
LF, CRLF or CR. What comes out is CSV again, each row with the number of the line where it begins. Runs
in a process of its own, with memory that does not grow with the file.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orders.domain.imports import MOST_ERRORS, RowError, RowErrors, UnreadableFile, check_header

MOST_LINE = 1 << 18
"""Characters of one line: far above what the fields of a product may hold."""

MOST_RECORD = 1 << 20
"""Characters of one row, of however many lines: a quoted field may go on in the next line, and so without end."""

_MOST_FIELD = 1 << 17
_BATCH = 2_000
_BATCH_CHARACTERS = 1 << 22

_NOT_UTF8 = "The row is not UTF-8."
_QUOTES = "The quotes of the row are not those of CSV."
_TOO_LONG = f"A field has more than {_MOST_FIELD} characters."
_NO_NUL = "A text holds no NUL character."


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was found: the columns in the file's order, the rows with and without errors."""

    columns: tuple[str, ...]
    rows: int
    errors: RowErrors


def read_columns(source: Path) -> tuple[str, ...]:
    """The columns that the first line names. Raises UnreadableFile."""
    with _opened(source) as text:
        return _header(_Records(text))


def spool_rows(source: Path, spool: Path) -> FileContent:
    """Write the rows of ``source`` that are whole to ``spool``. Raises UnreadableFile."""
    csv.field_size_limit(_MOST_FIELD)
    with _opened(source) as text, spool.open("wb", buffering=1 << 20) as out:
        reader = _Records(text)
        columns = _header(reader)
        rows = _Rows(len(columns), out)
        rows.read(reader)
    return FileContent(columns, rows.count, RowErrors(tuple(rows.errors), rows.bad))


def _opened(source: Path) -> IO[str]:
    # Bytes that are no UTF-8 come through as surrogates, so that they are an error of their row.
    return source.open(encoding="utf-8-sig", errors="surrogateescape", newline="", buffering=1 << 20)


class _Records:
    """A ``csv.reader`` whose lines and rows are bounded: what has no end must not be gathered in memory."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._reader = csv.reader(self._lines(), strict=True)
        self.taken = 0

    @property
    def line_num(self) -> int:
        """The last line read."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self.taken = 0
        return next(self._reader)

    def _lines(self) -> Iterator[str]:
        readline = self._text.readline
        number = 0
        while line := readline(MOST_LINE):
            number += 1
            if len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
                raise UnreadableFile(f"Line {number} is longer than {MOST_LINE} characters.")
            self.taken += len(line)
            if self.taken > MOST_RECORD:
                raise UnreadableFile(f"The row that goes on in line {number} is longer than {MOST_RECORD} characters.")
            yield line


def _header(reader: Iterator[list[str]]) -> tuple[str, ...]:
    try:
        names = next(reader, None)
    except csv.Error:
        raise UnreadableFile("The first line is not CSV.") from None
    if names is None:
        raise UnreadableFile("The file is empty.")
    text = "".join(names)
    if "\0" in text or not _is_utf8(text):
        raise UnreadableFile("The file is not UTF-8.")
    columns = tuple(name.strip().lower() for name in names)
    check_header(columns)
    return columns


class _Rows:
    """Passes whole rows on in batches and notes what is wrong with the others."""

    def __init__(self, width: int, out: IO[bytes]) -> None:
        self._width = width
        self._out = out
        self.count = 0
        self.bad = 0
        self.errors: list[RowError] = []

    def read(self, reader: _Records) -> None:
        batch: list[list[str | int]] = []
        held = 0
        line = reader.line_num
        while True:
            begins = line + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                line = reader.line_num
                if line > begins:
                    # What follows a quote that is never closed would be read as something it is not.
                    raise UnreadableFile(f"A quote that is opened on line {begins} is not closed.") from None
                self.count += 1
                self._note(begins, "", _TOO_LONG if "limit" in str(error) else _QUOTES)
                continue
            line = reader.line_num
            if row is None:
                break
            if not row:
                continue
            self.count += 1
            if len(row) != self._width:
                self._note(begins, "", f"The row has {len(row)} columns in place of {self._width}.")
                continue
            batch.append([begins, *[field.strip() for field in row]])
            held += reader.taken
            if len(batch) == _BATCH or held >= _BATCH_CHARACTERS:
                self._write(batch)
                batch.clear()
                held = 0
        self._write(batch)

    def _write(self, batch: list[list[str | int]]) -> None:
        text = _csv(batch)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = None
        if data is None or b"\0" in data:
            data = _csv([row for row in batch if self._is_text(row)]).encode()
        self._out.write(data)

    def _is_text(self, row: list[str | int]) -> bool:
        text = "".join(map(str, row[1:]))
        wrong = _NO_NUL if "\0" in text else None if _is_utf8(text) else _NOT_UTF8
        if wrong is not None:
            self._note(int(row[0]), "", wrong)
        return wrong is None

    def _note(self, line: int, field: str, message: str) -> None:
        self.bad += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(RowError(line, field, message))


def _csv(rows: list[list[str | int]]) -> str:
    buffer = io.StringIO()
    # With CRLF as its end of line the writer quotes a bare CR too, which COPY asks for.
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
