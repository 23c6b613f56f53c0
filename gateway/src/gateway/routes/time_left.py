"""``X-Request-Timeout-Ms``: how long the gateway still waits, so that a service stops work that nobody will see.

Relative, as gRPC's ``grpc-timeout`` is, because two machines' clocks differ.
"""


def time_left(seconds: float) -> bytes:
    """The header's line, in whole milliseconds and at least one."""
    return b"x-request-timeout-ms: %d\r\n" % max(1, int(seconds * 1000))
