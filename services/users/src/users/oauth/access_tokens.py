"""What an access token of ours is now: verified again, and held against what has ended (RFC 7662 section 4)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from shared.identity import InvalidToken, TokenVerifier
from shared.postgres import Connection
from users.domain.oauth_clients import SERVICE_ROLE
from users.store import service_tokens
from users.store import users as accounts


@dataclass(frozen=True, slots=True)
class LivingToken:
    """An access token that holds; ``session_id`` is of a person's session, ``token_id`` of a client's own token."""

    claims: dict[str, Any]
    session_id: int | None
    token_id: UUID | None

    @property
    def client_id(self) -> str:
        """Who got it."""
        return str(self.claims.get("client_id", ""))


async def living_token(verifier: TokenVerifier, connection: Connection, text: str) -> LivingToken | None:
    """None for what is no token of ours, has expired, or ended with its session, its user or its client."""
    try:
        principal = await verifier.verify(text)
    except InvalidToken:
        return None
    claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})  # verified above
    session = principal.session or ""
    if principal.role == SERVICE_ROLE:
        token_id = _uuid(session)
        alive = token_id is not None and await service_tokens.is_alive(connection, token_id)
        return LivingToken(claims, None, token_id) if alive else None
    session_id = int(session) if session.isdecimal() else None
    user = await accounts.find_caller(connection, principal.user_id, session_id)
    if user is None or claims.get("generation", user.token_generation) < user.token_generation:
        return None
    return LivingToken(claims, session_id, None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
