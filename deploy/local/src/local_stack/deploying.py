"""One rolling deploy: new processes beside the old ones, tried, watched, and kept or taken back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local_stack.errors import LocalStackError
from local_stack.own_errors import Answered, answered_by
from local_stack.program import ask_http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local_stack.child import Child
    from local_stack.program import Program
    from local_stack.state import State
    from local_stack.supervisor import Supervisor

_LOOK_EVERY = 0.2
_LINES = 12
_ALLOWED_SHARE = 0.01
"""So much more of its answers than of the old one's may be errors."""
_TRIED = {
    "users": "/.well-known/jwks.json",
    "orders": "/api/v1/products?page_size=1",
    "gateway": "/openapi.json",
}
"""What is asked of a new process before anybody else may ask it: a read that needs its database."""


@dataclass(frozen=True)
class Patience:
    """Seconds until the new processes have to be ready, and for which both then serve under watch."""

    ready: float = 60.0
    watch: float = 5.0


class Deploy:
    """Pairs of the old and the new process of each program: they change all together or not at all."""

    def __init__(self, pairs: Sequence[tuple[Child, Child]], state: State, patience: Patience) -> None:
        self._pairs = pairs
        self._new = [new for _, new in pairs]
        self._state = state
        self._patience = patience
        self._begun = time.monotonic()
        self._done: list[str] = []
        self._log_from = {new.name: self._log_size(new.name) for new in self._new}

    async def run(self, take_over: Callable[[Child], None]) -> list[str]:
        """What was done, a line each. Raises LocalStackError when the old ones go on."""
        for new in self._new:
            new.rename(f"{new.program.name} (new)")
            new.start()
        try:
            await self._until_ready()
            await self._try_out()
            before = [(await _counts(old), await _counts(new)) for old, new in self._pairs]
            for new in self._new:
                new.open()
            self._tell("the new and the old serve together")
            await self._watch(before)
        except BaseException:
            # What it has in hand is finished; new connections are the old one's again.
            await asyncio.gather(*(new.stop() for new in self._new))
            raise
        for old, new in self._pairs:
            old.rename(f"{old.program.name} (old)")
            new.rename(new.program.name)
            new.on_trial = False
            take_over(new)
        self._tell(f"kept: {self._patience.watch:g} s without an error of its own; the old one drains")
        await asyncio.gather(*(old.stop() for old, _ in self._pairs))
        self._tell("the old one has ended")
        return self._done

    async def _until_ready(self) -> None:
        while not all(new.ready for new in self._new):
            for new in self._new:
                if new.last_exit is not None:
                    raise self._failed(new, f"did not start: {new.last_exit}")
                if not new.ready and time.monotonic() - self._begun > self._patience.ready:
                    raise self._failed(new, f"was not ready within {self._patience.ready:g} s: {new.problem}")
            await asyncio.sleep(_LOOK_EVERY)
        self._tell("ready: " + ", ".join(f"{new.program.name} (pid {new.pid})" for new in self._new))

    async def _try_out(self) -> None:
        for new in self._new:
            path = _TRIED.get(new.program.name)
            if path is None or new.probe_port is None:
                continue
            status = await self._answer(new.probe_port, path)
            if " 200" not in status[:13]:
                raise self._failed(new, f"answered GET {path} with {status}, before anybody else could ask it")

    async def _answer(self, port: int, path: str) -> str:
        """Of a process that is ready; on a busy machine its first answer may take its time."""
        while True:
            try:
                status, _ = await ask_http(port, path)
            except (OSError, TimeoutError) as error:
                if time.monotonic() - self._begun > self._patience.ready:
                    return f"nothing ({error or 'timeout'})"
                await asyncio.sleep(_LOOK_EVERY)
            else:
                return status

    async def _watch(self, before: list[tuple[Answered, Answered]]) -> None:
        until = time.monotonic() + self._patience.watch
        while time.monotonic() < until:
            await asyncio.sleep(min(_LOOK_EVERY, self._patience.watch))
            for (old, new), (old_before, new_before) in zip(self._pairs, before, strict=True):
                if new.last_exit is not None:
                    raise self._failed(new, f"ended while it served: {new.last_exit}")
                counted = await _counts(new) - new_before
                if counted.errors and counted.share > (await _counts(old) - old_before).share + _ALLOWED_SHARE:
                    raise self._failed(new, f"answered {counted.errors} of {counted.all} requests with errors (5xx)")
        await asyncio.gather(*map(self._still_ready, self._new))

    async def _still_ready(self, new: Child) -> None:
        """On a busy machine one look may come late that says nothing about the version: it is asked again."""
        until = time.monotonic() + self._patience.ready
        while not new.ready:
            if new.last_exit is not None:
                raise self._failed(new, f"ended while it served: {new.last_exit}")
            if time.monotonic() > until:
                raise self._failed(new, f"is not ready any more: {new.problem}")
            await asyncio.sleep(_LOOK_EVERY)

    def _failed(self, new: Child, why: str) -> LocalStackError:
        name = new.program.name
        return LocalStackError(
            f"{name}: not deployed, the old one goes on. The new one {why}\n"
            f"what it wrote to {self._state.log(name)}:\n{self._said(name)}"
        )

    def _said(self, name: str) -> str:
        with self._state.log(name).open("rb") as log:
            log.seek(self._log_from[name])
            lines = log.read().decode(errors="replace").splitlines()
        # The old one writes there as well: a line for each request it answers.
        told = [line for line in lines if '"event": "request"' not in line and '"route":' not in line]
        return "\n".join(f"  | {line}" for line in told[-_LINES:]) or "  | (nothing)"

    def _log_size(self, name: str) -> int:
        path = self._state.log(name)
        return path.stat().st_size if path.exists() else 0

    def _tell(self, text: str) -> None:
        self._done.append(f"{time.monotonic() - self._begun:6.1f} s  {text}")


async def _counts(child: Child) -> Answered:
    """Of a process that cannot be asked, nothing."""
    if child.probe_port is None:
        return Answered(0, 0)
    try:
        _, text = await ask_http(child.probe_port, "/metrics")
    except (OSError, TimeoutError):
        return Answered(0, 0)
    return answered_by(text)


async def deploy_asked(supervisor: Supervisor, known: Mapping[str, Program], message: dict[str, Any]) -> list[str]:
    """The command `deploy`: commands and environments of the tree's version, by the names of running programs."""
    unknown = [one["name"] for one in message["programs"] if one["name"] not in known]
    if unknown:
        raise LocalStackError(
            f"there is no process named {unknown[0]!r}: `make down up` starts what is new in the tree"
        )
    programs = [
        replace(known[one["name"]], command=tuple(one["command"]), environment=one["environment"])
        for one in message["programs"]
    ]
    return await supervisor.deploy(programs, Patience(message["ready"], message["watch"]))
