"""With what a client shows who it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class ApiKey:
    """A key made at ``/users/me/api-keys``."""

    key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent."""
        return {"X-API-Key": self.key}

    @property
    def renewable(self) -> bool:
        """A key does not end and begin anew."""
        return False


@dataclass(frozen=True)
class Tokens:
    """A pair of a login: the refresh token is good for the next pair, once."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent."""
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def renewable(self) -> bool:
        """Whether there is a next pair to get."""
        return self.refresh_token is not None


@dataclass(frozen=True)
class ClientCredentials:
    """A program with an identity of its own (RFC 6749 section 4.4); the token is fetched when first needed."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    access_token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent; nothing before the first token."""
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    @property
    def renewable(self) -> bool:
        """Whether there is another token to get."""
        return True


Credential: TypeAlias = ApiKey | Tokens | ClientCredentials
"""Any of them."""
