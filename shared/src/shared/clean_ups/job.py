"""The job that cleans up, and the schedules that queue it."""

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from pydantic import BaseModel

from shared.clean_ups import metrics
from shared.clean_ups.clean_up import CleanUp
from shared.jobs import JobContext, JobFailed, JobType
from shared.schedules import Schedule

CLEAN_UP = "clean_up"


class WhatToClean(BaseModel):
    """The name of a clean-up."""

    what: str


def clean_up_job(clean_ups: Sequence[CleanUp]) -> JobType[WhatToClean]:
    """The job type that does these; one at a time in a worker, so that other work has room."""
    by_name = {clean_up.name: clean_up for clean_up in clean_ups}
    if len(by_name) < len(clean_ups):
        raise ValueError("two clean-ups have one name")
    longest = max(clean_up.seconds for clean_up in clean_ups)
    return JobType(
        CLEAN_UP,
        partial(_clean_up, by_name),
        payload=WhatToClean,
        max_attempts=2,
        timeout=timedelta(seconds=longest + 60),
        concurrency=1,
    )


def clean_up_schedules(clean_ups: Sequence[CleanUp]) -> list[Schedule]:
    """When each is queued; a time that was missed is made up for by the next."""
    return [
        Schedule(f"clean_up.{each.name}", each.cron, "UTC", CLEAN_UP, WhatToClean(what=each.name).model_dump())
        for each in clean_ups
    ]


async def _clean_up(clean_ups: dict[str, CleanUp], context: JobContext, payload: WhatToClean) -> None:
    clean_up = clean_ups.get(payload.what)
    if clean_up is None:
        raise JobFailed(f"There is nothing to clean up that is named {payload.what[:100]}.")
    ends = time.monotonic() + clean_up.seconds
    deleted, left = 0, True
    while left and (not deleted or time.monotonic() < ends):
        await context.check_cancelled()
        async with context.transaction() as connection:
            rows = await clean_up.trim(connection, clean_up.batch)
        deleted += rows
        left = rows >= clean_up.batch
        metrics.DELETED.labels(clean_up.name).inc(rows)
    metrics.LEFT.labels(clean_up.name).set(int(left))
    metrics.LAST.labels(clean_up.name).set_to_current_time()
    context.finish_with({"deleted": deleted, "left": left})
