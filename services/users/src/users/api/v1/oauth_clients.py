"""/oauth/clients: the programs that may ask for tokens, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from shared.problems import Forbidden, NotFound
from shared.web import EntityId, Page, Paging, Transaction, problem_responses
from users.api.dependencies import Admin, CallingClient, SignedInHere
from users.api.v1.oauth_client_documents import (
    NewOAuthClientDocument,
    NewSecretDocument,
    OAuthClientBody,
    OAuthClientDocument,
    OAuthClientPatch,
)
from users.domain.oauth_clients import OAuthClientNotFound
from users.oauth import registration
from users.oauth.registration import Administrator
from users.store import oauth_clients as store

router = APIRouter(prefix="/oauth/clients", tags=["oauth clients"])

ClientId = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{2,39}$", examples=["client-4f0c2a9d1b7e6358"])]


def _administrator(caller: SignedInHere, client: CallingClient) -> Administrator:
    # A login, no API key: a key that leaks must not make credentials that outlive it.
    if not caller.is_admin:
        raise Forbidden("forbidden", "Only an admin may do this.")
    return Administrator(caller.user.id, client)


By = Annotated[Administrator, Depends(_administrator)]


async def _document(connection: Transaction, client_id: str) -> OAuthClientDocument:
    client = await store.find(connection, client_id)
    if client is None:
        raise OAuthClientNotFound
    return OAuthClientDocument.of(client, await store.secrets_of(connection, client_id))


@router.post("", status_code=201, summary="Register an OAuth client", responses=problem_responses(401, 403))
async def register_oauth_client(
    body: OAuthClientBody, by: By, connection: Transaction, request: Request, response: Response
) -> NewOAuthClientDocument:
    """Register a program. The secret of a confidential one is in this answer only; kept is its SHA-256."""
    client, new = await registration.register(connection, body.draft(), by)
    response.headers["Location"] = f"{request.url.path}/{client.client_id}"
    response.headers["Cache-Control"] = "no-store"
    shown = OAuthClientDocument.of(client, [new.secret] if new else [])
    return NewOAuthClientDocument(**shown.model_dump(), client_secret=new.text if new else None)


@router.get("", summary="List the OAuth clients", responses=problem_responses(401, 403))
async def list_oauth_clients(_caller: Admin, connection: Transaction, paging: Paging) -> Page[OAuthClientDocument]:
    """A page of clients, the newest first."""
    found, total = await store.page(connection, paging.page_size, paging.offset)
    secrets = await store.secrets_of_all(connection, [client.client_id for client in found])
    return Page.of(
        [OAuthClientDocument.of(client, secrets.get(client.client_id, ())) for client in found], total, paging
    )


@router.get("/{client_id}", summary="Show an OAuth client", responses=problem_responses(401, 403, 404))
async def show_oauth_client(client_id: ClientId, _caller: Admin, connection: Transaction) -> OAuthClientDocument:
    """One client with its secrets' beginnings and when they were last used."""
    return await _document(connection, client_id)


@router.patch("/{client_id}", summary="Change an OAuth client", responses=problem_responses(401, 403, 404))
async def change_oauth_client(
    client_id: ClientId, body: OAuthClientPatch, by: By, connection: Transaction
) -> OAuthClientDocument:
    """Change what is named. Tokens of the client that are out end when it loses a scope or a grant."""
    await registration.change(connection, client_id, body.changes(), by)
    return await _document(connection, client_id)


@router.delete(
    "/{client_id}", status_code=204, summary="Remove an OAuth client", responses=problem_responses(401, 403, 404)
)
async def remove_oauth_client(client_id: ClientId, by: By, connection: Transaction) -> None:
    """Remove a client: its secrets, its tokens and what people allowed it end with it."""
    await registration.remove(connection, client_id, by)


@router.post(
    "/{client_id}/secrets",
    status_code=201,
    summary="Give an OAuth client another secret",
    responses=problem_responses(401, 403, 404, 409),
)
async def make_oauth_client_secret(
    client_id: ClientId, by: By, connection: Transaction, response: Response
) -> NewSecretDocument:
    """Rotate: the new secret is shown once, the one before it goes on to hold, one older than that ends."""
    new = await registration.add_secret(connection, client_id, by)
    response.headers["Cache-Control"] = "no-store"
    return NewSecretDocument.new(new.secret, new.text)


@router.delete(
    "/{client_id}/secrets/{secret_id}",
    status_code=204,
    summary="End a secret of an OAuth client",
    responses=problem_responses(401, 403, 404),
)
async def end_oauth_client_secret(client_id: ClientId, secret_id: EntityId, by: By, connection: Transaction) -> None:
    """End a secret at once, and the client's own tokens that are out: it may be in wrong hands."""
    if not await registration.remove_secret(connection, client_id, secret_id, by):
        raise NotFound("oauth_secret_not_found", "The client has no such secret.")
