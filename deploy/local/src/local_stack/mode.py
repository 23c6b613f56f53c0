"""How the system is run: as containers by Compose, or as local processes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError
from local_stack.state import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_stack.state import State

_FILE = "mode.json"
_MODES = ("compose", "local")


def chosen_mode(environment: Mapping[str, str]) -> str:
    """`MODE`, else compose where an engine and Compose answer, else local."""
    mode = environment.get("MODE")
    if mode and mode not in _MODES:
        raise LocalStackError(
            f"MODE={mode} is unknown: it is `compose` or `local`, or unset for what fits this machine"
        )
    usable = compose_answers()
    if mode == "compose" and not usable:
        raise LocalStackError("MODE=compose needs a Docker engine that answers and Compose (`docker compose version`)")
    return mode or ("compose" if usable else "local")


def compose_answers() -> bool:
    """Whether a Docker engine and Compose are usable and there is a compose file."""
    if shutil.which("docker") is None or not (REPOSITORY / "docker-compose.yml").exists():
        return False
    return _quiet("docker", "compose", "version") and _quiet("docker", "info")


def remember(state: State, mode: str) -> None:
    """Note how `up` ran it, so that the other commands turn to the same."""
    state.write(_FILE, {"mode": mode})


def remembered_mode(state: State) -> str:
    """How the last `up` ran it."""
    return state.read(_FILE).get("mode", "local")


def forget(state: State) -> None:
    """Drop the note, after the data was removed."""
    (state.root / _FILE).unlink(missing_ok=True)


def _quiet(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
