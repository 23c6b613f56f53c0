"""The connections of the system, each through a fault proxy of its own, by name: ``orders-worker->postgres``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from chaos.fault_proxy import HOST, FaultProxy


@dataclass(frozen=True)
class Link:
    """One process's way to one server or service."""

    source: str
    target: str
    proxy: FaultProxy

    @property
    def name(self) -> str:
        """How the timeline calls it."""
        return f"{self.source}->{self.target}"


@dataclass
class Links:
    """All of them; made one by one while the table of processes is made."""

    made: list[Link] = field(default_factory=list[Link])

    async def through(self, source: str, target: str, url: str) -> str:
        """A new link: the same URL, led through its proxy."""
        parts = urlsplit(url)
        if parts.port is None:
            raise ValueError(f"the URL of {target} names no port")
        proxy = FaultProxy(parts.port)
        port = await proxy.start()
        self.made.append(Link(source, target, proxy))
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}{HOST}:{port}"))

    async def close(self) -> None:
        """End all proxies."""
        for link in self.made:
            await link.proxy.close()

    def to(self, target: str, *, sources: str = "") -> list[Link]:
        """The links to a server or service whose source's name ends so."""
        return [link for link in self.made if link.target == target and link.source.endswith(sources)]
