"""The record of who did what to whom, from where: ids and addresses, and no secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditAction(StrEnum):
    """What is put on record."""

    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGIN_THROTTLED = "login.throttled"
    SESSION_ENDED = "session.ended"
    REFRESH_TOKEN_REUSED = "refresh_token.reused"  # noqa: S105 - no password
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the same
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the same
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105 - the same
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    SECOND_FACTOR_ON = "second_factor.on"
    SECOND_FACTOR_OFF = "second_factor.off"
    SECOND_FACTOR_FAILED = "second_factor.failed"
    SECOND_FACTOR_RESET = "second_factor.reset"
    RECOVERY_CODES_RENEWED = "recovery_codes.renewed"
    RECOVERY_CODE_USED = "recovery_code.used"
    API_KEY_MADE = "api_key.made"
    API_KEY_DELETED = "api_key.deleted"
    ROLE_CHANGED = "user.role_changed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_DELETED = "user.deleted"
    CLIENT_ALLOWED = "oauth.client_allowed"
    CODE_REUSED = "oauth.code_reused"
    KEY_ROTATED = "key.rotated"
    KEY_WITHDRAWN = "key.withdrawn"
    OAUTH_CLIENT_MADE = "oauth_client.made"
    OAUTH_CLIENT_CHANGED = "oauth_client.changed"
    OAUTH_CLIENT_DELETED = "oauth_client.deleted"
    OAUTH_SECRET_MADE = "oauth_client.secret_made"  # noqa: S105 - no password
    OAUTH_SECRET_DELETED = "oauth_client.secret_deleted"  # noqa: S105 - the same


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """``actor_id``, None for a stranger, did it to ``subject_id``, by the request of this id."""

    id: int
    action: AuditAction
    actor_id: int | None
    subject_id: int
    address: str | None
    user_agent: str | None
    request_id: str | None
    occurrences: int
    created_at: datetime
    client_id: str | None = None
