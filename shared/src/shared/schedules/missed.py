"""Which of the times that came since the last look are fired."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.schedules.cron import fires

GRACE = timedelta(seconds=60)
"""Fired within this it was on time: a change of the leader is no miss."""

MOST_AT_ONCE = 100
_HORIZONS = (timedelta(hours=2), timedelta(days=1), timedelta(days=60), timedelta(days=800))


@dataclass(frozen=True, slots=True)
class Plan:
    """The times to fire now, in order, how many are left out at least, and the time to wait for."""

    now: list[datetime]
    left_out: int
    following: datetime


def plan(cron: str, timezone: str, missed: str, due: datetime, now: datetime) -> Plan:
    """What to do about a schedule that waited for ``due``, which has come. Raises InvalidCron."""
    came, following = _came(cron, timezone, due, now)
    late = [moment for moment in came if moment < now - GRACE]
    on_time = came[len(late) :]
    if missed == "all":
        chosen = came[-MOST_AT_ONCE:]
    elif missed == "once":
        chosen = on_time or late[-1:]
    else:
        chosen = on_time
    return Plan(chosen, len(came) - len(chosen), following)


def _came(cron: str, timezone: str, due: datetime, now: datetime) -> tuple[list[datetime], datetime]:
    """The last hundred times or more from ``due`` to ``now``, and the one after.

    Read from behind: after a year of standstill the minutes of a year would block the loop for seconds.
    """
    came: list[datetime] = []
    following = now
    for horizon in (*_HORIZONS, now - due):
        start = max(due, now - horizon)
        came = []
        for following in fires(cron, timezone, start - timedelta(seconds=1)):
            if following > now:
                break
            came.append(following)
        if start == due or len(came) >= MOST_AT_ONCE:
            break
    return came, following
