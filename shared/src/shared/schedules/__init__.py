"""Schedules: jobs that are queued by the clock, once each time, whichever instance leads."""

from shared.schedules.cron import InvalidCron, next_fire
from shared.schedules.schedule import Missed, Schedule, check_types

__all__ = ["InvalidCron", "Missed", "Schedule", "check_types", "next_fire"]
