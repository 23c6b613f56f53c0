"""What a grant is given and gives."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shared.postgres import Database
from users.access_tokens import AccessToken
from users.domain.oauth_clients import OAuthClient
from users.domain.sessions import Client
from users.resources import UsersResources


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """A request of a client that may use the grant, by the secret of this digest; ``origin`` is where it came from."""

    client: OAuthClient
    secret_digest: bytes | None
    form: Mapping[str, str]
    origin: Client
    database: Database
    own: UsersResources


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What is handed out (RFC 6749 section 5.1)."""

    access: AccessToken
    scopes: tuple[str, ...]
    refresh_token: str | None = None


Grant: TypeAlias = Callable[[GrantRequest], Awaitable[TokenAnswer]]
"""Raises OAuthError."""
