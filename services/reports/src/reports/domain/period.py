"""The time a report is about, from RFC 3339 dates or times."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


class InvalidMoment(ValueError):  # noqa: N818 - the name says what it is
    """Neither a ``full-date`` nor a ``date-time`` of RFC 3339 section 5.6."""


class InvalidPeriod(ValueError):  # noqa: N818 - the same
    """The end comes before the start."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start``, included, to ``end``, left out; None is without a bound."""

    start: datetime | None
    end: datetime | None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The bounds as times that compare, in UTC."""
        return self.start or BEGINNING, self.end or END

    def describe(self) -> str:
        """The period as people read it, in UTC."""
        start = f"from {_readable(self.start)}" if self.start else "from the beginning"
        end = f"to {_readable(self.end, last=True)}" if self.end else "until now"
        return f"{start} {end}"


def read_period(start: str | None, end: str | None) -> Period:
    """The period that begins with the date or at the time ``start``, and ends with ``end``.

    An end that is a date is in the period with all of its day; one that is a time is its bound. Raises
    InvalidMoment, and InvalidPeriod when the end comes before the start.
    """
    first = read_moment(start)[0] if start else None
    end_first, end_bound = read_moment(end) if end else (None, None)
    if first and end_first and end_bound and first > end_first and first >= end_bound:
        raise InvalidPeriod("the end comes before the start")
    return Period(first, end_bound)


def read_moment(text: str) -> tuple[datetime, datetime]:
    """A date as its first moment and the first after it, a time as itself twice. Raises InvalidMoment."""
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + timedelta(days=1)
        if _TIME.fullmatch(text):
            # A leap second is a second of the next minute: Python's clock has no 60.
            leap = text[17:19] == "60"
            moment = datetime.fromisoformat((f"{text[:17]}59{text[19:]}" if leap else text).upper())
            moment = (moment + timedelta(seconds=leap)).astimezone(UTC)
            return moment, moment
    except (ValueError, OverflowError) as error:
        raise InvalidMoment(text) from error
    raise InvalidMoment(text)


def _readable(moment: datetime, *, last: bool = False) -> str:
    if moment.time() == datetime.min.time():
        # No day comes before the first that there is.
        day = moment - timedelta(days=1) if last and moment.date() > date.min else moment
        return f"{day:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
