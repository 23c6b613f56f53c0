"""Scopes: what a token may be used for (RFC 6749 section 3.3)."""

from collections.abc import Iterable

from users.domain.account import Role

USER_SCOPES = (
    "users:read",
    "users:write",
    "orders:read",
    "orders:write",
    "reports:read",
    "reports:write",
)
ADMIN_SCOPE = "admin"
EXCHANGE_SCOPE = "keys:exchange"
"""The right to exchange people's API keys for tokens: the gateway's."""
INTROSPECT_SCOPE = "tokens:introspect"
"""The right to ask what a token is (RFC 7662)."""
SERVICE_SCOPES = (*USER_SCOPES, EXCHANGE_SCOPE, INTROSPECT_SCOPE)
"""What a client may have that acts for itself."""


def scopes_of(role: Role) -> tuple[str, ...]:
    """All scopes that an account of this role has."""
    return (*USER_SCOPES, ADMIN_SCOPE) if role is Role.ADMIN else USER_SCOPES


def narrowed(role: Role, wanted: Iterable[str]) -> tuple[Role, tuple[str, ...]]:
    """Role and scopes of a token with these scopes only.

    Without the scope ``admin`` an admin's token is a user's: a key that leaks opens no more than it names.
    """
    allowed = set(wanted)
    kept = tuple(scope for scope in scopes_of(role) if scope in allowed)
    return (role if ADMIN_SCOPE in kept else Role.USER), kept
