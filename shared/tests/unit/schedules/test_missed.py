"""What becomes of the times at which nobody was there, with a fixed clock."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.schedules.missed import MOST_AT_ONCE, plan
from shared.schedules.schedule import Schedule, check_types

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOURLY = "0 * * * *"


def hours(moments: list[datetime]) -> list[int]:
    return [moment.hour for moment in moments]


@pytest.mark.parametrize("policy", ["skip", "once", "all"])
def test_on_time_it_fires_whatever_the_policy(policy: str) -> None:
    for late in (timedelta(0), timedelta(seconds=59)):
        chosen = plan(HOURLY, "UTC", policy, NOON, NOON + late)
        assert (hours(chosen.now), chosen.left_out, chosen.following) == ([12], 0, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("policy", "fired", "left_out"), [("skip", [], 3), ("once", [12], 2), ("all", [10, 11, 12], 0)]
)
def test_after_a_standstill(policy: str, fired: list[int], left_out: int) -> None:
    chosen = plan(HOURLY, "UTC", policy, NOON - timedelta(hours=2), NOON + timedelta(minutes=30))
    assert (hours(chosen.now), chosen.left_out) == (fired, left_out)
    assert chosen.following == NOON + timedelta(hours=1)


@pytest.mark.parametrize(("policy", "fired"), [("skip", [12]), ("once", [12]), ("all", [10, 11, 12])])
def test_one_on_time_stands_for_those_that_were_missed(policy: str, fired: list[int]) -> None:
    assert hours(plan(HOURLY, "UTC", policy, NOON - timedelta(hours=2), NOON).now) == fired


def test_all_are_the_last_hundred_after_years_and_no_long_wait() -> None:
    started = time.process_time()
    chosen = plan("* * * * *", "Europe/Berlin", "all", NOON - timedelta(days=1500), NOON)
    assert time.process_time() - started < 0.5
    assert chosen.now == [NOON - timedelta(minutes=n) for n in range(MOST_AT_ONCE - 1, -1, -1)]


def test_a_rare_one_is_found_however_long_ago() -> None:
    chosen = plan("0 0 29 2 *", "UTC", "once", datetime(2020, 2, 29, tzinfo=UTC), NOON)
    assert chosen.now == [datetime(2024, 2, 29, tzinfo=UTC)]
    assert chosen.following == datetime(2028, 2, 29, tzinfo=UTC)


def test_a_schedule_without_its_job_type_or_twice_is_refused() -> None:
    nightly = Schedule("nightly", "0 3 * * *", "UTC", "tidy")
    check_types([nightly], {"tidy"})
    with pytest.raises(ValueError, match="no job type tidy"):
        check_types([nightly], {"sweep"})
    with pytest.raises(ValueError, match="twice"):
        check_types([nightly, nightly], {"tidy"})
