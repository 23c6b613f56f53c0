"""Who a request speaks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """From a verified token. ``forward_as`` is the Authorization for the upstream where it is not the client's."""

    subject: str
    role: str
    tier: str
    scopes: frozenset[str]
    expires: float
    # When the token was issued (Unix seconds), its ``sid``, ``generation`` and ``kid``: by these it may end early.
    issued: float = 0.0
    session: str = ""
    generation: int | None = None
    key: str = ""
    forward_as: bytes | None = None

    @property
    def limit_tier(self) -> str:
        """The tier whose quota counts: admins have a figure of their own; a program's tier is in its token."""
        return self.role if self.role == "admin" else self.tier
