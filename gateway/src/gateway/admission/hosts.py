"""Trusted hosts: a request for another name is answered 421 (RFC 9110 section 15.5.20)."""

from collections.abc import Iterable

from gateway.routes.hosts import host_name, patterns_of

_KNOWN = 1024


class TrustedHosts:
    """Names and ``*.patterns``; without any, every host is trusted."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = frozenset(pattern.lower().encode() for pattern in patterns)
        self._known: dict[bytes, bool] = {}

    def trusts(self, host: bytes) -> bool:
        """Whether ``Host`` as it was sent (its port does not count) is one of them."""
        known = self._known.get(host)
        if known is None:
            known = not self._patterns or not self._patterns.isdisjoint(patterns_of(host_name(host)))
            if len(self._known) < _KNOWN:
                self._known[host] = known
        return known
