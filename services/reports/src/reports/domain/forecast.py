"""What sales are expected to be: the daily history they are told from, and what is told."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from reports.domain.document import Column, Kind, Section
from reports.domain.plotting import MOST_SERIES, Amount

HORIZON_DAYS = 28
LEAST_DAYS = 14
"""With less history than two weeks nothing is said."""
MODEL_DAYS = 3 * HORIZON_DAYS
"""With less no model could be trained, chosen and tested on days that it has not seen."""
MOST_DAYS = 3 * 365
"""Of older days a model learns nothing that it should believe."""

QUALITY = Section(
    "forecast_quality",
    "Forecast: how far to trust it",
    (
        Column("currency", "Currency", width=8),
        Column("method", "Method", width=18),
        Column("history_days", "Days of history", Kind.INTEGER, 10),
        Column("error_percent", "Error, % of sales", Kind.NUMBER, 10),
        Column("mase", "MASE", Kind.NUMBER, 7),
        Column("naive_error_percent", "Naive error, %", Kind.NUMBER, 10),
        Column("note", "Note", width=48),
    ),
)
FORECAST = Section(
    "forecast",
    f"Forecast of the next {HORIZON_DAYS} days",
    (
        Column("day", "Day", Kind.DATE, 11),
        Column("currency", "Currency", width=8),
        Column("revenue", "Expected revenue", Kind.MONEY, 14),
        Column("low", "Low (80 %)", Kind.MONEY, 12),
        Column("high", "High (80 %)", Kind.MONEY, 12),
    ),
)


class Method(StrEnum):
    """How the expected days were made; the first two are trained, the third is the measure of both."""

    ADDITIVE = "trend and seasons"
    MULTIPLICATIVE = "growth and seasons"
    NAIVE = "average of weekdays"


@dataclass(frozen=True, slots=True)
class History:
    """Daily revenue in one currency, a value for each day from ``first_day`` on: a day without sales is 0."""

    currency: str
    first_day: date
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ExpectedDay:
    """A day to come; its revenue lies between ``low`` and ``high`` four times of five, as the back-test saw it."""

    day: date
    revenue: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one currency. Errors are of the last 28 days, told from the days before: None where none could be tested.

    ``error`` and ``naive_error`` are the sums of the misses over the sum of the sales (WAPE: unlike MAPE it
    stands days without sales). ``mase`` is the mean miss over that of repeating the week before in the history
    (Hyndman and Koehler 2006): below 1 is better.
    """

    history: History
    method: Method
    days: tuple[ExpectedDay, ...]
    error: float | None
    mase: float | None
    naive_error: float | None
    note: str


def daily_histories(amounts: Iterable[Amount], until: date) -> list[History]:
    """A history a currency up to and with the day ``until``, of at most three years; the first four by name."""
    earliest = date.fromordinal(max(1, until.toordinal() - MOST_DAYS + 1))
    days: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for day, currency, amount in amounts:
        if earliest <= day <= until:
            days[currency][day] += amount
    histories: list[History] = []
    for currency in sorted(days)[:MOST_SERIES]:
        first = min(days[currency])
        length = (until - first).days + 1
        values = tuple(float(days[currency].get(first + timedelta(days=n), 0)) for n in range(length))
        histories.append(History(currency, first, values))
    return histories


def last_full_day(end: datetime | None, now: datetime) -> date:
    """The last day that sales are known of in full: of the period, and never today, which is not over."""
    last = now.date() - timedelta(days=1)
    if end is None or end > now:
        return last
    return min(last, end.date() - timedelta(days=1)) if end.date() > date.min else end.date()


def history_bounds(until: date) -> tuple[datetime, datetime]:
    """The first moment, and the one after the last, of the three years that end with the day ``until``."""
    end = datetime.combine(until, time.min, UTC) + timedelta(days=1)
    return end - timedelta(days=min(MOST_DAYS, until.toordinal())), end


def quality_row(forecast: Forecast) -> list[str | int | None]:
    """A row of QUALITY."""
    return [
        forecast.history.currency,
        forecast.method.value,
        len(forecast.history.values),
        _percent(forecast.error),
        None if forecast.mase is None else f"{forecast.mase:.2f}",
        _percent(forecast.naive_error),
        forecast.note,
    ]


def forecast_rows(forecast: Forecast) -> list[list[str | int | None]]:
    """Rows of FORECAST."""
    currency = forecast.history.currency
    return [
        [day.day.isoformat(), currency, f"{day.revenue:.2f}", f"{day.low:.2f}", f"{day.high:.2f}"]
        for day in forecast.days
    ]


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f}"
