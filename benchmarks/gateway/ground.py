"""What stands the same under every candidate, on the load's core: upstream, sink of spans, Redis, issuer."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import Issuer
from benchmarks.gateway.tools import Tools

CONFIGS = Path(__file__).parent / "configs"
# About what a small resource of a service weighs.
ANSWER = (
    '{"id":1,"sku":"GH-0001","name":"A thing that is asked for often","price":"19.99","currency":"EUR",'
    '"stock":42,"created_at":"2026-01-01T00:00:00Z","links":{"self":"/api/v1/things/1"}}'
)


class UnfilledError(Exception):
    """A configuration names a value that nobody gave."""


def filled(template: str, **values: object) -> str:
    """A template with each ``@name@`` filled in."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UnfilledError(f"{template}: {found[1]}")
        return str(values[found[1]])

    return re.sub(r"@([a-z_]+)@", value, (CONFIGS / template).read_text()).rstrip("\n")


@dataclass(frozen=True, slots=True)
class Ground:
    """Ports and folders of a run; ``front`` is the candidate's cores and ``back`` the core of all else."""

    folder: Path
    tools: Tools
    issuer: Issuer
    front: tuple[int, ...]
    back: int
    upstream: int
    spans: int
    status: int
    redis: int
    upstream_pid: int = 0

    def write(self, template: str, folder: Path, **values: object) -> Path:
        """A configuration with each ``@name@`` filled in, as a file in ``folder``."""
        known: dict[str, object] = {
            "upstream": self.upstream,
            "spans": self.spans,
            "status": self.status,
            "redis": self.redis,
            "keys": self.issuer.folder,
            "folder": folder,
            "answer": ANSWER,
            "user": "user root;" if os.geteuid() == 0 else "",
            **values,
        }

        folder.mkdir(parents=True, exist_ok=True)
        written = folder / template
        written.write_text(filled(template, **known) + "\n")
        return written

    def upstream_requests(self) -> int:
        """How many requests the upstream, the sink and this page had so far."""
        with socket.create_connection(("127.0.0.1", self.status), timeout=5) as link:
            link.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b""
            while piece := link.recv(4096):
                text += piece
        return int(text.rpartition(b"requests\n")[2].split()[2])

    def forget_counters(self) -> None:
        """Empty Redis, so that a limit counts from nothing."""
        with socket.create_connection(("127.0.0.1", self.redis), timeout=5) as link:
            link.sendall(b"FLUSHALL\r\n")
            link.recv(64)


@contextmanager
def standing(folder: Path, tools: Tools, front: tuple[int, ...], back: int) -> Iterator[Ground]:
    """Start what stands under the candidates, and stop it."""
    folder.mkdir(parents=True, exist_ok=True)
    # The issuer's keys are new in every run.
    for left in (folder / "seen.log", *folder.glob("tokens-*.txt")):
        left.unlink(missing_ok=True)
    ground = Ground(
        folder, tools, Issuer(folder / "keys"), front, back, free_port(), free_port(), free_port(), free_port()
    )
    config = ground.write("upstream.nginx.conf", folder)
    nginx = Server(
        [*tools.command("nginx"), "-e", "stderr", "-c", config, "-p", folder],
        ground.status,
        [back],
        folder / "upstream.out",
    )
    redis = Server(
        [
            *tools.command("redis"),
            "--port",
            str(ground.redis),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ],
        ground.redis,
        [back],
        folder / "redis.out",
    )
    with nginx, redis:
        yield replace(ground, upstream_pid=nginx.pid)
