from datetime import UTC, datetime

import pytest

from reports.domain.period import InvalidMoment, InvalidPeriod, read_moment, read_period


def test_a_date_is_all_of_its_day():
    period = read_period("2026-01-31", "2026-01-31")
    assert period.bounds == (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert period.describe() == "from 2026-01-31 to 2026-01-31"


def test_a_time_is_a_bound_in_any_zone():
    period = read_period("2026-01-31T23:00:00-02:00", "2026-02-01t02:00:00.5z")
    assert period.bounds == (datetime(2026, 2, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, 2, 0, 0, 500000, tzinfo=UTC))


def test_without_bounds_everything_is_in_it():
    start, end = read_period(None, None).bounds
    assert start < datetime(1900, 1, 1, tzinfo=UTC) < datetime(2900, 1, 1, tzinfo=UTC) < end


def test_a_leap_second_is_read():
    assert read_moment("2016-12-31T23:59:60Z")[0] == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "20260101",
        "2026-01-01T10:00:00",
        "2026-01-01T10:00Z",
        "2026-W01-1",
        "2026-01-01T25:00:00Z",
        "9999-12-31",
        "0001-01-01T00:00:00+01:00",
        "1767225600",
        "٢٠٢٦-01-01",
        "2026-01-01 ",
    ],
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(InvalidMoment):
        read_moment(text)


@pytest.mark.parametrize(
    ("start", "end", "ok"),
    [
        ("2026-01-02", "2026-01-01", False),
        ("2026-01-02T00:00:00Z", "2026-01-01", False),
        ("2026-01-01T12:00:00Z", "2026-01-01", True),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z", True),
        ("2026-01-01T12:00:01Z", "2026-01-01T12:00:00Z", False),
    ],
)
def test_the_end_never_comes_before_the_start(start: str, end: str, ok: bool):  # noqa: FBT001 - a case's expectation
    if ok:
        read_period(start, end)
    else:
        with pytest.raises(InvalidPeriod):
            read_period(start, end)


def test_the_first_moment_there_is_can_be_an_end():
    assert read_period(None, "0001-01-01T00:00:00Z").describe().startswith("from the beginning to ")
