"""The supervisor: all programs of one system, started in order, kept running, stopped in order."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from local_stack.child import Child
from local_stack.deploying import Deploy
from local_stack.doorway import Doorway
from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_stack.deploying import Patience
    from local_stack.program import Program
    from local_stack.state import State

_logger = logging.getLogger(__name__)


class Supervisor:
    """Runs a table of programs: each is started after what it comes after, and stopped in the order of ranks."""

    def __init__(self, programs: Sequence[Program], state: State) -> None:
        self._state = state
        self._doorways = {
            program.name: Doorway.of(program.environment, program.listeners)
            for program in programs
            if program.listeners
        }
        self._children = {program.name: Child(program, state, self._doorways.get(program.name)) for program in programs}
        self._deploying = asyncio.Lock()
        self._starters: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start every program as soon as those that it comes after have been ready once."""
        for child in self._children.values():
            task = asyncio.create_task(self._start_in_turn(child))
            self._starters.add(task)
            task.add_done_callback(self._starters.discard)

    async def _start_in_turn(self, child: Child) -> None:
        for name in child.program.after:
            child.problem = f"waits for {name}"
            await self._children[name].ready_once.wait()
        child.start()

    async def stop(self) -> None:
        """Stop all, the highest rank first."""
        for task in self._starters:
            task.cancel()
        running = [child for child in self._children.values() if child.wanted]
        for rank in sorted({child.program.stop_rank for child in running}, reverse=True):
            await asyncio.gather(*(child.stop() for child in running if child.program.stop_rank == rank))

    def _child(self, name: str) -> Child:
        if name not in self._children:
            known = ", ".join(self._children)
            message = f"there is no process named {name!r}; there are {known}"
            raise LocalStackError(message)
        return self._children[name]

    async def restart_one(self, name: str) -> None:
        """Stop one program and start it again."""
        child = self._child(name)
        _logger.info("%s: restart asked for", name)
        await child.stop()
        child.start()

    async def stop_one(self, name: str) -> None:
        """Stop one program until it is asked for again."""
        _logger.info("%s: stop asked for", name)
        await self._child(name).stop()

    def start_one(self, name: str) -> None:
        """Start one program that was stopped."""
        self._child(name).start()

    async def deploy(self, programs: Sequence[Program], patience: Patience) -> list[str]:
        """Replace the running processes of these names with no request lost; what was done, in words.

        Raises LocalStackError, and the old ones go on, when the new ones are not ready in time or do worse.
        """
        for program in programs:
            if not self._child(program.name).wanted or program.name not in self._doorways:
                raise LocalStackError(f"{program.name} does not run, so there is nothing to replace")
        if self._deploying.locked():
            raise LocalStackError("another deploy is under way: wait for its end")
        async with self._deploying:
            new = [Child(program, self._state, self._doorways[program.name], on_trial=True) for program in programs]
            deploy = Deploy([(self._children[child.name], child) for child in new], self._state, patience)
            return await deploy.run(self._take_over)

    def _take_over(self, child: Child) -> None:
        self._children[child.program.name] = child

    def status(self) -> list[dict[str, Any]]:
        """The state of every program, in the order of the table."""
        return [child.status() for child in self._children.values()]
