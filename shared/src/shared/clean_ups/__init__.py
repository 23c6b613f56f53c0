"""Clean-ups: what is over is deleted by jobs that schedules queue."""

from shared.clean_ups.clean_up import CleanUp, Trim
from shared.clean_ups.job import CLEAN_UP, clean_up_job, clean_up_schedules
from shared.clean_ups.standard import STANDARD

__all__ = ["CLEAN_UP", "STANDARD", "CleanUp", "Trim", "clean_up_job", "clean_up_schedules"]
