"""Verifies access tokens (RFC 9068) and remembers the verified ones until they end."""

import time
from collections.abc import Callable
from typing import Any

import jwt

from gateway.identity.keys import ALGORITHMS, KeySet
from gateway.identity.principal import Principal

_MAX_CACHED = 20_000
_MAX_TOKEN = 8192
# An issuer's clock may be so far ahead of ours, as it may for the services: its newest tokens hold here all the same.
_CLOCKS_DIFFER = 5.0


class InvalidTokenError(Exception):
    """The token does not hold; the message may be shown."""


class UnknownKeyError(Exception):
    """No key of that ``kid`` is known; it may be new."""


class TokenVerifier:
    """For tokens of one issuer and audience; ``ended`` tells of those that ended early."""

    def __init__(
        self, keys: KeySet, issuer: str, audience: str, ended: Callable[[Principal], bool] = lambda _: False
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._ended = ended
        self._verified: dict[bytes, Principal] = {}
        # By kid, so that the tokens of a withdrawn key go with it.
        self._signed_by: dict[bytes, str] = {}
        keys.on_withdrawn(self.forget)

    def cached(self, token: bytes) -> Principal | None:
        """The principal of a token verified before, as long as the token lives."""
        principal = self._verified.get(token)
        if principal is not None and principal.expires <= time.time():
            self._drop(token)
            return None
        return principal

    def forget(self, kids: frozenset[str]) -> None:
        """What these keys vouched for is to be verified again, which it will not be."""
        for token in [token for token, kid in self._signed_by.items() if kid in kids]:
            self._drop(token)

    def forget_ended(self) -> list[bytes]:
        """More have ended early: the tokens that did."""
        ended = [token for token, principal in self._verified.items() if self._ended(principal)]
        for token in ended:
            self._drop(token)
        return ended

    def _drop(self, token: bytes) -> None:
        del self._verified[token]
        del self._signed_by[token]

    def verify(self, token: bytes) -> Principal:
        """Raises InvalidTokenError, or UnknownKeyError when a fetch of the keys might help."""
        if len(token) > _MAX_TOKEN:
            raise InvalidTokenError("The token is too long.")
        kid, key = self._key(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_CLOCKS_DIFFER,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
            principal = Principal(
                subject=str(claims["sub"]),
                role=str(claims.get("role", "user")),
                tier=str(claims.get("tier", "free")),
                scopes=frozenset(str(claims.get("scope", "")).split()),
                expires=float(claims["exp"]),
                issued=float(claims["iat"]),
                session=str(claims.get("sid", "")),
                generation=int(claims["generation"]) if "generation" in claims else None,
                key=kid,
            )
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("The token has expired.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidTokenError("The token is not valid.") from error
        # The leeway is for the beginning alone: by our clock no token outlives its end.
        if principal.expires <= time.time():
            raise InvalidTokenError("The token has expired.")
        if self._ended(principal):
            raise InvalidTokenError("The token has been revoked.")
        if len(self._verified) >= _MAX_CACHED:
            # The oldest goes: dicts keep their order.
            self._drop(next(iter(self._verified)))
        self._verified[token] = principal
        self._signed_by[token] = kid
        return principal

    def _key(self, token: bytes) -> tuple[str, jwt.PyJWK]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            # The header is anybody's: JSON of any type, and nested deeper than it can be read.
            raise InvalidTokenError("The token is not a JWT.") from error
        # jku, x5u and jwk in the header are ignored: a key is one of ours or none (RFC 8725 section 3.10).
        kind = str(header.get("typ", "")).lower().removeprefix("application/")
        algorithm = header.get("alg")
        if kind != "at+jwt" or not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise InvalidTokenError("The token is of another kind.")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise InvalidTokenError("The token names no key.")
        key = self._keys.get(kid)
        if key is None:
            raise UnknownKeyError(kid)
        if key.algorithm_name != algorithm:
            raise InvalidTokenError("The token is of another kind.")
        return kid, key
