"""A real streaming replica of the tests' Postgres: a base copy that follows the primary's log."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.testing.ports import free_port
from shared.testing.servers import Servers
from shared.testing.waiting import eventually

_NOBODY = 65_534


class StreamingReplica:
    """The server: its replay can be paused, it can be frozen and thawed, and killed."""

    def __init__(self, servers: Servers, process: subprocess.Popen[bytes], port: int) -> None:
        self._servers = servers
        self._process = process
        self._port = port

    def at(self, url: str) -> str:
        """The same database and role as ``url`` names, here."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self._port}"))

    async def pause(self) -> None:
        """From now on it shows the past."""
        await self._run("SELECT pg_wal_replay_pause()")
        await eventually(lambda: self._run("SELECT pg_get_wal_replay_pause_state()"), "paused")

    async def resume(self) -> None:
        """It catches up."""
        await self._run("SELECT pg_wal_replay_resume()")

    def freeze(self) -> None:
        """It answers nothing and closes nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, with every connection."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        # Each backend leads a process group of its own. The first process first: it makes no others then.
        self._process.send_signal(number)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self._process.pid:
                    os.kill(int(stat.parent.name), number)

    async def _run(self, sql: str) -> object:
        connection = await asyncpg.connect(self.at(self._servers.postgres), timeout=30)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


def programs() -> Path | None:
    """Where ``pg_basebackup`` and ``postgres`` are; None when they are not here (a wheel has the server alone)."""
    found = shutil.which("pg_basebackup")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    needed = ("pg_basebackup", "postgres")
    return next((place for place in places if all((place / one).exists() for one in needed)), None)


@asynccontextmanager
async def streaming_replica(servers: Servers) -> AsyncIterator[StreamingReplica]:
    """A replica of the whole server for as long as the block runs; it has caught up with the start of it."""
    binaries = programs()
    if binaries is None:
        raise RuntimeError("pg_basebackup is not here")
    # Not pytest's folder, which another user can't walk into: Postgres refuses root.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="gatehouse-replica-") as folder:
        place, port = Path(folder), free_port()
        user = _NOBODY if os.geteuid() == 0 else None
        if user is not None:
            os.chown(place, user, user)
        process = await asyncio.to_thread(_start, binaries, servers, place, port, user)
        replica = StreamingReplica(servers, process, port)
        try:
            await eventually(partial(_answers, process, place / "log", replica.at(servers.postgres)))
            yield replica
        finally:
            if process.poll() is None:
                replica.kill()


def _start(binaries: Path, servers: Servers, place: Path, port: int, user: int | None) -> subprocess.Popen[bytes]:
    data = place / "data"
    groups: list[int] | None = None if user is None else []
    copy = ["--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"]
    subprocess.run(  # noqa: S603 - Postgres's own command
        [str(binaries / "pg_basebackup"), f"--dbname={servers.postgres}", f"--pgdata={data}", *copy],
        check=True,
        capture_output=True,
        timeout=300,
        cwd=place,
        user=user,
        group=user,
        extra_groups=groups,
    )
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    # At least the primary's, or it would not follow it.
    options |= {"max_connections": 1000}
    options |= {"cluster_name": f"replica_{secrets.token_hex(4)}", "wal_retrieve_retry_interval": "200ms"}
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - the same
            [str(binaries / "postgres"), "-D", str(data), *words],
            stdout=log,
            stderr=log,
            cwd=place,
            user=user,
            group=user,
            extra_groups=groups,
        )


async def _answers(process: subprocess.Popen[bytes], log: Path, url: str) -> bool:
    if process.poll() is not None:
        raise RuntimeError(await asyncio.to_thread(log.read_text))
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
