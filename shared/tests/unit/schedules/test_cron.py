"""When a cron expression fires: across the changes of clocks, and what is none."""

import time
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest

from shared.schedules.cron import InvalidCron, fires, next_fire


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def times(cron: str, zone: str, after: str, count: int) -> list[str]:
    return [f"{moment:%d %H:%M}" for moment in islice(fires(cron, zone, at(after)), count)]


def test_what_the_clocks_skip_fires_when_they_have_gone_forward() -> None:
    # Berlin, 2026-03-29: 02:00 CET becomes 03:00 CEST, which is 01:00 UTC.
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", 3) == ["28 01:30", "29 01:00", "30 00:30"]


def test_what_the_clocks_show_twice_fires_at_the_first() -> None:
    # Berlin, 2026-10-25: 03:00 CEST becomes 02:00 CET, so 02:30 is 00:30 UTC and 01:30 UTC.
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2) == ["25 00:30", "26 01:30"]


def test_after_the_first_of_two_equal_times_the_second_is_none() -> None:
    for after in ("2026-10-25T00:30Z", "2026-10-25T00:59Z", "2026-10-25T01:00Z", "2026-10-25T01:29Z"):
        assert times("30 2 * * *", "Europe/Berlin", after, 1) == ["26 01:30"], after


def test_an_hourly_one_fires_in_both_of_two_equal_hours_and_not_in_the_one_that_is_not() -> None:
    autumn = times("15 * * * *", "Europe/Berlin", "2026-10-24T23:00Z", 4)
    assert autumn == ["24 23:15", "25 00:15", "25 01:15", "25 02:15"]
    spring = times("15 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", 3)
    assert spring == ["29 00:15", "29 01:15", "29 02:15"]


def test_the_zone_decides_the_day() -> None:
    assert times("0 0 1 * *", "Pacific/Auckland", "2026-01-15T00:00Z", 1) == ["31 11:00"]
    assert times("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", 1) == ["29 00:00"]


def test_each_is_later_than_the_one_before_through_years_of_changes() -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"):
        for cron in ("*/30 * * * *", "30 1,2,3 * * *", "0 2 * * SUN"):
            moments = list(islice(fires(cron, zone, at("2026-01-01T00:00Z")), 3000))
            assert moments == sorted(set(moments)), (zone, cron)


def test_from_wherever_one_begins_the_next_is_the_same() -> None:
    moments = list(islice(fires("30 2 * * *", "Europe/Berlin", at("2026-10-20T00:00Z")), 8))
    for before, moment in pairwise(moments):
        step = (moment - before) / 7
        assert all(next_fire("30 2 * * *", "Europe/Berlin", before + n * step) == moment for n in range(7))


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("", "UTC"),
        ("* * * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("60 * * * *", "UTC"),
        ("*/0 * * * *", "UTC"),
        ("@daily", "UTC"),
        ("x * * * *", "UTC"),
        ("0 0 31 2 *", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("* * * * *", ""),
        ("* * * * *", "Mars/Olympus"),
        ("* * * * *", "../../etc/passwd"),
        ("* * * * *", "/etc/localtime"),
        ("* * * * *", "Europe/Berlin\0"),
        ("1," * 150 + "1 * * * *", "UTC"),
    ],
)
def test_what_is_none_is_refused(cron: str, zone: str) -> None:
    with pytest.raises(InvalidCron):
        next_fire(cron, zone, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_rarest_day_is_found_without_a_wait() -> None:
    started = time.process_time()
    assert next_fire("0 0 29 2 MON", "Europe/Berlin", at("2026-01-01T00:00Z"))
    assert time.process_time() - started < 1
