"""`jobs`: a service's own command for people on call, on the running system's database."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from local_stack import background, embedded
from local_stack.errors import LocalStackError
from local_stack.servers.roles import SERVICES

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
    name = require_service(service)
    if not background.is_running(state):
        raise LocalStackError("nothing is running; `make up` starts it")
    # A file with a secret, if the caller's environment names one, would win over the URL.
    kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL_FILE"}
    environment = kept | {"DATABASE_URL": embedded.servers(state, os.environ).database_url(name)}
    command = [sys.executable, "-m", "shared.jobs", *(arguments or ["list"])]
    return subprocess.run(command, env=environment, check=False).returncode
