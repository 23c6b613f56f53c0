"""A service's worker, as small as one can be: its jobs hang in a process, or wait for a file, at the first attempt."""

import asyncio
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
    time.sleep(3600)


async def hang_first(context: JobContext, _payload: Nothing) -> None:
    if context.attempt == 1:
        await context.run_in_process(sleep_and_tell, os.environ["PID_FILE"])


async def pause_first(context: JobContext, _payload: Nothing) -> None:
    """Says that it may be paused, waits to go on, and then writes whatever it was told meanwhile."""
    files = Path(os.environ["PID_FILE"]).parent
    (files / "paused").touch()
    try:
        while not (files / "go-on").exists():
            await asyncio.sleep(0.02)
    finally:
        try:
            async with context.transaction() as connection:
                await connection.execute("INSERT INTO effects (what) VALUES ('a late write')")
        except BaseException as error:  # a cancellation too: the worker may learn first that it lost the job
            (files / "tried").write_text(type(error).__name__)
            raise
        (files / "tried").write_text("written")


async def note_end(connection: Connection, job: FinishedJob) -> None:
    await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"{job.type} {job.status}")


if __name__ == "__main__":
    settings = ServiceSettings()
    kinds = [
        JobType(name, handler, payload=Nothing, lease=timedelta(minutes=1), on_finished=note_end)
        for name, handler in (("program.hang-first", hang_first), ("program.pause-first", pause_first))
    ]
    serve(create_worker("program", settings, version="1.0.0", migrations=[], job_types=kinds), settings.http)
