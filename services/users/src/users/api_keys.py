"""API keys: made, listed, revoked, exchanged for a token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.jobs import enqueue
from shared.postgres import Connection
from shared.problems import FieldError, Unauthorized, UnprocessableContent
from users.access_tokens import AccessToken, TokenIssuer
from users.domain.credentials import api_key, digest, matches, new_key_secret, parse_api_key
from users.domain.scopes import narrowed
from users.domain.sessions import EXCHANGED_TOKEN_LIFETIME, MAX_API_KEYS, ApiKey, TooManyApiKeys
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.store import api_keys as store

_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key and the text of it, which is shown this once."""

    key: ApiKey
    text: str


async def create(
    connection: Connection, user_id: int, name: str, scopes: Sequence[str], expires_at: datetime | None
) -> NewApiKey:
    """Make a key. Raises UnprocessableContent for an end in the past and TooManyApiKeys."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        wrong = FieldError(field="expires_at", message="The time must lie in the future.")
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=[wrong])
    if await store.count_locked(connection, user_id) >= MAX_API_KEYS:
        raise TooManyApiKeys
    secret = new_key_secret()
    key = await store.insert(
        connection, user_id, name=name, digest=digest(secret), scopes=scopes, expires_at=expires_at
    )
    await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user_id, notice=Notice.API_KEY_MADE))
    return NewApiKey(key, api_key(key.id, secret))


async def exchange(connection: Connection, issuer: TokenIssuer, text: str) -> AccessToken:
    """A short access token for a key, with what the key names and its owner still has.

    Raises Unauthorized for a key that is wrong, expired or revoked, or whose owner is disabled.
    """
    key_id, secret = parse_api_key(text) or (0, "")
    found = await store.find_usable(connection, key_id)
    if not matches(secret, found.digest if found else _NOBODY) or found is None:
        raise Unauthorized("invalid_api_key", "The API key is not valid.")
    await store.touch(connection, key_id)
    lifetime = EXCHANGED_TOKEN_LIFETIME
    if found.expires_at is not None:
        lifetime = min(lifetime, found.expires_at - datetime.now(UTC))
    role, scopes = narrowed(found.role, found.scopes)
    return issuer.issue(
        found.user_id, role=role, tier=found.tier, scopes=scopes, lifetime=lifetime, generation=found.token_generation
    )
