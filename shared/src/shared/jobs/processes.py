"""Heavy work in processes of its own: on the loop it would stop the heartbeats (aio-pika#650).

pebble kills the process of a cancelled or late task, which the standard library's pool cannot.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from multiprocessing import connection, parent_process
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from shared.jobs.memory import run_limited

ResultT = TypeVar("ResultT")

_NICER = 10
# The server of forks imports the program, so each process finds it imported: no fault, and no line for a log of JSON.
warnings.filterwarnings("ignore", r"'[\w.]+' found in sys\.modules", RuntimeWarning, "runpy|<frozen runpy>")


class ProcessDied(Exception):  # noqa: N818 - the name says what happened
    """The process of a job ended by itself or by a signal: killed for want of memory, most often."""

    def __init__(self, exit_code: int) -> None:
        by = f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"status {exit_code}"
        super().__init__(f"its process died by {by}")


class Processes:
    """A pool that starts at its first use; ``forkserver`` since forking a process with threads is unsafe."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._starting: asyncio.Task[ProcessPool] | None = None

    async def run(self, function: Callable[..., ResultT], *args: Any, memory_limit: int | None = None) -> ResultT:
        """Run ``function(*args)`` in a process and return its result; cancelling kills the process.

        Function, arguments and result must be picklable. Raises what the function raises, OutOfMemory when
        the process would need more than ``memory_limit`` MB, and ProcessDied.
        """
        pool = await self._started()
        try:
            return await asyncio.wrap_future(pool.schedule(run_limited, args=(memory_limit, function, *args)))
        except ProcessExpired as error:
            raise ProcessDied(error.exitcode) from error

    async def close(self) -> None:
        """Kill what still runs and end the processes."""
        if self._starting is None:
            return
        starting, self._starting = self._starting, None
        try:
            pool = await starting
        except (OSError, RuntimeError, EOFError):
            return  # the jobs that needed it have said so
        with contextlib.suppress(RuntimeError):
            pool.stop()
        await asyncio.to_thread(pool.join)

    async def _started(self) -> ProcessPool:
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.create_task(asyncio.to_thread(_start, self._workers), name="job-processes")
        # A job that is cancelled meanwhile leaves the pool to the others.
        return await asyncio.shield(self._starting)


def _start(workers: int) -> ProcessPool:
    """In a thread: it waits seconds until the server of forks has imported the program, and leases must be renewed."""
    context = multiprocessing.get_context("forkserver")
    # This module too: in a test the program is pytest, and each process would import it, slowly, since it is nice.
    context.set_forkserver_preload([__name__, *_main_module()])
    pool = ProcessPool(
        max_workers=workers,
        initializer=_prepare,
        context=context,  # pyright: ignore[reportArgumentType] - pebble names Windows's pipe type
    )
    # Asking starts it.
    if not pool.active:
        raise RuntimeError("the processes of jobs did not start")
    return pool


def _main_module() -> list[str]:
    """What the server of forks imports once, so that a new process need not: the program and all it imports.

    The standard library means to do so by itself, but does not for ``python -m`` before 3.14.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return [spec.name] if spec is not None else []


def _prepare() -> None:
    """Run in each new process: its parent decides about signals, goes first where both want a core, and outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICER)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
