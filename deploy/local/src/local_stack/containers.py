"""Compose mode: what the commands do when the system runs as containers of the root docker-compose.yml."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from local_stack import mode, on_call_commands, parked_messages
from local_stack.errors import LocalStackError
from local_stack.lifecycle import welcome
from local_stack.ports import HOST, require_free
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY, State
from local_stack.system_ports import SystemPorts

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

_PORTS = "compose.json"
_SECRETS = REPOSITORY / "deploy" / "compose" / "generate_secrets.py"
_LOGS = "make logs S=orders"
_PUBLISHED = ("gateway", *SERVICES, "traces")
_ALL = ("--profile", "*")  # else what a profile started would stay
_ARGUMENTS = {
    "down": (*_ALL, "down"),
    "logs": ("logs",),
    "restart": ("restart",),
    "stop": ("stop",),
    "start": ("up", "--detach", "--wait", "--no-deps", "--no-recreate"),
}
_COLUMNS = "table {{.Service}}\t{{.Status}}\t{{.RunningFor}}\t{{.Ports}}"


def up(state: State, *, ports_known: Callable[[], None]) -> int:
    """Build, start and return when every container is healthy; when all are, only say so.

    `ports_known` is called once it is sure that it can start: the ports are free or already ours.
    """
    begun = time.monotonic()
    listed = _listed(state)
    if _all_ready(listed):
        ports = SystemPorts(state.read(_PORTS))
        ports.require_asked(os.environ)
        print(f"Gatehouse is up already: nothing to do. All {len(listed)} containers are ready.")
        welcome(ports, logs=_LOGS)
        return 0
    ports = SystemPorts.of(os.environ)
    if not any(container["State"] == "running" for container in listed):
        _require_free(ports)
    ports_known()
    print(f"Bringing Gatehouse up as containers (secrets in {state.root / 'compose' / 'secrets'})", flush=True)
    subprocess.run([sys.executable, str(_SECRETS), str(state.root)], check=True)
    state.write(_PORTS, dict(ports.chosen))
    if _compose(state, "up", "--detach", "--build", "--wait"):
        _tell_why(state)
        return 1
    print(f"  {time.monotonic() - begun:6.1f} s  all ready", flush=True)
    welcome(ports, logs=_LOGS)
    return 0


def run(chosen: Namespace, state: State) -> int:
    """Any other command."""
    match chosen.command:
        case "clean":
            return _clean(state)
        case "status":
            return _status(state, as_json=chosen.json)
        case "mail":
            print(f"The mails that were sent: http://{HOST}:{SystemPorts(state.read(_PORTS)).mail + 1}")
            return 0
        case "jobs":
            worker = f"{on_call_commands.require_service(chosen.name)}-worker"
            list_or_more = chosen.arguments or ["list"]
            return _compose(state, "exec", "--no-TTY", worker, "python", "-m", "shared.jobs", *list_or_more)
        case "keys" | "parked":
            return _compose(state, "exec", "--no-TTY", *_on_call(chosen))
        case command:
            return _compose(state, *_ARGUMENTS[command], *_options(chosen))


def _on_call(chosen: Namespace) -> list[str]:
    if chosen.command == "keys":
        return ["users-worker", "python", "-m", "users.keys", *(chosen.arguments or ["list"])]
    return ["orders-worker", "python", "-m", "shared.parked", *parked_messages.arguments_or_all(chosen.arguments)]


def _options(chosen: Namespace) -> list[str]:
    name = [chosen.name] if getattr(chosen, "name", None) else []
    if chosen.command != "logs":
        return name
    return ["--tail", str(chosen.lines), *(["--follow"] if chosen.follow else []), *name]


def _require_free(ports: SystemPorts) -> None:
    for name in _PUBLISHED:
        require_free(ports.chosen[name], f"{name.upper()}_PORT")
    require_free(ports.mail + 1, "MAIL_PORT")


def _clean(state: State) -> int:
    """Stop it and remove the volumes, and the secrets that their content was made with."""
    status = _compose(state, *_ALL, "down", "--volumes")
    if status == 0:
        shutil.rmtree(state.root / "compose", ignore_errors=True)
        (state.root / _PORTS).unlink(missing_ok=True)
        mode.forget(state)
        print("Removed the volumes and the secrets.")
    return status


def _status(state: State, *, as_json: bool) -> int:
    """Show every container; as with local processes, 0 only when all are ready, and always 0 as JSON."""
    listed = _listed(state)
    if as_json:
        print(json.dumps([_program(container) for container in listed], indent=2))
        return 0
    if not listed:
        print("Nothing is running. `make up` starts it.")
        return 1
    _compose(state, "ps", "--all", "--format", _COLUMNS)
    return 0 if _all_ready(listed) else 1


def _tell_why(state: State) -> None:
    """The last lines of those that are not well."""
    for container in _listed(state):
        if not _ready(container):
            print(f"{container['Service']} is {container['State']} {container['Health']}:", file=sys.stderr, flush=True)
            _compose(state, "logs", "--no-log-prefix", "--tail", "25", container["Service"])


def _program(container: dict[str, Any]) -> dict[str, Any]:
    published = [port["PublishedPort"] for port in container.get("Publishers") or [] if port["PublishedPort"]]
    return {
        "name": container["Service"],
        "ready": _ready(container),
        "port": published[0] if published else None,
        "status": container["Status"],
    }


def _all_ready(containers: list[dict[str, Any]]) -> bool:
    return any(container["Service"] == "gateway" for container in containers) and all(map(_ready, containers))


_DONE_ONCE = {"postgres-roles", *(f"{service}-migrations" for service in SERVICES)}


def _ready(container: dict[str, Any]) -> bool:
    """Healthy, or running where its image has no probe, or done with its one task."""
    if container["State"] == "exited":
        return container["Service"] in _DONE_ONCE and container["ExitCode"] == 0
    return container["State"] == "running" and container["Health"] in {"healthy", ""}


def _listed(state: State) -> list[dict[str, Any]]:
    command = compose_command(state, "ps", "--all", "--format", "json")
    try:
        result = subprocess.run(command, env=compose_environment(state), capture_output=True, text=True, check=False)
    except OSError as error:
        raise LocalStackError(f"docker compose doesn't run: {error}") from error
    if result.returncode:
        raise LocalStackError(f"docker compose ps failed: {result.stderr.strip()}")
    # An object a line since Compose 2.21, one list before.
    values = [json.loads(line) for line in result.stdout.splitlines() if line.strip()]
    return [container for value in values for container in (value if isinstance(value, list) else [value])]


def _compose(state: State, *arguments: str) -> int:
    try:
        return subprocess.run(
            compose_command(state, *arguments), env=compose_environment(state), check=False
        ).returncode
    except KeyboardInterrupt:
        return 0


def compose_command(state: State, *arguments: str) -> list[str]:
    """``docker compose`` for the project of this state folder."""
    return ["docker", "compose", "--project-name", _project(state), "--project-directory", str(REPOSITORY), *arguments]


def _project(state: State) -> str:
    """One project a state folder, so that two systems run at the same time; plain in the usual folder."""
    if named := os.environ.get("COMPOSE_PROJECT_NAME"):
        return named
    if state.root == REPOSITORY / ".state":
        return "gatehouse"
    return f"gatehouse-{hashlib.sha256(str(state.root).encode()).hexdigest()[:8]}"


def compose_environment(state: State) -> dict[str, str]:
    """What docker-compose.yml is filled in with: the ports it was started with, and the folder of the secrets."""
    ports: dict[str, int] = state.read(_PORTS) or dict(SystemPorts.of(os.environ).chosen)
    return (
        dict(os.environ)
        | {f"{name.upper()}_PORT": str(port) for name, port in ports.items()}
        | {"MAIL_PAGE_PORT": str(ports["mail"] + 1), "GATEHOUSE_STATE": str(state.root)}
    )
