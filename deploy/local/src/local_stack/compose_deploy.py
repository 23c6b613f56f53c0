"""`deploy` where the system runs as containers: a stand-in of the new image beside the real one while that is replaced.

A service's port can be published by one container alone, so the real one has to end before its successor begins. In
between the stand-in serves under the same name in the networks: the gateway's connects try each address of the name.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from local_stack import containers
from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_stack.state import State

_LOOK_EVERY = 0.5


def deploy(state: State, names: Sequence[str], *, ready: float, watch: float) -> int:
    """Replace the containers of a service; the old ones stay when the new image does not get healthy.

    Raises LocalStackError with what and why. The gateway is not replaced like that: clients reach it by its port.
    """
    if "gateway" in names:
        raise LocalStackError(
            "with containers the gateway's port is one container's: put the edge in front of two (deploy/edge)"
        )
    service, begun = names[0], time.monotonic()
    migrations = f"{service}-migrations"
    _compose(state, "build", migrations, *names)
    # They only expand the schema: the old version goes on with it.
    _compose(state, "run", "--rm", "--no-deps", migrations)
    stand_in = _compose(state, "run", "--detach", "--no-deps", "--use-aliases", service).splitlines()[-1].strip()
    try:
        _until_healthy(stand_in, service, ready, watch)
        print(f"  {time.monotonic() - begun:6.1f} s  a stand-in of the new {service} is healthy")
        # The stand-in serves while these are away; the same image again is a deploy too.
        _compose(state, "up", "--detach", "--no-deps", "--force-recreate", "--wait", *_patient(ready), *names)
        print(f"  {time.monotonic() - begun:6.1f} s  {', '.join(names)}: replaced, healthy")
    finally:
        _docker("stop", stand_in)
        _docker("rm", "--force", stand_in)
    print(f"{service} is deployed")
    return 0


def _patient(seconds: float) -> tuple[str, str]:
    return "--wait-timeout", str(round(seconds))


def _until_healthy(container: str, service: str, ready: float, watch: float) -> None:
    """Healthy in time, and still so after the watch."""
    deadline, since = time.monotonic() + ready, None
    while since is None or time.monotonic() < since + watch:
        found = json.loads(_docker("inspect", "--format", "{{json .State}}", container))
        health = found.get("Health", {}).get("Status", "healthy")
        if found["Status"] != "running" or health == "unhealthy" or (since is None and time.monotonic() > deadline):
            said = _docker("logs", "--tail", "12", container)
            raise LocalStackError(
                f"{service}: not deployed, the old one goes on. The new one is {found['Status']}, {health}:\n{said}"
            )
        if since is None and health == "healthy":
            since = time.monotonic()
        time.sleep(_LOOK_EVERY)


def _compose(state: State, *arguments: str) -> str:
    return _run(containers.compose_command(state, *arguments), containers.compose_environment(state))


def _docker(*arguments: str) -> str:
    return _run(["docker", *arguments], None)


def _run(command: Sequence[str], environment: dict[str, str] | None) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalStackError(f"{' '.join(command[:6])} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout or done.stderr
