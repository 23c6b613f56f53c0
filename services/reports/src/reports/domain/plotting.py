"""Which bars a plot has: days, or months or years when the days would be too many to see."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from reports.domain.document import Plot

MOST_BARS = 62
MOST_SERIES = 4
_UNITS = {10: "day", 7: "month", 4: "year"}
"""How much of a date in ISO 8601 names a bar."""

Amount = tuple[date, str, Decimal]
"""A day, a currency, and the amount of that day in it."""


def plot_over_time(title: str, amounts: Iterable[Amount]) -> Plot:
    """A bar a day, month or year, which the plot's title says, for each currency.

    Of more than four currencies those that come first by name are shown.
    """
    days: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for day, currency, amount in amounts:
        days[currency][day] = days[currency].get(day, Decimal(0)) + amount
    chosen = sorted(days)[:MOST_SERIES]
    distinct = {day for currency in chosen for day in days[currency]}
    length = next((n for n in _UNITS if len({day.isoformat()[:n] for day in distinct}) <= MOST_BARS), 4)
    labels = tuple(sorted({day.isoformat()[:length] for day in distinct}))
    series: dict[str, tuple[float, ...]] = {}
    for currency in chosen:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for day, amount in days[currency].items():
            sums[day.isoformat()[:length]] += amount
        # Pixels are no money: here alone an amount may be a float.
        series[currency] = tuple(float(sums[label]) for label in labels)
    return Plot(f"{title} by {_UNITS[length]}", labels, series)
