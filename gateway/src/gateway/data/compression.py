"""gzip, br and zstd of answers the upstream left plain, as a stream, and the entity tags that go with it.

A coded answer is another representation (RFC 9110 section 8.8.3), so its strong tag gets a suffix, ``"7-gzip"``, and
the suffix is taken off again in If-Match and If-None-Match: a client can always send back the tag it was given.
"""

import re
import zlib
from functools import lru_cache
from typing import Protocol

import brotli
import zstandard

MIN_SIZE = 860
_COMPRESSIBLE = re.compile(
    rb"(?i:text/|application/(?:[\w.+-]*\+)?(?:json|xml|yaml)|application/(?:javascript|x-ndjson)|image/svg)"
)
_PREFERENCE = (b"zstd", b"br", b"gzip")
_SUFFIXED = re.compile(rb'"([^"]*)-(?:gzip|br|zstd)"')


class Encoder(Protocol):
    """A streaming compressor."""

    def write(self, data: bytes) -> bytes:
        """What can be sent of ``data`` so far."""
        ...

    def flush(self) -> bytes:
        """All that was written, so that the reader can have it now."""
        ...

    def finish(self) -> bytes:
        """The rest."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(5, zlib.DEFLATED, 31)

    def write(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._stream.flush()


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Compressor(quality=4)

    def write(self, data: bytes) -> bytes:
        return self._stream.process(data)

    def flush(self) -> bytes:
        return self._stream.flush()

    def finish(self) -> bytes:
        return self._stream.finish()


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor(level=3).compressobj()

    def write(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._stream.flush()


_ENCODERS: dict[bytes, type[Encoder]] = {b"gzip": _Gzip, b"br": _Brotli, b"zstd": _Zstd}


def encoder(coding: bytes) -> Encoder:
    """A new stream of ``coding``."""
    return _ENCODERS[coding]()


@lru_cache(maxsize=256)
def negotiate(accept_encoding: bytes) -> bytes | None:
    """The coding to use, or None for none (RFC 9110 section 12.5.3)."""
    weights: dict[bytes, float] = {}
    for item in accept_encoding.lower().split(b","):
        name, _, parameters = item.partition(b";")
        weights[name.strip()] = _weight(parameters)
    rest = weights.get(b"*", 0.0)
    best = max(_PREFERENCE, key=lambda name: weights.get(name, rest))
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get(b"identity", 0.0) else None


def _weight(parameters: bytes) -> float:
    found = re.search(rb"q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*\Z", parameters)
    return float(found[1]) if found else 1.0


def compressible(status: int, fields: dict[bytes, bytes], length: int | None) -> bool:
    """Whether the answer is worth it and may be: never SSE, never a part of a file, never what is coded already."""
    if length is not None and length < MIN_SIZE:
        return False
    content_type = fields.get(b"content-type", b"")
    return (
        status not in (204, 206, 304)
        and b"content-encoding" not in fields
        and b"content-range" not in fields
        and _COMPRESSIBLE.match(content_type) is not None
        and not content_type.startswith(b"text/event-stream")
        and b"no-transform" not in fields.get(b"cache-control", b"")
    )


def coded_etag(etag: bytes, coding: bytes) -> bytes:
    """The tag of the coded representation; a weak tag holds for all of them as it is."""
    return etag if etag.startswith(b"W/") else etag[:-1] + b"-" + coding + b'"'


def plain_etags(value: bytes) -> bytes:
    """A list of tags with our suffixes taken off."""
    return _SUFFIXED.sub(rb'"\1"', value)


def tag_sent(value: bytes, etag: bytes) -> bytes:
    """The tag of ``value`` that stands for the upstream's ``etag``: what the client knows it by."""
    for found in _SUFFIXED.finditer(value):
        if b'"' + found[1] + b'"' == etag:
            return found[0]
    return etag
