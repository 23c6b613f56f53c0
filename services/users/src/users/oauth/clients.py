"""Who a client is: client_secret_basic, client_secret_post, or none for a public one (RFC 6749 section 2.3)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_plus

import structlog
from prometheus_client import Counter

from shared.postgres import Database
from users.domain.credentials import digest
from users.domain.oauth_clients import ClientType, OAuthClient
from users.oauth.errors import OAuthError, invalid_client, invalid_request
from users.resources import UsersResources
from users.store import oauth_clients as store

log = structlog.stdlib.get_logger(__name__)

FAILED = Counter("users_client_authentications_failed_total", "OAuth clients that did not authenticate.")

_NOBODY = bytes(32)
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class PresentedClient:
    """What a request says of the client that sends it."""

    client_id: str
    secret: str | None


def presented_client(authorization: str | None, form: Mapping[str, str]) -> PresentedClient:
    """Raises OAuthError: for more than one way at a time, for none, and for a header that does not parse."""
    if authorization is None:
        if "client_id" not in form:
            raise invalid_client()
        found = PresentedClient(form["client_id"], form.get("client_secret"))
    else:
        found = _basic(authorization)
        if "client_secret" in form:
            raise invalid_request("A client authenticates in one way at a time.")
        if form.get("client_id", found.client_id) != found.client_id:
            raise invalid_request("client_id is another than the one that authenticates.")
    if max(len(found.client_id), len(found.secret or "")) > _LONGEST:
        raise invalid_client()
    return found


def _basic(authorization: str) -> PresentedClient:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client()
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        # Form-encoded before they were joined (RFC 6749 section 2.3.1).
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise invalid_client() from None
    if not colon or "\0" in client_id:
        raise invalid_client()
    return PresentedClient(client_id, secret)


@dataclass(frozen=True, slots=True)
class AuthenticatedClient:
    """A client, and the digest of the secret that it showed; None of a public one."""

    client: OAuthClient
    secret_digest: bytes | None


async def authenticate_client(
    database: Database, own: UsersResources, presented: PresentedClient, address: str, *, counted_as: str = "client"
) -> AuthenticatedClient:
    """The client that it says it is; failures are those of a door, ``counted_as``.

    Failures are counted by client and address, as those of logins are, so that guessing is slow and a stranger shuts
    no client out. The count is looked at before and added to after: a client may call many times at once, and what
    passes meanwhile is nothing against 256 bits. Raises OAuthError: invalid_client, or 429 after too many failures.
    """
    account = f"{counted_as}:{presented.client_id}"
    wait = await own.throttle.wait(account, address)
    if wait:
        raise OAuthError(
            "temporarily_unavailable",
            "Too many failed authentications. Try again later.",
            status=HTTPStatus.TOO_MANY_REQUESTS,
            headers={"Retry-After": str(wait)},
        )
    async with database.acquire() as connection:
        found = await store.find_credentials(connection, presented.client_id)
        kept = matching_digest(presented.secret, found.digests if found else ())
        if found is not None and kept is not None:
            await store.touch_secret(connection, found.client.client_id, kept)
    if found is not None and _authenticated(found.client, presented, kept):
        return AuthenticatedClient(found.client, kept)
    FAILED.inc()
    await own.throttle.take(account, address)
    if found is not None:
        log.warning("client_not_authenticated", client_id=found.client.client_id)
    raise invalid_client()


def _authenticated(client: OAuthClient, presented: PresentedClient, kept: bytes | None) -> bool:
    if client.type is ClientType.PUBLIC:
        # It has no secret: one that sends any takes itself for another.
        return presented.secret is None
    return kept is not None


def matching_digest(secret: str | None, digests: tuple[bytes, ...]) -> bytes | None:
    """The digest that the secret has, in a time that does not depend on which, or whether any."""
    given, found = digest(secret or ""), None
    for kept in (*digests, _NOBODY, _NOBODY)[:2]:
        if hmac.compare_digest(given, kept):
            found = kept
    return found if secret else None
