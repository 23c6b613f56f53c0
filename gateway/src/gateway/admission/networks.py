"""Client addresses that are let in: the real ones, as the listed proxies tell them."""

from collections.abc import Iterable
from ipaddress import ip_network

from gateway.data.client_address import Network, parsed_address

_KNOWN = 4096


class Networks:
    """``deny`` beats ``allow``; without ``allow`` all the rest is let in."""

    def __init__(self, allow: Iterable[str], deny: Iterable[str]) -> None:
        self._allow: tuple[Network, ...] = tuple(map(ip_network, allow))
        self._deny: tuple[Network, ...] = tuple(map(ip_network, deny))
        self._known: dict[str, bool] = {}

    def admit(self, address: str) -> bool:
        """Whether a request may come from there; what is no address (a unix socket's peer) is in no network."""
        known = self._known.get(address)
        if known is None:
            known = self._decide(address)
            if len(self._known) < _KNOWN:
                self._known[address] = known
        return known

    def _decide(self, text: str) -> bool:
        address = parsed_address(text)
        if address is None:
            return not self._allow
        if any(address in network for network in self._deny):
            return False
        return not self._allow or any(address in network for network in self._allow)


def compile_networks(allow: tuple[str, ...], deny: tuple[str, ...]) -> Networks | None:
    """None where every address is let in."""
    return Networks(allow, deny) if allow or deny else None
