"""/.well-known/oauth-authorization-server (RFC 8414): what this server offers, and nothing it does not."""

import hashlib

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.web import NOT_MODIFIED, etag, unless_known
from users.api.dependencies import Own
from users.domain.oauth_clients import GrantType
from users.domain.scopes import SERVICE_SCOPES
from users.oauth.grants import GRANTS

router = APIRouter(prefix="/.well-known", tags=["oauth"])

_CACHED = {"Cache-Control": "public, max-age=300"}
_CONFIDENTIAL = ["client_secret_basic", "client_secret_post"]


class ServerMetadata(BaseModel):
    """RFC 8414 section 2."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    service_documentation: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str] | None = None
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool | None = None
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]


def server_metadata(issuer: str) -> ServerMetadata:
    """The metadata of the server that clients know by this name."""
    base = f"{issuer.rstrip('/')}/api/v1/oauth"
    found = ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{base}/token",
        revocation_endpoint=f"{base}/revoke",
        introspection_endpoint=f"{base}/introspect",
        jwks_uri=f"{issuer.rstrip('/')}/.well-known/jwks.json",
        service_documentation=f"{issuer.rstrip('/')}/docs",
        scopes_supported=list(SERVICE_SCOPES),
        response_types_supported=[],
        grant_types_supported=[grant.value for grant in GRANTS],
        token_endpoint_auth_methods_supported=[*_CONFIDENTIAL, "none"],
        revocation_endpoint_auth_methods_supported=[*_CONFIDENTIAL, "none"],
        introspection_endpoint_auth_methods_supported=_CONFIDENTIAL,
    )
    if GrantType.AUTHORIZATION_CODE in GRANTS:
        found.authorization_endpoint = f"{base}/authorize"
        found.response_types_supported = ["code"]
        found.response_modes_supported = ["query"]
        found.code_challenge_methods_supported = ["S256"]
        found.authorization_response_iss_parameter_supported = True
    return found


@router.get(
    "/oauth-authorization-server",
    summary="What the authorization server offers",
    operation_id="show_server_metadata",
    response_model=ServerMetadata,
    responses=NOT_MODIFIED,
)
async def show_server_metadata(own: Own, request: Request) -> Response:
    """The endpoints and ways of the authorization server."""
    found = server_metadata(own.settings.tokens.issuer)
    body = orjson.dumps(found.model_dump(exclude_none=True))
    answer = Response(body, media_type="application/json")
    return unless_known(request, answer, etag(hashlib.sha256(body).hexdigest()[:32]), answer, _CACHED)
