"""An account, and who may change what of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.problems import Conflict, Forbidden, NotFound


class UserNotFound(NotFound):
    """There is no such account for this caller."""

    def __init__(self) -> None:
        super().__init__("user_not_found", "There is no such user.")


class EmailTaken(Conflict):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__("email_taken", "This e-mail address has an account already.")


class LastAdmin(Conflict):
    """Without this account nobody could lead the house."""

    def __init__(self) -> None:
        super().__init__("last_admin", "This is the last admin; make another one first.")


class NotYourRoleToChange(Forbidden):
    """Nobody gives roles but an admin."""

    def __init__(self) -> None:
        super().__init__("forbidden", "Only an admin may change a role.")


class NotYoursToDisable(Forbidden):
    """Nobody disables accounts but an admin."""

    def __init__(self) -> None:
        super().__init__("forbidden", "Only an admin may disable or enable an account.")


class Role(StrEnum):
    """What an account may do beyond its own."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """An account; ``version`` grows with each change that its owner can see.

    ``token_generation`` grows when it is weakened: tokens of an earlier one have ended.
    """

    id: int
    name: str
    email: str
    role: Role
    tier: str
    created_at: datetime
    disabled_at: datetime | None
    version: int
    email_verified_at: datetime | None = None
    pending_email: str | None = None
    password_changed_at: datetime | None = None
    token_generation: int = 0

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in."""
        return self.disabled_at is None

    @property
    def disabled(self) -> bool:
        """Whether an admin has shut it."""
        return self.disabled_at is not None

    @property
    def email_verified(self) -> bool:
        """Whether its owner has shown that mail to the address arrives."""
        return self.email_verified_at is not None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed; None leaves a field as it is."""

    name: str | None = None
    email: str | None = None
    role: Role | None = None
    disabled: bool | None = None


def gives_up_admin(user: User, changes: Changes) -> bool:
    """Whether these changes take the admin's role from an account that may use it."""
    gone = changes.role not in (None, Role.ADMIN) or changes.disabled is True
    return user.role is Role.ADMIN and user.is_active and gone
