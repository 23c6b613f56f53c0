"""OAuth clients (RFC 6749 section 2): what one is, and which combinations make sense."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.problems import NotFound
from users.domain.scopes import SERVICE_SCOPES, USER_SCOPES

FIRST_PARTY = "gatehouse"
"""The ``client_id`` of tokens that people get by logging in here, without a client between."""

SERVICE_ROLE = "service"
"""The role of a token that stands for a client itself."""

SERVICE_TIER = "service"
MAX_SECRETS = 2


class OAuthClientNotFound(NotFound):
    """There is no such client."""

    def __init__(self) -> None:
        super().__init__("oauth_client_not_found", "There is no such OAuth client.")


class ClientType(StrEnum):
    """Whether the client can keep a secret (RFC 6749 section 2.1)."""

    CONFIDENTIAL = "confidential"
    PUBLIC = "public"


class GrantType(StrEnum):
    """How a client may come to a token; never by a person's password (RFC 9700 section 2.4)."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name of the RFC
    CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client; ``scopes`` are the most that a token of it can have."""

    client_id: str
    name: str
    type: ClientType
    grants: tuple[GrantType, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    tier: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret as it is listed: ``prefix`` is its beginning, by which it is recognized."""

    id: int
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


def wrong_combinations(
    kind: ClientType, grants: Collection[GrantType], redirect_uris: Sequence[str], scopes: Collection[str]
) -> list[tuple[str, str]]:
    """Each field that does not go with the others, and why.

    A client acts for people or for itself: with both, one scope would mean a person's own things in one token and
    everybody's in another (RFC 9700 section 4.15).
    """
    wrong: list[tuple[str, str]] = []
    for_people = GrantType.AUTHORIZATION_CODE in grants
    if for_people and GrantType.CLIENT_CREDENTIALS in grants:
        wrong.append(("grants", "A client acts for people or for itself: authorization_code or client_credentials."))
    if GrantType.REFRESH_TOKEN in grants and not for_people:
        wrong.append(("grants", "refresh_token goes with authorization_code."))
    if kind is ClientType.PUBLIC and not for_people:
        wrong.append(("type", "A public client can only act for people, by authorization_code."))
    if for_people and not redirect_uris:
        wrong.append(("redirect_uris", "authorization_code needs one at least."))
    if redirect_uris and not for_people:
        wrong.append(("redirect_uris", "Only authorization_code uses them."))
    unknown = sorted(set(scopes) - set(USER_SCOPES if for_people else SERVICE_SCOPES))
    if unknown:
        wrong.append(("scopes", f"This client cannot have {' '.join(unknown)}."))
    return wrong
