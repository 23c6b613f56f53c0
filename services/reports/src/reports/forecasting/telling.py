"""From a history to its forecast: choose a model, test it on days that it has not seen, or fall back."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from threadpoolctl import threadpool_limits

from reports.domain.forecast import (
    HORIZON_DAYS,
    LEAST_DAYS,
    MODEL_DAYS,
    ExpectedDay,
    Forecast,
    History,
    Method,
)
from reports.forecasting.features import Matrix
from reports.forecasting.models import expect

_WEEK = 7
_TRAINED = (Method.ADDITIVE, Method.MULTIPLICATIVE)
_SHARE_WITHIN = 0.8

TOO_SHORT = f"Less than {LEAST_DAYS} days of sales: nothing can be told."
NO_MODEL = f"Less than {MODEL_DAYS} days of sales: no model could be tested, so weekdays are averaged."
NO_CHANGE = "Every day was the same: there is nothing to learn."
WORSE = "The model was no better than averaging weekdays, so weekdays are averaged."
NOTHING_LATELY = f"Nothing was sold in the last {HORIZON_DAYS} days: no model could be tested."
BETTER = f"Tested on the last {HORIZON_DAYS} days, which it had not seen."


def tell(histories: Sequence[History]) -> list[Forecast]:
    """A forecast for each history; deterministic."""
    # So little is multiplied at once that threads would only wait for each other.
    with threadpool_limits(limits=1):
        return [_tell(history) for history in histories]


def _tell(history: History) -> Forecast:
    values = np.array(history.values, dtype=np.float64)
    if len(values) < LEAST_DAYS:
        return Forecast(history, Method.NAIVE, (), None, None, None, TOO_SHORT)
    if len(values) < MODEL_DAYS:
        return _naive(history, values, NO_MODEL)
    if float(np.ptp(values)) == 0.0:
        return _naive(history, values, NO_CHANGE)
    known, held_out = values[:-HORIZON_DAYS], values[-HORIZON_DAYS:]
    if not held_out.any() or not known.any():
        return _naive(history, values, NOTHING_LATELY)
    method = _choose(history, known)
    misses = held_out - expect(method, history.first_day, known, HORIZON_DAYS)
    naive_misses = held_out - expect(Method.NAIVE, history.first_day, known, HORIZON_DAYS)
    naive_error = _share(naive_misses, held_out)
    note = BETTER
    if np.abs(misses).sum() >= np.abs(naive_misses).sum():
        method, misses, note = Method.NAIVE, naive_misses, WORSE
    week_before = float(np.abs(known[_WEEK:] - known[:-_WEEK]).mean())
    return Forecast(
        history=history,
        method=method,
        days=_days(history, expect(method, history.first_day, values, HORIZON_DAYS), _spread(misses)),
        error=_share(misses, held_out),
        mase=float(np.abs(misses).mean()) / week_before if week_before else None,
        naive_error=naive_error,
        note=note,
    )


def _choose(history: History, known: Matrix) -> Method:
    """The trained model that told the window before the held-out one best."""
    train, window = known[:-HORIZON_DAYS], known[-HORIZON_DAYS:]
    if not train.any() or float(np.ptp(train)) == 0.0:
        return _TRAINED[0]
    misses = {
        method: float(np.abs(window - expect(method, history.first_day, train, len(window))).sum())
        for method in _TRAINED
    }
    return min(_TRAINED, key=misses.__getitem__)


def _naive(history: History, values: Matrix, note: str) -> Forecast:
    expected = expect(Method.NAIVE, history.first_day, values, HORIZON_DAYS)
    days = _days(history, expected, _spread(values[_WEEK:] - values[:-_WEEK]))
    return Forecast(history, Method.NAIVE, days, None, None, None, note)


def _spread(misses: Matrix) -> float:
    return float(np.quantile(np.abs(misses), _SHARE_WITHIN))


def _days(history: History, expected: Matrix, spread: float) -> tuple[ExpectedDay, ...]:
    first = history.first_day + timedelta(days=len(history.values))
    return tuple(
        ExpectedDay(first + timedelta(days=number), value, max(0.0, value - spread), value + spread)
        for number, value in enumerate(expected.tolist())
    )


def _share(misses: Matrix, actual: Matrix) -> float:
    return float(np.abs(misses).sum() / actual.sum())
