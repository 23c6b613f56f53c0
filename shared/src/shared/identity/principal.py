"""The caller, as a verified token says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """Who calls. ``subject`` is the token's ``sub``: a user's id, or a client's name for role ``service``.

    ``session`` is the ``sid`` of a token that a login gave; a token for an API key has none. ``client_id`` is who got
    the token (RFC 9068 section 2.2).
    """

    subject: str
    role: str
    tier: str
    scopes: frozenset[str]
    token_id: str
    session: str | None = None
    client_id: str | None = None

    @property
    def user_id(self) -> int:
        """The user's id; 0, which no user has, for a service."""
        return int(self.subject) if self.subject.isdigit() else 0

    @property
    def is_admin(self) -> bool:
        """Whether the role is admin."""
        return self.role == "admin"

    @property
    def is_service(self) -> bool:
        """Whether the token stands for a program itself, which owns nothing."""
        return self.role == "service"

    def may_read(self, user_id: int) -> bool:
        """As ``may_see``; and everything for a program, whose scopes alone say what it reads."""
        return self.is_service or self.may_see(user_id)

    def may_see(self, user_id: int) -> bool:
        """Whether what belongs to this user exists for the caller: own, or everything for an admin."""
        return self.is_admin or self.user_id == user_id
