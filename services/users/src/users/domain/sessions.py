"""Sessions and API keys as their owner sees them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.problems import Conflict, NotFound

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
EXCHANGED_TOKEN_LIFETIME = timedelta(minutes=1)
"""Of a token given for an API key: the gateway asks again after 5 s, nobody needs it for longer."""

SESSION_LIFETIME = timedelta(days=30)
"""Absolute: refreshing does not prolong it (RFC 9700 section 4.14)."""

MAX_API_KEYS = 20


class SessionNotFound(NotFound):
    """The caller has no such session."""

    def __init__(self) -> None:
        super().__init__("session_not_found", "There is no such session.")


class ApiKeyNotFound(NotFound):
    """The caller has no such key."""

    def __init__(self) -> None:
        super().__init__("api_key_not_found", "There is no such API key.")


class TooManyApiKeys(Conflict):
    """The account has as many keys as one may have."""

    def __init__(self) -> None:
        super().__init__("too_many_api_keys", f"An account has at most {MAX_API_KEYS} API keys. Delete one first.")


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from, so that its owner recognizes it in the list of sessions and on record."""

    address: str
    user_agent: str
    request_id: str | None = None
    device: str = ""


NOWHERE = Client("", "")
"""For what no request of a person did."""


@dataclass(frozen=True, slots=True)
class Session:
    """A login that has not ended yet; ``client`` is the name of the OAuth client that was allowed in."""

    id: int
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    client: str | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
