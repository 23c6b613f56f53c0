"""Who the client is on the network: the peer, unless the peer is a proxy we list (CVE-2025-41235)."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# Spelled out: ipaddress's own is_private also counts ranges for documentation and benchmarks.
_PRIVATE: tuple[Network, ...] = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")
)


@lru_cache(maxsize=4096)
def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, IPv4 also where it is written as a mapped IPv6 one; None for what is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def limit_key(text: str) -> str:
    """The address a limit counts: an IPv6 client owns its whole /64 (TRAPS, rate limiting 7)."""
    address = parsed_address(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address) if address else text


@lru_cache(maxsize=4096)
def is_private(text: str) -> bool:
    """Loopback or a private network."""
    address = parsed_address(text)
    return address is not None and any(address in network for network in _PRIVATE)


class TrustedProxies:
    """The proxies whose word on the client counts."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(text, strict=False) for text in networks)
        self._known: dict[str, bool] = {}

    def trusts(self, text: str) -> bool:
        """Whether the address is one of ours."""
        if not self._networks:
            return False
        known = self._known.get(text)
        if known is None:
            address = parsed_address(text)
            known = address is not None and any(address in network for network in self._networks)
            if len(self._known) < 4096:  # noqa: PLR2004 - a bound against a flood of addresses
                self._known[text] = known
        return known

    def client(self, peer: str, forwarded_for: bytes | None) -> str:
        """The rightmost address that is not a trusted proxy's; what stands left of it may be made up."""
        if forwarded_for is None or not self.trusts(peer):
            return peer
        client = peer
        for part in reversed(forwarded_for.decode("latin-1").split(",")):
            address = parsed_address(_without_port(part.strip()))
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
