"""`make chaos`: break the system at random under load, and prove that nothing is lost and nothing doubled."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

from chaos.faults import Fault, draw
from chaos.ground import clean, standing
from chaos.storm import Result, storm
from chaos.table import facts, table, timeline
from local_stack.state import REPOSITORY, State

_SECONDS_A_FAULT = 4.0


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when nothing was lost, doubled or left undone, 1 when something was, 2 for a wrong wish."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, help="of the storm; by default 4 for each fault, 600 from 100 faults on"
    )
    parser.add_argument("--seed", type=int, help="repeats a run's faults and load; by default a new one")
    parser.add_argument("--only", default="", help="of all faults those that contain this: 'restart gateway'")
    parser.add_argument("--keep", action="store_true", help="the logs also of a run that went well")
    parser.add_argument("--state", type=Path, default=REPOSITORY / ".state" / "chaos")
    given = parser.parse_args(arguments)
    seconds = given.seconds or (600.0 if given.faults >= 100 else given.faults * _SECONDS_A_FAULT)
    seed = given.seed if given.seed is not None else secrets.randbelow(100_000)
    try:
        faults = draw(seed, given.faults, seconds, given.only)
    except ValueError as error:
        parser.error(str(error))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    state = State(given.state.absolute())
    clean(state)
    kept = state.root.with_name(f"{state.root.name}-{seed}")
    shutil.rmtree(kept, ignore_errors=True)
    _log_to(state)
    try:
        result = asyncio.run(_run(state, faults, seconds, seed))
    except BaseException:
        _keep_logs(state, kept, f"seed {seed}")
        raise
    passed = _tell(result, seed, seconds, given.only, kept)
    if given.keep or not passed:
        told = timeline(result.done, result.ledger, result.begun)
        _keep_logs(state, kept, f"{told}\n{facts(result.violations)}")
    clean(state)
    return 0 if passed else 1


async def _run(state: State, faults: list[Fault], seconds: float, seed: int) -> Result:
    print(f"chaos: seed {seed}, {len(faults)} faults in {seconds:.0f} s", flush=True)
    began = time.monotonic()
    async with standing(state) as ground:
        print(f"  {time.monotonic() - began:6.1f} s  the system is up: two of each service and worker", flush=True)
        return await storm(ground, faults, seconds, seed)


def _tell(result: Result, seed: int, seconds: float, only: str, kept: Path) -> bool:
    print(f"the faults:\n{timeline(result.done, result.ledger, result.begun)}")
    print(table(result.done, result.ledger, result.violations))
    if not result.violations:
        print(f"nothing lost, nothing doubled (seed {seed})", flush=True)
        return True
    print(f"what contradicts:\n{facts(result.violations)}")
    again = f"make chaos FAULTS={len(result.done)} SECONDS={seconds:g} SEED={seed}{f' ONLY={only!r}' if only else ''}"
    print(f"FAILED with seed {seed}: {again} repeats it; the logs are in {kept}", flush=True)
    return False


def _log_to(state: State) -> None:
    """What the supervisor tells of processes that end is a log like theirs, and no part of the table."""
    handler = logging.FileHandler(state.log("supervisor"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[handler])
    for loud in ("httpx", "aio_pika", "aiormq"):
        logging.getLogger(loud).setLevel(logging.WARNING)


def _keep_logs(state: State, kept: Path, told: str) -> None:
    logs = state.root / "logs"
    if logs.exists():
        shutil.copytree(logs, kept, dirs_exist_ok=True)
        (kept / "told.txt").write_text(told + "\n")


if __name__ == "__main__":
    sys.exit(main())
