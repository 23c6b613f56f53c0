"""`jobs` and `keys`: a service's own commands for people on call, on the running system's database."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from local_stack import background, embedded
from local_stack.errors import LocalStackError
from local_stack.services import SERVICES
from local_stack.system import fernet_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_stack.state import State


def require_service(name: str | None) -> str:
    """The service that was named. Raises LocalStackError when none was, or none of ours."""
    if name not in SERVICES:
        raise LocalStackError(f"say whose jobs, as in `make jobs S=reports`; there are: {', '.join(SERVICES)}")
    return name


def jobs(state: State, service: str | None, arguments: Sequence[str]) -> int:
    """Run `python -m shared.jobs` as the role of a service; by itself it lists."""
    environment = _environment(state, require_service(service))
    command = [sys.executable, "-m", "shared.jobs", *(arguments or ["list"])]
    return subprocess.run(command, env=environment, check=False).returncode


def keys(state: State, arguments: Sequence[str]) -> int:
    """Run `python -m users.keys` as the role of users; by itself it lists."""
    environment = _environment(state, "users") | {"SIGNING_KEYS_KEY_FILE": str(fernet_key(state, "signing_keys"))}
    command = [sys.executable, "-m", "users.keys", *(arguments or ["list"])]
    return subprocess.run(command, env=environment, check=False).returncode


def _environment(state: State, service: str) -> dict[str, str]:
    if not background.is_running(state):
        raise LocalStackError("nothing is running; `make up` starts it")
    # A file with a secret, if the caller's environment names one, would win over the URL.
    kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL_FILE"}
    return kept | {"DATABASE_URL": embedded.servers(state, os.environ).database_url(service)}
