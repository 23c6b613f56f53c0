"""Ways to tell the days after a history: two trained models, and the naive one that they have to beat."""

import warnings
from datetime import date
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import HuberRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reports.domain.forecast import Method
from reports.forecasting.features import Matrix, features, knows_years

_WEEK = 7
_WEEKS_AVERAGED = 4
_HALF_LIFE_DAYS = 120.0
_MOST_GROWTH = 4.0


def expect(method: Method, first_day: date, values: Matrix, days: int) -> Matrix:
    """The ``days`` after ``values`` by a method, never below zero; the same values give the same answer."""
    if method is Method.NAIVE:
        return naive(values, days)
    scale = float(np.mean(values))
    yearly = knows_years(len(values))
    known = features(first_day, 0, len(values), yearly=yearly)
    ahead = features(first_day, len(values), len(values) + days, yearly=yearly)
    # What was long ago counts less: a level that has changed is believed within months.
    weights = 0.5 ** ((len(values) - 1 - np.arange(len(values))) / _HALF_LIFE_DAYS)
    model = _model(method)
    with warnings.catch_warnings():
        # A fit that is not quite there yet is judged by the back-test like any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(known, values / scale, huberregressor__sample_weight=weights)
    # No trend is believed beyond four times the best day there was.
    return np.clip(model.predict(ahead) * scale, 0.0, _MOST_GROWTH * float(np.max(values)))


def naive(values: Matrix, days: int) -> Matrix:
    """The average of the same weekday in the last four weeks, or of all days while there is no week yet."""
    if len(values) < _WEEK:
        return np.full(days, float(np.mean(values)))
    weeks = min(_WEEKS_AVERAGED, len(values) // _WEEK)
    week = values[-weeks * _WEEK :].reshape(weeks, _WEEK).mean(axis=0)
    return np.resize(week, days)


def _model(method: Method) -> Any:
    # Huber's loss is linear in far misses: one day of a hundred times the sales bends no season.
    pipeline = make_pipeline(StandardScaler(), HuberRegressor(max_iter=500, alpha=0.01))
    if method is Method.ADDITIVE:
        return pipeline
    # Of the logarithm: seasons multiply what the trend says.
    return TransformedTargetRegressor(regressor=pipeline, func=np.log1p, inverse_func=np.expm1, check_inverse=False)
