"""Importing products from a CSV file: its columns, what may be wrong with it, how much of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from shared.problems import Conflict, FieldError, NotFound, Problem, UnprocessableContent

REQUIRED = ("sku", "name", "price", "stock")
OPTIONAL = ("description", "currency")
"""What a file leaves out stays as it is, and is the default where the product is new."""

MOST_ERRORS = 1_000
"""Wrong fields of one import that are kept and shown; the bad rows are counted all the same."""


class ImportMode(StrEnum):
    """What becomes of the good rows of a file that has bad ones."""

    ALL_OR_NOTHING = "all_or_nothing"
    SKIP_BAD = "skip_bad"


class ImportNotFound(NotFound):
    """There is no such import, or it was forgotten."""

    def __init__(self) -> None:
        super().__init__("import_not_found", "There is no such import.")


class ImportFinished(Conflict):
    """What is finished, or written already, is cancelled no more."""

    def __init__(self) -> None:
        super().__init__("import_finished", "The import is finished.")


class TooManyImports(Conflict):
    """As many imports wait as may wait."""

    def __init__(self) -> None:
        super().__init__("too_many_imports", "Too many imports are not finished. Wait for one, or cancel one.")


class UnreadableFile(UnprocessableContent):
    """The file as a whole is none that products can be read from; the text is for whoever sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__("unreadable_file", reason, errors=[FieldError(field="file", message=reason)])
        self.reason = reason

    def __reduce__(self) -> tuple[type["UnreadableFile"], tuple[str]]:
        """Come whole out of the process that reads the file."""
        return type(self), (self.reason,)


class FileTooLarge(Problem):
    """413: more bytes than an import may have."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit: int) -> None:
        super().__init__("body_too_large", f"A file of products has at most {limit} bytes.")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a row; ``line`` is where it begins, counted from 1 as an editor counts."""

    line: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class RowErrors:
    """The first wrong fields by line, and how many rows are bad in all."""

    kept: tuple[RowError, ...] = ()
    bad_rows: int = 0

    def and_also(self, other: "RowErrors") -> "RowErrors":
        """Both together; their rows are different ones."""
        kept = sorted((*self.kept, *other.kept), key=lambda error: (error.line, error.field))
        return RowErrors(tuple(kept[:MOST_ERRORS]), self.bad_rows + other.bad_rows)


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it is stored; the counts are None until they are known."""

    job_id: UUID
    mode: ImportMode
    file_size: int
    rows: int | None
    bad_rows: int | None
    created: int | None
    updated: int | None
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import did to the products."""

    created: int
    updated: int


def check_header(names: Sequence[str]) -> None:
    """Raise UnreadableFile unless these are the columns of a file of products, in any order."""
    known = {*REQUIRED, *OPTIONAL}
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in known]
    if missing:
        raise UnreadableFile(f"The first line lacks the columns {', '.join(missing)}.")
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        raise UnreadableFile(f"The first line has columns that products have not: {shown}.")
    if len(set(names)) < len(names):
        raise UnreadableFile("The first line names a column twice.")
