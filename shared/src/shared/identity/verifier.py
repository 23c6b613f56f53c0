"""Verification of access tokens (RFC 9068 section 4, RFC 8725)."""

from typing import Any

import jwt

from shared.identity.jwks import KeySource
from shared.identity.principal import Principal
from shared.identity.revocations import RevokedTokens
from shared.settings import TokenSettings

ALGORITHMS = {"EdDSA": "OKP", "ES256": "EC"}
"""Allowed algorithms and the key type each needs: never ``none``, never HS (RFC 8725 section 3.1)."""

_LEEWAY_SECONDS = 5


class InvalidToken(Exception):  # noqa: N818 - RFC 6750's own word
    """The token is malformed, forged, expired or meant for someone else."""


class TokenVerifier:
    """Turns a bearer token into the principal it stands for."""

    def __init__(self, settings: TokenSettings, keys: KeySource, revoked: RevokedTokens | None = None) -> None:
        self._settings = settings
        self._keys = keys
        self._revoked = revoked

    async def verify(self, token: str) -> Principal:
        """Who the token stands for; raises InvalidToken."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise InvalidToken(str(error)) from error
        principal = Principal(
            subject=str(claims["sub"]),
            role=str(claims.get("role", "user")),
            tier=str(claims.get("tier", "free")),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            token_id=str(claims["jti"]),
            session=str(claims["sid"]) if "sid" in claims else None,
        )
        if self._revoked is not None and self._revoked.covers(principal.user_id, principal.session, int(claims["iat"])):
            raise InvalidToken("ended before its time")
        return principal

    async def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        # Only our own set is asked: jku, x5u and jwk in a header are the attacker's word (RFC 8725 section 3.10).
        if header.get("typ", "").lower().removeprefix("application/") != "at+jwt":
            raise InvalidToken("not an access token")
        kind = ALGORITHMS.get(header.get("alg", ""))
        key = await self._keys.find(str(header.get("kid", "")))
        if kind is None or key is None or key.key_type != kind:
            raise InvalidToken("unknown key or algorithm")
        return key
