"""What every service has that comes to an end."""

from shared.clean_ups.clean_up import CleanUp
from shared.jobs import store as jobs
from shared.messaging import inbox
from shared.schedules import store as schedules
from shared.web import kept_answers

STANDARD = (
    CleanUp("inbox", inbox.trim),
    CleanUp("idempotency_keys", kept_answers.trim),
    CleanUp("jobs", jobs.trim),
    CleanUp("job_steps", jobs.trim_steps),
    CleanUp("schedule_fires", schedules.trim, cron="17 3 * * *"),
)
"""The outbox is not here: its rows go as they are published."""
