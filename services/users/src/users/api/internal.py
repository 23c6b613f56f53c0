"""/internal: for the gateway alone, which never routes it from outside."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shared.web import RequestBody, Transaction
from users import api_keys
from users.api.dependencies import Own
from users.api.fields import Text

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
async def exchange_api_key(body: ExchangeBody, own: Own, connection: Transaction, response: Response) -> ExchangedToken:
    """Give the token that an API key stands for; 401 `invalid_api_key` for any that is not valid."""
    token = await api_keys.exchange(connection, own.issuer, body.api_key)
    response.headers["Cache-Control"] = "no-store"
    return ExchangedToken(access_token=token.token, expires_in=token.expires_in)
