"""``REDIS_URL`` of a cluster: ``redis+cluster://[user:password@]host:port,host:port,...``, some of its nodes.

``rediss+cluster://`` is the same over TLS. The nodes named are asked for the others; one is enough while it lives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote

_PLAIN, _ENCRYPTED = "redis+cluster", "rediss+cluster"
_DEFAULT_PORT = 6379
_HIGHEST_PORT = 65535

Place = tuple[str, int]


def is_cluster(url: str | None) -> bool:
    """Whether the URL names a cluster and not one server."""
    return url is not None and url.partition("://")[0] in (_PLAIN, _ENCRYPTED)


@dataclass(frozen=True)
class ClusterAddress:
    """``seeds`` are (host, port); the rest holds for every node."""

    seeds: tuple[Place, ...]
    username: str
    password: str = field(repr=False)
    encrypted: bool

    @classmethod
    def parse(cls, url: str) -> ClusterAddress:
        """Raises ValueError, which names what is wrong and never the password."""
        scheme, _, rest = url.partition("://")
        if not is_cluster(url):
            raise ValueError(f"must begin with {_PLAIN}:// or {_ENCRYPTED}://")
        rest, _, path = rest.partition("/")
        if path not in ("", "0"):
            raise ValueError("names a database: a Redis cluster has the database 0 only")
        credentials, _, hosts = rest.rpartition("@")
        username, _, password = credentials.partition(":")
        seeds = tuple(_place(text) for text in hosts.split(","))
        return cls(seeds, unquote(username), unquote(password), scheme == _ENCRYPTED)

    def url_of(self, place: Place) -> str:
        """The URL of one node."""
        host, port = place
        credentials = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.password else ""
        host = f"[{host}]" if ":" in host else host
        return f"{'rediss' if self.encrypted else 'redis'}://{credentials}{host}:{port}/0"


def place_of(text: str) -> Place:
    """``host:port``, where an IPv6 address may come without brackets, as a node tells it. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _place(text: str) -> Place:
    text = text.strip()
    bare = ":" not in text.rpartition("]")[2]
    try:
        host, port = place_of(f"{text}:{_DEFAULT_PORT}" if bare else text)
    except ValueError:
        raise ValueError("has a node whose port is no number: host:port,host:port") from None
    if not host or not 0 < port <= _HIGHEST_PORT:
        raise ValueError("has a node without a host or with a port that is none: host:port,host:port")
    return host, port
