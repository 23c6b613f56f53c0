"""W3C trace context: the caller's parent and sampled flag are kept (Kong#9627, #11626)."""

import random
import re

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_ids = random.SystemRandom()
_fast = random.Random(_ids.getrandbits(128))  # noqa: S311 - ids of traces are no secrets


class TraceContext:
    """Ids of one request: its trace, the caller's span, the server span and the client span of the gateway."""

    __slots__ = ("client_span", "parent_span", "sampled", "server_span", "trace_id")

    def __init__(self, traceparent: bytes | None, ratio: float) -> None:
        bits = _fast.getrandbits
        self.server_span = bits(64) or 1
        self.client_span = bits(64) or 1
        given = _parse(traceparent) if traceparent is not None else None
        if given is not None:
            self.trace_id, self.parent_span, self.sampled = given
        else:
            self.trace_id = bits(128) or 1
            self.parent_span: int | None = None
            self.sampled = ratio >= 1.0 or (ratio > 0.0 and _fast.random() < ratio)

    @property
    def trace_hex(self) -> str:
        """The trace id as 32 hexadecimal digits."""
        return f"{self.trace_id:032x}"

    def traceparent(self) -> bytes:
        """For the upstream: its parent is the gateway's client span."""
        return b"00-%032x-%016x-%02x" % (self.trace_id, self.client_span, self.sampled)

    def traceresponse(self) -> bytes:
        """For the client: the trace and the gateway's server span."""
        return b"00-%032x-%016x-%02x" % (self.trace_id, self.server_span, self.sampled)


def _parse(value: bytes) -> tuple[int, int, bool] | None:
    found = _TRACEPARENT.match(value)
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    return trace_id, span_id, bool(int(found[4], 16) & 1)
