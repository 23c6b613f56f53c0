"""Processes that a killed supervisor left behind: known by pid and start time, ended before the next start.

A pid alone proves nothing, since the system gives it away again; the pair with the start time does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from local_stack.state import State

GONE = psutil.NoSuchProcess

_FILE = "processes.json"
_CLOCK_TOLERANCE = 2.0
_PATIENCE = 15.0


def record(state: State, name: str, pid: int, stop_signal: signal.Signals) -> None:
    """Note a started process on disk, before anything else can happen to it."""
    known = state.read(_FILE)
    known[name] = {"pid": pid, "created": psutil.Process(pid).create_time(), "signal": int(stop_signal)}
    state.write(_FILE, known)


def forget(state: State, name: str) -> None:
    """Drop a process that has ended."""
    known = state.read(_FILE)
    if known.pop(name, None) is not None:
        state.write(_FILE, known)


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a session leader and what it started; nothing when they are gone."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def find(state: State) -> dict[str, psutil.Process]:
    """The recorded processes that still run, by the name of their program."""
    found: dict[str, psutil.Process] = {}
    for name, entry in state.read(_FILE).items():
        try:
            process = psutil.Process(entry["pid"])
            same = abs(process.create_time() - entry["created"]) < _CLOCK_TOLERANCE
            if same and process.status() != psutil.STATUS_ZOMBIE:
                found[name] = process
        except psutil.NoSuchProcess:
            continue
    return found


def end(state: State) -> list[str]:
    """Stop every orphan, the last started first, and say which there were."""
    signals = {name: entry["signal"] for name, entry in state.read(_FILE).items()}
    found = find(state)
    for name in reversed(found):
        # One that needs another, which was told first, may have ended by itself.
        with contextlib.suppress(GONE):
            found[name].send_signal(signals[name])
    deadline = time.monotonic() + _PATIENCE
    for process in found.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except psutil.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    state.write(_FILE, {})
    return list(found)
