"""What stands in a report, before it is a PDF, a CSV or JSON."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

Cell: TypeAlias = str | int | None


class Kind(StrEnum):
    """What a column holds; text is the only kind that others write."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"

    @property
    def is_number(self) -> bool:
        """Whether its cells stand at the right."""
        return self in {Kind.INTEGER, Kind.MONEY, Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names it in CSV and JSON, ``title`` in the PDF; ``width`` is relative to its neighbours."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    width: int = 10


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the report."""

    key: str
    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars over time or over names, one series a currency; the values are for the eye only."""

    title: str
    labels: tuple[str, ...]
    series: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """A line of what was and a band of what is expected, in one currency; the values are for the eye only."""

    title: str
    currency: str
    known: tuple[tuple[date, float], ...]
    expected: tuple[tuple[date, float, float, float], ...]
    """Day, value, low, high."""


@dataclass(frozen=True, slots=True)
class Document:
    """All of a report but its rows, which lie in the spool file.

    ``detail`` is the key of the section that a CSV is made of; rows of the section ``ahead``, of days to come,
    follow there, and each row then says what it is. ``counts`` has the rows of each section.
    """

    title: str
    about: str
    period: str
    requested_at: datetime
    sections: tuple[Section, ...]
    detail: str
    plot: Plot
    counts: dict[str, int] = field(default_factory=dict[str, int])
    outlooks: tuple[Outlook, ...] = ()
    ahead: str | None = None

    def section(self, key: str) -> Section:
        """The section of this key."""
        return next(section for section in self.sections if section.key == key)


def cell(value: Any) -> Cell:
    """A database value as all formats show it: money to two places, times in RFC 3339 and UTC."""
    match value:
        case Decimal():
            return f"{value:.2f}"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case None | int() | str():
            return value
        case _:
            return str(value)
