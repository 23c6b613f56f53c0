"""nginx: a plain proxy, and a cache."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port


def _server(setting: Setting) -> Server:
    ground, port = setting.ground, free_port()
    config = ground.write("nginx.conf", setting.folder, port=port)
    return Server(
        [*ground.tools.command("nginx"), "-e", "stderr", "-c", config, "-p", setting.folder],
        port,
        ground.front,
        setting.folder / "nginx.out",
    )


def version(ground: Ground) -> str:
    """As it says itself."""
    return ground.tools.version("nginx", "-v").removeprefix("nginx version: ")


NGINX = Candidate(
    name="nginx",
    title="nginx, proxy_pass",
    work="forwards over kept-alive connections; request id, access log",
    leaves_out="token, limit, metrics by route, tracing, standing headers",
    start=_server,
    version=version,
    mixed=True,
)


def _memory(setting: Setting) -> Path:
    shared = Path("/dev/shm")  # noqa: S108 - the tmpfs that every Linux has
    parent = shared if os.access(shared, os.W_OK) else setting.folder
    return parent / f"gateway-bench-{os.getpid()}"


@contextmanager
def _cache(setting: Setting) -> Iterator[Server]:
    ground, port, memory = setting.ground, free_port(), _memory(setting)
    config = ground.write("nginx_cache.conf", setting.folder, port=port, memory=memory)
    command = [*ground.tools.command("nginx"), "-e", "stderr", "-c", config, "-p", setting.folder]
    try:
        with Server(command, port, ground.front, setting.folder / "nginx.out") as server:
            yield server
    finally:
        shutil.rmtree(memory, ignore_errors=True)


NGINX_CACHE = Candidate(
    name="nginx_cache",
    title="nginx, proxy_cache",
    work="answers from its cache (files on tmpfs, kept open); request id, access log",
    leaves_out="metrics by route, tracing, standing headers",
    start=_cache,
    version=version,
    path="/api/v1/cacheable/1",
    forwards=False,
    mixed=True,
)
NGINX_304 = replace(
    NGINX_CACHE,
    name="nginx_304",
    title="nginx, proxy_cache, 304",
    work="as proxy_cache, 304",
    condition='"one"',
    mixed=False,
)
