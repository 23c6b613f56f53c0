"""`python -m benchmarks.gateway`; the Makefile's targets call it."""

import argparse
import os
import signal
import sys
from pathlib import Path

from benchmarks.gateway import profile
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.ground import standing
from benchmarks.gateway.tools import MissingError, Tools

_STATE = Path(__file__).parents[2] / ".state" / "bench"


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when it worked."""
    parser = argparse.ArgumentParser(prog="benchmarks.gateway", description=__doc__)
    parser.add_argument("--state", type=Path, default=_STATE, help="folder for programs, configurations and logs")
    parser.add_argument("--front", default="0", help="core of the candidate")
    parser.add_argument("--back", type=int, default=1, help="core of all else")
    commands = parser.add_subparsers(dest="command", required=True)
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
    front = tuple(int(core) for core in given.front.split(","))
    tools = Tools(given.state)
    try:
        with standing(given.state / f"run-{os.getpid()}", tools, front, given.back) as ground:
            if given.command == "quick":
                profile.quick(ground, given.names, given.seconds, mixed=given.mixed)
            else:
                profile.quick(ground, [given.name, "nginx"], given.seconds, mixed=given.mixed)
                profile.profile(ground, CANDIDATES[given.name], given.seconds, mixed=given.mixed, perf=given.perf)
    except MissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
