"""Access tokens as JWTs (RFC 9068)."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import jwt

from shared.settings import TokenSettings
from users.domain.account import Role
from users.domain.oauth_clients import FIRST_PARTY, SERVICE_ROLE
from users.signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and its lifetime in seconds."""

    token: str
    expires_in: int


class Signing(Protocol):
    """Knows the key to sign with."""

    def signing(self) -> SigningKey:
        """The key of this moment. Raises Unavailable."""
        ...


class TokenIssuer:
    """Signs what a token's bearer is and may do."""

    def __init__(self, settings: TokenSettings, keys: Signing) -> None:
        self._settings = settings
        self._keys = keys

    def issue(
        self,
        user_id: int,
        *,
        role: Role,
        tier: str,
        scopes: Sequence[str],
        lifetime: timedelta,
        session_id: int | None = None,
        client_id: str = FIRST_PARTY,
        generation: int | None = None,
    ) -> AccessToken:
        """A token of this user; ``session_id`` becomes ``sid``, by which a logout finds what to end.

        ``client_id`` is who got it for the user (RFC 9068 section 2.2). ``generation`` is the account's
        ``token_generation``, read with the role: of an older one it ends when the account is weakened.
        """
        claims: dict[str, object] = {"sub": str(user_id), "role": role.value, "tier": tier, "client_id": client_id}
        if session_id is not None:
            claims["sid"] = str(session_id)
        if generation is not None:
            claims["generation"] = generation
        return self._sign(claims, scopes, lifetime)

    def issue_to_client(
        self, client_id: str, *, token_id: uuid.UUID, tier: str, scopes: Sequence[str], lifetime: timedelta
    ) -> AccessToken:
        """A token that stands for the client itself (RFC 9068 section 2.2: ``sub`` is the client then).

        ``token_id`` is its ``jti`` and its ``sid``: it ends as sessions end, and is the only token of its session.
        """
        claims = {
            "sub": client_id,
            "role": SERVICE_ROLE,
            "tier": tier,
            "client_id": client_id,
            "jti": str(token_id),
            "sid": str(token_id),
        }
        return self._sign(claims, scopes, lifetime)

    def _sign(self, own: Mapping[str, object], scopes: Sequence[str], lifetime: timedelta) -> AccessToken:
        key = self._keys.signing()
        now = int(time.time())
        seconds = int(lifetime.total_seconds())
        claims: dict[str, object] = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "iat": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(scopes),
            **own,
        }
        headers = {"typ": "at+jwt", "kid": key.key_id}
        return AccessToken(jwt.encode(claims, key.private, algorithm=key.algorithm.value, headers=headers), seconds)
