"""What users answers, and the parts of what it is sent. Made of services/users/openapi.json."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from gatehouse_client.model import Model

AuditAction: TypeAlias = Literal[
    "login.succeeded",
    "login.failed",
    "login.throttled",
    "session.ended",
    "refresh_token.reused",
    "password.changed",
    "password.reset",
    "password.reset_requested",
    "email.verified",
    "email.change_requested",
    "email.changed",
    "second_factor.on",
    "second_factor.off",
    "second_factor.failed",
    "second_factor.reset",
    "recovery_codes.renewed",
    "recovery_code.used",
    "api_key.made",
    "api_key.deleted",
    "user.role_changed",
    "user.disabled",
    "user.enabled",
    "user.deleted",
    "oauth.client_allowed",
    "oauth.code_reused",
    "key.rotated",
    "key.withdrawn",
    "oauth_client.made",
    "oauth_client.changed",
    "oauth_client.deleted",
    "oauth_client.secret_made",
    "oauth_client.secret_deleted",
]
"""What is put on record."""


AvatarSize: TypeAlias = Literal[128, 256, 512]
"""Pixels of a side."""


ClientType: TypeAlias = Literal["confidential", "public"]
"""Whether the client can keep a secret (RFC 6749 section 2.1)."""


Doer: TypeAlias = Literal["self", "other", "unknown"]
"""Who did it, as far as the account's owner is told."""


GrantType: TypeAlias = Literal["authorization_code", "refresh_token", "client_credentials"]
"""How a client may come to a token; never by a person's password (RFC 9700 section 2.4)."""


JobStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""A job is finished in each of the last three."""


Role: TypeAlias = Literal["user", "admin"]
"""What an account may do beyond its own."""


class ApiKey(Model):
    """A key without its secret."""

    created_at: datetime
    expires_at: datetime | None
    id: int
    last_used_at: datetime | None
    name: str
    scopes: list[str]


class Introspection(Model):
    """What a token is (RFC 7662 section 2.2); of one that does not hold nothing but that it does not."""

    active: bool
    aud: str | None = None
    client_id: str | None = None
    exp: int | None = None
    iat: int | None = None
    iss: str | None = None
    jti: str | None = None
    role: str | None = None
    scope: str | None = None
    sid: str | None = None
    sub: str | None = None
    tier: str | None = None
    token_type: str | None = None


class NameParts(Model):
    """A name, split at its first space; `last` is empty for a single word."""

    first: str
    last: str


class NewApiKey(Model):
    """A key just made: `key` is what goes into `X-API-Key` and is never shown again."""

    created_at: datetime
    expires_at: datetime | None
    id: int
    key: str
    last_used_at: datetime | None
    name: str
    scopes: list[str]


class NewSecondFactor(Model):
    """A secret for an authenticator app, shown in this answer only: as text, and as the URI of a QR code."""

    otpauth_uri: str
    secret: str


class NewSecret(Model):
    """A secret just made, which is never shown again."""

    client_secret: str
    created_at: datetime
    id: int
    last_used_at: datetime | None
    prefix: str


class PublicKey(Model):
    """An Ed25519 or P-256 key as JWK (RFC 7518, RFC 8037); `y` for the latter."""

    alg: str
    crv: str
    kid: str
    kty: str
    use: str
    x: str
    y: str | None = None


class RecoveryCodes(Model):
    """Codes that are good for one use each when the app is lost; shown in this answer only."""

    recovery_codes: list[str]


class SecondFactor(Model):
    """Whether a second factor is on, since when, and how many recovery codes are left."""

    confirmed_at: datetime | None
    enabled: bool
    recovery_codes_left: int


class Secret(Model):
    """A secret by its beginning."""

    created_at: datetime
    id: int
    last_used_at: datetime | None
    prefix: str


class ServerMetadata(Model):
    """RFC 8414 section 2."""

    authorization_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool | None = None
    code_challenge_methods_supported: list[str] | None = None
    grant_types_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    issuer: str
    jwks_uri: str
    response_modes_supported: list[str] | None = None
    response_types_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    scopes_supported: list[str]
    service_documentation: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]


class Session(Model):
    """A login that has not ended, or an application (`client`) that was allowed in; `current` is who asks."""

    address: str
    client: str | None
    created_at: datetime
    current: bool
    expires_at: datetime
    id: int
    last_used_at: datetime
    user_agent: str


class TokenAnswer(Model):
    """Tokens for a client (RFC 6749 section 5.1)."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    scope: str
    token_type: str | None = None


class Token(Model):
    """A pair of tokens (RFC 6749 section 5.1); the refresh token is good for one use."""

    access_token: str
    expires_in: int
    refresh_token: str
    token_type: str | None = None


class UserLinks(Model):
    """Where the account is found."""

    self: str


class AuditEvent(Model):
    """One thing that was done: by whom (null: a stranger), to which user, from where, by which request."""

    action: AuditAction | str
    actor_id: int | None
    address: str | None
    client_id: str | None
    """The OAuth client it was done to; then `subject_id` is 0."""
    created_at: datetime
    id: int
    occurrences: int
    request_id: str | None
    subject_id: int
    user_agent: str | None


class Job(Model):
    """A job as its owner sees it."""

    created_at: datetime
    error: str | None
    """Why it failed."""
    finished_at: datetime | None
    id: UUID
    message: str
    """What it does, in words."""
    progress: int
    """In percent."""
    result: Any
    """What it left; null while it is not finished."""
    status: JobStatus | str
    type: str


class KeySet(Model):
    """A JWK set."""

    keys: list[PublicKey]


class User(Model):
    """An account. `pending_email` and `disabled` are there while there is something to say."""

    created_at: datetime
    disabled: bool | None = None
    """An admin has shut it."""
    email: str
    email_verified: bool
    id: int
    name: str
    pending_email: str | None = None
    """What the address will be once it is confirmed."""
    role: Role | str


class SecurityEvent(Model):
    """One thing that was done to one's account; where an admin was is nobody else's business."""

    action: AuditAction | str
    address: str | None
    by: Doer | str
    created_at: datetime
    id: int
    occurrences: int
    user_agent: str | None


class NewOAuthClient(Model):
    """A client just registered: `client_secret` is never shown again; a public client has none."""

    client_id: str
    client_secret: str | None
    created_at: datetime
    grants: list[GrantType | str]
    name: str
    redirect_uris: list[str]
    scopes: list[str]
    secrets: list[Secret]
    tier: str
    type: ClientType | str


class OAuthClient(Model):
    """A registered client."""

    client_id: str
    created_at: datetime
    grants: list[GrantType | str]
    name: str
    redirect_uris: list[str]
    scopes: list[str]
    secrets: list[Secret]
    tier: str
    type: ClientType | str


class UserV2(Model):
    """An account, as version 2 shows it."""

    created_at: datetime
    disabled: bool | None = None
    """An admin has shut it."""
    email: str
    email_verified: bool
    id: int
    links: UserLinks
    name: NameParts
    pending_email: str | None = None
    """What the address will be once it is confirmed."""
    role: Role | str
