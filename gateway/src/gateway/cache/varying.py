"""The secondary key (RFC 9111 section 4.1): whether the headers an answer varies by say the same."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.cache.entry import Entry
    from gateway.data.request_head import RequestHead


def selected(entries: list[Entry], head: RequestHead) -> Entry | None:
    """The newest entry that holds for the request."""
    for entry in entries:
        if not entry.vary or all(value == vary_value(name, head) for name, value in entry.vary):
            return entry
    return None


def vary_key(names: tuple[bytes, ...], head: RequestHead) -> tuple[tuple[bytes, bytes], ...]:
    """Names with the request's normalized values."""
    return tuple((name, vary_value(name, head)) for name in names)


def vary_value(name: bytes, head: RequestHead) -> bytes:
    """One header of the request as it is compared; absent is not the same as empty."""
    # The service is sent a token in the place of an API key: who has another key is somebody else to it.
    wanted = _SPOKEN_FOR if name == b"authorization" else (name,)
    values = [value for key, value in head.headers if key in wanted]
    if not values:
        return b"\x00"
    value = b",".join(values)
    if name in _CREDENTIALS:
        # It goes to Redis too, where no credential is to be read.
        return sha256(value).digest()
    return _as_set(value) if name in _SETS and len(value) <= _LONG else value.strip()


# Lists whose order says nothing.
_SPOKEN_FOR = (b"authorization", b"x-api-key")
_CREDENTIALS = frozenset({*_SPOKEN_FOR, b"cookie"})
_SETS = frozenset({b"accept-encoding", b"accept-language", b"accept"})
_LONG = 512


@lru_cache(maxsize=512)
def _as_set(value: bytes) -> bytes:
    return b",".join(sorted({b"".join(item.split()).lower() for item in value.split(b",") if item.strip()}))
