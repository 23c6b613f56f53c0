"""Verification of access tokens (RFC 9068 section 4, RFC 8725)."""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from shared.identity.jwks import ALGORITHMS, KeySource
from shared.identity.principal import Principal
from shared.identity.revocations import RevokedTokens
from shared.settings import TokenSettings

_LEEWAY_SECONDS = 5
_MOST_KNOWN = 2_000


class InvalidToken(Exception):  # noqa: N818 - RFC 6750's own word
    """The token is malformed, forged, expired or meant for someone else."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token that was verified with this key says; times in Unix seconds."""

    key: jwt.PyJWK
    principal: Principal
    issued_at: int
    expires_at: int
    generation: int | None


class TokenVerifier:
    """Turns a bearer token into the principal it stands for.

    A token's signature is checked once by a process, for at most 2,000 tokens; its expiry, its key's being published
    and its revocation are checked at each use.
    """

    def __init__(self, settings: TokenSettings, keys: KeySource, revoked: RevokedTokens | None = None) -> None:
        self._settings = settings
        self._keys = keys
        self._revoked = revoked
        self._known: dict[str, _Verified] = {}

    async def verify(self, token: str) -> Principal:
        """Who the token stands for; raises InvalidToken."""
        found = self._known.get(token)
        if found is None or not await self._still_holds(found):
            self._known.pop(token, None)
            found = await self._check(token)
            if len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[token] = found
        principal = found.principal
        if self._revoked is not None and self._revoked.covers(
            principal.user_id,
            principal.session,
            found.issued_at,
            generation=found.generation,
            key_id=found.key.key_id,
        ):
            raise InvalidToken("ended before its time")
        return principal

    async def _still_holds(self, found: _Verified) -> bool:
        if found.expires_at <= time.time() - _LEEWAY_SECONDS:
            return False
        return await self._keys.find(str(found.key.key_id)) is found.key

    async def _check(self, token: str) -> _Verified:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
            # The header is anybody's: JSON of any type, and nested deeper than it can be read.
            raise InvalidToken(str(error)) from error
        principal = Principal(
            subject=str(claims["sub"]),
            role=str(claims.get("role", "user")),
            tier=str(claims.get("tier", "free")),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            token_id=str(claims["jti"]),
            session=str(claims["sid"]) if "sid" in claims else None,
            client_id=str(claims["client_id"]) if "client_id" in claims else None,
        )
        generation = int(claims["generation"]) if "generation" in claims else None
        return _Verified(key, principal, int(claims["iat"]), int(claims["exp"]), generation)

    async def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        # Only our own set is asked: jku, x5u and jwk in a header are the attacker's word (RFC 8725 section 3.10).
        if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
            raise InvalidToken("not an access token")
        # The key says which algorithm it is for; a token that says another is a forgery (RFC 8725 section 3.1).
        key = await self._keys.find(str(header.get("kid", "")))
        if key is None or key.algorithm_name not in ALGORITHMS or key.algorithm_name != header.get("alg"):
            raise InvalidToken("unknown key or algorithm")
        return key
