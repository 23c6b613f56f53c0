"""What a client asks for at the authorization endpoint, and how it is refused (RFC 6749 section 4.1)."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

CODE_LIFETIME = timedelta(seconds=60)

BROWSER_LOGIN_LIFETIME = timedelta(hours=8)
"""How long a browser stays signed in for further clients: absolute, whatever is done meanwhile."""

SECOND_STEP_LIFETIME = timedelta(minutes=5)
"""Between the right password and the code of the second factor."""


_CODE_PREFIX = "ghc_"


def new_code() -> str:
    """An authorization code: ``ghc_`` and 43 characters, 256 random bits."""
    return _CODE_PREFIX + secrets.token_urlsafe(32)


class Prompt(StrEnum):
    """What the person is to be asked whatever is known (OpenID Connect Core section 3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that is right in itself: the client is known, and the address to answer to is its own."""

    client_id: str
    client_name: str
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    code_challenge: str
    prompts: frozenset[Prompt]
    consent_is_kept: bool


class UntrustedRequest(Exception):  # noqa: N818 - the request, not the code, is at fault
    """Nobody knows whom to answer: the person is told, and no redirect is made (RFC 6749 section 4.1.2.1)."""


class AuthorizationError(Exception):
    """The client is told by redirect: ``error`` is a word of RFC 6749 section 4.1.2.1."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
