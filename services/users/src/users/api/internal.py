"""/internal: for the gateway alone, which never routes it from outside."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shared.web import RequestBody, get_resources
from users import api_keys
from users.api.dependencies import CallingClient, Own
from users.api.fields import Text
from users.domain.scopes import EXCHANGE_SCOPE
from users.oauth.clients import authenticate_client, presented_client
from users.oauth.errors import OAuthError, invalid_client

router = APIRouter(prefix="/internal", include_in_schema=False)


class ExchangeBody(RequestBody):
    """An API key as it came in ``X-API-Key``."""

    api_key: Annotated[Text, Field(max_length=512)]


class ExchangedToken(BaseModel):
    """A short access token that stands for the key."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int


@router.post("/api-keys/exchange")
async def exchange_api_key(
    body: ExchangeBody, own: Own, origin: CallingClient, request: Request, response: Response
) -> ExchangedToken:
    """Give the token that an API key stands for; 401 `invalid_api_key` for any that is not valid.

    Only to a client with the scope `keys:exchange`, which authenticates by HTTP Basic as at the OAuth endpoints.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise invalid_client()
    database = get_resources(request).database
    presented = presented_client(authorization, {})
    # A count of its own: who shares the gateway's address must not shut it out by failing at the endpoints for all.
    shown = await authenticate_client(database, own, presented, origin.address, counted_as="internal client")
    if EXCHANGE_SCOPE not in shown.client.scopes:
        raise OAuthError("unauthorized_client", "This client may not exchange keys.", status=HTTPStatus.FORBIDDEN)
    async with database.transaction() as connection:
        token = await api_keys.exchange(connection, own.issuer, body.api_key)
    response.headers["Cache-Control"] = "no-store"
    return ExchangedToken(access_token=token.token, expires_in=token.expires_in)
