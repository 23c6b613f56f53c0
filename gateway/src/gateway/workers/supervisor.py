"""The parent of several workers: starts each, starts it again when it dies, passes signals on, answers for all.

Small on purpose: it takes no connection and reads no request, so nothing a client sends can end it. A worker that sees
it gone drains and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.settings import Settings
from gateway.workers.channel import Duty
from gateway.workers.listeners import bind, inherited, public_listeners
from gateway.workers.member import Member, Sockets
from gateway.workers.sums import Snapshot, lasting, total

log = structlog.stdlib.get_logger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
# A worker that lived so long did not die of its start.
_LIVED = 10.0
_GRACE = 10.0
_RELOAD_SECONDS = 10.0


class Supervisor:
    """See the module."""

    def __init__(self, settings: Settings, sockets: Sockets) -> None:
        self._settings = settings
        self._sockets = sockets
        self._held = settings.hold
        self._members = [Member(number) for number in range(len(sockets.public))]
        self._stopping = asyncio.Event()
        self._departed: Snapshot = []
        self._restarts = 0
        self._ever_ready = False
        self._failed = False

    async def run(self) -> int:
        """Until a signal says stop; the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        hangups: set[asyncio.Task[object]] = set()

        def hangup() -> None:
            task = loop.create_task(self._everyone({"duty": "reload", "arguments": {}, "seconds": _RELOAD_SECONDS}))
            hangups.add(task)
            task.add_done_callback(hangups.discard)

        def open_all() -> None:
            self._held = False
            for member in self._members:
                task = loop.create_task(self._open(member))
                hangups.add(task)
                task.add_done_callback(hangups.discard)

        loop.add_signal_handler(signal.SIGHUP, hangup)
        loop.add_signal_handler(signal.SIGUSR1, open_all)
        log.info("supervising", workers=len(self._members), port=self._sockets.public[0].getsockname()[1])
        await asyncio.gather(*(self._keep(member) for member in self._members))
        return 1 if self._failed else 0

    def _stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        # Each worker has its own: the last of them to close a socket ends it.
        self._sockets.close()
        for member in self._members:
            self._terminate(member)

    def _terminate(self, member: Member) -> None:
        if member.process is not None and member.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                member.process.terminate()

    async def _keep(self, member: Member) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                await member.start(self._sockets, self._duties, held=self._held)
            except OSError as error:
                log.error("worker_not_started", worker=member.number, error=str(error))  # noqa: TRY400 - the system's
                status: int | None = None
            else:
                if self._stopping.is_set():
                    self._terminate(member)
                status = await self._ended(member)
            if self._stopping.is_set():
                self._failed = self._failed or status not in (0, -signal.SIGTERM)
                return
            log.error("worker_died", worker=member.number, status=status)
            if not self._ever_ready:
                # The start itself fails: whoever started us is to know.
                self._failed = True
                self._stop()
                return
            self._restarts += 1
            self._departed = total([self._departed, lasting(member.counted)])
            member.counted = []
            if not self._held:
                await self._hand_over(member.number)
            pause = _FIRST_PAUSE if time.monotonic() - started >= _LIVED else min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _ended(self, member: Member) -> int:
        """Wait; once all are to stop, no longer than the drain may take."""
        ended = asyncio.ensure_future(member.ended())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            bound = self._settings.not_ready_seconds + self._settings.drain_seconds + _GRACE
            await asyncio.wait({ended}, timeout=bound)
            if not ended.done() and member.process is not None:
                log.error("worker_killed", worker=member.number, after_seconds=bound)
                member.process.kill()
        return await ended

    async def _open(self, member: Member) -> None:
        """Whoever started us found us ready: the public listeners are served from now on."""
        if member.held and member.accepting:
            member.held = False
            await member.ask("open")

    async def _hand_over(self, listener: int) -> None:
        """The others take the connections that queue up for the dead one."""
        await asyncio.gather(*(member.ask("adopt", listener=listener) for member in self._members))

    # What workers ask for

    def _duties(self, member: Member) -> Mapping[str, Duty]:
        async def accepting(_: dict[str, Any]) -> None:
            member.accepting = self._ever_ready = True
            log.info("worker_accepting", worker=member.number, held=member.held)
            if self._held:
                return
            # The word that all are to open may have come before this one could hear it.
            await self._open(member)
            for other in self._members:
                if other is not member:
                    await other.ask("release", listener=member.number)
                    if not other.accepting and other.process is not None:
                        await member.ask("adopt", listener=other.number)

        return {
            "accepting": accepting,
            "metrics": self._metrics,
            "everyone": self._everyone,
            "crew": self._crew,
        }

    async def _crew(self, _: dict[str, Any]) -> dict[str, int]:
        return {"wanted": len(self._members), "accepting": sum(member.accepting for member in self._members)}

    async def _everyone(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers of all workers to one duty, by number; None where one gave none."""
        duty, seconds = message["duty"], message["seconds"]
        answers = await asyncio.gather(*(member.ask(duty, seconds, **message["arguments"]) for member in self._members))
        return [
            {"worker": member.number, "pid": member.process.pid if member.process else None, "answer": answer}
            for member, answer in zip(self._members, answers, strict=True)
        ]

    async def _metrics(self, _: dict[str, Any]) -> Snapshot:
        """The sum over all workers there are and were.

        Every scrape passes here, and what a worker said last is kept: so a sum never goes down, neither when a worker
        dies (its counts move to the departed) nor when one is late (its last are taken again). Lost is only what a
        killed worker counted after the last scrape.
        """
        answers = await asyncio.gather(*(member.ask("snapshot") for member in self._members))
        for member, answer in zip(self._members, answers, strict=True):
            if isinstance(answer, list):
                member.counted = answer
        return total([self._own(), self._departed, *(member.counted for member in self._members)])

    def _own(self) -> Snapshot:
        accepting = sum(member.accepting for member in self._members)
        workers = "gateway_workers_accepting"
        restarts = "gateway_worker_restarts"
        return [
            [workers, "gauge", "Workers that take connections.", "", [[workers, {}, accepting, None]]],
            [restarts, "counter", "Workers that died.", "", [[f"{restarts}_total", {}, self._restarts, None]]],
        ]


def supervise(settings: Settings) -> int:
    """Run ``settings.workers`` workers until a signal says stop; the exit status."""
    try:
        public, shared = public_listeners(settings), bool(settings.handed)
        admin = None
        if settings.admin_port is not None:
            admin = bind(settings.admin_host, settings.admin_port, 1, shared=shared)[0]
        probe = None if settings.probe_fd is None else inherited(settings.probe_fd)
    except OSError as error:
        log.error("cannot_listen", error=str(error))  # noqa: TRY400 - no fault of ours
        return 1

    async def run() -> int:
        return await Supervisor(settings, Sockets(public, admin, probe)).run()

    return asyncio.run(run())
