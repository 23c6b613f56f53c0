"""The address of the client, as the gateway says it (TRAPS.md, forwarding 8)."""

import ipaddress
from collections.abc import Sequence

from users.settings import Network


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy.

    ``X-Forwarded-For`` is read from its right end, where the proxies we trust write; whatever stands
    left of the first stranger is that stranger's own word. A peer that is not trusted is the client.
    """
    found = peer
    for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        if not _is_trusted(found, trusted):
            return found
        if _parsed(hop) is None:
            return found
        found = hop
    return found


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)
