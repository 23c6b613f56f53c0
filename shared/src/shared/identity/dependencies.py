"""What an endpoint asks for: someone signed in, with scopes, or an admin."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import APIKey
from fastapi.security import HTTPBearer, SecurityScopes
from opentelemetry import trace

from shared.identity.principal import Principal
from shared.identity.verifier import InvalidToken
from shared.problems import CHALLENGE, Forbidden, Unauthorized

API_KEY = APIKey.model_validate({"in": "header", "name": "X-API-Key"})
"""For documents only: the gateway takes the key and sends its token on."""

_PRINCIPAL = "shared.principal"


class _SignedInScheme(HTTPBearer):
    """The scheme and who reads it in one: a dependency of a dependency costs each request as much as it does."""

    async def __call__(self, request: Request, scopes: SecurityScopes) -> Principal:  # type: ignore[override]
        """See ``signed_in``."""
        principal = await _verified(request)
        missing = [scope for scope in scopes.scopes if scope not in principal.scopes]
        if missing:
            challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes.scopes)}"'
            raise Forbidden(
                "insufficient_scope",
                f"The token lacks the scope {' '.join(missing)}.",
                headers={"WWW-Authenticate": challenge},
            )
        return principal


async def _verified(request: Request) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("unauthorized", "Sign in first.")
    try:
        principal = await request.app.state.resources.tokens.verify(token.strip())
    except InvalidToken as error:
        trace.get_current_span().add_event("token_refused", {"reason": str(error)})
        raise Unauthorized.invalid_token() from error
    request.scope[_PRINCIPAL] = principal
    return principal


signed_in = _SignedInScheme(auto_error=False, scheme_name="bearer", bearerFormat="JWT")
"""The caller, who must hold every scope that the route names.

Raises Unauthorized without a valid token and Forbidden without a scope (RFC 6750 section 3.1).
"""


def principal_of(request: Request) -> Principal:
    """The caller whom a dependency of the request has verified. Raises LookupError where none has."""
    principal: Principal | None = request.scope.get(_PRINCIPAL)
    if principal is None:
        raise LookupError("the route asks for nobody who is signed in")
    return principal


async def _admin(principal: Annotated[Principal, Security(signed_in)]) -> Principal:
    if not principal.is_admin:
        raise Forbidden("forbidden", "Only an admin may do this.")
    return principal


SignedIn = Annotated[Principal, Security(signed_in)]
"""Anyone with a valid token; for a scope write ``Annotated[Principal, Security(signed_in, scopes=[...])]``."""

Admin = Annotated[Principal, Depends(_admin)]
"""An admin with a valid token."""
