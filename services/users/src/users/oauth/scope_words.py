"""Scopes in the words of the consent page: what somebody who allows them lets happen."""

_WORDS = {
    "users:read": "see your name, e-mail address and picture, your sessions, API keys' names and security events",
    "users:write": "change your name and your picture, and end your sessions",
    "orders:read": "see your orders and payments",
    "orders:write": "place, pay and cancel orders for you",
    "reports:read": "see your reports, schedules and webhooks",
    "reports:write": "make, schedule and delete reports and webhooks for you",
    "admin": "do all that an administrator may do, with everybody's data",
}


def in_words(scope: str) -> str:
    """The scope as a person reads it; the bare word for one that has none."""
    return _WORDS.get(scope, f"use “{scope}”")
