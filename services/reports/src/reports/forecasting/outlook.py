"""What the plot of a forecast shows: the last months before it, so that the days to come can be seen."""

from collections.abc import Sequence
from datetime import timedelta

from reports.domain.document import Outlook
from reports.domain.forecast import Forecast

_DAYS_SHOWN = 120


def outlooks(forecasts: Sequence[Forecast]) -> tuple[Outlook, ...]:
    """One for each forecast that tells something."""
    return tuple(_outlook(forecast) for forecast in forecasts if forecast.days)


def _outlook(forecast: Forecast) -> Outlook:
    history = forecast.history
    first = max(0, len(history.values) - _DAYS_SHOWN)
    known = tuple(
        (history.first_day + timedelta(days=first + number), value)
        for number, value in enumerate(history.values[first:])
    )
    expected = tuple((day.day, day.revenue, day.low, day.high) for day in forecast.days)
    return Outlook(f"Forecast ({forecast.method})", history.currency, known, expected)
