"""What one route asks of where a request comes from: the client's address, and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admission.cors import Cors, compile_cors
from gateway.admission.networks import Networks, compile_networks
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.routes.model import RouteModel


class RouteAdmission:
    """What one route asks for."""

    def __init__(self, networks: Networks | None, cors: Cors | None) -> None:
        self.networks = networks
        self.cors = cors

    def admit(self, exchange: Exchange) -> None:
        """Raises Refusal 403."""
        # Also in front of a refusal: a page must be able to read why.
        exchange.cors = self.cors.lines(exchange.head.fields.get(b"origin")) if self.cors is not None else b""
        refusal = self.refusal(exchange.address)
        if refusal is not None:
            exchange.event("admission", outcome=refusal.code)
            raise refusal

    def refusal(self, address: str) -> Refusal | None:
        """403 for an address that is not let in."""
        if self.networks is not None and not self.networks.admit(address):
            return not_from_there()
        return None


def compile_admission(model: RouteModel) -> RouteAdmission | None:
    """None where the route lets everybody in."""
    networks, cors = compile_networks(model.allow, model.deny), compile_cors(model.cors)
    # Also a route that switches off the policy of all has something to say.
    return RouteAdmission(networks, cors) if networks is not None or model.cors is not None else None


def not_from_there() -> Refusal:
    """403 for a client in the wrong network."""
    return Refusal(403, "address_not_allowed", "Not from this address.")
