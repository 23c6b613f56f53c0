"""/.well-known/jwks.json: the keys that our tokens are verified with (RFC 7517, RFC 8615)."""

import hashlib

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.web import NOT_MODIFIED, etag, unless_known
from users.api.dependencies import Own

router = APIRouter(prefix="/.well-known", tags=["keys"])

_CACHED = {"Cache-Control": "public, max-age=300"}


class PublicKey(BaseModel):
    """An Ed25519 or P-256 key as JWK (RFC 7518, RFC 8037); ``y`` for the latter."""

    kty: str
    crv: str
    x: str
    y: str | None = None
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
    responses=NOT_MODIFIED,
)
async def show_keys(own: Own, request: Request) -> Response:
    """The public keys that access tokens are verified with: that of today, the one to come, those that were."""
    body = orjson.dumps({"keys": own.keys.published()}, option=orjson.OPT_SORT_KEYS)
    answer = Response(body, media_type="application/json")
    return unless_known(request, answer, etag(hashlib.sha256(body).hexdigest()[:32]), answer, _CACHED)
