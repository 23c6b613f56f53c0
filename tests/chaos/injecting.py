"""Doing a fault to the ground, and undoing it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from chaos.fault_proxy import FAIR, Weather
from chaos.faults import TO_PROCESSES, Fault, FaultKind

if TYPE_CHECKING:
    from chaos.ground import Ground
    from chaos.links import Link

_APPEAR_SECONDS = 30.0


@dataclass(frozen=True)
class Done:
    """A fault that was done: ``began`` and ``ended`` on the monotonic clock."""

    fault: Fault
    began: float
    ended: float
    remark: str = ""


async def run(ground: Ground, faults: list[Fault], begun: float) -> list[Done]:
    """Do every fault at its time; a long one does not hold the next ones up."""

    async def in_turn(fault: Fault) -> Done:
        await asyncio.sleep(max(0.0, begun + fault.at - time.monotonic()))
        began = time.monotonic()
        if fault.kind in TO_PROCESSES:
            remark = await _to_process(ground, fault)
        else:
            remark = await _to_links(ground, fault)
        return Done(fault, began, time.monotonic(), remark)

    return await asyncio.gather(*(in_turn(fault) for fault in faults))


async def _to_process(ground: Ground, fault: Fault) -> str:
    name = fault.targets[0]
    if fault.kind is FaultKind.RESTART and not name.endswith("/"):
        await ground.supervisor.restart_one(name)
        return ""
    process = await _appeared(ground, name)
    if process is None:
        return "it did not run"
    if fault.kind is FaultKind.FREEZE:
        await _freeze(process, fault.hold)
        return ""
    with contextlib.suppress(psutil.NoSuchProcess):
        # Of the gateway's workers the team starts another by itself, in order or not.
        process.send_signal(signal.SIGTERM if fault.kind is FaultKind.RESTART else signal.SIGKILL)
    return ""


async def _appeared(ground: Ground, name: str) -> psutil.Process | None:
    """The process of that name, or the first worker of a name with a slash, once there is one."""
    deadline = time.monotonic() + _APPEAR_SECONDS
    while time.monotonic() < deadline:
        found = ground.process(name.removesuffix("/"))
        if found is not None and name.endswith("/"):
            with contextlib.suppress(psutil.NoSuchProcess):
                found = next(iter(found.children()), None)
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    return None


async def _freeze(process: psutil.Process, seconds: float) -> None:
    """Stop a process with all that it started, and let it go on."""
    with contextlib.suppress(psutil.NoSuchProcess):
        frozen = [process, *process.children(recursive=True)]
        try:
            for each in frozen:
                _signal(each, signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            for each in reversed(frozen):
                _signal(each, signal.SIGCONT)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    # psutil compares the start time first, so that a pid given away again is left alone.
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        if process.is_running():
            os.kill(process.pid, number)


async def _to_links(ground: Ground, fault: Fault) -> str:
    links: list[Link] = [link for link in ground.links.made if link.name in fault.targets]
    if fault.kind is FaultKind.CUT:
        return f"{sum(link.proxy.cut() for link in links)} connections"
    for link in links:
        link.proxy.turn(_weather(fault))
    try:
        await asyncio.sleep(fault.hold)
    finally:
        for link in links:
            link.proxy.turn(FAIR)
    if fault.kind is FaultKind.BLACKHOLE and fault.number % 4 == 0:
        # The network forgot the connections while it was away.
        return f"then {sum(link.proxy.cut() for link in links)} connections cut"
    return ""


def _weather(fault: Fault) -> Weather:
    match fault.kind:
        case FaultKind.REFUSE:
            return Weather(refuse=True)
        case FaultKind.DELAY:
            return Weather(delay=fault.amount / 1000)
        case FaultKind.BLACKHOLE:
            return Weather(stalled=True)
        case FaultKind.THROTTLE:
            return Weather(bytes_per_second=fault.amount)
        case FaultKind.RESET:
            return Weather(reset_after=fault.amount)
        case _:
            raise ValueError(f"{fault.kind} is no weather")
