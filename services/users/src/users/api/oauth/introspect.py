"""POST /oauth/introspect (RFC 7662)."""

from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.web import get_resources
from users.api.dependencies import CallingClient, Own
from users.api.oauth.documents import DocumentedBasic, form_body, oauth_errors
from users.domain.credentials import digest
from users.domain.oauth_clients import ClientType
from users.domain.scopes import INTROSPECT_SCOPE
from users.oauth.access_tokens import living_token
from users.oauth.clients import authenticate_client, presented_client
from users.oauth.errors import NO_STORE, OAuthError, invalid_request
from users.oauth.forms import read_form
from users.store import client_refresh_tokens
from users.store.client_refresh_tokens import LivingRefreshToken

router = APIRouter(prefix="/oauth", tags=["oauth"])


class IntrospectionDocument(BaseModel):
    """What a token is (RFC 7662 section 2.2); of one that does not hold nothing but that it does not."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: Literal["Bearer"] | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    sid: str | None = None
    role: str | None = None
    tier: str | None = None

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "IntrospectionDocument":
        """A token that holds."""
        known = {name: claims[name] for name in cls.model_fields if name in claims}
        return cls.model_validate({**known, "active": True, "token_type": "Bearer"})

    @classmethod
    def of_refresh_token(cls, token: LivingRefreshToken, issuer: str) -> "IntrospectionDocument":
        """A refresh token that could be spent; it is no bearer token, so it has no type."""
        return cls(
            active=True,
            scope=" ".join(token.scopes),
            client_id=token.client_id,
            exp=int(token.expires_at.timestamp()),
            iat=int(token.issued_at.timestamp()),
            sub=str(token.user_id),
            iss=issuer,
            sid=str(token.session_id),
        )


@router.post(
    "/introspect",
    summary="Ask what a token is",
    response_model_exclude_none=True,
    responses=oauth_errors(403),
    openapi_extra=form_body(("token",), "token_type_hint"),
)
async def introspect(
    request: Request, response: Response, own: Own, origin: CallingClient, _scheme: DocumentedBasic
) -> IntrospectionDocument:
    """Say what an access token, or a client's refresh token, is: to a client with the scope `tokens:introspect`.

    It knows at once of what has ended: sessions, users, clients, tokens.
    """
    form = await read_form(request)
    resources = get_resources(request)
    presented = presented_client(request.headers.get("authorization"), form)
    client = (await authenticate_client(resources.database, own, presented, origin.address)).client
    if client.type is not ClientType.CONFIDENTIAL or INTROSPECT_SCOPE not in client.scopes:
        raise OAuthError("unauthorized_client", "This client may not ask about tokens.", status=HTTPStatus.FORBIDDEN)
    if "token" not in form:
        raise invalid_request("token is missing.")
    async with resources.database.acquire() as connection:
        found = await living_token(resources.tokens, connection, form["token"])
        refresh = None if found else await client_refresh_tokens.find_living(connection, digest(form["token"]))
    response.headers.update(NO_STORE)
    if refresh is not None:
        return IntrospectionDocument.of_refresh_token(refresh, own.settings.tokens.issuer)
    return IntrospectionDocument.of(found.claims) if found else IntrospectionDocument(active=False)
