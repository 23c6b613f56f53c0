"""Forecasts of made-up histories whose trend and seasons are known."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from reports.domain.forecast import (
    HORIZON_DAYS,
    Forecast,
    History,
    Method,
    daily_histories,
    history_bounds,
    last_full_day,
)
from reports.forecasting import telling
from reports.forecasting.process import tell_histories

FIRST = date(2024, 1, 1)
WEEK = (1.0, 0.9, 0.95, 1.1, 1.5, 2.0, 0.4)


def made_up(days: int, *, growth: float = 1.0, noise: float = 0.05, seed: int = 1) -> list[float]:
    """Sales that grow each day and have busy and quiet weekdays."""
    random = np.random.default_rng(seed)
    return [
        (200 + growth * day) * WEEK[(FIRST + timedelta(days=day)).weekday()] * float(random.normal(1, noise))
        for day in range(days)
    ]


def told(values: list[float], truth: list[float] | None = None) -> tuple[Forecast, float]:
    """The forecast, and its mean miss of what then came as a share of it."""
    [forecast] = tell_histories([History("EUR", FIRST, tuple(values))])
    if truth is None:
        return forecast, math.nan
    misses = [abs(day.revenue - value) for day, value in zip(forecast.days, truth, strict=True)]
    return forecast, sum(misses) / sum(truth)


@pytest.mark.parametrize("days", [120, 400, 1000])
def test_a_known_trend_and_week_is_told_better_than_by_averages(days: int):
    values = made_up(days + HORIZON_DAYS, growth=2.0)
    forecast, miss = told(values[:days], values[days:])
    assert forecast.method is not Method.NAIVE
    assert forecast.note == telling.BETTER
    assert forecast.error is not None
    assert forecast.naive_error is not None
    assert forecast.error < forecast.naive_error
    assert forecast.mase is not None
    assert 0 < forecast.mase < 2
    assert miss < 0.08
    assert [day.day for day in forecast.days] == [FIRST + timedelta(days=days + n) for n in range(HORIZON_DAYS)]


def test_a_season_of_the_year_is_learnt_once_two_years_are_known():
    def value(day: int) -> float:
        return 500 + 300 * math.sin(2 * math.pi * (day + FIRST.toordinal()) / 365.25)

    days = 800
    forecast, miss = told([value(n) for n in range(days)], [value(days + n) for n in range(HORIZON_DAYS)])
    assert forecast.method is not Method.NAIVE
    assert miss < 0.05


def test_the_band_holds_about_four_days_of_five():
    values = made_up(400 + HORIZON_DAYS, growth=0.5, noise=0.15)
    forecast, _ = told(values[:400])
    within = [day.low <= value <= day.high for day, value in zip(forecast.days, values[400:], strict=True)]
    assert 0.6 <= sum(within) / len(within) <= 1.0


@pytest.mark.parametrize("days", [0, 1, 13])
def test_nothing_is_told_of_less_than_two_weeks(days: int):
    forecast, _ = told(made_up(days))
    assert (forecast.days, forecast.note) == ((), telling.TOO_SHORT)


@pytest.mark.parametrize("days", [14, 20, 83])
def test_a_short_history_is_averaged_and_says_so(days: int):
    forecast, _ = told(made_up(days, noise=0))
    assert (forecast.method, forecast.note, forecast.error) == (Method.NAIVE, telling.NO_MODEL, None)
    assert len(forecast.days) == HORIZON_DAYS
    saturday = next(day for day in forecast.days if day.day.weekday() == 5)
    sunday = next(day for day in forecast.days if day.day.weekday() == 6)
    assert saturday.revenue > 3 * sunday.revenue


def test_a_model_that_is_no_better_gives_way_and_says_so():
    # Growth that ends where the test window begins: the trend goes on above it, the averages do not.
    values = [100.0 + 5 * n for n in range(120)]
    values += [sum(values[-28 + n :: 7][:4]) / 4 for n in range(7)] * 4
    forecast, _ = told(values)
    assert (forecast.method, forecast.note) == (Method.NAIVE, telling.WORSE)
    assert forecast.error == forecast.naive_error
    assert forecast.error is not None
    assert forecast.error < 0.01


def test_one_absurd_day_bends_no_forecast():
    values = made_up(300 + HORIZON_DAYS)
    plain, _ = told(values[:300])
    truth = values[300:]
    values[150] *= 1000
    forecast, miss = told(values[:300], truth)
    assert forecast.method is not Method.NAIVE
    assert miss < 0.15
    assert abs(forecast.days[0].revenue / plain.days[0].revenue - 1) < 0.15


def test_gaps_are_days_without_sales():
    first = date(2026, 1, 1)
    amounts = [(first, "EUR", Decimal("1.50")), (first, "EUR", Decimal("2.00")), (date(2026, 1, 4), "EUR", Decimal(9))]
    [history] = daily_histories(amounts, date(2026, 1, 6))
    assert history == History("EUR", first, (3.5, 0.0, 0.0, 9.0, 0.0, 0.0))


def test_days_of_weekends_only_are_learnt():
    values = [value if (FIRST + timedelta(days=n)).weekday() > 4 else 0.0 for n, value in enumerate(made_up(364))]
    forecast, _ = told(values)
    weekend = [day.revenue for day in forecast.days if day.day.weekday() > 4]
    workdays = [day.revenue for day in forecast.days if day.day.weekday() <= 4]
    assert min(weekend) > 5 * max(workdays)


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([0.0] * 200, telling.NO_CHANGE),
        ([7.0] * 200, telling.NO_CHANGE),
        ([5.0, 6.0] * 80 + [0.0] * 40, telling.NOTHING_LATELY),
        ([0.0] * 150 + [5.0, 6.0] * 14, telling.NOTHING_LATELY),
    ],
)
def test_what_cannot_be_learnt_is_said(values: list[float], note: str):
    forecast, _ = told(values)
    assert (forecast.method, forecast.note) == (Method.NAIVE, note)
    assert all(math.isfinite(day.revenue) for day in forecast.days)


@pytest.mark.parametrize("scale", [1e-2, 1e12])
def test_tiny_and_huge_amounts_stay_finite_and_bounded(scale: float):
    values = [value * scale for value in made_up(200, growth=20)]
    forecast, _ = told(values)
    for day in forecast.days:
        assert 0 <= day.low <= day.revenue <= day.high
        assert day.revenue <= 4 * max(values)
        assert math.isfinite(day.high)


def test_the_same_history_is_told_the_same():
    histories = [History("EUR", FIRST, tuple(made_up(200))), History("USD", FIRST, tuple(made_up(100)))]
    assert tell_histories(histories) == tell_histories(histories)


def test_of_a_long_history_three_years_are_taken_and_four_currencies():
    until = date(2026, 1, 1)
    amounts = [(until - timedelta(days=n), currency, Decimal(1)) for n in range(2000) for currency in "ABCDE"]
    histories = daily_histories(amounts, until)
    assert [history.currency for history in histories] == list("ABCD")
    assert {len(history.values) for history in histories} == {3 * 365}


def test_today_is_never_a_full_day():
    now = datetime(2026, 5, 10, 12, tzinfo=UTC)
    assert last_full_day(None, now) == date(2026, 5, 9)
    assert last_full_day(datetime(2026, 5, 11, tzinfo=UTC), now) == date(2026, 5, 9)
    assert last_full_day(datetime(2026, 3, 2, tzinfo=UTC), now) == date(2026, 3, 1)
    assert last_full_day(datetime(1, 1, 1, tzinfo=UTC), now) == date(1, 1, 1)


def test_the_bounds_of_the_history_are_days_in_utc():
    start, end = history_bounds(date(2026, 1, 1))
    assert (start, end) == (datetime(2023, 1, 3, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert history_bounds(date(1, 1, 1))[0] == datetime(1, 1, 1, tzinfo=UTC)


def test_a_period_at_the_beginning_of_time_has_a_history_too():
    amounts = [(date(1, 1, 2), "EUR", Decimal(1))]
    assert daily_histories(amounts, date(1, 1, 3)) == [History("EUR", date(1, 1, 2), (1.0, 0.0))]
