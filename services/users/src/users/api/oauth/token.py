"""POST /oauth/token (RFC 6749 section 3.2)."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.web import get_resources
from users.api.dependencies import CallingClient, Own
from users.api.oauth.documents import DocumentedBasic, form_body, oauth_errors
from users.domain.oauth_clients import GrantType
from users.oauth.clients import authenticate_client, presented_client
from users.oauth.errors import NO_STORE, OAuthError, invalid_request
from users.oauth.forms import read_form
from users.oauth.grants import GRANTS, Grant, GrantRequest

router = APIRouter(prefix="/oauth", tags=["oauth"])


class TokenAnswerDocument(BaseModel):
    """Tokens for a client (RFC 6749 section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    scope: str
    refresh_token: str | None = None


def _grant(name: str | None) -> tuple[GrantType, Grant]:
    if name is None:
        raise invalid_request("grant_type is missing.")
    try:
        grant_type = GrantType(name)
        return grant_type, GRANTS[grant_type]
    except (ValueError, KeyError):
        raise OAuthError("unsupported_grant_type", "This way to a token is not offered.") from None


@router.post(
    "/token",
    summary="Ask for a token",
    response_model_exclude_none=True,
    responses=oauth_errors(),
    openapi_extra=form_body(("grant_type",), "scope", "code", "redirect_uri", "code_verifier", "refresh_token"),
)
async def issue_token(
    request: Request, response: Response, own: Own, origin: CallingClient, _scheme: DocumentedBasic
) -> TokenAnswerDocument:
    """Give an authenticated client a token by one of its grants; never for a person's password."""
    form = await read_form(request)
    grant_type, grant = _grant(form.get("grant_type"))
    database = get_resources(request).database
    presented = presented_client(request.headers.get("authorization"), form)
    shown = await authenticate_client(database, own, presented, origin.address)
    if grant_type not in shown.client.grants:
        raise OAuthError("unauthorized_client", "This client may not use this grant.")
    answer = await grant(GrantRequest(shown.client, shown.secret_digest, form, origin, database, own))
    response.headers.update(NO_STORE)
    return TokenAnswerDocument(
        access_token=answer.access.token,
        expires_in=answer.access.expires_in,
        scope=" ".join(answer.scopes),
        refresh_token=answer.refresh_token,
    )
