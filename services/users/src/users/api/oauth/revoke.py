"""POST /oauth/revoke (RFC 7009)."""

from fastapi import APIRouter, Request, Response

from shared.web import get_resources
from users.api.dependencies import CallingClient, Own
from users.api.oauth.documents import DocumentedBasic, form_body, oauth_errors
from users.oauth.clients import authenticate_client, presented_client
from users.oauth.errors import NO_STORE, invalid_request
from users.oauth.forms import read_form
from users.oauth.revocation import revoke_token

router = APIRouter(prefix="/oauth", tags=["oauth"])


@router.post(
    "/revoke",
    summary="End a token",
    response_class=Response,
    responses=oauth_errors(),
    openapi_extra=form_body(("token",), "token_type_hint"),
)
async def revoke(request: Request, own: Own, origin: CallingClient, _scheme: DocumentedBasic) -> Response:
    """End an access or refresh token of the client's own; a token that is not known, or has ended, is no error."""
    form = await read_form(request)
    resources = get_resources(request)
    presented = presented_client(request.headers.get("authorization"), form)
    client = (await authenticate_client(resources.database, own, presented, origin.address)).client
    if "token" not in form:
        raise invalid_request("token is missing.")
    async with resources.database.transaction() as connection:
        await revoke_token(resources.tokens, connection, client, form["token"])
    return Response(headers=NO_STORE)
