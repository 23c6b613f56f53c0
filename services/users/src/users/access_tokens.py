"""Access tokens as JWTs (RFC 9068)."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import jwt

from shared.settings import TokenSettings
from users.domain.account import Role
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
    ) -> AccessToken:
        """A token of this user; ``session_id`` becomes ``sid``, by which a logout finds what to end."""
        now = int(time.time())
        seconds = int(lifetime.total_seconds())
        claims: dict[str, object] = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(user_id),
            "iat": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(scopes),
            "role": role.value,
            "tier": tier,
        }
        if session_id is not None:
            claims["sid"] = str(session_id)
        headers = {"typ": "at+jwt", "kid": self._key.key_id}
        return AccessToken(jwt.encode(claims, self._key.private, algorithm="EdDSA", headers=headers), seconds)
