"""Schedules: jobs that are queued by the clock, once each time, whichever instance leads."""

from shared.schedules.cron import InvalidCron, next_fire
from shared.schedules.schedule import Missed, Schedule, check_types
from shared.schedules.scheduler import Scheduler
from shared.schedules.store import (
    ScheduleTaken,
    StoredSchedule,
    count_of,
    delete,
    delete_all_of,
    find,
    list_of,
    upsert,
)

__all__ = [
    "InvalidCron",
    "Missed",
    "Schedule",
    "ScheduleTaken",
    "Scheduler",
    "StoredSchedule",
    "check_types",
    "count_of",
    "delete",
    "delete_all_of",
    "find",
    "list_of",
    "next_fire",
    "upsert",
]
