"""`python -m benchmarks.gateway`; the Makefile's targets call it."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

from benchmarks.gateway import profile, results, tables
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.compare import beside, compare
from benchmarks.gateway.ground import Ground, standing
from benchmarks.gateway.tools import MissingError, Tools

_STATE = Path(__file__).parents[2] / ".state" / "bench"


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when it worked."""
    parser = argparse.ArgumentParser(prog="benchmarks.gateway", description=__doc__)
    parser.add_argument("--state", type=Path, default=_STATE, help="folder for programs, configurations and logs")
    parser.add_argument("--front", default="0", help="core of the candidate")
    parser.add_argument("--back", type=int, default=1, help="core of all else")
    commands = parser.add_subparsers(dest="command", required=True)
    every = commands.add_parser("compare", help="all candidates, or some without writing results")
    every.add_argument("names", nargs="*", help="none: all, and the results are written")
    more = commands.add_parser("beside", help="latency at a fixed rate, workers, large bodies, idle connections, soak")
    more.add_argument("--soak", type=float, default=0.0, help="seconds of the soak; none without")
    for each in (every, more):
        each.add_argument("--rounds", type=int, default=3)
        each.add_argument("--seconds", type=int, default=5, help="of one run")
    commands.add_parser("tables", help="write the tables of docs/benchmarks.md from the results again")
    quick = commands.add_parser("quick", help="requests a second and CPU time a request of some candidates")
    quick.add_argument("names", nargs="*", default=["bare", "policy", "nginx"])
    spy = commands.add_parser("profile", help="where the time goes")
    spy.add_argument("name", nargs="?", default="policy")
    spy.add_argument("--perf", action="store_true", help="the kernel's side too")
    for each in (quick, spy):
        each.add_argument("--seconds", type=float, default=5.0)
        each.add_argument("--mixed", action="store_true", help="many users on many paths")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.command == "tables":
        tables.write(results.read())
        return 0
    front = tuple(int(core) for core in given.front.split(","))
    if absent := {*front, given.back} - os.sched_getaffinity(0):
        print(f"error: a core for the candidate and one for the load are needed; there is no {absent}", file=sys.stderr)
        return 2
    state = given.state.absolute()
    _tidy(state)
    folder = state / f"run-{os.getpid()}"
    try:
        with standing(folder, Tools(state), front, given.back) as ground:
            good = _run(given, ground)
    except MissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if given.command != "profile":
        shutil.rmtree(folder)
    return 0 if good else 1


def _tidy(state: Path) -> None:
    # What a profile or a run that was cut off left, until the next run.
    for folder in state.glob("run-*"):
        if not Path("/proc", folder.name.removeprefix("run-")).exists():
            shutil.rmtree(folder)


def _run(given: argparse.Namespace, ground: Ground) -> bool:
    if given.command == "compare":
        return compare(ground, given.names, given.rounds, given.seconds)
    if given.command == "beside":
        beside(ground, given.rounds, given.seconds, given.soak)
        return True
    if given.command == "quick":
        profile.quick(ground, given.names, given.seconds, mixed=given.mixed)
        return True
    profile.quick(ground, [given.name, "nginx"], given.seconds, mixed=given.mixed)
    profile.profile(ground, CANDIDATES[given.name], given.seconds, mixed=given.mixed, perf=given.perf)
    return True


if __name__ == "__main__":
    sys.exit(main())
