"""Which addresses a webhook may lead to: those of the public Internet, and nothing else.

The lists are those of the IANA registries of special-purpose addresses (RFC 6890), written out since the
``is_global`` of ``ipaddress`` changes with Python's version, and tunnels carry an address within another.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

HTTPS = 443

_REFUSED_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, and the inside of a cloud
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only this part of IPv6 is given out to be routed:
# ::1, fc00::/7, fe80::/10, ::ffff:0:0/96 and 64:ff9b::/96 lie outside.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo and others that carry or name something else
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address within
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet, as itself and not as a way to another."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _REFUSED_4)
    if address.scope_id is not None:
        return False
    return address.is_global and address in _PUBLIC_6 and not any(address in network for network in _REFUSED_6)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where deliveries may go: public addresses on ``ports``, and outside production what ``allowed`` names."""

    ports: Sequence[int] = (HTTPS,)
    allowed: Sequence[Network] = ()

    def covers(self, address: Address) -> bool:
        """Whether it may be connected to at all."""
        return self._allows(address) or is_public(address)

    def opens(self, address: Address, port: int) -> bool:
        """Whether an address that is covered may be connected to on this port; on an allowed network any is."""
        return self._allows(address) or port in self.ports

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self.allowed)
