"""Access tokens as JWTs (RFC 9068)."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

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


class TokenIssuer:
    """Signs what a token's bearer is and may do."""

    def __init__(self, settings: TokenSettings, key: SigningKey) -> None:
        self._settings = settings
        self._key = key

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
    ) -> AccessToken:
        """A token of this user; ``session_id`` becomes ``sid``, by which a logout finds what to end.

        ``client_id`` is who got it for the user (RFC 9068 section 2.2).
        """
        claims: dict[str, object] = {"sub": str(user_id), "role": role.value, "tier": tier, "client_id": client_id}
        if session_id is not None:
            claims["sid"] = str(session_id)
        return self._sign(claims, scopes, lifetime)

    def issue_to_client(self, client_id: str, *, tier: str, scopes: Sequence[str], lifetime: timedelta) -> AccessToken:
        """A token that stands for the client itself (RFC 9068 section 2.2: ``sub`` is the client then)."""
        claims = {"sub": client_id, "role": SERVICE_ROLE, "tier": tier, "client_id": client_id}
        return self._sign(claims, scopes, lifetime)

    def _sign(self, own: Mapping[str, object], scopes: Sequence[str], lifetime: timedelta) -> AccessToken:
        now = int(time.time())
        seconds = int(lifetime.total_seconds())
        claims = {
            **own,
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "iat": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(scopes),
        }
        headers = {"typ": "at+jwt", "kid": self._key.key_id}
        return AccessToken(jwt.encode(claims, self._key.private, algorithm="EdDSA", headers=headers), seconds)
