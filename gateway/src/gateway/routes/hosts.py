"""Names of hosts as the routes file writes them: exact, or ``*.example.com`` for all that is below it."""

from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=1024)
def host_name(host: bytes) -> bytes:
    """``Host`` in lower case, without its port and a final dot."""
    name = host.partition(b"]")[0] + b"]" if host.startswith(b"[") else host.partition(b":")[0]
    return name.lower().removesuffix(b".")


def patterns_of(name: bytes) -> Iterator[bytes]:
    """The patterns that a name fits, the most specific first."""
    yield name
    _, dot, rest = name.partition(b".")
    while dot:
        yield b"*." + rest
        _, dot, rest = rest.partition(b".")
