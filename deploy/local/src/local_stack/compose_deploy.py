"""`deploy` where the system runs as containers: a stand-in of the new image beside the real one while that is replaced.

A service's port can be published by one container alone, so the real one has to end before its successor begins. In
between the stand-in serves under the same name in the networks: the gateway's connects try each address of the name.
The gateway's own port is its doorway's, which is not replaced (docs/adr/0044): each gateway serves the same socket, the
stand-in once it was found ready.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from local_stack import containers
from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_stack.state import State

_LOOK_EVERY = 0.5


def deploy(state: State, names: Sequence[str], settings: Mapping[str, str], *, ready: float, watch: float) -> int:
    """Replace the containers of a service; the old ones stay when the new image does not get healthy.

    ``settings`` are for what docker-compose.yml hands on. Raises LocalStackError with what and why.
    """
    compose = _Compose(state, settings)
    compose.require_taken()
    service, begun = names[0], time.monotonic()
    held = service == "gateway"
    migrations = [] if held else [f"{service}-migrations"]
    compose("build", *migrations, *names)
    for step in migrations:
        # They only expand the schema: the old version goes on with it.
        compose("run", "--rm", "--no-deps", step)
    own = ("--env", "HTTP_HOLD=true") if held else ()
    stand_in = compose("run", "--detach", "--no-deps", "--use-aliases", *own, service).splitlines()[-1].strip()
    try:
        _until_healthy(stand_in, service, ready, 0)
        if held:
            _docker("kill", "--signal", "USR1", stand_in)
        _until_healthy(stand_in, service, ready, watch)
        print(f"  {time.monotonic() - begun:6.1f} s  a stand-in of the new {service} is healthy")
        # The stand-in serves while these are away; the same image again is a deploy too.
        compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", *_patient(ready), *names)
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


class _Compose:
    """Compose for the project of a state folder, with further settings; what it says."""

    def __init__(self, state: State, settings: Mapping[str, str]) -> None:
        self._state, self._settings = state, settings
        self._environment = containers.compose_environment(state)

    def __call__(self, *arguments: str) -> str:
        return self._with(self._settings, *arguments)

    def require_taken(self) -> None:
        """Raises LocalStackError for a setting that docker-compose.yml hands on to nobody, as far as one can see."""
        for name, value in self._settings.items():
            if name not in self._environment and self._with({name: value}, "config") == self._with({}, "config"):
                raise LocalStackError(f"--set {name}: docker-compose.yml hands no setting of this name on")

    def _with(self, settings: Mapping[str, str], *arguments: str) -> str:
        return _run(containers.compose_command(self._state, *arguments), self._environment | dict(settings))


def _docker(*arguments: str) -> str:
    return _run(["docker", *arguments], None)


def _run(command: Sequence[str], environment: dict[str, str] | None) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalStackError(f"{' '.join(command[:6])} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout or done.stderr
