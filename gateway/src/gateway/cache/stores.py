"""Where the second tier keeps answers: one server, by the commands and the keys of one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import hiredis

from gateway.limits.redis_link import RedisLink

if TYPE_CHECKING:
    from gateway.cache.entry import Key
    from gateway.limits.redis_link import OnReply

# Of a path, and of all.
Generation = tuple[bytes, bytes]

PREFIX = b"gatehouse:cache:"
ALL = PREFIX + b"generation"
NEWS = PREFIX + b"news"
# No answer stays longer, and a generation outlives every answer that was kept under another.
LONGEST_MS = 86_400_000
_GENERATION_MS = 3 * LONGEST_MS
_NEWS_KEPT = 10_000

PUT = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] or (redis.call('GET', KEYS[3]) or '') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
"""


class Connection(Protocol):
    """To one server, or to all of a cluster."""

    @property
    def up(self) -> bool:
        """Whether anything is there to ask."""
        ...

    def start(self) -> None:
        """Begin to connect."""
        ...

    def stop(self) -> None:
        """Hang up."""
        ...


class Store(Protocol):
    """Callbacks get the reply or an exception, as those of RedisLink do."""

    @property
    def link(self) -> Connection:
        """Whose state is the store's."""
        ...

    def read(self, key: Key, path: bytes, on_reply: OnReply) -> Callable[[], None]:
        """The value of an answer, the generation of its path and of all; what comes back gives the question up."""
        ...

    def write(self, key: Key, path: bytes, generation: Generation, value: bytes, ttl: int) -> None:
        """Keep it for ``ttl`` milliseconds unless ``path`` has another generation by now."""
        ...

    def renew(self, path: bytes | None, token: str, on_reply: OnReply) -> None:
        """Another generation of the path, or of all."""
        ...

    def tell(self, sender: bytes, what: bytes, value: bytes, on_reply: OnReply) -> None:
        """Write it into the news."""
        ...


class OneServer:
    """See Store."""

    def __init__(self, url: str, on_up: Callable[[], None]) -> None:
        self.link = RedisLink(url, PUT, name="cache", on_up=on_up)

    def read(self, key: Key, path: bytes, on_reply: OnReply) -> Callable[[], None]:
        """See Store."""
        self.link.call(b"MGET", _entry(key), _generation(path), ALL, on_reply=on_reply)
        return self.link.drop

    def write(self, key: Key, path: bytes, generation: Generation, value: bytes, ttl: int) -> None:
        """See Store."""
        rest = (3, _entry(key), _generation(path), ALL, *generation, value, ttl)

        def on_reply(reply: Any) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                self.link.call("EVAL", PUT, *rest, on_reply=ignored)

        self.link.call("EVALSHA", self.link.script_sha, *rest, on_reply=on_reply)

    def renew(self, path: bytes | None, token: str, on_reply: OnReply) -> None:
        """See Store."""
        key = ALL if path is None else _generation(path)
        self.link.call(*renewal(key, token), on_reply=on_reply)

    def tell(self, sender: bytes, what: bytes, value: bytes, on_reply: OnReply) -> None:
        """See Store."""
        for command, then in news(sender, what, value, on_reply):
            self.link.call(*command, on_reply=then)


def renewal(key: bytes, token: str) -> tuple[bytes | str | int, ...]:
    """The command that gives ``key`` another generation."""
    return (b"SET", key, token, b"PX", _GENERATION_MS)


def news(
    sender: bytes, what: bytes, value: bytes, on_reply: OnReply
) -> tuple[tuple[tuple[bytes | int, ...], OnReply], ...]:
    """The commands that tell the other processes, and who gets their replies."""
    told = (b"XADD", NEWS, b"MAXLEN", b"~", _NEWS_KEPT, b"*", b"by", sender, what, value)
    return (told, on_reply), ((b"PEXPIRE", NEWS, _GENERATION_MS), ignored)


def hashed_key(key: Key) -> bytes:
    """Of an answer: what Redis is told of it."""
    return hashlib.sha256(b"\x00".join([key[0].encode(), *key[1:]])).hexdigest().encode()


def hashed_path(path: bytes) -> bytes:
    """Of a path: the same."""
    return hashlib.sha256(path).hexdigest().encode()


def ignored(reply: Any) -> None:
    """For replies that nobody waits for."""


def _entry(key: Key) -> bytes:
    return PREFIX + b"answer:" + hashed_key(key)


def _generation(path: bytes) -> bytes:
    return PREFIX + b"path:" + hashed_path(path)
