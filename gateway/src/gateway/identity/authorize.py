"""Authorization: what the route asks for against what the token grants."""

from gateway.identity.principal import Principal
from gateway.problem import Refusal
from gateway.routes.table import Route

REALM = b'Bearer realm="gatehouse"'


def unauthorized() -> Refusal:
    """401 for a request that brings nothing (RFC 6750 section 3: no error code then)."""
    return Refusal(401, "unauthorized", "Sign in first.", headers=((b"www-authenticate", REALM),))


def invalid_token(detail: str) -> Refusal:
    """401 for a credential that does not hold."""
    challenge = REALM + b', error="invalid_token", error_description="%b"' % detail.encode()
    return Refusal(401, "invalid_token", detail, headers=((b"www-authenticate", challenge),))


def authorize(route: Route, principal: Principal | None) -> Refusal | None:
    """None when the route may be used."""
    if route.identity != "required":
        return None
    if principal is None:
        return unauthorized()
    if route.scopes <= principal.scopes:
        return None
    wanted = " ".join(sorted(route.scopes)).encode()
    challenge = REALM + b', error="insufficient_scope", scope="%b"' % wanted
    return Refusal(403, "insufficient_scope", "The token lacks a scope.", headers=((b"www-authenticate", challenge),))
