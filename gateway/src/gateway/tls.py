"""TLS towards services, the issuer and Redis: certificates are always checked, names too.

Trusted are the system's authorities and those of ``CA_FILE``. One context serves all connections (making one takes
tens of milliseconds); a ``CA_FILE`` that changed is read again when the next pool is made, as by a reload.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Trust:
    """Whom this process believes; ``ca_file`` adds to the system's authorities."""

    ca_file: Path | None = None


def trust(ca_file: Path | None) -> None:
    """Once, before the first connection."""
    Trust.ca_file = ca_file


def client_context() -> ssl.SSLContext:
    """For a connection that the gateway opens. Raises OSError for a CA_FILE that cannot be used."""
    path = Trust.ca_file
    return _made(path, path.stat().st_mtime_ns if path else 0)


@lru_cache(maxsize=2)
def _made(ca_file: Path | None, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - the key says which content it was
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A service that also speaks HTTP/2 must not choose it.
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
