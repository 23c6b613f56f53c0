"""What a mailed link is good for, for how long, and how often it is mailed."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.problems import BadRequest


class Purpose(StrEnum):
    """A token of one purpose is none of another."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - no password
    CHANGE_EMAIL = "change_email"

    @property
    def lifetime(self) -> timedelta:
        """How long a token is good."""
        return timedelta(minutes=30) if self is Purpose.RESET_PASSWORD else timedelta(hours=24)

    @property
    def prefix(self) -> str:
        """How a token begins, by which people and scanners of secrets know it."""
        return _PREFIXES[self]

    @property
    def path(self) -> str:
        """The page that the link leads to."""
        return _PATHS[self]


_PREFIXES = {Purpose.VERIFY_EMAIL: "ghv_", Purpose.RESET_PASSWORD: "ghp_", Purpose.CHANGE_EMAIL: "ghe_"}
_PATHS = {
    Purpose.VERIFY_EMAIL: "/account/verify-email",
    Purpose.RESET_PASSWORD: "/account/reset-password",
    Purpose.CHANGE_EMAIL: "/account/change-email",
}

MOST_MAILS = 3
"""Of one purpose to one account within a token's lifetime. The last of them stays good until there is room for the
next, so that a stranger who asks and asks neither fills a mailbox nor keeps its owner out."""


class LinkNotValid(BadRequest):
    """The token is unknown, spent, too old, or for something else: which of them is not said."""

    def __init__(self) -> None:
        super().__init__("link_not_valid", "The link is not valid, or not any more. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class MailedToken:
    """A token that is good: whose it is, and the address that it was mailed to."""

    user_id: int
    email: str
