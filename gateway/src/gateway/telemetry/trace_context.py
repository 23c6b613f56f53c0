"""W3C trace context: the caller's parent and sampled flag are kept (Kong#9627, #11626).

Ids are lower-case hexadecimal bytes from the start, cut from a page of random ones: nothing is formatted a request.
"""

import os
import re
from random import random

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_PAGE_BYTES = 16384
_TRACE, _SPAN = 32, 16


class RandomIds:
    """Hexadecimal digits from the system's source of randomness, so that no two processes draw the same ids."""

    __slots__ = ("_next", "_page")

    def __init__(self) -> None:
        self._page = b""
        self._next = 0

    def take(self, digits: int) -> bytes:
        """As many digits; they are never given again."""
        start, self._next = self._next, self._next + digits
        taken = self._page[start : self._next]
        if len(taken) < digits:
            self._page, self._next = os.urandom(_PAGE_BYTES).hex().encode(), digits
            return self._page[:digits]
        return taken


_ids = RandomIds()


class TraceContext:
    """Ids of one request: its trace, the caller's span, the server span and the client span of the gateway."""

    __slots__ = ("_flags", "client_span", "parent_span", "sampled", "server_span", "trace_id")

    def __init__(self, traceparent: bytes | None, ratio: float) -> None:
        digits = _ids.take(2 * _SPAN + _TRACE)
        self.server_span, self.client_span = digits[:_SPAN], digits[_SPAN : 2 * _SPAN]
        self.parent_span: bytes | None = None
        given = _TRACEPARENT.match(traceparent) if traceparent is not None else None
        if given is not None and _usable(given):
            self.trace_id, self.parent_span = given[2], given[3]
            self.sampled = bool(int(given[4], 16) & 1)
        else:
            self.trace_id = digits[2 * _SPAN :]
            self.sampled = ratio > 0.0 and (ratio >= 1.0 or random() < ratio)  # noqa: S311 - no secret
        self._flags = b"-01" if self.sampled else b"-00"

    @property
    def trace_hex(self) -> str:
        """The trace id as 32 hexadecimal digits."""
        return self.trace_id.decode("ascii")

    def traceparent(self) -> bytes:
        """For the upstream: its parent is the gateway's client span."""
        return b"00-" + self.trace_id + b"-" + self.client_span + self._flags

    def traceresponse(self) -> bytes:
        """For the client: the trace and the gateway's server span."""
        return b"00-" + self.trace_id + b"-" + self.server_span + self._flags


def _usable(found: re.Match[bytes]) -> bool:
    version, trace_id, span_id, more = found[1], found[2], found[3], found[5]
    return version != b"ff" and not (version == b"00" and more) and trace_id != _NO_TRACE and span_id != _NO_SPAN
