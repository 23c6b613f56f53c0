"""``REDIS_URL``: one server, or a cluster as ``redis+cluster://[user:password@]host:port,host:port,...``.

``rediss+cluster://`` is the same over TLS. The nodes named are asked for the others; one is enough while it lives.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote

ONE_SERVER = ("redis", "rediss", "unix")
_PLAIN, _ENCRYPTED = "redis+cluster", "rediss+cluster"
_DEFAULT_PORT = 6379
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class ClusterUrl:
    """``seeds`` are (host, port); the rest holds for every node."""

    seeds: tuple[tuple[str, int], ...]
    username: str
    password: str = field(repr=False)
    encrypted: bool


def is_cluster(url: str) -> bool:
    """Whether the URL names a cluster and not one server."""
    return url.partition("://")[0] in (_PLAIN, _ENCRYPTED)


def cluster_url(url: str) -> ClusterUrl:
    """Of a cluster. Raises ValueError, which names what is wrong and never the password."""
    scheme, _, rest = url.partition("://")
    rest, _, path = rest.partition("/")
    if path not in ("", "0"):
        raise ValueError("names a database: a Redis cluster has the database 0 only")
    credentials, _, hosts = rest.rpartition("@")
    username, _, password = credentials.partition(":")
    seeds = tuple(_seed(text.strip()) for text in hosts.split(","))
    return ClusterUrl(seeds, unquote(username), unquote(password), scheme == _ENCRYPTED)


def checked(url: str) -> str:
    """The URL as it is. Raises ValueError when it can be neither."""
    if is_cluster(url):
        cluster_url(url)
    elif url.partition("://")[0] not in ONE_SERVER:
        raise ValueError("must begin with redis:// or rediss://, or name a cluster by redis+cluster://host:port,...")
    return url


def _seed(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or "]" in port:
        host, port = text, str(_DEFAULT_PORT)
    if not host.strip("[]") or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ValueError("has a node without a host or with a port that is none: host:port,host:port")
    return host.strip("[]"), int(port)
