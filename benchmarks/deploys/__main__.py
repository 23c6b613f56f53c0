"""python -m benchmarks.deploys [--times 10]: measure on a system of its own, and write results and table.

With ``SYSTEM=containers`` on containers, else on local processes. Exit status 1 when a request failed.
"""

import argparse
import json
import os
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from container_system import started_in_containers
from e2e_system import System, started

from benchmarks.deploys import table
from benchmarks.deploys.rolling import measure
from benchmarks.gateway.machine import describe

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "benchmarks" / "results" / "deploy.json"


def main() -> int:
    """Run, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deploys", description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="deploys of each")
    times = parser.parse_args().times
    kind = "containers" if os.environ.get("SYSTEM") == "containers" else "processes"
    with _system(kind) as system:
        found = measure(system, times, lambda text: print(f"  {text}", flush=True))
    results: dict[str, Any] = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    results[kind] = {**found, "measured": now, "machine": describe()}
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    table.write(results)
    print(table.render(results))
    for failure in found["failed"]:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if found["failed"] else 0


def _system(kind: str) -> AbstractContextManager[System]:
    if kind == "containers":
        return started_in_containers(_ROOT, LIMITS_SCALE="100000")
    return started(_ROOT, "bench", LIMITS_SCALE="100000")


if __name__ == "__main__":
    sys.exit(main())
