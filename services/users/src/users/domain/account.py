"""An account, and who may change what of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What an account may do beyond its own."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """An account; ``version`` grows with each change that its owner can see."""

    id: int
    name: str
    email: str
    role: Role
    tier: str
    created_at: datetime
    disabled_at: datetime | None
    version: int

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed; None leaves a field as it is."""

    name: str | None = None
    email: str | None = None
    role: Role | None = None


def gives_up_admin(user: User, role: Role | None) -> bool:
    """Whether this change takes the admin's role from an account that may use it."""
    return user.role is Role.ADMIN and user.is_active and role not in (None, Role.ADMIN)
