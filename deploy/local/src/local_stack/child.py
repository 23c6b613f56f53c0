"""One supervised process: started, probed, started again with back-off when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from local_stack import orphans

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.program import Program
    from local_stack.state import State

_logger = logging.getLogger(__name__)

_LARGE_LOG = 32 * 1024 * 1024
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 10.0
_SETTLED_SECONDS = 30.0
_PROBE_EVERY = 0.2
_PROBE_EVERY_WHEN_READY = 1.0


class Child:
    """A program and the process that runs it now, if one does."""

    def __init__(self, program: Program, state: State) -> None:
        self.program = program
        self.ready = False
        self.problem = "not started yet"
        self.restarts = 0
        self.last_exit: str | None = None
        self.since: float | None = None
        self.ready_once = asyncio.Event()
        self._state = state
        self._process: asyncio.subprocess.Process | None = None
        self._runner: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is meant to run."""
        return self._runner is not None

    def status(self) -> dict[str, Any]:
        """What `status` shows of it."""
        return {
            "name": self.program.name,
            "pid": self._process.pid if self._process else None,
            "port": self.program.port,
            "ready": self.ready,
            "wanted": self.wanted,
            "problem": self.problem,
            "since": self.since,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
        }

    def start(self) -> None:
        """Keep it running from now on."""
        if self._runner is None:
            self._runner = asyncio.create_task(self._keep_running(), name=self.program.name)

    async def stop(self) -> None:
        """Ask it to end, wait for as long as its program allows, then kill it."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await runner
        await self._end_process()
        self.ready = False
        self.problem = "stopped"
        self.since = None

    async def _keep_running(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            started = time.monotonic()
            code = await self._run_once()
            if time.monotonic() - started > _SETTLED_SECONDS:
                backoff = _FIRST_BACKOFF
            self.restarts += 1
            _logger.warning(
                "%s ended (%s); starting it again in %.1f s (restart %d)",
                self.program.name, code, backoff, self.restarts,
            )  # fmt: skip
            self.problem = f"ended ({code}), starting again in {backoff:.1f} s"
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def _run_once(self) -> str:
        try:
            process = await self._spawn()
        except OSError as error:
            self.last_exit = f"could not be started: {error}"
            return self.last_exit
        watcher = asyncio.create_task(self._watch())
        try:
            code = await process.wait()
        finally:
            watcher.cancel()
        self.ready = False
        self._process = None
        self.since = None
        # What it had started itself would hold its port or its lock.
        orphans.signal_group(process.pid, signal.SIGKILL)
        orphans.forget(self._state, self.program.name)
        self.last_exit = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return self.last_exit

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = self.program
        identity: dict[str, Any] = {}
        if program.user is not None and os.geteuid() == 0:
            identity = {"user": program.user, "group": program.user, "extra_groups": []}
        with self._log().open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env=dict(program.environment),
                cwd=program.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **identity,
            )
        self._process = process
        self.since = time.time()
        self.problem = "starting"
        with contextlib.suppress(orphans.GONE):
            orphans.record(self._state, program.name, process.pid, program.stop_signal)
        _logger.info("%s started, pid %d", program.name, process.pid)
        return process

    def _log(self) -> Path:
        """Its log, put aside first when it has grown large."""
        path = self._state.log(self.program.name)
        if path.exists() and path.stat().st_size > _LARGE_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path

    async def _watch(self) -> None:
        finished = self.program.finish is None
        while True:
            problem = await self.program.probe()
            if not problem and self.program.finish is not None and not finished:
                try:
                    await self.program.finish()
                    finished = True
                except Exception as error:  # noqa: BLE001  # shown as the reason why it isn't ready, and tried again
                    problem = f"{type(error).__name__}: {error}"
            ready = not problem
            if ready != self.ready:
                _logger.info("%s is %s", self.program.name, "ready" if ready else f"not ready: {problem}")
            self.ready, self.problem = ready, problem
            if ready:
                self.ready_once.set()
            await asyncio.sleep(_PROBE_EVERY_WHEN_READY if ready else _PROBE_EVERY)

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.stop_seconds):
                await process.wait()
        except TimeoutError:
            _logger.warning("%s did not end within %.0f s: killed", self.program.name, self.program.stop_seconds)
            orphans.signal_group(process.pid, signal.SIGKILL)
            await process.wait()
        orphans.signal_group(process.pid, signal.SIGKILL)
        orphans.forget(self._state, self.program.name)
        _logger.info("%s stopped", self.program.name)
