"""An entry as a value in Redis: a line of what is said of it, and the body as it came."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.cache.entry import Entry, Key
from gateway.cache.freshness import Freshness

# Another gateway version may write another form: what is not ours is a miss.
_FORM = 1


def encode(entry: Entry) -> bytes:
    """For ``decode``."""
    said = {
        "form": _FORM,
        "status": entry.status,
        "headers": _text(entry.headers),
        "vary": _text(entry.vary),
        "asked": entry.asked,
        "born": entry.born,
        "fresh_until": entry.fresh_until,
        "stale_until": entry.stale_until,
        "error_until": entry.error_until,
        "no_cache": entry.no_cache,
        "shared": entry.shared,
    }
    return orjson.dumps(said) + b"\n" + entry.body


def decode(key: Key, path: bytes, value: bytes) -> Entry | None:
    """The entry, or None for a value that is not of this form."""
    line, _, body = value.partition(b"\n")
    try:
        said: dict[str, Any] = orjson.loads(line)
        if said["form"] != _FORM:
            return None
        times = Freshness(
            born=said["born"],
            fresh_until=said["fresh_until"],
            stale_until=said["stale_until"],
            error_until=said["error_until"],
            no_cache=said["no_cache"],
            shared=said["shared"],
        )
        vary = tuple(_bytes(said["vary"]))
        return Entry(key, path, said["status"], _bytes(said["headers"]), body, vary, times, said["asked"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _text(pairs: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def _bytes(pairs: Any) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
