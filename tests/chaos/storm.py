"""One run: load, storm, quiet, and a look at what is left."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from chaos import injecting, looking
from chaos.checker import Violation, Wrong, check
from chaos.load import Load

if TYPE_CHECKING:
    from chaos.end_state import EndState
    from chaos.faults import Fault
    from chaos.ground import Ground
    from chaos.injecting import Done
    from chaos.ledger import Ledger

_WARM_SECONDS = 3.0
_QUIET_SECONDS = 240.0
"""More than a lease, and than the longest pause before a message's last try, take together."""


@dataclass(frozen=True)
class Result:
    """What a run gave; ``begun`` on the monotonic clock."""

    begun: float
    done: list[Done]
    ledger: Ledger
    violations: list[Violation]


async def storm(ground: Ground, faults: list[Fault], seconds: float, seed: int) -> Result:
    """Break the system under load, let it become quiet, and check."""
    await looking.bind_witness(ground)
    async with ground.authority.receiver() as receiver:
        load = Load(ground.gateway, seed, receiver)
        try:
            await load.start()
            await asyncio.sleep(_WARM_SECONDS)
            begun = time.monotonic()
            done = await injecting.run(ground, faults, begun)
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))
            print(f"  {time.monotonic() - begun:6.1f} s  the storm is over; waiting until all is quiet", flush=True)
            violations = await _calm_down(ground, load)
            return Result(begun, done, load.ledger, violations)
        finally:
            await load.close()


async def _calm_down(ground: Ground, load: Load) -> list[Violation]:
    """Let clients and background work end, then check; what does not end within its time is told."""
    began = time.monotonic()
    late: list[Violation] = []
    try:
        await ground.until_ready(_QUIET_SECONDS / 2)
    except TimeoutError as error:
        late.append(Violation(Wrong.UNFINISHED, str(error)))
    # Requests go on until all is ready again, so that every fault has its recovery.
    await asyncio.sleep(1)
    await load.stop()
    print(f"  every client is done after {time.monotonic() - began:.1f} s", flush=True)
    last_seen: dict[str, float] = {}
    while left := _unsettled(await looking.look(ground)) | await _waited_for(load):
        last_seen |= dict.fromkeys(left, time.monotonic() - began)
        if time.monotonic() - began > _QUIET_SECONDS:
            print(f"  still not done: {left}", flush=True)
            break
        await asyncio.sleep(0.5)
    slowest = ", ".join(f"{name} after {seconds:.0f} s" for name, seconds in last_seen.items())
    print(f"  all is done after {time.monotonic() - began:.1f} s" + (f"; {slowest}" if slowest else ""), flush=True)
    state = await looking.look(ground)
    state.events = await looking.hear_witness(ground)
    state.reports = await looking.with_files(load, state.reports)
    state.hooks = [await hook.row() for hook in load.hooks]
    state.avatars = [await sitter.row() for sitter in load.sitters]
    violations = late + check(load.ledger, load.stock, state)
    print(f"  checked after {time.monotonic() - began:.1f} s, {len(state.events)} events heard", flush=True)
    return violations


async def _waited_for(load: Load) -> dict[str, int]:
    """What is still to come from outside: deliveries, and the clocks' last times, after which they are stopped."""
    try:
        # Those who wait for minutes are asked for by hand: all that is tried is that none is forgotten.
        pending = sum([len(await hook.pending()) for hook in load.hooks])
        for hook in load.hooks:
            await hook.hasten()
        running = sum([not await planner.has_ended() for planner in load.planners])
    except httpx.HTTPError as error:
        return {f"an answer ({error})": 1}
    return {name: count for name, count in {"deliveries": pending, "clocks": running}.items() if count}


def _unsettled(state: EndState) -> dict[str, int]:
    """What is still to be done, by its name."""
    # A queue's count leaves out what a consumer has in hand, so that the read model itself is asked.
    behind = len(set(state.orders) ^ set(state.seen_orders))
    behind += len(
        {(row.id, row.version) for row in state.products} ^ {(row.id, row.version) for row in state.seen_products}
    )
    counts = state.undone | state.waiting_messages | {"read model": behind, "jobs": len(state.unfinished_jobs)}
    return {name: count for name, count in counts.items() if count and not name.endswith(".parked")}
