"""OAuth clients administered: made, changed, removed, given secrets; each act is on record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.postgres import Connection
from shared.problems import Conflict, FieldError, UnprocessableContent
from users.domain.audit import AuditAction
from users.domain.credentials import digest, new_client_id, new_client_secret
from users.domain.oauth_clients import (
    ClientSecret,
    ClientType,
    GrantType,
    OAuthClient,
    OAuthClientNotFound,
    wrong_combinations,
)
from users.domain.sessions import Client
from users.store import audit, service_tokens
from users.store import oauth_clients as store

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who does it, and from where."""

    user_id: int
    client: Client


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client that is to be."""

    name: str
    type: ClientType
    grants: tuple[GrantType, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    tier: str


@dataclass(frozen=True, slots=True)
class ClientChanges:
    """What is to be changed; None leaves a field as it is. The type stays: it says who holds the client's tokens."""

    name: str | None = None
    grants: tuple[GrantType, ...] | None = None
    redirect_uris: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret and the text of it, which is shown this once."""

    secret: ClientSecret
    text: str


def _check(kind: ClientType, grants: Sequence[GrantType], redirect_uris: Sequence[str], scopes: Sequence[str]) -> None:
    wrong = wrong_combinations(kind, grants, redirect_uris, scopes)
    if wrong:
        errors = [FieldError(field=field, message=message) for field, message in wrong]
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=errors)


async def register(
    connection: Connection, draft: ClientDraft, by: Administrator
) -> tuple[OAuthClient, NewSecret | None]:
    """Make a client, with its first secret if it keeps one. Raises UnprocessableContent."""
    _check(draft.type, draft.grants, draft.redirect_uris, draft.scopes)
    client = await store.insert(
        connection,
        new_client_id(),
        name=draft.name,
        kind=draft.type,
        grants=draft.grants,
        redirect_uris=draft.redirect_uris,
        scopes=draft.scopes,
        tier=draft.tier,
    )
    if client is None:
        raise LookupError("a random client_id was there already")
    await _record(connection, AuditAction.OAUTH_CLIENT_MADE, client.client_id, by)
    secret = await _new_secret(connection, client) if client.type is ClientType.CONFIDENTIAL else None
    return client, secret


async def change(connection: Connection, client_id: str, changes: ClientChanges, by: Administrator) -> OAuthClient:
    """Change a client; what changes nothing is no new version. What it loses, its tokens lose at once (a trigger).

    Raises OAuthClientNotFound, UnprocessableContent.
    """
    client = await _locked(connection, client_id)
    named = {name: getattr(changes, name) for name in ClientChanges.__dataclass_fields__}
    wanted = replace(client, **{name: value for name, value in named.items() if value is not None})
    _check(wanted.type, wanted.grants, wanted.redirect_uris, wanted.scopes)
    if wanted == client:
        return client
    await _record(connection, AuditAction.OAUTH_CLIENT_CHANGED, client_id, by)
    return await store.update(connection, wanted)


async def remove(connection: Connection, client_id: str, by: Administrator) -> None:
    """Remove a client; its tokens and what people allowed it end (triggers). Raises OAuthClientNotFound."""
    if not await store.delete(connection, client_id):
        raise OAuthClientNotFound
    await _record(connection, AuditAction.OAUTH_CLIENT_DELETED, client_id, by)


async def add_secret(connection: Connection, client_id: str, by: Administrator) -> NewSecret:
    """A further secret, so that the old one holds until the client has the new one; of two the older goes.

    Raises OAuthClientNotFound, Conflict for a public client.
    """
    client = await _locked(connection, client_id)
    if client.type is not ClientType.CONFIDENTIAL:
        raise Conflict("public_client", "A public client keeps no secret.")
    await _record(connection, AuditAction.OAUTH_SECRET_MADE, client_id, by)
    return await _new_secret(connection, client)


async def remove_secret(connection: Connection, client_id: str, secret_id: int, by: Administrator) -> bool:
    """End a secret, which may be in wrong hands, with the tokens that are out; False when there is none.

    Raises OAuthClientNotFound.
    """
    await _locked(connection, client_id)
    if not await store.delete_secret(connection, client_id, secret_id):
        return False
    await service_tokens.revoke_all(connection, client_id)
    await _record(connection, AuditAction.OAUTH_SECRET_DELETED, client_id, by)
    return True


async def _locked(connection: Connection, client_id: str) -> OAuthClient:
    client = await store.lock(connection, client_id)
    if client is None:
        raise OAuthClientNotFound
    return client


async def _new_secret(connection: Connection, client: OAuthClient) -> NewSecret:
    text = new_client_secret()
    return NewSecret(await store.add_secret(connection, client.client_id, digest(text), text[:_SHOWN]), text)


async def _record(connection: Connection, action: AuditAction, client_id: str, by: Administrator) -> None:
    await audit.insert(connection, action, actor_id=by.user_id, subject_id=0, client=by.client, client_id=client_id)
