"""The step before identity: trusted hosts, networks, preflights. Only where the routes file asks for any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admission.cors import compile_cors
from gateway.admission.hosts import TrustedHosts
from gateway.admission.networks import compile_networks
from gateway.admission.of_route import not_from_there
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.routes.model import RoutesModel


class Admission:
    """What the file asks for of every forwarded request."""

    def __init__(self, model: RoutesModel) -> None:
        hosts = model.admission.hosts
        self._hosts = TrustedHosts(hosts) if hosts else None
        self._networks = compile_networks(model.admission.allow, model.admission.deny)
        self._cors = compile_cors(model.defaults.cors)

    def admit(self, exchange: Exchange) -> None:
        """Raises Refusal 421 or 403, or the answer to a preflight."""
        origin = exchange.head.fields.get(b"origin")
        if self._cors is not None:
            # For what ends before its route is known; the route's own word takes its place.
            exchange.cors = self._cors.lines(origin)
        refusal = self.refusal(exchange.head.host, exchange.address)
        if refusal is not None:
            exchange.event("admission", outcome=refusal.code)
            raise refusal
        if exchange.method == b"OPTIONS" and origin is not None:
            self._preflight(exchange, origin)

    def refusal(self, host: bytes, address: str) -> Refusal | None:
        """421 for a host that is not trusted, 403 for an address that is not let in."""
        if self._hosts is not None and not self._hosts.trusts(host):
            return Refusal(421, "misdirected_request", "This host is not served here.")
        if self._networks is not None and not self._networks.admit(address):
            return not_from_there()
        return None

    @staticmethod
    def _preflight(exchange: Exchange, origin: bytes) -> None:
        """A preflight asks about another method than its own; without credentials, so before identity and limits."""
        wanted = dict(exchange.head.headers).get(b"access-control-request-method")
        if wanted is None:
            return
        found = exchange.find(wanted)
        admission = found.route.admission
        if admission is None or admission.cors is None:
            return
        exchange.match = found
        admission.admit(exchange)
        answer = admission.cors.preflight(origin, wanted)
        exchange.gateway.routing.preflights.add(found.route.name, answer.code)
        exchange.event("preflight", outcome=answer.code, route=found.route.name)
        raise answer


def compile_whole(model: RoutesModel) -> Admission | None:
    """None where no request is held to anything."""
    policies = (model.defaults.cors, *(route.cors for route in model.routes))
    asked = model.admission.hosts or model.admission.allow or model.admission.deny or any(policies)
    return Admission(model) if asked else None
