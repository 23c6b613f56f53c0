"""A service's worker, as small as one can be: its job hangs in a process at the first attempt."""

import os
import time
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from shared.jobs import FinishedJob, JobContext, JobType
from shared.postgres import Connection
from shared.settings import ServiceSettings
from shared.web import serve
from shared.worker import create_worker


class Nothing(BaseModel):
    pass


def sleep_and_tell(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


async def hang_first(context: JobContext, _payload: Nothing) -> None:
    if context.attempt == 1:
        await context.run_in_process(sleep_and_tell, os.environ["PID_FILE"])


async def note_end(connection: Connection, job: FinishedJob) -> None:
    await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"{job.type} {job.status}")


if __name__ == "__main__":
    settings = ServiceSettings()
    kind = JobType("program.hang-first", hang_first, payload=Nothing, lease=timedelta(seconds=3), on_finished=note_end)
    serve(create_worker("program", settings, version="1.0.0", migrations=[], job_types=[kind]), settings.http)
