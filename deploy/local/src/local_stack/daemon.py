"""The background process: `python -m local_stack.daemon STATE PLAN`, one for a running system."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_stack import control
from local_stack.deploying import deploy_asked
from local_stack.plans import PLANS
from local_stack.state import State
from local_stack.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_stack.program import Program

RUNNING_LOCK = "supervisor.lock"
"""Held for the supervisor's life, so that whether one runs is known without trusting a pid."""


async def supervise(state: State, programs: Sequence[Program], facts: dict[str, Any]) -> None:
    """Run the programs until a signal or the command `shutdown` comes."""
    supervisor = Supervisor(programs, state)
    known = {program.name: program for program in programs}
    stopping = asyncio.Event()

    async def handle(message: dict[str, Any]) -> dict[str, Any]:
        match message["command"]:
            case "status":
                return {"programs": supervisor.status(), **facts}
            case "restart":
                await supervisor.restart_one(message["name"])
            case "stop":
                await supervisor.stop_one(message["name"])
            case "start":
                supervisor.start_one(message["name"])
            case "environment":
                return {"environment": dict(os.environ)}
            case "deploy":
                return {"done": await deploy_asked(supervisor, known, message)}
            case "shutdown":
                stopping.set()
            case other:
                return {"error": f"unknown command {other!r}"}
        return {}

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    supervisor.start()
    server = await control.serve(state, handle, facts)
    async with server:
        await stopping.wait()
    await supervisor.stop()


def run(state: State, plan: str, programs: Callable[[], Sequence[Program]]) -> None:
    """Supervise a plan's programs under the lock until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with state.lock(RUNNING_LOCK, seconds=1):
        facts = {"plan": plan, "pid": os.getpid(), "since": time.time()}
        asyncio.run(supervise(state, programs(), facts))


def main() -> None:
    """Run the plan that the command line names."""
    folder, plan = sys.argv[1:]
    state = State(Path(folder))
    run(state, plan, lambda: PLANS[plan](state, os.environ))


if __name__ == "__main__":
    main()
