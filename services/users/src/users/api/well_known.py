"""/.well-known/jwks.json: the keys that our tokens are verified with (RFC 7517, RFC 8615)."""

import hashlib

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from users.api.dependencies import Own

router = APIRouter(prefix="/.well-known", tags=["keys"])

_CACHE_CONTROL = "public, max-age=300"


class PublicKey(BaseModel):
    """An Ed25519 key as JWK (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class KeySet(BaseModel):
    """A JWK set."""

    keys: list[PublicKey]


@router.get(
    "/jwks.json",
    summary="The keys of our tokens",
    operation_id="show_keys",
    response_model=KeySet,
    responses={304: {"description": "The set that If-None-Match names is still the current one."}},
)
async def show_keys(own: Own, request: Request) -> Response:
    """The public keys that access tokens are verified with."""
    body = orjson.dumps({"keys": [own.key.jwk]})
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _CACHE_CONTROL}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
