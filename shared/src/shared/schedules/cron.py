"""When a cron expression fires in a time zone: five fields, as Debian's cron reads them.

At a fixed time of day (``30 2 * * *``) what the clocks skip in spring fires when they have gone forward, and
what they show twice in autumn fires at the first. With ``*`` as hour or minute it fires by the time that passes,
so an hourly one fires in both of the two equal hours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_FIELDS = 5
_LONGEST = 200


class InvalidCron(ValueError):  # noqa: N818 - the name says what happened
    """The expression or the time zone is none, or names no moment; says in words which."""


def check_cron(expression: str, timezone: str) -> None:
    """Raise InvalidCron unless there is a time at which it fires."""
    next_fire(expression, timezone, datetime.now(UTC))


def next_fire(expression: str, timezone: str, after: datetime) -> datetime:
    """The first moment, in UTC, that is later than ``after``. Raises InvalidCron."""
    return next(fires(expression, timezone, after))


def fires(expression: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """The moments later than ``after``, in UTC and in order. Raises InvalidCron."""
    if len(expression) > _LONGEST or len(expression.split()) != _FIELDS:
        raise InvalidCron("a cron expression has five fields: minute, hour, day of month, month, day of week")
    try:
        moments = CronSim(expression, after.astimezone(_zone(timezone)))
    except CronSimError as error:
        raise InvalidCron(f"not a cron expression: {error}") from error
    # In the second of two equal hours it would begin with the first of them.
    last = after
    for local in moments:
        moment = local.astimezone(UTC)
        if moment > last:
            last = moment
            yield moment
    raise InvalidCron("no day is like that")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidCron(f"{name[:100]!r} is no time zone; one is named as Europe/Berlin or UTC") from error
