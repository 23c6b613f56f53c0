"""What a model is told of a day: its number, its weekday, and its place in the year once two years are known."""

from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float64]

_WEEK = 7
_YEAR = 365.25
_WAVES = 3
_DAYS_FOR_WAVES = 2 * 365


def features(first_day: date, start: int, stop: int, *, yearly: bool) -> Matrix:
    """A row for each of the days ``start`` to ``stop`` (left out) after ``first_day``."""
    numbers = np.arange(start, stop, dtype=np.float64)
    weekdays = np.array([(first_day + timedelta(days=int(n))).weekday() for n in numbers])
    week = [np.asarray(weekdays == day, dtype=np.float64) for day in range(_WEEK)]
    # A busy weekday grows by more than a quiet one.
    columns = [numbers, *week, *(day * numbers for day in week)]
    if yearly:
        # Counted from a fixed day, so that the same date has the same place whenever the history begins.
        angles = 2 * np.pi * (numbers + first_day.toordinal()) / _YEAR
        for wave in range(1, _WAVES + 1):
            columns += [np.sin(wave * angles), np.cos(wave * angles)]
    return np.column_stack(columns)


def knows_years(days: int) -> bool:
    """Whether a history is long enough to tell a season from a trend."""
    return days >= _DAYS_FOR_WAVES
