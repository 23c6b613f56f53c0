"""One supervised process: started, probed, started again with back-off when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

from local_stack import orphans
from local_stack.ports import HOST
from local_stack.program import HttpProbe

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.doorway import Doorway
    from local_stack.program import Probe, Program
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

    def __init__(
        self, program: Program, state: State, doorway: Doorway | None = None, *, on_trial: bool = False
    ) -> None:
        self.program = program
        self.name = program.name
        # Started on hold beside another one, and not started again when it dies.
        self.on_trial = on_trial
        self.probe_port: int | None = None
        self._doorway = doorway
        self._probe: Probe = program.probe
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
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    @property
    def wanted(self) -> bool:
        """Whether it is meant to run."""
        return self._runner is not None

    def status(self) -> dict[str, Any]:
        """What `status` shows of it."""
        return {
            "name": self.program.name,
            "pid": self.pid,
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

    def open(self) -> None:
        """Tell a process on hold to take connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    def rename(self, name: str) -> None:
        """Be recorded under another name."""
        if self._process is not None:
            orphans.forget(self._state, self.name)
            with contextlib.suppress(orphans.GONE):
                orphans.record(self._state, name, self._process.pid, self.program.stop_signal)
        self.name = name

    async def _keep_running(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            started = time.monotonic()
            code = await self._run_once()
            if self.on_trial:
                self.problem = f"ended ({code})"
                return
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
            if self._doorway is not None:
                self._doorway.leave(self)
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
        self._gone(process.pid)
        self.last_exit = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return self.last_exit

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = self.program
        identity: dict[str, Any] = {}
        if program.user is not None and os.geteuid() == 0:
            identity = {"user": program.user, "group": program.user, "extra_groups": []}
        handed, own = self._handed()
        with contextlib.ExitStack() as closed, self._log().open("ab") as log:
            for one in own:
                closed.enter_context(one)
            numbers = [*handed, *(one.fileno() for one in own)]
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env=dict(program.environment) | self._handed_over(numbers),
                pass_fds=numbers,
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
            orphans.record(self._state, self.name, process.pid, program.stop_signal)
        _logger.info("%s started, pid %d", self.name, process.pid)
        return process

    def _handed(self) -> tuple[list[int], list[socket.socket]]:
        """The public sockets, and a new one of this process alone, by which it is probed."""
        if self._doorway is None:
            return [], []
        public = self._doorway.enter(self)
        own = socket.socket()
        own.bind((HOST, 0))
        self.probe_port = port = int(own.getsockname()[1])
        if isinstance(self.program.probe, HttpProbe):
            self._probe = HttpProbe(port, self.program.probe.path)
        return public, [own]

    def _handed_over(self, numbers: list[int]) -> dict[str, str]:
        if not numbers:
            return {}
        public = ",".join(map(str, numbers[:-1]))
        hold = "true" if self.on_trial else "false"
        return {"HTTP_FD": public, "HTTP_PROBE_FD": str(numbers[-1]), "HTTP_HOLD": hold}

    def _gone(self, pid: int) -> None:
        # What it had started itself would hold its port or its lock.
        orphans.signal_group(pid, signal.SIGKILL)
        orphans.forget(self._state, self.name)
        if self._doorway is not None:
            self._doorway.leave(self)

    def _log(self) -> Path:
        """Its log, put aside first when it has grown large."""
        path = self._state.log(self.program.name)
        if path.exists() and path.stat().st_size > _LARGE_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path

    async def _watch(self) -> None:
        finished = self.program.finish is None
        while True:
            problem = await self._probe()
            if not problem and self.program.finish is not None and not finished:
                try:
                    await self.program.finish()
                    finished = True
                except Exception as error:  # noqa: BLE001  # shown as the reason why it isn't ready, and tried again
                    problem = f"{type(error).__name__}: {error}"
            ready = not problem
            if ready != self.ready:
                _logger.info("%s is %s", self.name, "ready" if ready else f"not ready: {problem}")
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
            _logger.warning("%s did not end within %.0f s: killed", self.name, self.program.stop_seconds)
            orphans.signal_group(process.pid, signal.SIGKILL)
            await process.wait()
        self._gone(process.pid)
        _logger.info("%s stopped", self.name)
